"""What an SAE found: which latent stands for which feature, and how it reports it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saeedu.numpy_sae import cosine_similarities
from saeedu.shapes import Array, shaped


@shaped(similarities="n_features d_sae")
def greedy_match(similarities: Array) -> NDArray[np.int_]:
    """Give each feature a latent of its own, the best remaining pair first.

    **Arguments:** `similarities` [n_features, d_sae], finite; rows are features.
    **Returns:** [n_features], whole numbers: entry i is the latent of feature i, or -1 when there
    are fewer latents than features and none was left.
    **Raises:** `ShapeError` when `similarities` is not two-dimensional.
    """
    remaining = np.array(similarities, dtype=np.float64)
    partner = np.full(len(remaining), -1)
    for _ in range(min(remaining.shape)):
        feature, latent = np.unravel_index(np.argmax(remaining), remaining.shape)
        partner[feature] = latent
        remaining[feature, :] = -np.inf  # both are taken
        remaining[:, latent] = -np.inf
    return partner


@shaped(similarities="n_features d_sae")
def hungarian_match(similarities: Array) -> NDArray[np.int_]:
    """Give each feature a latent of its own, so that the sum of similarities is the largest.

    **Arguments:** `similarities` [n_features, d_sae], finite; rows are features.
    **Returns:** [n_features], as `greedy_match` does.
    **Raises:** `ShapeError` when `similarities` is not two-dimensional.
    **Source:** Kuhn (1955), in SciPy's `linear_sum_assignment`.
    """
    # Here, not above: it takes a third of a second to import.
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

    features, latents = linear_sum_assignment(similarities, maximize=True)
    partner = np.full(len(similarities), -1)
    partner[features] = latents
    return partner


@shaped(partner="n_features")
def latents_in_order(partner: NDArray[np.int_], d_sae: int) -> NDArray[np.int_]:
    """All latents, those of the features first and in the features' order.

    **Arguments:** `partner` [n_features], from a matching; `d_sae`, the number of latents.
    **Returns:** [d_sae], an order: index the columns of a similarity matrix with it, and the
    matches stand on the diagonal as long as every feature has one.
    **Raises:** `ShapeError` when `partner` is not one-dimensional.
    """
    taken = partner[partner >= 0]
    rest = np.setdiff1d(np.arange(d_sae), taken)
    return np.concatenate([taken, rest])


@shaped(coefficients="batch n_features", latents="batch d_sae")
def response_by_feature(coefficients: Array, latents: Array) -> Array:
    """How strongly each latent responds, on average, to the samples that hold a given feature.

    **Arguments:** `coefficients` [batch, n_features], the truth; every feature is present in
    some sample; `latents` [batch, d_sae] of the same samples.
    **Returns:** [n_features, d_sae], in units of the latents: entry [i, j] is the mean of latent
    j over the samples in which feature i is present.
    **Raises:** `ShapeError` when the batch axes differ.
    **Source:** the "response" picture of Elhage et al. (2022), turned on an SAE.
    """
    present = coefficients > 0
    return present.T @ latents / present.sum(axis=0)[:, None]


@shaped(coefficients="batch n", latents="batch n")
def read_strength(coefficients: Array, latents: Array) -> Array:
    """The slope with which each latent reports its feature, where the feature is present.

    The best straight line through the origin, by least squares: 1 is a faithful report, less
    than 1 a shrunken one.

    **Arguments:** `coefficients` [batch, n], the truth; `latents` [batch, n], column i the latent
    that stands for feature i; every feature is present in some sample.
    **Returns:** [n], no unit.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** shrinkage by L1 was measured for SAEs by Wright and Sharkey (2024).
    """
    # A sample without the feature has a coefficient of 0, and drops out of both sums.
    return np.sum(coefficients * latents, axis=0) / np.sum(coefficients**2, axis=0)


@shaped(A="d_sae d_in", B="d_sae_b d_in")
def shared_latents(A: Array, B: Array, threshold: float = 0.9) -> float:
    """The share of one dictionary's rows that have a close match in another.

    **Arguments:** `A` [d_sae, d_in], `B` [d_sae_b, d_in]; `threshold`, the least cosine that
    counts as a match.
    **Returns:** a fraction of the rows of `A`.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** seeds are compared so by Paulo and Belrose (2025).
    """
    return float(np.mean(cosine_similarities(A, B).max(axis=1) > threshold))
