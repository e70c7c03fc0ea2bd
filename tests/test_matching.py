"""Matching latents with features, and reading their responses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from saeedu.matching import (
    greedy_match,
    hungarian_match,
    latents_in_order,
    read_strength,
    response_by_feature,
    shared_latents,
)


def total(cosines: np.ndarray, partner: np.ndarray) -> float:
    return float(sum(cosines[i, j] for i, j in enumerate(partner) if j >= 0))


def test_greed_takes_the_best_pair_and_hungary_the_best_sum() -> None:
    cosines = np.array([[0.9, 0.8], [0.85, 0.1]])
    np.testing.assert_array_equal(greedy_match(cosines), [0, 1])
    np.testing.assert_array_equal(hungarian_match(cosines), [1, 0])


@pytest.mark.parametrize("shape", [(3, 5), (4, 4), (5, 3)])
@pytest.mark.parametrize("seed", range(5))
def test_hungarian_beats_every_other_matching(shape: tuple[int, int], seed: int) -> None:
    cosines = np.random.default_rng(seed).uniform(-1, 1, shape)
    partner = hungarian_match(cosines)
    n, m = shape
    wide = cosines if n <= m else cosines.T
    best = max(
        sum(wide[i, j] for i, j in enumerate(choice))
        for choice in itertools.permutations(range(max(shape)), min(shape))
    )
    np.testing.assert_allclose(total(cosines, partner), best)
    assert total(cosines, greedy_match(cosines)) <= best + 1e-12


@pytest.mark.parametrize("match", [greedy_match, hungarian_match])
@pytest.mark.parametrize("shape", [(6, 9), (9, 6), (1, 4), (4, 1)])
def test_no_latent_is_given_twice_and_as_many_as_possible_are(match, shape) -> None:
    partner = match(np.random.default_rng(0).uniform(-1, 1, shape))
    taken = partner[partner >= 0]
    assert len(set(taken)) == len(taken) == min(shape)
    assert len(partner) == shape[0]


@pytest.mark.parametrize("match", [greedy_match, hungarian_match])
def test_a_shuffled_dictionary_is_put_in_order(match) -> None:
    rng = np.random.default_rng(0)
    shuffle = rng.permutation(12)
    cosines = np.eye(8, 12)[:, shuffle] + rng.uniform(-0.3, 0.3, (8, 12))
    order = latents_in_order(match(cosines), 12)
    assert sorted(order) == list(range(12))
    np.testing.assert_array_equal(np.argmax(cosines[:, order], axis=1), np.arange(8))


def test_a_response_is_a_mean_over_the_samples_with_the_feature() -> None:
    coefficients = np.array([[0.5, 0.0], [0.1, 0.9], [0.0, 0.3], [0.0, 0.0]])
    latents = np.array([[2.0], [4.0], [0.0], [100.0]])
    np.testing.assert_allclose(response_by_feature(coefficients, latents), [[3.0], [2.0]])


def test_read_strength_sees_shrinkage_and_no_more() -> None:
    rng = np.random.default_rng(0)
    coefficients = rng.uniform(0, 1, (5000, 3)) * (rng.random((5000, 3)) < 0.3)
    latents = coefficients * [0.5, 1.0, 1.2]
    np.testing.assert_allclose(read_strength(coefficients, latents), [0.5, 1.0, 1.2])
    lowered = np.maximum(coefficients - 0.08, 0)  # the λ/2 of λ = 0.16
    np.testing.assert_allclose(read_strength(coefficients, lowered), 1 - 0.75 * 0.16, atol=0.01)


def test_shared_latents_counts_rows_of_the_first_dictionary() -> None:
    first = np.array([[1.0, 0], [0, 1], [-1, 0]])
    second = np.array([[3.0, 0.1], [1.0, 1.0]])
    assert shared_latents(first, second) == pytest.approx(1 / 3)
    assert shared_latents(second, first) == pytest.approx(1 / 2)
    assert shared_latents(first, second, threshold=0.7) == pytest.approx(2 / 3)
