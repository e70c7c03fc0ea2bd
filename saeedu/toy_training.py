"""Training toy models of superposition: all instances at once, with Adam written by hand."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from saeedu.shapes import Array
from saeedu.toy_model import (
    draw_features,
    importance_loss,
    linear_forward,
    linear_gradients,
    require_density,
    require_importance,
    toy_forward,
    toy_gradients,
)

Draw = Callable[[np.random.Generator, int, int, int, Array], Array]
HELD_OUT_NUMBERS = 4_000_000
"""How many numbers the samples of the final loss hold at most, over all instances."""
HELD_OUT_BATCH = 50_000
"""How many samples for each instance at most."""
FRAME_BATCH = 8_000
"""The same for the loss at a frame."""


class ToyModel(NamedTuple):
    """A model to train: how it answers, and the gradients of its loss."""

    forward: Callable[[Array, Array, Array], Array]
    """(x, W, b) -> x_hat."""
    gradients: Callable[[Array, Array, Array, Array], tuple[Array, Array]]
    """(x, W, b, importance) -> (dW, db)."""


RELU_OUTPUT = ToyModel(toy_forward, toy_gradients)
LINEAR = ToyModel(linear_forward, linear_gradients)


@dataclass(frozen=True)
class ToyRun:
    """What a training run leaves behind."""

    W: Array
    """The weights at the end, [n_instances, m, n]."""
    b: Array
    """The biases at the end, [n_instances, n]."""
    final_loss: Array
    """The loss at the end on samples not trained on, many more than a batch, [n_instances]."""
    steps: Array
    """The steps at which a frame was kept, [n_frames]; close together at first, then apart."""
    history: Array
    """The weights at those steps, [n_frames, n_instances, m, n]."""
    losses: Array
    """The loss at those steps, always on the same samples, [n_frames, n_instances]."""


def train_toy(
    n: int,
    m: int,
    density: ArrayLike,
    importance: ArrayLike = 1.0,
    n_steps: int = 2000,
    lr: float = 0.02,
    batch: int = 256,
    seed: int = 0,
    model: ToyModel = RELU_OUTPUT,
    draw: Draw = draw_features,
    n_frames: int = 40,
    init_scale: float = 0.1,
) -> ToyRun:
    """Train one toy model for each density, all at once, with Adam.

    The learning rate falls along half a cosine to nothing, so that the weights come to rest.

    **Arguments:** `n` features in `m` dimensions; `density` [n_instances]; `importance`, a
    number, [n] or [n_instances, n]; `n_steps` of `batch` samples for each instance; `lr`, the
    first learning rate; `seed` fixes everything; `model`, the functions to train with;
    `draw`, a function like `draw_features`, which is also asked for one instance of each distinct
    density; `n_frames`, how many frames to keep, at most;
    `init_scale`, the standard deviation of the first weights: small, so that all features start
    together near the origin.
    **Returns:** a `ToyRun`.
    **Raises:** `ValueError` for a size below one, a density outside (0, 1], a negative
    importance, or a learning rate that is not positive; `FloatingPointError`, naming the step,
    when training diverges. Warns when an instance ends worse than
    if it answered every feature with its mean.
    **Source:** Elhage et al. (2022); Kingma and Ba (2015) for Adam.
    """
    density, importance = _checked_settings(
        {"n": n, "m": m, "n_steps": n_steps, "batch": batch, "n_frames": n_frames},
        density,
        importance,
        lr,
    )
    n_instances = len(density)
    init_rng, rng, held_out_rng = np.random.default_rng(seed).spawn(3)
    W = init_rng.standard_normal((n_instances, m, n)) * init_scale
    b = np.zeros((n_instances, n))
    adam_W, adam_b = Adam(W), Adam(b)
    steps = _frame_steps(n_steps, n_frames)
    history, losses = [], []
    held_out_batch = max(batch, min(HELD_OUT_BATCH, HELD_OUT_NUMBERS // (n_instances * n)))
    # Restarts of one density are measured on the same samples, so that the better one is better.
    distinct, which = np.unique(density, return_inverse=True)
    held_out = draw(held_out_rng, len(distinct), held_out_batch, n, distinct)[which]
    seen = held_out[:, : max(batch, FRAME_BATCH)]
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is reported below, by step
        for step in range(n_steps + 1):
            if step in steps:
                history.append(W)
                losses.append(importance_loss(model.forward(seen, W, b), seen, importance))
                _refuse_divergence(losses[-1], importance, step, lr)
            if step == n_steps:
                break
            x = draw(rng, n_instances, batch, n, density)
            dW, db = model.gradients(x, W, b, importance)
            rate = lr * (1 + np.cos(np.pi * step / n_steps)) / 2
            W, b = W - rate * adam_W.direction(dW), b - rate * adam_b.direction(db)
            if not (np.all(np.isfinite(W)) and np.all(np.isfinite(b))):
                _diverged("a weight is no longer a finite number", step + 1, lr)
    final_loss = importance_loss(model.forward(held_out, W, b), held_out, importance)
    _warn_if_nothing_was_learnt(final_loss, held_out, importance, lr)
    return ToyRun(W, b, final_loss, np.array(sorted(steps)), np.array(history), np.array(losses))


def best_of_restarts(run: ToyRun, n_restarts: int) -> ToyRun:
    """Of several restarts of the same settings, keep for each setting the one of least loss.

    Train with `density=np.tile(densities, n_restarts)`: restarts one after another, each with
    all the settings in the same order.

    **Arguments:** `run` of n_restarts * k instances; `n_restarts`.
    **Returns:** a run of k instances.
    **Raises:** `ValueError` when the instances cannot be divided among that many restarts.
    """
    n_instances = len(run.W)
    if n_restarts < 1 or n_instances % n_restarts:
        raise ValueError(
            f"best_of_restarts: {n_instances} instances cannot be {n_restarts} restarts each; "
            f"train with density=np.tile(densities, n_restarts)"
        )
    k = n_instances // n_restarts
    best = np.argmin(run.final_loss.reshape(n_restarts, k), axis=0) * k + np.arange(k)
    return replace(
        run,
        W=run.W[best],
        b=run.b[best],
        final_loss=run.final_loss[best],
        history=run.history[:, best],
        losses=run.losses[:, best],
    )


class Adam:
    """Adam's two running means for one array of parameters; chapter 05 takes it apart.

    **Arguments:** `like`, an array of the parameters' shape.
    **Source:** Kingma and Ba (2015), with their constants.
    """

    def __init__(self, like: Array) -> None:
        self.mean = np.zeros_like(like)
        self.square = np.zeros_like(like)
        self.steps = 0

    def direction(self, gradient: Array) -> Array:
        """Take in a gradient; **Returns:** the step to subtract, for a learning rate of one."""
        self.steps += 1
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.999 * self.square + 0.001 * gradient**2
        mean = self.mean / (1 - 0.9**self.steps)  # both means start at zero: undo that bias
        square = self.square / (1 - 0.999**self.steps)
        return mean / (np.sqrt(square) + 1e-8)


def _checked_settings(
    sizes: dict[str, int], density: ArrayLike, importance: ArrayLike, lr: float
) -> tuple[Array, Array]:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"train_toy: {name} must be at least 1, but it is {size}")
    if not (lr > 0 and np.isfinite(lr)):
        raise ValueError(f"train_toy: lr must be a positive number, but it is {lr}")
    densities = np.atleast_1d(np.asarray(density, dtype=np.float64))
    if densities.ndim != 1 or not densities.size:
        raise ValueError(
            f"train_toy: density must have shape [n_instances], but it has {list(densities.shape)}"
        )
    require_density(densities, "train_toy")
    require_importance(importance, "train_toy")
    weights = np.asarray(importance, dtype=np.float64)
    n = sizes["n"]
    if weights.ndim == 0:
        weights = np.full(n, float(weights))
    if weights.shape not in {(n,), (len(densities), n)}:
        raise ValueError(
            f"train_toy: importance must be a number, [n] = [{n}] or [n_instances, n] = "
            f"[{len(densities)}, {n}], but it has shape {list(weights.shape)}"
        )
    return densities, weights


def _frame_steps(n_steps: int, n_frames: int) -> set[int]:
    """Step 0 and then steps in geometric progression: most of the movement is early."""
    later = np.round(np.geomspace(1, n_steps, max(n_frames - 1, 1))).astype(int)
    return {0, n_steps, *later.tolist()} if n_frames > 1 else {n_steps}


def _refuse_divergence(losses: Array, importance: Array, step: int, lr: float) -> None:
    # Values lie between -1 and 1, so answering zero costs at most the sum of the importances.
    limit = 10 * np.broadcast_to(importance.sum(axis=-1), losses.shape)
    bad = ~(losses <= limit + 1e-12)  # NaN is bad too
    if bad.any():
        i = int(np.argmax(bad))
        _diverged(f"the loss of instance {i} is {losses[i]:.3g}", step, lr)


def _diverged(what: str, step: int, lr: float) -> None:
    raise FloatingPointError(
        f"train_toy: training diverged, {what} at step {step}; lr={lr:g} is too large, try a tenth"
    )


def _warn_if_nothing_was_learnt(final_loss: Array, x: Array, importance: Array, lr: float) -> None:
    mean = np.broadcast_to(x.mean(axis=1, keepdims=True), x.shape)
    worse = final_loss > 1.05 * importance_loss(mean, x, importance) + 1e-12
    if worse.any():
        warnings.warn(
            f"train_toy: {int(worse.sum())} of {len(worse)} instances end with a loss above that "
            f"of answering every feature with its mean; lr={lr:g} may be too large, or n_steps "
            f"too few",
            stacklevel=3,
        )
