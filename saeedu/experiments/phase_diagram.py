"""Two features, one dimension: which arrangement training finds, beside the predicted one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from saeedu import geometry_plots
from saeedu.experiments.result import Result
from saeedu.toy_phase import arrangement_of, best_arrangement
from saeedu.toy_phase_training import train_phase_grid


def run(size: str, seeds: Sequence[int], steps: int | None = None) -> Result:
    """Train the whole diagram once a seed.

    **Arguments:** `size`, "small" for 16 densities by 17 importances; other sizes double both;
    `seeds`, of the training; `steps`, of each model.
    **Returns:** for each seed the share of cells in which training and prediction agree.
    """
    finer = 1 if size == "small" else 2
    densities = np.geomspace(0.01, 1, 16 * finer)
    importances = np.geomspace(0.1, 10, 16 * finer + 1)
    n_steps = steps or 600
    predicted = best_arrangement(densities, 1.0, importances[:, np.newaxis])
    trained = []
    for seed in seeds:
        grid = train_phase_grid(densities, importances, n_steps=n_steps, seed=seed)
        trained.append(arrangement_of(grid.W.reshape(-1, 1, 2)).reshape(predicted.shape))
    p = np.geomspace(0.01, 4 / 7, 200)
    maps = {"predicted": predicted, "trained, best of four": trained[0]}
    return Result(
        "phase-diagram",
        {
            "size": size,
            "seeds": list(seeds),
            "steps": n_steps,
            "densities": densities,
            "importances": importances,
        },
        {
            "share_that_agrees": [float(np.mean(found == predicted)) for found in trained],
            "predicted": predicted,
            "trained": trained,
        },
        {"map": geometry_plots.phase_maps(densities, importances, maps, (p, 2 * p / (4 - 5 * p)))},
    )
