"""What each latent answers to, beside the raw dimensions of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
from matplotlib.figure import Figure

from saeedu import plots, training_plots
from saeedu.data import SparseFeatures
from saeedu.experiments.recovery import SIZES
from saeedu.experiments.result import Result
from saeedu.matching import hungarian_match, read_strength, response_by_feature
from saeedu.numpy_fit import fit
from saeedu.numpy_sae import cosine_similarities, encode
from saeedu.shapes import Array


def run(size: str, seeds: Sequence[int], steps: int | None = None) -> Result:
    """Train on `size` once a seed, and condition every unit's response on every feature.

    **Arguments:** as of `recovery.run`.
    **Returns:** for each seed how selective the median latent and the median raw dimension are:
    the mean response to the best feature over that to the second best.
    """
    chosen = SIZES[size]
    settings = replace(chosen.settings, steps=steps) if steps else chosen.settings
    by_seed = []
    figures: dict[str, Figure] = {}
    for seed in seeds:
        world = SparseFeatures(chosen.n_features, chosen.d_model, chosen.density, seed)
        parameters = fit(world, replace(settings, seed=seed)).parameters
        x, coefficients = world.sample(20_000)
        latents = encode(x, parameters.W_enc, parameters.b_enc, parameters.b_dec)
        partner = hungarian_match(cosine_similarities(world.directions, parameters.W_dec))
        kept = partner >= 0
        matched = latents[:, partner[kept]]
        responses = {
            "raw dimensions, ReLU": response_by_feature(coefficients, np.maximum(x, 0)),
            "matched latents": response_by_feature(coefficients, matched),
        }
        slopes = read_strength(coefficients[:, kept], matched)
        by_seed.append(
            {name: selectivity(response) for name, response in responses.items()}
            | {"read_strength": float(slopes.mean())}
        )
        if not figures:
            figures = {
                "responses": training_plots.response_heatmaps(responses, "Mean response"),
                "readings": plots.readings(coefficients[:, kept], matched, "Truth and report"),
            }
    return Result(
        "monosemanticity",
        {"size": size, **asdict(chosen), "settings": asdict(settings), "seeds": list(seeds)},
        {"selectivity_by_seed": by_seed},
        figures,
    )


def selectivity(response: Array) -> float:
    """Median over units of the response to the best feature over that to the second best.

    **Arguments:** `response` [n_features, units], never negative, at least two features.
    **Returns:** 1 or more; units that answer to nothing are left out.
    **Raises:** `ValueError` when no unit answers to two features or more.
    """
    second, best = np.sort(response, axis=0)[-2:]
    useful = second > 0
    if not useful.any():
        raise ValueError("selectivity: no unit answers to two features, so there is no ratio")
    return float(np.median(best[useful] / second[useful]))
