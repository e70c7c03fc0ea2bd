"""Training the whole phase diagram of two features in one dimension, in one batch (chapter 02)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from saeedu.shapes import Array
from saeedu.toy_descent import descend
from saeedu.toy_model import draw_features, require_density, toy_gradients
from saeedu.toy_phase import exact_loss


@dataclass(frozen=True)
class PhaseGrid:
    """For each importance and each density the best of several trained models."""

    densities: Array
    """[n_densities]."""
    importances: Array
    """Importance of feature 2, where feature 1 has 1: [n_importances]."""
    W: Array
    """[n_importances, n_densities, 1, 2]."""
    b: Array
    """[n_importances, n_densities, 2]."""
    loss: Array
    """The expected loss, computed exactly: [n_importances, n_densities]."""


def train_phase_grid(
    densities: Array,
    importances: Array,
    n_restarts: int = 4,
    n_steps: int = 600,
    lr: float = 0.03,
    batch: int = 64,
    seed: int = 0,
) -> PhaseGrid:
    """Train every cell of the phase diagram, with restarts, as instances of one batch.

    Half of the restarts begin with weights of opposite signs, half with equal signs: turning both
    signs round changes nothing, so these are the only two kinds of start.

    **Arguments:** `densities` [n_densities], the same for both features; `importances`
    [n_importances] of feature 2, where feature 1 has 1; `n_restarts`, of which the one with the
    least expected loss is kept; `n_steps`, `lr`, `batch` and `seed` as of `train_toy`.
    **Returns:** a `PhaseGrid`.
    **Raises:** `ValueError` for a density outside (0, 1], an importance that is not positive, or
    a size below one.
    **Source:** Elhage et al. (2022), "Superposition as a Phase Change".
    """
    sizes = {"n_restarts": n_restarts, "n_steps": n_steps, "batch": batch}
    _check("train_phase_grid", densities, importances, sizes)
    p, r = (np.tile(grid.ravel(), n_restarts) for grid in np.meshgrid(densities, importances))
    # Scaled so that the larger is 1: the optimum is the same, and Adam does not mind.
    importance = np.stack([np.ones_like(r), r], axis=1) / np.maximum(r, 1)[:, None]
    init_rng, rng = np.random.default_rng(seed).spawn(2)
    W: Array = init_rng.uniform(0.2, 1.0, (len(p), 1, 2))
    cells = len(densities) * len(importances)
    W[:, 0, 1] *= np.repeat((-1.0) ** np.arange(1, n_restarts + 1), cells)

    def gradients(parameters: tuple[Array, ...]) -> tuple[Array, ...]:
        W, b = parameters
        return toy_gradients(draw_features(rng, len(p), batch, 2, p), W, b, importance)

    W, b = descend((W, np.zeros((len(p), 2))), gradients, n_steps, lr)
    losses = exact_loss(W, b, p, 1.0, r).reshape(n_restarts, cells)
    best = np.argmin(losses, axis=0) * cells + np.arange(cells)
    shape = (len(importances), len(densities))
    return PhaseGrid(
        densities,
        importances,
        W[best].reshape(*shape, 1, 2),
        b[best].reshape(*shape, 2),
        losses.min(axis=0).reshape(shape),
    )


def best_exact(
    densities: Array, importance: float, n_steps: int = 400, lr: float = 0.05
) -> tuple[Array, Array, Array]:
    """The model of least expected loss for each density, without samples and so without noise.

    Descends the exact loss from three starts, of which feature 2 is held fully, in part, and
    hardly at all, and keeps the best end.

    **Arguments:** `densities` [n_densities]; `importance` of feature 2, where feature 1 has 1;
    `n_steps` and `lr` as of `descend`.
    **Returns:** `(W, b, loss)`, of shapes [n_densities, 1, 2], [n_densities, 2] and [n_densities].
    **Raises:** `ValueError` for a density outside (0, 1] or an importance that is not positive.
    **Source:** chapter 02.
    """
    _check("best_exact", densities, np.array([importance]), {"n_steps": n_steps})
    seconds = np.array([-1.0, -0.5, -0.05])
    k = len(densities)
    p = np.tile(densities, len(seconds))
    W = np.stack([np.ones(len(p)), np.repeat(seconds, k)], axis=1)
    nudges = 1e-5 * np.eye(4)[:, np.newaxis]

    def loss(four: Array) -> Array:
        return exact_loss(four[..., np.newaxis, :2], four[..., 2:], p, 1.0, importance)

    def gradients(parameters: tuple[Array, ...]) -> tuple[Array, ...]:
        (four,) = parameters
        return (((loss(four + nudges) - loss(four - nudges)) / 2e-5).T,)

    start = np.concatenate([W, np.full(W.shape, 0.1)], axis=1)
    (four,) = descend((start,), gradients, n_steps, lr)
    best = np.argmin(loss(four).reshape(len(seconds), k), axis=0) * k + np.arange(k)
    return four[best, np.newaxis, :2], four[best, 2:], loss(four)[best]


def _check(where: str, densities: Array, importances: Array, sizes: dict[str, int]) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{where}: {name} must be at least 1, but it is {size}")
    for name, axis in (("densities", densities), ("importances", importances)):
        if axis.ndim != 1 or not axis.size:
            raise ValueError(
                f"{where}: {name} must be a list of numbers, but has shape {list(axis.shape)}"
            )
    require_density(densities, where)
    bad = importances[~((importances > 0) & np.isfinite(importances))]
    if bad.size:
        raise ValueError(f"{where}: importance must be positive and finite, but it is {bad[0]:g}")
