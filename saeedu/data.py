"""Synthetic data with a known answer: sparse features hidden in too few dimensions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from saeedu.shapes import Array


class Samples(NamedTuple):
    """What `SparseFeatures.sample` draws."""

    x: Array
    """The observed vectors, [n, d_model]."""
    coefficients: Array
    """How strongly each feature is present in each sample, [n, n_features]; mostly zero."""


class SparseFeatures:
    """A world of sparse features, of which only a linear mixture is observed.

    Each feature is a random unit vector. In each sample every feature is present independently
    with probability `density`, with a strength drawn uniformly from (0, 1], and the sample is the
    sum of the present features. With `n_features > d_model` the features cannot be orthogonal.

    **Arguments:** `n_features` and `d_model`, positive; `density` in (0, 1]; `seed` fixes both the
    directions and the stream of samples.
    **Raises:** `ValueError` for a size below one or a density outside (0, 1].
    **Source:** a simplified form of the synthetic data of Sharkey, Braun and Millidge (2022),
    whose features are correlated and differ in how often they occur; here they are present
    independently and equally often, as in Elhage et al. (2022).
    """

    directions: Array
    """The true features as unit rows, [n_features, d_model]."""

    def __init__(self, n_features: int, d_model: int, density: float, seed: int) -> None:
        for name, size in {"n_features": n_features, "d_model": d_model}.items():
            if size < 1:
                raise ValueError(f"SparseFeatures: {name} must be at least 1, but it is {size}")
        if not 0 < density <= 1:
            raise ValueError(f"SparseFeatures: density must lie in (0, 1], but it is {density}")
        self.n_features = n_features
        self.d_model = d_model
        self.density = density
        self.seed = seed
        # Two streams, so that the directions do not depend on how many samples were drawn.
        direction_rng, self._sample_rng = np.random.default_rng(seed).spawn(2)
        gaussian = direction_rng.standard_normal((n_features, d_model))
        self.directions = gaussian / np.linalg.norm(gaussian, axis=1, keepdims=True)

    def sample(self, n: int) -> Samples:
        """Draw the next `n` samples of the stream.

        **Returns:** `x` [n, d_model] and the true `coefficients` [n, n_features].
        **Raises:** `ValueError` when `n` is below one.
        """
        if n < 1:
            raise ValueError(f"SparseFeatures.sample: n must be at least 1, but it is {n}")
        shape = (n, self.n_features)
        present = self._sample_rng.random(shape) < self.density
        strength = 1.0 - self._sample_rng.random(shape)  # in (0, 1]: present never means zero
        coefficients = present * strength
        return Samples(coefficients @ self.directions, coefficients)

    def __repr__(self) -> str:
        return (
            f"SparseFeatures(n_features={self.n_features}, d_model={self.d_model}, "
            f"density={self.density}, seed={self.seed})"
        )
