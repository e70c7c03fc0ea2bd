"""The rivals find what they should be able to find, and no more."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from saeedu.baselines import (
    ica_directions,
    kmeans_directions,
    pca_directions,
    random_directions,
)
from saeedu.data import SparseFeatures
from saeedu.numpy_sae import cosine_similarities, mmcs


def test_ica_unmixes_what_pca_cannot() -> None:
    rng = np.random.default_rng(0)
    mixing = np.array([[1.0, 0.3, 0.2], [0.1, 1.0, 0.5], [0.4, 0.2, 1.0]])  # rows: directions
    sources = rng.exponential(size=(20_000, 3))
    x = sources @ mixing
    assert mmcs(mixing, ica_directions(x, seed=0)) > 0.995
    assert mmcs(mixing, pca_directions(x)) < 0.95


def test_ica_agrees_with_scikit_learn() -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    rng = np.random.default_rng(1)
    x = rng.laplace(size=(10_000, 4)) @ rng.normal(size=(4, 4))
    theirs = decomposition.FastICA(random_state=0, whiten="unit-variance", tol=1e-6).fit(x)
    cosines = np.abs(cosine_similarities(theirs.mixing_.T, ica_directions(x, seed=0)))
    assert cosines.max(axis=1).min() > 0.999


def test_ica_refuses_samples_that_span_too_little() -> None:
    flat = np.random.default_rng(0).normal(size=(50, 2)) @ np.ones((2, 4))
    with pytest.raises(ValueError, match="span fewer than their 4 dimensions"):
        ica_directions(flat, seed=0)


def test_kmeans_finds_features_that_come_alone() -> None:
    world = SparseFeatures(10, 6, 0.02, seed=0)
    centres = kmeans_directions(world.sample(5000).x, 20, seed=0)
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1)
    assert mmcs(world.directions, centres) > 0.97
    assert mmcs(world.directions, random_directions(20, 6, seed=0)) < 0.85


def test_kmeans_leaves_no_sample_nearer_to_another_centre_than_before() -> None:
    """Each round must not lower the mean cosine of samples with their centres."""
    x = np.random.default_rng(0).normal(size=(400, 5))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    fits = [
        (unit @ kmeans_directions(x, 7, seed=0, iterations=rounds).T).max(axis=1).mean()
        for rounds in (1, 2, 5, 50)
    ]
    assert all(later >= earlier - 1e-12 for earlier, later in itertools.pairwise(fits))
    assert fits[-1] > fits[0]


def test_kmeans_says_when_there_are_too_few_samples() -> None:
    x = np.zeros((10, 3))
    x[0] = 1
    with pytest.raises(ValueError, match="1 of 10 are not zero"):
        kmeans_directions(x, 4, seed=0)


def test_pca_comes_with_both_signs() -> None:
    directions = pca_directions(np.random.default_rng(0).normal(size=(100, 4)))
    assert directions.shape == (8, 4)
    np.testing.assert_allclose(directions[:4], -directions[4:])


def test_random_directions_are_unit_and_repeatable() -> None:
    np.testing.assert_allclose(np.linalg.norm(random_directions(30, 5, seed=1), axis=1), 1)
    np.testing.assert_array_equal(random_directions(3, 2, seed=4), random_directions(3, 2, seed=4))
    assert np.any(random_directions(3, 2, seed=4) != random_directions(3, 2, seed=5))
