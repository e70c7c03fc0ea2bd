"""Three one-line functions on arrays whose rows are samples (chapter 00)."""

from __future__ import annotations

import numpy as np

from saeedu.shapes import Array, shaped


@shaped(x="batch d")
def row_lengths(x: Array) -> Array:
    """Length (Euclidean norm) of every sample.

    **Arguments:** `x` [batch, d], one sample a row.
    **Returns:** [batch], in the units of `x`, never negative.
    **Raises:** `ShapeError` when `x` is not two-dimensional.
    """
    return np.sqrt(np.sum(x**2, axis=1))


@shaped(x="batch d")
def centre(x: Array) -> Array:
    """Shift the samples so that their mean is the zero vector.

    **Arguments:** `x` [batch, d], one sample a row.
    **Returns:** [batch, d], in the units of `x`; the mean of each column is zero.
    **Raises:** `ShapeError` when `x` is not two-dimensional.
    """
    return x - x.mean(axis=0)


@shaped(x="batch d")
def unit_rows(x: Array) -> Array:
    """Scale every sample to length one and keep its direction.

    **Arguments:** `x` [batch, d], one sample a row; no row is all zeros.
    **Returns:** [batch, d], every row of length one.
    **Raises:** `ShapeError` when `x` is not two-dimensional.
    """
    return x / np.linalg.norm(x, axis=1, keepdims=True)
