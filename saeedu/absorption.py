"""Absorption, measured against the truth: a feature is there, and its own latent is silent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saeedu.numpy_sae import cosine_similarities
from saeedu.shapes import Array, shaped


@shaped(directions="n_features d_in", W_dec="d_sae d_in")
def main_latents(directions: Array, W_dec: Array) -> NDArray[np.int_]:
    """For each feature the latent whose decoder row points most nearly along it.

    Mind the order, features first: the other way round it finds a feature for each latent.

    **Arguments:** `directions` [n_features, d_in]; `W_dec` [d_sae, d_in].
    **Returns:** [n_features], whole numbers; several features can share a latent.
    **Raises:** `ShapeError` when the axes disagree.
    """
    return np.argmax(cosine_similarities(directions, W_dec), axis=1)


@shaped(
    coefficients="batch n_features",
    latents="batch d_sae",
    W_dec="d_sae d_in",
    directions="n_features d_in",
)
def absorption_rate(coefficients: Array, latents: Array, W_dec: Array, directions: Array) -> Array:
    """How often a feature is present and rebuilt, but by other latents than its own.

    A sample counts as absorbed when the feature is present, its main latent is off, which means
    exactly 0, and the other latents together still write at least half of its strength along its
    direction. Its main latent is what `main_latents(directions, W_dec)` says. What b_dec writes
    does not count: it is the same in every sample.

    **Arguments:** `coefficients` [batch, n_features], the truth, every feature present somewhere;
    `latents` [batch, d_sae] of the same samples; `W_dec` [d_sae, d_in]; `directions`
    [n_features, d_in], orthonormal rows.
    **Returns:** [n_features]: of the samples that hold the feature, the fraction absorbed.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** after the absorption rate of Chanin et al. (2024), which has probes in place of
    the truth.
    """
    present = coefficients > 0
    main = main_latents(directions, W_dec)
    silent = latents[:, main] == 0
    written = latents @ W_dec @ directions.T  # [batch, n_features]; a silent latent adds nothing
    absorbed = present & silent & (written >= coefficients / 2)
    return absorbed.sum(axis=0) / present.sum(axis=0)
