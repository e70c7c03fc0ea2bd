"""Toy models of superposition: more features than dimensions, and every gradient by hand.

Everything is batched over instances, so that many models train at once:
`W [n_instances, m, n]` holds n features in m hidden dimensions, one feature a column;
`b [n_instances, n]`; `x [n_instances, batch, n]`, one sample a row; `importance [n]`, or
`[n_instances, n]` where the instances differ.

**Source:** Elhage et al. (2022), "Toy Models of Superposition"; the gradients are derived in
chapter 01.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from saeedu.shapes import Array, ShapeError, shaped

P = ParamSpec("P")
R = TypeVar("R")


def require_density(density: ArrayLike, where: str) -> None:
    """Refuse a density that is no probability of being present.

    **Arguments:** `density`, a number or an array; `where`, the name for the error message.
    **Raises:** `ValueError` unless every density lies in (0, 1].
    """
    values = np.asarray(density, dtype=np.float64)
    bad = values[~((values > 0) & (values <= 1))]  # written so that NaN is bad too
    if bad.size:
        raise ValueError(f"{where}: density must lie in (0, 1], but it is {bad.flat[0]:g}")


def require_importance(importance: ArrayLike, where: str) -> None:
    """Refuse an importance that would reward an error.

    **Arguments:** `importance`, a number or an array; `where`, the name for the error message.
    **Raises:** `ValueError` when an importance is negative, infinite or NaN.
    """
    values = np.asarray(importance, dtype=np.float64)
    bad = values[~((values >= 0) & np.isfinite(values))]
    if bad.size:
        raise ValueError(f"{where}: importance must be zero or more, but it is {bad.flat[0]:g}")


def _checked(function: Callable[P, R]) -> Callable[P, R]:
    """Check density and importance on every call; learners' cells leave decorators out."""
    signature = inspect.signature(function)
    name = function.__name__

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        given = signature.bind(*args, **kwargs).arguments
        if "density" in given:
            require_density(given["density"], name)
        if "importance" in given:
            importance = np.asarray(given["importance"])
            require_importance(importance, name)
            if "x" in given:
                n_instances, _, n = np.shape(given["x"])
                if importance.shape not in {(n,), (n_instances, n)}:
                    raise ShapeError(
                        f"{name}: importance has shape {list(importance.shape)}, but it needs "
                        f"[n] = [{n}] or [n_instances, n] = [{n_instances}, {n}]"
                    )
        return function(*args, **kwargs)

    return wrapper


@_checked
def draw_features(
    rng: np.random.Generator, n_instances: int, batch: int, n: int, density: Array | float
) -> Array:
    """Draw sparse features: mostly zero, otherwise uniform between 0 and 1.

    Every feature of every sample of every instance is drawn on its own.

    **Arguments:** `rng`, the source of randomness; `n_instances`, `batch` and `n`, the sizes;
    `density`, the probability that a feature is present: a number, or [n_instances].
    **Returns:** [n_instances, batch, n], the features' values, no unit.
    **Raises:** `ValueError` when a density is outside (0, 1].
    **Source:** Elhage et al. (2022), whose sparsity S is 1 - density.
    """
    threshold = np.reshape(density, (-1, 1, 1))  # [n_instances, 1, 1], or [1, 1, 1]
    u = rng.random((n_instances, batch, n))
    # One draw does for both: u is below the threshold with probability density, and given that,
    # u / threshold is again uniform.
    return np.where(u < threshold, u / threshold, 0.0)


@shaped(x="n_instances batch n", W="n_instances m n", b="n_instances n")
def linear_forward(x: Array, W: Array, b: Array) -> Array:
    """Squeeze n features into m dimensions and read them back, without a ReLU.

    **Arguments:** `x` [n_instances, batch, n]; `W` [n_instances, m, n]; `b` [n_instances, n].
    **Returns:** x_hat [n_instances, batch, n], in the units of `x`: W^T W x + b for each sample.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Elhage et al. (2022), the linear model.
    """
    hidden = x @ W.transpose(0, 2, 1)  # [n_instances, batch, m]
    return hidden @ W + b[:, None, :]


@shaped(x="n_instances batch n", W="n_instances m n", b="n_instances n")
def toy_forward(x: Array, W: Array, b: Array) -> Array:
    """Squeeze n features into m dimensions and read them back through a ReLU.

    **Arguments:** `x` [n_instances, batch, n]; `W` [n_instances, m, n]; `b` [n_instances, n].
    **Returns:** x_hat [n_instances, batch, n], in the units of `x`, never negative:
    relu(W^T W x + b) for each sample.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Elhage et al. (2022), the ReLU output model.
    """
    return np.maximum(linear_forward(x, W, b), 0)


