"""Two features and one hidden dimension: when is it worth sharing? (chapter 02)

A feature is present with probability `density`, independently of the other, and then uniform
between 0 and 1. The model is the toy model, x_hat = relu(Wᵀ W x + b). All losses here are
expectations, not averages over samples, and work on arrays of any shapes that broadcast.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from saeedu.shapes import Array, ShapeError

FIRST, SECOND, BOTH = 0, 1, 2
"""The three arrangements: the dimension belongs to one feature, or the two are antipodal."""
ARRANGEMENTS = ("only feature 1", "only feature 2", "antipodal pair")


def dropped_loss(density: Array | float, importance: Array | float) -> Array:
    """Expected loss of a feature that the model does not represent, with the best bias.

    Its reconstruction is then one constant; the best constant is the feature's mean.

    **Arguments:** `density`, the probability that the feature is present; `importance`, its
    weight in the loss. Numbers, or arrays that broadcast.
    **Returns:** the importance times the feature's variance, in loss units.
    **Source:** derived in chapter 02.
    """
    p = np.asarray(density)
    mean = p / 2
    mean_of_squares = p / 3
    return np.asarray(importance) * (mean_of_squares - mean**2)


def antipodal_loss(
    density: Array | float, importance_1: Array | float, importance_2: Array | float
) -> Array:
    """Expected loss of two features at opposite ends of one dimension: W = [1, -1], b = 0.

    The model answers relu(x_1 - x_2) for feature 1 and relu(x_2 - x_1) for feature 2. The loss
    is the sum over both features of importance times the expected squared error.

    **Arguments:** `density`, the probability that a feature is present, the same for both; a
    present feature is uniform between 0 and 1, and the two are independent; `importance_1`,
    `importance_2`, their weights in the loss. Numbers, or arrays that broadcast.
    **Returns:** the loss of both features together, in loss units.
    **Source:** derived in chapter 02.
    """
    p = np.asarray(density)
    mean_square_of_the_smaller = 1 / 6  # of two numbers drawn uniformly between 0 and 1
    return (importance_1 + importance_2) * p**2 * mean_square_of_the_smaller


def best_arrangement(
    density: Array | float, importance_1: Array | float, importance_2: Array | float
) -> np.ndarray:
    """Which of three ways to use one dimension for two features has the lowest expected loss.

    **Arguments:** `density`, the same for both features; `importance_1`, `importance_2`.
    Numbers, or arrays that broadcast.
    **Returns:** integers: 0 where the dimension goes to feature 1 alone, 1 where it goes to
    feature 2 alone, 2 where both share it as an antipodal pair.
    **Source:** derived in chapter 02; Elhage et al. (2022), "Superposition as a Phase Change".
    """
    only_first = dropped_loss(density, importance_2)
    only_second = dropped_loss(density, importance_1)
    shared = antipodal_loss(density, importance_1, importance_2)
    losses = np.broadcast_arrays(only_first, only_second, shared)
    return np.argmin(losses, axis=0)


def exact_loss(
    W: Array,
    b: Array,
    density: Array | float,
    importance_1: Array | float,
    importance_2: Array | float,
) -> Array:
    """Expected loss of any model with two features and one hidden dimension, exactly.

    **Arguments:** `W` [..., 1, 2]; `b` [..., 2]; `density` and the two importances, numbers or
    arrays [...].
    **Returns:** [...], in loss units: no samples are drawn, so there is no noise in it.
    **Raises:** `ShapeError` unless W ends in [1, 2] and b in [2].
    **Source:** the loss is quadratic on pieces; the integral over each piece is exact.
    """
    if np.shape(W)[-2:] != (1, 2) or np.shape(b)[-1:] != (2,):
        raise ShapeError(
            f"exact_loss: W has shape {list(np.shape(W))} and b {list(np.shape(b))}, but they "
            f"need to end in [1, 2] and [2]: two features in one hidden dimension"
        )
    w1, w2 = W[..., 0, 0], W[..., 0, 1]
    first = _expected_error(w1 * w1, w1 * w2, b[..., 0], density)
    second = _expected_error(w2 * w2, w1 * w2, b[..., 1], density)
    return np.asarray(importance_1) * first + importance_2 * second


def arrangement_of(W: Array, represented: float = 0.5) -> NDArray[np.integer]:
    """Which arrangement each trained model has arrived at.

    **Arguments:** `W` [n_instances, 1, 2]; `represented`, the least norm at which a feature
    counts as represented.
    **Returns:** [n_instances]: 0, 1 or 2 as of `best_arrangement`; -1 for none of them (no
    feature represented, or two that point the same way).
    **Raises:** `ShapeError` unless W is [n_instances, 1, 2].
    """
    if W.ndim != 3 or W.shape[1:] != (1, 2):
        raise ShapeError(
            f"arrangement_of: W has shape {list(W.shape)}, but it needs [n_instances, 1, 2]"
        )
    w1, w2 = W[:, 0, 0], W[:, 0, 1]
    has_first, has_second = np.abs(w1) >= represented, np.abs(w2) >= represented
    opposite = has_first & has_second & (w1 * w2 < 0)
    choices = [opposite, has_first & ~has_second, has_second & ~has_first]
    return np.select(choices, [BOTH, FIRST, SECOND], default=-1)


def _expected_error(own: Array, other: Array, bias: Array, density: Array | float) -> Array:
    """Expected squared error of relu(own · x + other · y + bias) as a guess of x."""
    p = np.asarray(density, dtype=float)
    own, other, bias, p = np.broadcast_arrays(own, other, bias, p)
    neither = np.maximum(bias, 0) ** 2
    only_own = _integral(lambda x: (x - np.maximum(own * x + bias, 0)) ** 2, [(own, bias)])
    only_other = _integral(lambda y: np.maximum(other * y + bias, 0) ** 2, [(other, bias)])

    def over_y(x: Array) -> Array:
        line = own * x + bias
        return _integral(lambda y: (x - np.maximum(line + other * y, 0)) ** 2, [(other, line)])

    both = _integral(over_y, [(own, bias), (own, bias + other)])
    return (1 - p) ** 2 * neither + p * (1 - p) * (only_own + only_other) + p**2 * both


def _integral(f: Callable[[Array], Array], kinks: list[tuple[Array, Array]]) -> Array:
    """Integrate over [0, 1] a function that is a cubic between kinks, exactly.

    Each kink is where slope · x + start = 0. Gauss's rule with two points is exact for a cubic.
    """
    ends = [np.zeros_like(kinks[0][0]), np.ones_like(kinks[0][0])]
    for slope, start in kinks:
        divisor = np.where(slope == 0, 1, slope)  # a flat line has no kink: put it at an end
        ends.append(np.where(slope == 0, 0, np.clip(-start / divisor, 0, 1)))
    total = np.zeros_like(ends[0])
    for left, right in pairwise(np.sort(np.stack(ends), axis=0)):
        half = (right - left) / 2
        for point in (-1, 1):
            total = total + half * f(left + half * (1 + point / np.sqrt(3)))
    return total
