"""How good is an SAE? Sparsity, faithfulness to the activations, and what the model loses by it."""

from saeedu.metrics.cross_entropy import (
    CrossEntropies,
    cross_entropy_recovered,
    evaluate_cross_entropy,
)
from saeedu.metrics.density import (
    DensityHistogram,
    dead_fraction,
    dense_fraction,
    density_histogram,
)
from saeedu.metrics.dictionaries import Agreement, agreement, mmcs
from saeedu.metrics.reconstruction import (
    Reconstruction,
    RunningReconstruction,
    evaluate_reconstruction,
)
from saeedu.metrics.streaming import Estimate, RunningMean
from saeedu.sae.measures import (
    explained_variance,
    explained_variance_dictionary_learning,
    explained_variance_saelens_legacy,
    l0,
    l1,
    relative_reconstruction_bias,
)

__all__ = [
    "Agreement",
    "CrossEntropies",
    "DensityHistogram",
    "Estimate",
    "Reconstruction",
    "RunningMean",
    "RunningReconstruction",
    "agreement",
    "cross_entropy_recovered",
    "dead_fraction",
    "dense_fraction",
    "density_histogram",
    "evaluate_cross_entropy",
    "evaluate_reconstruction",
    "explained_variance",
    "explained_variance_dictionary_learning",
    "explained_variance_saelens_legacy",
    "l0",
    "l1",
    "mmcs",
    "relative_reconstruction_bias",
]