@shaped(x_hat="n_instances batch n", x="n_instances batch n")
@_checked
def importance_loss(x_hat: Array, x: Array, importance: Array) -> Array:
    """Squared error, weighted by importance, for each instance on its own.

    The mean over the batch of the weighted **sum** over features. Elhage et al.'s code takes
    the mean over features as well: theirs is this one divided by n.

    **Arguments:** `x_hat`, `x` [n_instances, batch, n]; `importance` [n] or [n_instances, n].
    **Returns:** [n_instances], in squared units of `x`.
    **Raises:** `ShapeError` when the axes disagree; `ValueError` for a negative importance.
    **Source:** Elhage et al. (2022).
    """
    weight = importance[..., None, :]  # fits [n_instances, batch, n] in both cases
    return np.mean(np.sum(weight * (x_hat - x) ** 2, axis=2), axis=1)


@shaped(x_hat="n_instances batch n", x="n_instances batch n")
@_checked
def grad_outputs(x_hat: Array, x: Array, importance: Array) -> Array:
    """Gradient of the importance-weighted loss with respect to the outputs.

    **Arguments:** `x_hat`, `x` [n_instances, batch, n]; `importance` [n] or [n_instances, n].
    **Returns:** [n_instances, batch, n], in loss units per unit of `x_hat`.
    **Raises:** `ShapeError` when the axes disagree; `ValueError` for a negative importance.
    **Source:** derived in chapter 01.
    """
    return 2 * importance[..., None, :] * (x_hat - x) / x.shape[1]


@shaped(x="n_instances batch n", W="n_instances m n", b="n_instances n")
@_checked
def linear_gradients(x: Array, W: Array, b: Array, importance: Array) -> tuple[Array, Array]:
    """Gradients of the linear model's loss with respect to `W` and `b`.

    **Arguments:** `x` [n_instances, batch, n]; `W` [n_instances, m, n]; `b` [n_instances, n];
    `importance` [n] or [n_instances, n].
    **Returns:** `(dW, db)`, of the shapes of `W` and `b`, in loss units per unit of each.
    **Raises:** `ShapeError` when the axes disagree; `ValueError` for a negative importance.
    **Source:** derived in chapter 01.
    """
    d_out = grad_outputs(linear_forward(x, W, b), x, importance)  # [n_instances, batch, n]
    hidden = x @ W.transpose(0, 2, 1)  # [n_instances, batch, m]
    d_hidden = d_out @ W.transpose(0, 2, 1)
    reading = hidden.transpose(0, 2, 1) @ d_out  # W as the way out of the hidden space
    writing = d_hidden.transpose(0, 2, 1) @ x  # W as the way in
    return reading + writing, d_out.sum(axis=1)


@shaped(x="n_instances batch n", W="n_instances m n", b="n_instances n")
@_checked
def toy_gradients(x: Array, W: Array, b: Array, importance: Array) -> tuple[Array, Array]:
    """Gradients of the ReLU output model's loss with respect to `W` and `b`.

    **Arguments:** `x` [n_instances, batch, n]; `W` [n_instances, m, n]; `b` [n_instances, n];
    `importance` [n] or [n_instances, n].
    **Returns:** `(dW, db)`, of the shapes of `W` and `b`, in loss units per unit of each.
    **Raises:** `ShapeError` when the axes disagree; `ValueError` for a negative importance.
    **Source:** derived in chapter 01; at the kink the ReLU's slope is taken as zero.
    """
    x_hat = toy_forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance) * (x_hat > 0)  # a silent output passes nothing
    hidden = x @ W.transpose(0, 2, 1)
    d_hidden = d_out @ W.transpose(0, 2, 1)
    dW = hidden.transpose(0, 2, 1) @ d_out + d_hidden.transpose(0, 2, 1) @ x
    return dW, d_out.sum(axis=1)


@shaped(W="n_instances m n", b="n_instances n")
def one_at_a_time(W: Array, b: Array) -> Array:
    """What the ReLU output model says when one feature is fully on and all others are off.

    **Arguments:** `W` [n_instances, m, n]; `b` [n_instances, n].
    **Returns:** [n_instances, n, n]: row i holds all outputs when feature i alone is 1.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** chapter 01.
    """
    overlaps = W.transpose(0, 2, 1) @ W  # [n_instances, n, n]
    return np.maximum(overlaps + b[:, None, :], 0)


@_checked
def top_m_loss(density: Array, importance: Array, m: int) -> Array:
    """The least loss of the linear model: keep the m most important features, give up the rest.

    A kept feature costs nothing; one given up is answered with its mean, and costs its variance
    times its importance.

    **Arguments:** `density` [n_instances]; `importance` [n]; `m`, the hidden dimensions, at
    most n.
    **Returns:** [n_instances], in squared units of the features.
    **Raises:** `ValueError` for a density outside (0, 1] or a negative importance.
    **Source:** derived in chapter 01; Elhage et al. (2022) on the linear model as PCA.
    """
    variance = density / 3 - density**2 / 4  # E[x^2] - E[x]^2 of draw_features
    given_up = np.sort(importance)[: len(importance) - m]
    return variance * given_up.sum()
