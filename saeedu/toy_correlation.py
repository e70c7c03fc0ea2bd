"""Sparse features that come in pairs: always together, or never (chapter 02).

Features 0 and 1 are a pair, 2 and 3, and so on. Both functions fit `train_toy`'s argument `draw`:
every feature is present with probability `density`, as with `draw_features`, and uniform between
0 and 1 when present. Only the company that it keeps differs.
"""

from __future__ import annotations

import numpy as np

from saeedu.shapes import Array
from saeedu.toy_model import require_density


def draw_together(
    rng: np.random.Generator, n_instances: int, batch: int, n: int, density: Array | float
) -> Array:
    """Draw features of which both of a pair are present, or neither; their values are independent.

    **Arguments:** `rng`; `n_instances`, `batch` and `n`, the sizes, with an even n; `density`, of
    each feature: a number, or [n_instances].
    **Returns:** [n_instances, batch, n].
    **Raises:** `ValueError` for an odd n, or a density outside (0, 1].
    **Source:** Elhage et al. (2022), "Correlated and Anticorrelated Features".
    """
    _require_pairs(n, "draw_together")
    require_density(density, "draw_together")
    threshold = np.reshape(density, (-1, 1, 1))
    pair_present = rng.random((n_instances, batch, n // 2)) < threshold
    return np.repeat(pair_present, 2, axis=2) * rng.random((n_instances, batch, n))


def draw_apart(
    rng: np.random.Generator, n_instances: int, batch: int, n: int, density: Array | float
) -> Array:
    """Draw features of which the two of a pair are never present together.

    **Arguments:** as of `draw_together`; a density is at most 1/2, since the two take turns.
    **Returns:** [n_instances, batch, n].
    **Raises:** `ValueError` for an odd n, or a density outside (0, 1/2].
    **Source:** Elhage et al. (2022), "Correlated and Anticorrelated Features".
    """
    _require_pairs(n, "draw_apart")
    require_density(density, "draw_apart")
    threshold = np.reshape(density, (-1, 1, 1))
    if np.any(threshold > 0.5):
        raise ValueError(
            f"draw_apart: two features that take turns have a density of at most 0.5, but it is "
            f"{np.max(threshold):g}"
        )
    u = rng.random((n_instances, batch, n // 2))
    first, second = u < threshold, (threshold <= u) & (u < 2 * threshold)
    present = np.stack([first, second], axis=3).reshape(n_instances, batch, n)
    return present * rng.random((n_instances, batch, n))


def _require_pairs(n: int, where: str) -> None:
    if n < 2 or n % 2:
        raise ValueError(f"{where}: features come in pairs, so n must be even, but it is {n}")
