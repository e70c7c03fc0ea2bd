"""How an SAE does on activations alone: sparsity and faithfulness, over any number of tokens."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from saeedu.metrics.density import (
    DensityHistogram,
    dead_fraction,
    dense_fraction,
    density_histogram,
)
from saeedu.metrics.streaming import BlockSums, RunningMean, as_double
from saeedu.sae.base import SAE
from saeedu.shapes import ShapeError, shaped

COLUMNS = ("tokens", "l0", "l1", "error", "shifted_error", "distance", "product", "length")


@dataclass(frozen=True)
class Reconstruction:
    """How an SAE does on activations alone, over all tokens together.

    The formulas are those of the functions of the same names in `saeedu.sae.measures`.
    """

    n_tokens: int
    l0: float
    """Mean number of active latents per token."""
    l1: float
    """Mean over tokens of the summed sizes of the latents."""
    explained_variance: float
    """1 - FVU: what OpenAI and, since 2026 (pull request 665), SAELens report."""
    explained_variance_dictionary_learning: float
    """The error's own mean removed first: what dictionary_learning reports."""
    explained_variance_saelens_legacy: float | None
    """One fraction per token, averaged: what SAELens reported until March 2025, and the SAEBench
    paper. None when the mean was not known before the first token was seen."""
    relative_bias: float
    """What reconstructions should be divided by; below 1, the SAE shrinks them."""
    density: Tensor
    """For each latent, the fraction of tokens on which it is active, [d_sae]."""
    standard_errors: dict[str, float]
    """For each of the figures above, by name, one standard error."""

    @property
    def fvu(self) -> float:
        """The fraction of variance unexplained; Gao et al. (2024) call it normalised MSE."""
        return 1 - self.explained_variance

    @property
    def dead(self) -> float:
        """The fraction of latents that were active on no token."""
        return dead_fraction(self.density)

    @property
    def dense(self) -> float:
        """The fraction of latents that were active on more than a tenth of the tokens."""
        return dense_fraction(self.density)

    def density_histogram(self) -> DensityHistogram:
        """How many latents have which density, by its logarithm."""
        return density_histogram(self.density)


class RunningReconstruction:
    """Measures an SAE batch by batch; the result is that of all batches at once.

    Memory: a few numbers for each of d_in and d_sae, however many tokens pass. Standard errors
    take each `block` consecutive tokens as one sample, because neighbours resemble each other;
    give tokens in reading order, and at least some dozens of blocks. A batch need not end where a
    block does.

    **Arguments:** `d_in`; `d_sae`; `mean` [d_in], the activations' own, when it is known from an
    earlier pass (`RunningMean`): only SAELens' old explained variance needs it beforehand;
    `block`, best the length of a context.
    """

    def __init__(self, d_in: int, d_sae: int, mean: Tensor | None = None, block: int = 128) -> None:
        self._x = RunningMean(d_in)
        self._error = RunningMean(d_in)
        self._fired = torch.zeros(d_sae, dtype=torch.long)
        self._mean = None if mean is None else as_double(mean)
        columns = COLUMNS if mean is None else (*COLUMNS, "per_token")
        self._sums = BlockSums(columns, block)

    @torch.no_grad()
    @shaped(x="batch d_in", x_hat="batch d_in", latents="batch d_sae")
    def update(self, x: Tensor, x_hat: Tensor, latents: Tensor) -> None:
        """Take in a batch of tokens; an empty one changes nothing.

        **Arguments:** `x`, `x_hat` [batch, d_in]; `latents` [batch, d_sae].
        **Raises:** `ShapeError` when the axes disagree, with each other or with earlier batches.
        """
        sizes = (x.shape[1], latents.shape[1])
        if sizes != (len(self._x.mean), len(self._fired)):
            raise ShapeError(
                f"update: d_in and d_sae are {sizes}, but this was made for "
                f"{(len(self._x.mean), len(self._fired))}"
            )
        active = (latents > 0).float()  # whole numbers up to 2^24 are exact, and add up fast
        self._fired += active.sum(dim=0).long().cpu()
        x, x_hat = as_double(x), as_double(x_hat)
        error = x - x_hat
        self._x.update(x)
        self._error.update(error)
        # The data's mean, or the best guess at it so far: for a sum of squares over all tokens
        # `RunningMean` is exact, so this one serves the standard errors only.
        centre = self._x.mean if self._mean is None else self._mean
        columns = {
            "tokens": torch.ones(len(x)),
            "l0": active.sum(dim=1),
            "l1": torch.linalg.vector_norm(latents, ord=1, dim=1),
            "error": error.square().sum(dim=1),
            "shifted_error": (error - self._error.mean).square().sum(dim=1),
            "distance": (x - centre).square().sum(dim=1),
            "product": (x * x_hat).sum(dim=1),
            "length": x_hat.square().sum(dim=1),
        }
        if self._mean is not None:
            columns["per_token"] = 1 - columns["error"] / columns["distance"]
        self._sums.add(**columns)

    def result(self) -> Reconstruction:
        """What was measured so far.

        **Raises:** `ValueError` when no token was taken in.
        """
        n, sums = self._x.n, self._sums
        if n == 0:
            raise ValueError("RunningReconstruction: no token was taken in, so nothing is measured")
        estimates = {
            "l0": sums.ratio("l0", "tokens"),
            "l1": sums.ratio("l1", "tokens"),
            "explained_variance": sums.ratio("error", "distance"),
            "explained_variance_dictionary_learning": sums.ratio("shifted_error", "distance"),
            "relative_bias": sums.ratio("length", "product"),
        }
        if self._mean is not None:
            estimates["explained_variance_saelens_legacy"] = sums.ratio("per_token", "tokens")
        legacy = estimates.get("explained_variance_saelens_legacy")
        variance = torch.tensor(self._x.squared_distance, dtype=torch.float64)
        error = sums.ratio("error", "tokens").value * n
        return Reconstruction(
            n_tokens=n,
            l0=estimates["l0"].value,
            l1=estimates["l1"].value,
            explained_variance=(1 - error / variance).item(),
            explained_variance_dictionary_learning=(
                1 - self._error.squared_distance / variance
            ).item(),
            explained_variance_saelens_legacy=None if legacy is None else legacy.value,
            relative_bias=estimates["relative_bias"].value,
            density=(self._fired / n).float(),
            standard_errors={name: each.standard_error for name, each in estimates.items()},
        )


@torch.no_grad()
@shaped(x="n d_in")
def evaluate_reconstruction(sae: SAE, x: Tensor, batch_size: int = 4_096) -> Reconstruction:
    """Measure an SAE on activations that are held in memory, a batch at a time.

    **Arguments:** `sae`; `x` [n, d_in], n at least 2, in the units that the SAE takes and in
    reading order.
    **Returns:** `Reconstruction`, the same numbers as on all of `x` at once.
    **Raises:** `ShapeError` when `x` does not fit the SAE.
    """
    known = RunningMean(x.shape[1])
    for batch in x.split(batch_size):
        known.update(batch)
    running = RunningReconstruction(sae.d_in, sae.d_sae, known.mean)
    for batch in x.split(batch_size):
        batch = batch.to(sae.b_dec.device)
        latents = sae.encode(batch)
        running.update(batch, sae.decode(latents), latents)
    return running.result()
