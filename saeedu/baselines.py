"""Dictionaries to compare an SAE with: what older or lazier methods find in the same data."""

from __future__ import annotations

import numpy as np

from saeedu.numpy_sae import principal_components
from saeedu.shapes import Array, shaped
from saeedu.warmup import unit_rows


@shaped(x="batch d")
def pca_directions(x: Array) -> Array:
    """The principal components and their opposites, since a component has no sign of its own.

    **Arguments:** `x` [batch, d].
    **Returns:** [2·d, d] at most, rows of unit length.
    **Raises:** `ShapeError` when `x` is not two-dimensional.
    **Source:** Pearson (1901).
    """
    components = principal_components(x, x.shape[1])
    return np.vstack([components, -components])


@shaped(x="batch d")
def ica_directions(x: Array, seed: int, iterations: int = 200) -> Array:
    """Independent components, by the fixed-point iteration of FastICA, and their opposites.

    The data are whitened; then all components at once climb towards directions along which the
    samples are least Gaussian, staying orthogonal.

    **Arguments:** `x` [batch, d], of full rank; `seed`, of the start; `iterations`, at most.
    **Returns:** [2·d, d], rows of unit length: the directions in which each source acts on `x`.
    **Raises:** `ShapeError` when `x` is not two-dimensional; `ValueError` when the samples do not
    span d dimensions.
    **Source:** Hyvärinen and Oja (2000), with their contrast log cosh.
    """
    centred = x - x.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred / len(x))
    if variances[0] <= 1e-10 * variances[-1]:
        raise ValueError(
            f"ica_directions: the samples span fewer than their {x.shape[1]} dimensions; "
            f"give more samples, or drop dimensions with PCA first"
        )
    whitened = centred @ axes / np.sqrt(variances)
    unmixing = _orthogonal(np.random.default_rng(seed).standard_normal((x.shape[1],) * 2))
    for _ in range(iterations):
        slopes = np.tanh(whitened @ unmixing.T)
        climbed = slopes.T @ whitened / len(x) - np.mean(1 - slopes**2, axis=0)[:, None] * unmixing
        before, unmixing = unmixing, _orthogonal(climbed)
        if np.min(np.abs(np.sum(before * unmixing, axis=1))) > 1 - 1e-9:  # a sign may flip
            break
    directions = unit_rows(unmixing * np.sqrt(variances) @ axes.T)
    return np.vstack([directions, -directions])


def random_directions(count: int, d: int, seed: int) -> Array:
    """Rows that know nothing of the data.

    **Arguments:** `count` of rows; `d`, their dimensions; `seed`.
    **Returns:** [count, d], rows of unit length.
    """
    return unit_rows(np.random.default_rng(seed).standard_normal((count, d)))


@shaped(x="batch d")
def kmeans_directions(x: Array, count: int, seed: int, iterations: int = 50) -> Array:
    """The centres of `count` clusters of directions, by spherical k-means.

    Samples are taken at unit length, and belong to the centre with the largest cosine.

    **Arguments:** `x` [batch, d], of which all-zero rows are left out; `count` of clusters, at
    most the number of other rows; `seed`, of the start; `iterations`, at most.
    **Returns:** [count, d], rows of unit length.
    **Raises:** `ShapeError` when `x` is not two-dimensional; `ValueError` for too few samples.
    **Source:** Dhillon and Modha (2001).
    """
    samples = unit_rows(x[np.linalg.norm(x, axis=1) > 0])
    if len(samples) < count:
        raise ValueError(
            f"kmeans_directions: {count} clusters need as many samples, and {len(samples)} of "
            f"{len(x)} are not zero; draw more samples"
        )
    rng = np.random.default_rng(seed)
    centres = samples[rng.choice(len(samples), count, replace=False)]
    members = np.full(len(samples), -1)
    for _ in range(iterations):
        before, members = members, np.argmax(samples @ centres.T, axis=1)
        if np.array_equal(before, members):
            break
        sums = np.zeros_like(centres)
        np.add.at(sums, members, samples)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        # An empty cluster, or one whose members cancel, keeps the centre that it had.
        centres = np.where(lengths > 0, sums / np.where(lengths > 0, lengths, 1), centres)
    return centres


def _orthogonal(rows: Array) -> Array:
    """The orthogonal matrix nearest to `rows`."""
    left, _, right = np.linalg.svd(rows)
    return left @ right
