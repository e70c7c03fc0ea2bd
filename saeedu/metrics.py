"""How good is an SAE? Sparsity, faithfulness to the activations, and what the model loses by it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from saeedu.language_model import LanguageModel
from saeedu.progress_bars import progress_bar
from saeedu.sae.base import SAE
from saeedu.shapes import shaped


@shaped(latents="batch d_sae")
def l0(latents: Tensor) -> Tensor:
    """Mean number of latents that are active in a sample.

    **Arguments:** `latents` [batch, d_sae].
    **Returns:** a number between 0 and d_sae.
    **Raises:** `ShapeError` when `latents` is not two-dimensional.
    **Source:** the field's usual measure of sparsity, e.g. Rajamanoharan et al. (2024).
    """
    return (latents > 0).sum(dim=1).float().mean()


@shaped(x_hat="batch d_in", x="batch d_in")
def explained_variance(x_hat: Tensor, x: Tensor) -> Tensor:
    """One minus the squared error as a fraction of the activations' variance (1 - FVU).

    Both sums run over the batch and over d_in before they are divided, so directions of large
    variance count for more. Other quantities go by this
    name: the error's mean removed first, or one fraction per token or per dimension, averaged.

    **Arguments:** `x_hat`, `x` [batch, d_in].
    **Returns:** 1 for a perfect reconstruction, 0 for one no better than the mean; can be negative.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** the variance-weighted R² of statistics; Gao et al. (2024) report 1 minus it.
    """
    squared_error = ((x - x_hat) ** 2).sum()
    variance = ((x - x.mean(dim=0)) ** 2).sum()
    return 1 - squared_error / variance


def cross_entropy_recovered(clean: float, with_sae: float, zero_ablated: float) -> float:
    """How much of what a layer does for the prediction survives a trip through the SAE.

    **Arguments:** the model's mean cross-entropy in nats per token: as it stands, with the SAE's
    reconstruction in place of the activation, and with zeros in its place.
    **Returns:** 1 when the SAE costs nothing, 0 when it is as bad as zeros; can be negative.
    **Source:** Bricken et al. (2023), "loss recovered".
    """
    return (zero_ablated - with_sae) / (zero_ablated - clean)


@dataclass(frozen=True)
class Reconstruction:
    """How an SAE does on activations alone."""

    l0: float
    """Mean number of active latents per token."""
    explained_variance: float
    """1 - FVU, over all tokens together."""
    density: Tensor
    """For each latent, the fraction of tokens on which it is active, [d_sae]."""

    @property
    def dead(self) -> float:
        """The fraction of latents that were active on no token."""
        return (self.density == 0).float().mean().item()


@torch.no_grad()
def evaluate_reconstruction(sae: SAE, x: Tensor, batch_size: int = 4_096) -> Reconstruction:
    """Measure sparsity and explained variance, a batch at a time.

    **Arguments:** `sae`; `x` [n, d_in], n at least 2, in the units that the SAE takes.
    **Returns:** `Reconstruction`, the same numbers as on all of `x` at once.
    **Raises:** `ShapeError` when `x` does not fit the SAE.
    """
    device = sae.b_dec.device
    mean = x.mean(dim=0).to(device)
    active = torch.zeros(sae.d_sae, device=device)
    squared_error = variance = 0.0
    for start in range(0, len(x), batch_size):
        batch = x[start : start + batch_size].to(device)
        latents = sae.encode(batch)
        squared_error += ((batch - sae.decode(latents)) ** 2).sum().item()
        variance += ((batch - mean) ** 2).sum().item()
        active += (latents > 0).sum(dim=0)
    density = (active / len(x)).cpu()
    return Reconstruction(density.sum().item(), 1 - squared_error / variance, density)


@dataclass(frozen=True)
class CrossEntropies:
    """What replacing an activation costs the language model, in nats per token."""

    clean: float
    with_sae: float
    zero_ablated: float

    @property
    def recovered(self) -> float:
        """The fraction of cross-entropy recovered."""
        return cross_entropy_recovered(self.clean, self.with_sae, self.zero_ablated)


@torch.no_grad()
def evaluate_cross_entropy(
    model: LanguageModel, sae: SAE, tokens: Tensor, hook: str, batch_size: int = 8
) -> CrossEntropies:
    """Measure the model's cross-entropy as it stands, with the SAE, and with zeros at the hook.

    BOS tokens keep their own activation in both, because no SAE of ours is trained on them: what
    is compared are two replacements of the same activations.

    **Arguments:** `model`; `sae`; `tokens` [n_contexts, context], each beginning with BOS; `hook`,
    the one that the SAE was trained on; `batch_size`, contexts at a time.
    **Returns:** means over all next-token predictions.
    **Raises:** `ValueError` and `ShapeError` as `LanguageModel.loss_with`.
    """
    device = sae.b_dec.device

    sums = torch.zeros(3, dtype=torch.float64)
    with progress_bar(tokens.numel(), "tok", "cross-entropy") as bar:
        for batch in tokens.split(batch_size):
            edited = (batch != model.bos_token_id).to(model.device)
            edited[:, 0] = False

            def reconstruct(activation: Tensor, edited: Tensor = edited) -> Tensor:
                result = activation.clone()
                result[edited] = sae(activation[edited].to(device)).to(activation)
                return result

            def zero(activation: Tensor, edited: Tensor = edited) -> Tensor:
                return activation.masked_fill(edited[..., None], 0.0)

            losses = (
                model.loss(batch),
                model.loss_with(batch, hook, reconstruct),
                model.loss_with(batch, hook, zero),
            )
            sums += torch.stack([loss.sum().double().cpu() for loss in losses])
            bar.update(batch.numel())
    n_predictions = len(tokens) * (tokens.shape[1] - 1)
    clean, with_sae, zero_ablated = (sums / n_predictions).tolist()
    return CrossEntropies(clean, with_sae, zero_ablated)
