"""How toy models arrange their features in space: norms, interference, dimensionality (chapter 02).

`W` is [n_instances, m, n] throughout, as in `toy_model`: column i of an instance is the direction
in which its m hidden dimensions hold feature i. The exact arrangements return one instance,
[m, n]; write `W[np.newaxis]` to measure them.
"""

from __future__ import annotations

import numpy as np

from saeedu.shapes import Array, shaped


@shaped(W="n_instances m n")
def feature_norms(W: Array) -> Array:
    """Length of each feature's direction: about 1 when represented, about 0 when dropped.

    **Arguments:** `W` [n_instances, m, n].
    **Returns:** [n_instances, n], never negative.
    **Raises:** `ShapeError` when `W` does not have three axes.
    **Source:** Elhage et al. (2022), "Demonstrating Superposition".
    """
    return np.linalg.norm(W, axis=1)


@shaped(W="n_instances m n")
def interference(W: Array) -> Array:
    """How much of the other features is read along each feature's direction, squared and summed.

    For feature i: take its direction at length one, project every *other* feature's column on it,
    square, and add up. A feature whose norm is at most 1e-6 has no direction: its entry is 0.

    **Arguments:** `W` [n_instances, m, n].
    **Returns:** [n_instances, n], never negative; 0 when the others are all orthogonal to it.
    **Raises:** `ShapeError` when `W` does not have three axes.
    **Source:** Elhage et al. (2022), "Demonstrating Superposition".
    """
    norms = np.linalg.norm(W, axis=1, keepdims=True)  # [n_instances, 1, n]
    unit = np.where(norms > 1e-6, W / np.maximum(norms, 1e-6), 0)
    shadows = unit.transpose(0, 2, 1) @ W  # [i, j]: how much of feature j falls on direction i
    others = 1 - np.eye(W.shape[2])
    return np.sum(others * shadows**2, axis=2)


@shaped(W="n_instances m n")
def dimensionality(W: Array) -> Array:
    """The fraction of a hidden dimension that each feature has: its own share of its direction.

    For feature i: its squared norm, divided by the sum of the squared projections of *all*
    features, itself included, on its direction at length one. A feature whose norm is at most
    1e-6 has 0.

    **Arguments:** `W` [n_instances, m, n].
    **Returns:** [n_instances, n], between 0 and 1: 1 for a dimension of its own, 1/2 for half of
    one shared with an opposite feature.
    **Raises:** `ShapeError` when `W` does not have three axes.
    **Source:** Elhage et al. (2022), "The Geometry of Superposition".
    """
    squared = np.sum(W**2, axis=1)  # [n_instances, n]
    everything = squared + interference(W)
    return np.where(squared > 1e-12, squared / np.where(everything > 0, everything, 1), 0)


@shaped(W="n_instances m n")
def dimensions_per_feature(W: Array) -> Array:
    """Hidden dimensions divided by represented features: one number for a whole model.

    **Arguments:** `W` [n_instances, m, n].
    **Returns:** [n_instances]: m over the sum of squared norms; infinite for a model of zeros.
    **Raises:** `ShapeError` when `W` does not have three axes.
    **Source:** Elhage et al. (2022), where it is D*.
    """
    total = np.sum(W**2, axis=(1, 2))
    with np.errstate(divide="ignore"):
        return W.shape[1] / total


def regular_polygon(n: int) -> Array:
    """`n` directions of length one, spread evenly around the plane.

    **Arguments:** `n`, at least 2; 2 is an antipodal pair, with one dimension to spare.
    **Returns:** [2, n], a direction a column.
    **Raises:** `ValueError` when `n` is less than 2.
    """
    if n < 2:
        raise ValueError(f"regular_polygon: n must be at least 2, but it is {n}")
    turn = np.pi / 2 + 2 * np.pi * np.arange(n) / n
    return np.stack([np.cos(turn), np.sin(turn)])


def regular_simplex(n: int) -> Array:
    """`n` directions of length one in n - 1 dimensions, all at the same angle to each other.

    The antipodal pair (n = 2), the triangle (3), the tetrahedron (4), and so on.

    **Arguments:** `n`, at least 2.
    **Returns:** [n - 1, n], a direction a column; every two have the dot product -1 / (n - 1).
    **Raises:** `ValueError` when `n` is less than 2.
    """
    if n < 2:
        raise ValueError(f"regular_simplex: n must be at least 2, but it is {n}")
    corners = np.eye(n) - 1 / n  # the axes of n dimensions, seen from their common middle
    flat, _, _ = np.linalg.svd(corners)
    columns = flat[:, : n - 1].T @ corners  # drop the one dimension in which nothing varies
    return columns / np.linalg.norm(columns, axis=0)


def square_antiprism() -> Array:
    """Eight directions in three dimensions: two squares, one turned by an eighth of a circle.

    The height is the one at which the eight directions make a tight frame.

    **Returns:** [3, 8], a direction a column, each of length one.
    **Source:** Elhage et al. (2022) name it among the arrangements that appear.
    """
    upper = np.pi / 2 * np.arange(4)
    turn = np.concatenate([upper, upper + np.pi / 4])
    height = np.sqrt(1 / 3) * np.repeat([1.0, -1.0], 4)
    radius = np.sqrt(2 / 3)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), height])


def side_by_side(*blocks: Array) -> Array:
    """Put arrangements into dimensions of their own, so that they do not meet.

    **Arguments:** `blocks`, each [m_k, n_k].
    **Returns:** [sum of m_k, sum of n_k], with zeros between the blocks.
    **Raises:** `ValueError` when there is no block or one has not two axes.
    **Source:** a tegum product, in the words of Elhage et al. (2022).
    """
    if not blocks or any(block.ndim != 2 for block in blocks):
        shapes = [list(block.shape) for block in blocks]
        raise ValueError(f"side_by_side: needs blocks of shape [m, n], but got {shapes}")
    whole = np.zeros((sum(len(block) for block in blocks), sum(b.shape[1] for b in blocks)))
    row = column = 0
    for block in blocks:
        m, n = block.shape
        whole[row : row + m, column : column + n] = block
        row, column = row + m, column + n
    return whole


@shaped(W="n_instances m n")
def frame_spread(W: Array) -> Array:
    """How far the features are from a tight frame: 0 when they cover every dimension equally.

    **Arguments:** `W` [n_instances, m, n].
    **Returns:** [n_instances]: the largest less the smallest eigenvalue of W Wᵀ, divided by
    their mean.
    **Raises:** `ShapeError` when `W` does not have three axes; `ValueError` when an instance is
    all zeros.
    **Source:** Benedetto and Fickus (2003), "Finite Normalized Tight Frames".
    """
    eigenvalues = np.linalg.eigvalsh(W @ W.transpose(0, 2, 1))  # ascending
    mean = eigenvalues.mean(axis=1)
    if np.any(mean == 0):
        raise ValueError("frame_spread: an instance of W is all zeros, so there is no frame")
    return (eigenvalues[:, -1] - eigenvalues[:, 0]) / mean
