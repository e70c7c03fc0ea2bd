"""Does an SAE recover a hidden dictionary? Several seeds, beside dictionaries of other methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from saeedu import plots, training_plots
from saeedu.baselines import ica_directions, kmeans_directions, pca_directions, random_directions
from saeedu.data import SparseFeatures
from saeedu.experiments.result import Result
from saeedu.experiments.scores import score
from saeedu.fit_records import Settings
from saeedu.matching import hungarian_match, latents_in_order
from saeedu.numpy_fit import fit
from saeedu.numpy_sae import cosine_similarities


@dataclass(frozen=True)
class Size:
    """A world and an SAE for it."""

    n_features: int
    d_model: int
    density: float
    settings: Settings


SIZES = {
    "small": Size(32, 16, 0.05, Settings(64, 0.16, steps=18_000)),
    "medium": Size(
        128, 64, 8 / 128, Settings(128, 0.2, steps=3500, learning_rate=3e-3, cool_down=0.5)
    ),
    "sharkey": Size(
        512, 256, 5 / 512, Settings(512, 0.12, steps=4000, learning_rate=5e-3, cool_down=0.5)
    ),
}


def run(size: str, seeds: Sequence[int], steps: int | None = None) -> Result:
    """Train on `size` once a seed, and compare with rivals on the first.

    **Arguments:** `size`, a key of `SIZES`; `seeds`, of world and training; `steps`, in place of
    the size's own.
    **Returns:** scores for each seed, their means, and the MMCS of the rivals.
    """
    chosen = SIZES[size]
    settings = replace(chosen.settings, steps=steps) if steps else chosen.settings
    scores, first = [], None
    for seed in seeds:
        world = SparseFeatures(chosen.n_features, chosen.d_model, chosen.density, seed)
        trained = fit(world, replace(settings, seed=seed))
        scores.append(score(trained.parameters, world.sample(10_000), world.directions))
        first = first or (world, trained)
    assert first is not None
    world, trained = first
    x, count = world.sample(10_000).x, settings.d_sae
    rivals = {
        "SAE": trained.parameters.W_dec,
        "k-means": kmeans_directions(x, count, seeds[0]),
        "ICA, both signs": ica_directions(x, seeds[0]),
        "PCA, both signs": pca_directions(x),
        "random": random_directions(count, chosen.d_model, seeds[0]),
    }
    cosines = {name: cosine_similarities(world.directions, rows) for name, rows in rivals.items()}
    order = latents_in_order(hungarian_match(cosines["SAE"]), count)
    return Result(
        "recovery",
        {"size": size, **asdict(chosen), "settings": asdict(settings), "seeds": list(seeds)},
        {
            "by_seed": scores,
            "mean": {name: float(np.mean([s[name] for s in scores])) for name in scores[0]},
            "mmcs_of_rivals": {name: float(c.max(axis=1).mean()) for name, c in cosines.items()},
        },
        {
            "training": training_plots.training_run(trained.history, "Training"),
            "diagonal": training_plots.matched_cosines(cosines["SAE"][:, order], "Matched"),
            "both-ways": training_plots.both_ways(cosines["SAE"], "Both sides"),
            "rivals": plots.best_matches(cosines, "Best match of each feature"),
        },
    )
