"""Computing in superposition: the absolute values of many features in few neurons (chapter 02).

The model is y_hat = relu(W_out relu(W_in x) + b), and its target is |x|, feature by feature.
`W_in` [n_instances, k, n] leads from n features to k neurons, `W_out` [n_instances, n, k] back;
`b` and the samples `x` as in `toy_model`, but with both signs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from saeedu.shapes import Array, shaped
from saeedu.toy_descent import descend
from saeedu.toy_model import (
    draw_features,
    grad_outputs,
    require_density,
    require_importance,
)

EVALUATION_BATCH = 4096


@dataclass(frozen=True)
class AbsoluteRun:
    """What training the absolute value leaves behind."""

    W_in: Array
    """[n_instances, k, n]."""
    W_out: Array
    """[n_instances, n, k]."""
    b: Array
    """[n_instances, n]."""
    share_of_error: Array
    """For each feature its squared error on fresh samples, as a part of what answering with its
    mean would cost, [n_instances, n]: 0 for perfect, 1 for not computed at all."""


def exact_absolute_value(n: int) -> tuple[Array, Array]:
    """Weights that compute the absolute value of n features without error, in 2n neurons.

    The answer to a sample x is W_out relu(W_in x), without a bias.

    **Arguments:** `n`, the number of features.
    **Returns:** `(W_in, W_out)`, of shapes [2n, n] and [n, 2n]; the neurons in any order.
    **Source:** Elhage et al. (2022), "Computation in Superposition".
    """
    W_in = np.vstack([np.eye(n), -np.eye(n)])  # |x| = relu(x) + relu(-x)
    return W_in, np.abs(W_in).T


def draw_signed_features(
    rng: np.random.Generator, n_instances: int, batch: int, n: int, density: Array | float
) -> Array:
    """Draw sparse features of both signs: mostly zero, otherwise uniform between -1 and 1.

    **Arguments:** as of `draw_features`.
    **Returns:** [n_instances, batch, n].
    **Raises:** `ValueError` when a density is outside (0, 1].
    **Source:** Elhage et al. (2022), "Computation in Superposition".
    """
    size = draw_features(rng, n_instances, batch, n, density)
    return size * rng.choice([-1.0, 1.0], size.shape)


@shaped(x="n_instances batch n", W_in="n_instances k n", W_out="n_instances n k", b="n_instances n")
def absolute_forward(x: Array, W_in: Array, W_out: Array, b: Array) -> Array:
    """Answer with a hidden layer of k neurons and a ReLU on the output.

    **Arguments:** `x` [n_instances, batch, n]; `W_in` [n_instances, k, n];
    `W_out` [n_instances, n, k]; `b` [n_instances, n].
    **Returns:** y_hat [n_instances, batch, n], never negative.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Elhage et al. (2022), "Computation in Superposition".
    """
    neurons = np.maximum(x @ W_in.transpose(0, 2, 1), 0)  # [n_instances, batch, k]
    return np.maximum(neurons @ W_out.transpose(0, 2, 1) + b[:, None, :], 0)


@shaped(x="n_instances batch n", W_in="n_instances k n", W_out="n_instances n k", b="n_instances n")
def absolute_gradients(
    x: Array, W_in: Array, W_out: Array, b: Array, importance: Array
) -> tuple[Array, Array, Array]:
    """Gradients of the importance-weighted squared distance between the answer and |x|.

    **Arguments:** as of `absolute_forward`; `importance` [n] or [n_instances, n].
    **Returns:** `(dW_in, dW_out, db)`, of the shapes of the parameters.
    **Raises:** `ShapeError` when the axes disagree; `ValueError` for a negative importance.
    **Source:** the chain rule of `neuron_gradients`, with two matrices instead of one twice.
    """
    neurons = np.maximum(x @ W_in.transpose(0, 2, 1), 0)
    y_hat = np.maximum(neurons @ W_out.transpose(0, 2, 1) + b[:, None, :], 0)
    d_out = grad_outputs(y_hat, np.abs(x), importance) * (y_hat > 0)
    d_neurons = d_out @ W_out * (neurons > 0)
    dW_in = d_neurons.transpose(0, 2, 1) @ x
    dW_out = d_out.transpose(0, 2, 1) @ neurons
    return dW_in, dW_out, d_out.sum(axis=1)


def train_absolute(
    n: int,
    k: int,
    density: Array | float,
    importance: Array | float = 1.0,
    n_restarts: int = 4,
    n_steps: int = 3000,
    lr: float = 0.01,
    batch: int = 256,
    seed: int = 0,
) -> AbsoluteRun:
    """Train models to compute absolute values, the best of several for each density, all at once.

    **Arguments:** `n` features in `k` neurons; `density` [n_instances]; `importance`, a number
    or [n]; `n_restarts`, of which the one with the least loss on fresh samples is kept;
    `n_steps` of `batch` samples; `lr`, the first learning rate; `seed`.
    **Returns:** an `AbsoluteRun`, an instance a density.
    **Raises:** `ValueError` for a size below one, a density outside (0, 1], or an importance of
    another shape or below zero; `FloatingPointError` when training diverges.
    **Source:** Elhage et al. (2022), "Computation in Superposition".
    """
    densities = np.atleast_1d(np.asarray(density, dtype=np.float64))
    weight = np.asarray(importance, dtype=np.float64)
    sizes = {"n": n, "k": k, "n_restarts": n_restarts, "batch": batch}
    _check(sizes, densities, weight)
    weight = np.broadcast_to(weight, (n,))
    p = np.tile(densities, n_restarts)
    init_rng, rng, final_rng = np.random.default_rng(seed).spawn(3)
    start = (
        init_rng.standard_normal((len(p), k, n)) * np.sqrt(2 / n),
        init_rng.standard_normal((len(p), n, k)) * np.sqrt(2 / k),
        np.zeros((len(p), n)),
    )

    def gradients(parameters: tuple[Array, ...]) -> tuple[Array, ...]:
        W_in, W_out, b = parameters
        x = draw_signed_features(rng, len(p), batch, n, p)
        return absolute_gradients(x, W_in, W_out, b, weight)

    W_in, W_out, b = descend(start, gradients, n_steps, lr)
    x = draw_signed_features(final_rng, len(p), EVALUATION_BATCH, n, p)
    errors = np.mean((absolute_forward(x, W_in, W_out, b) - np.abs(x)) ** 2, axis=1)
    variance = p / 3 - p**2 / 4  # of |x|
    shares = errors / variance[:, np.newaxis]
    losses = (errors @ weight).reshape(n_restarts, len(densities))
    best = np.argmin(losses, axis=0) * len(densities) + np.arange(len(densities))
    return AbsoluteRun(W_in[best], W_out[best], b[best], shares[best])


def _check(sizes: dict[str, int], densities: Array, importance: Array) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"train_absolute: {name} must be at least 1, but it is {size}")
    if densities.ndim != 1 or not densities.size:
        raise ValueError(
            f"train_absolute: density must have shape [n_instances], but it has "
            f"{list(densities.shape)}"
        )
    require_density(densities, "train_absolute")
    require_importance(importance, "train_absolute")
    if importance.shape not in {(), (sizes["n"],)}:
        raise ValueError(
            f"train_absolute: importance must be a number or [n] = [{sizes['n']}], but it has "
            f"shape {list(importance.shape)}"
        )
