"""Draw the README's picture: 32 hidden features, and what three methods find of them.

`python -m scripts.make_readme_figure` trains the NumPy autoencoder of chapter 05, prints how well
each method did, and writes docs/recovery.png.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from saeedu.data import SparseFeatures
from saeedu.fit_records import Settings
from saeedu.matching import hungarian_match
from saeedu.numpy_fit import fit
from saeedu.numpy_sae import cosine_similarities, mmcs, principal_components
from saeedu.shapes import Array

FIGURE = Path(__file__).resolve().parent.parent / "docs" / "recovery.png"


def main() -> None:
    """Train, print, draw."""
    world = SparseFeatures(n_features=32, d_model=16, density=0.05, seed=0)
    components = principal_components(world.sample(4000).x, 16)
    trained = fit(world, Settings(d_sae=64, l1_coefficient=0.3, steps=18_000))
    dictionaries = {
        "64 random directions": np.random.default_rng(0).standard_normal((64, 16)),
        "PCA, both signs": np.vstack([components, -components]),
        "a trained sparse autoencoder": trained.parameters.W_dec,
    }
    figure, panels = plt.subplots(1, 3, figsize=(10.5, 3.9), layout="constrained")
    for axes, (name, dictionary) in zip(panels, dictionaries.items(), strict=True):
        score = mmcs(world.directions, dictionary)
        print(f"{name}: MMCS {score:.3f}")
        image = axes.imshow(
            best_first(world.directions, dictionary), cmap="RdBu_r", vmin=-1, vmax=1
        )
        axes.set(title=f"{name}\nMMCS {score:.2f}", xlabel="direction found, best match first")
    panels[0].set_ylabel("true feature")
    figure.colorbar(image, ax=panels, label="cosine similarity")
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=100, metadata={"Software": None})


def best_first(features: Array, dictionary: Array) -> Array:
    """Cosines [n_features, n_features], the columns in the order of their best matches."""
    similarities = cosine_similarities(features, dictionary)
    return similarities[:, hungarian_match(similarities)]


if __name__ == "__main__":
    main()
