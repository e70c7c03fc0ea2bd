"""Sparsity against error as λ varies, with recovery of the truth as a third number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np

from saeedu import plots, training_plots
from saeedu.data import SparseFeatures
from saeedu.experiments.recovery import SIZES
from saeedu.experiments.result import Result
from saeedu.experiments.scores import score
from saeedu.numpy_fit import fit

PRICES = (0.02, 0.05, 0.1, 0.16, 0.2, 0.3, 0.45, 0.7)


def run(
    size: str, seeds: Sequence[int], steps: int | None = None, prices: Sequence[float] = PRICES
) -> Result:
    """Train at every price for every seed.

    **Arguments:** as of `recovery.run`; `prices`, the values of λ.
    **Returns:** for each λ the scores' means over seeds, and the λ with the best MMCS.
    """
    chosen = SIZES[size]
    settings = replace(chosen.settings, steps=steps) if steps else chosen.settings
    points = []
    for price in prices:
        scores = []
        for seed in seeds:
            world = SparseFeatures(chosen.n_features, chosen.d_model, chosen.density, seed)
            trained = fit(world, replace(settings, l1_coefficient=price, seed=seed))
            scores.append(score(trained.parameters, world.sample(10_000), world.directions))
        means = {name: float(np.mean([s[name] for s in scores])) for name in scores[0]}
        points.append({"l1_coefficient": price, **means})
    best = max(points, key=lambda point: point["mmcs"])
    return Result(
        "pareto",
        {
            "size": size,
            **asdict(chosen),
            "settings": asdict(settings),
            "seeds": list(seeds),
            "l1_coefficients": list(prices),
        },
        {"points": points, "best_mmcs": best["mmcs"], "best_at": best["l1_coefficient"]},
        {
            "frontier": training_plots.pareto(
                [point["l0"] for point in points],
                [point["fvu"] for point in points],
                [point["mmcs"] for point in points],
                [f"λ = {price:g}" for price in prices],
            ),
            "shrinkage": plots.curves(
                prices,
                {
                    "measured slope": [point["read_strength"] for point in points],
                    "a lone feature: 1 − 3λ/4": [1 - 0.75 * price for price in prices],
                },
                x_label="λ (units of x)",
                y_label="slope of latent on feature (no unit)",
                title="Shrinkage",
            ),
        },
    )
