"""What the language model loses when an SAE stands in for an activation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from saeedu.hooked_model import LanguageModel
from saeedu.metrics.streaming import BlockSums, RunningMean
from saeedu.next_token import next_token_kl, next_token_loss
from saeedu.progress_bars import progress_bar
from saeedu.sae.base import SAE


def cross_entropy_recovered(clean: float, with_sae: float, zero_ablated: float) -> float:
    """How much of what a layer does for the prediction survives a trip through the SAE.

    **Arguments:** the model's mean cross-entropy in nats per token: as it stands, with the SAE's
    reconstruction in place of the activation, and with zeros in its place.
    **Returns:** 1 when the SAE costs nothing, 0 when it is as bad as zeros; can be negative.
    **Source:** Bricken et al. (2023), "loss recovered".
    """
    return (zero_ablated - with_sae) / (zero_ablated - clean)


@dataclass(frozen=True)
class CrossEntropies:
    """What replacing an activation costs the language model, in nats per token."""

    clean: float
    """The model's cross-entropy as it stands."""
    with_sae: float
    """With the SAE's reconstruction in place of the activation."""
    zero_ablated: float
    """With zeros in its place."""
    mean_ablated: float
    """With its mean over all tokens in its place."""
    kl: float
    """How far the predictions with the SAE are from the clean ones: KL(clean || with the SAE)."""
    kl_zero_ablated: float
    """The same with zeros."""
    n_contexts: int
    standard_errors: dict[str, float]
    """For each figure and each fraction recovered, by name, one standard error; each context is
    one sample."""

    @property
    def recovered(self) -> float:
        """The fraction of cross-entropy recovered, where zeros recover nothing."""
        return cross_entropy_recovered(self.clean, self.with_sae, self.zero_ablated)

    @property
    def recovered_from_mean(self) -> float:
        """The fraction of cross-entropy recovered, where the mean recovers nothing.

        The mean does the model less harm than zeros do, so this is the stricter ruler.
        """
        return cross_entropy_recovered(self.clean, self.with_sae, self.mean_ablated)

    @property
    def kl_recovered(self) -> float:
        """As `recovered`, in KL: 1 when the predictions stay as they were, 0 when as with zeros."""
        return 1 - self.kl / self.kl_zero_ablated


LOSSES = ("clean", "with_sae", "zero_ablated", "mean_ablated", "kl", "kl_zero_ablated")


@torch.no_grad()
def evaluate_cross_entropy(
    model: LanguageModel,
    sae: SAE,
    tokens: Tensor,
    hook: str,
    batch_size: int = 8,
    mean: Tensor | None = None,
) -> CrossEntropies:
    """Measure the model as it stands, and with the SAE, zeros or the mean at the hook.

    BOS tokens keep their own activation in all of them, because no SAE of ours is trained on them:
    what is compared are replacements of the same activations.

    **Arguments:** `model`; `sae`; `tokens` [n_contexts, context], each beginning with BOS; `hook`,
    the one that the SAE was trained on; `batch_size`, contexts at a time; `mean` [d_in], for mean
    ablation: by default that of `tokens`, which costs one more pass up to the hook.
    **Returns:** means over all next-token predictions.
    **Raises:** `ValueError` and `ShapeError` as `LanguageModel.loss_with`.
    """
    device = sae.b_dec.device
    mean = _mean_activation(model, tokens, hook, batch_size) if mean is None else mean
    mean = mean.to(model.device, torch.float32)

    sums = BlockSums((*LOSSES, "predictions"), block=1)
    with progress_bar(tokens.numel(), "tok", "cross-entropy") as bar:
        for batch in tokens.split(batch_size):
            edited = _not_bos(model, batch).to(model.device)

            def reconstruct(activation: Tensor, edited: Tensor = edited) -> Tensor:
                result = activation.clone()
                result[edited] = sae(activation[edited].to(device)).to(activation)
                return result

            def zero(activation: Tensor, edited: Tensor = edited) -> Tensor:
                return activation.masked_fill(edited[..., None], 0.0)

            def average(activation: Tensor, edited: Tensor = edited) -> Tensor:
                return torch.where(edited[..., None], mean, activation)

            clean = model.logits(batch)
            with_sae = model.logits_with(batch, {hook: reconstruct})
            losses = {"clean": _loss(clean, batch), "with_sae": _loss(with_sae, batch)}
            losses["kl"] = _kl(clean, with_sae)
            del with_sae  # logits are large, and two of them are enough
            zeroed = model.logits_with(batch, {hook: zero})
            losses |= {"zero_ablated": _loss(zeroed, batch), "kl_zero_ablated": _kl(clean, zeroed)}
            del zeroed
            losses["mean_ablated"] = _loss(model.logits_with(batch, {hook: average}), batch)
            sums.add(predictions=torch.full((len(batch),), batch.shape[1] - 1), **losses)
            bar.update(batch.numel())
    estimates = {name: sums.ratio(name, "predictions") for name in LOSSES}
    errors = {name: each.standard_error for name, each in estimates.items()}
    for name, floor in (("recovered", "zero_ablated"), ("recovered_from_mean", "mean_ablated")):
        gained, all_there_is = {floor: 1.0, "with_sae": -1.0}, {floor: 1.0, "clean": -1.0}
        errors[name] = sums.ratio_of(gained, all_there_is).standard_error
    errors["kl_recovered"] = sums.ratio("kl", "kl_zero_ablated").standard_error
    values = {name: each.value for name, each in estimates.items()}
    return CrossEntropies(**values, n_contexts=len(tokens), standard_errors=errors)


def _not_bos(model: LanguageModel, tokens: Tensor) -> Tensor:
    kept = tokens != model.bos_token_id
    kept[:, 0] = False
    return kept


def _mean_activation(model: LanguageModel, tokens: Tensor, hook: str, batch_size: int) -> Tensor:
    mean = RunningMean(model.hook_size(hook))
    with progress_bar(tokens.numel(), "tok", f"mean at {hook}") as bar:
        for batch in tokens.split(batch_size):
            activation = model.activations(batch, [hook])[hook].cpu()
            mean.update(activation[_not_bos(model, batch).cpu()])
            bar.update(batch.numel())
    return mean.mean


def _loss(logits: Tensor, tokens: Tensor) -> Tensor:
    """The sum over each context, [batch]."""
    return next_token_loss(logits, tokens.to(logits.device)).sum(dim=1)


def _kl(logits: Tensor, other: Tensor) -> Tensor:
    """The sum over each context's predictions, [batch]; a context at a time, to save memory."""
    rows = zip(_contexts(logits), _contexts(other), strict=True)
    return torch.stack([next_token_kl(p, q).sum() for p, q in rows])


def _contexts(logits: Tensor) -> Iterator[Tensor]:
    return iter(logits[:, :-1].split(1))
