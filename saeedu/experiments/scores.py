"""The numbers by which every experiment judges a trained SAE, with the truth at hand."""

from __future__ import annotations

import numpy as np

from saeedu.data import Samples
from saeedu.matching import greedy_match, read_strength
from saeedu.numpy_sae import (
    cosine_similarities,
    decode,
    encode,
    fraction_of_variance_unexplained,
    l0,
)
from saeedu.numpy_training import Parameters
from saeedu.shapes import Array


def score(parameters: Parameters, samples: Samples, features: Array) -> dict[str, float]:
    """Recovery, sparsity, error, shrinkage and deaths of an SAE.

    **Arguments:** `parameters`; `samples`, held out, with their true coefficients; `features`
    [n_features, d_in], the truth.
    **Returns:** numbers by name: mmcs, reverse_mmcs, matched_above_0.9 (features), l0, fvu,
    read_strength (mean slope over features with a latent of their own) and never_on (share of
    latents).
    """
    latents = encode(samples.x, parameters.W_enc, parameters.b_enc, parameters.b_dec)
    x_hat = decode(latents, parameters.W_dec, parameters.b_dec)
    cosines = cosine_similarities(features, parameters.W_dec)
    partner = greedy_match(cosines)
    has_one = (partner >= 0) & (samples.coefficients > 0).any(axis=0)
    slopes = read_strength(samples.coefficients[:, has_one], latents[:, partner[has_one]])
    return {
        "mmcs": float(cosines.max(axis=1).mean()),
        "reverse_mmcs": float(cosines.max(axis=0).mean()),
        "matched_above_0.9": int(np.sum(cosines.max(axis=1) > 0.9)),
        "l0": l0(latents),
        "fvu": fraction_of_variance_unexplained(x_hat, samples.x),
        "read_strength": float(slopes.mean()),
        "never_on": float(np.mean(latents.max(axis=0) == 0)),
    }
