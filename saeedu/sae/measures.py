"""What is measured on a batch of activations, in a formula each.

Over more data than fits in memory: `saeedu.metrics.RunningReconstruction`.
"""

from __future__ import annotations

from torch import Tensor

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


@shaped(latents="batch d_sae")
def l1(latents: Tensor) -> Tensor:
    """Mean over the batch of the summed sizes of the latents.

    It compares SAEs only where their decoder rows have the same length.

    **Arguments:** `latents` [batch, d_sae].
    **Returns:** a number, in units of the latents.
    **Raises:** `ShapeError` when `latents` is not two-dimensional.
    **Source:** the penalty of Bricken et al. (2023), without its coefficient.
    """
    return latents.abs().sum(dim=1).mean()


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


@shaped(x_hat="batch d_in", x="batch d_in")
def explained_variance_dictionary_learning(x_hat: Tensor, x: Tensor) -> Tensor:
    """One minus the error's variance as a fraction of the activations' variance.

    The error's own mean is removed first, which forgives a constant shift. Never below
    `explained_variance`.

    **Arguments:** `x_hat`, `x` [batch, d_in].
    **Returns:** 1 when the error is the same for all samples; can be negative.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** `frac_variance_explained` of dictionary_learning (Marks, Karvonen and Mueller);
    "explained variance" in scikit-learn, weighted by variance.
    """
    error = x - x_hat
    residual_variance = ((error - error.mean(dim=0)) ** 2).sum()
    variance = ((x - x.mean(dim=0)) ** 2).sum()
    return 1 - residual_variance / variance


@shaped(x_hat="batch d_in", x="batch d_in")
def explained_variance_saelens_legacy(x_hat: Tensor, x: Tensor) -> Tensor:
    """One minus squared error over squared distance to the mean, token by token, then averaged.

    Tokens near the mean count as much as tokens far from it, and one that lies very near it can
    spoil the average.

    **Arguments:** `x_hat`, `x` [batch, d_in].
    **Returns:** 1 for a perfect reconstruction; can be negative without bound.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** SAELens' and SAEBench's explained variance until March 2025 (SAELens' pull request
    443), and that of the SAEBench paper (Karvonen et al. 2025); SAELens still reports it, as
    `explained_variance_legacy`, with the mean of each evaluation batch.
    """
    squared_error = ((x - x_hat) ** 2).sum(dim=1)
    squared_distance = ((x - x.mean(dim=0)) ** 2).sum(dim=1)
    return (1 - squared_error / squared_distance).mean()


@shaped(x_hat="batch d_in", x="batch d_in")
def relative_reconstruction_bias(x_hat: Tensor, x: Tensor) -> Tensor:
    """By which factor reconstructions are too long: what to divide them by for the least error.

    Below 1 is shrinkage, the mark of an L1 penalty.

    **Arguments:** `x_hat`, `x` [batch, d_in].
    **Returns:** 1 for an SAE without bias; undefined when x_hat is zero or unrelated to x.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Rajamanoharan et al. (2024), "Improving Dictionary Learning with Gated Sparse
    Autoencoders", equation 10.
    """
    return (x_hat**2).sum() / (x * x_hat).sum()
