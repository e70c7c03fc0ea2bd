"""Absorption counted by hand, and on the dictionary that Chanin et al. (2024) describe."""

from __future__ import annotations

import numpy as np
import pytest

from saeedu.absorption import absorption_rate, main_latents
from saeedu.hierarchical_data import HierarchicalFeatures
from saeedu.shapes import ShapeError


def absorbing_family(world: HierarchicalFeatures, coefficients: np.ndarray):
    """A dictionary that absorbs: each child's row holds its parent; the parent's latent steps back.

    The latents are written down, not trained: with spread 0 they rebuild x exactly.
    """
    rows = world.directions.copy()
    latents = coefficients.copy()
    for child in world.children:
        parent = world.parent_of[child]
        rows[child] = world.directions[child] + 0.9 * world.directions[parent]
        latents[coefficients[:, child] > 0, parent] = 0
    return latents, rows


def test_an_honest_dictionary_absorbs_nothing() -> None:
    world = HierarchicalFeatures(seed=0)
    coefficients = world.sample(2000).coefficients
    rates = absorption_rate(coefficients, coefficients, world.directions, world.directions)
    assert rates.max() == 0


def test_an_absorbing_dictionary_hides_a_parent_whenever_a_child_is_there() -> None:
    world = HierarchicalFeatures(seed=0, spread=0.0)
    _, coefficients = world.sample(20_000)
    latents, rows = absorbing_family(world, coefficients)
    rates = absorption_rate(coefficients, latents, rows, world.directions)
    np.testing.assert_allclose(rates[world.parents], 3 * 0.2, atol=0.03)  # three children
    assert rates[world.children].max() == rates[world.alone].max() == 0


def test_a_feature_that_is_missed_is_not_absorbed() -> None:
    world = HierarchicalFeatures(seed=0)
    _, coefficients = world.sample(500)
    rates = absorption_rate(
        coefficients, np.zeros_like(coefficients), world.directions, world.directions
    )
    assert rates.max() == 0


def test_half_of_the_strength_decides() -> None:
    directions = np.eye(2)
    coefficients, latents = np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([[0.0, 1.0], [0.0, 1.0]])
    for share, expected in ((0.51, 1.0), (0.5, 1.0), (0.49, 0.0)):
        rows = np.array([[1.0, 0.0], [share, 1.0]])
        assert absorption_rate(coefficients, latents, rows, directions)[0] == expected


def test_the_main_latent_is_nearest_in_direction_not_longest_and_not_opposed() -> None:
    directions = np.eye(2)
    rows = np.array([[5.0, 4.0], [0.2, 0.0], [-1.0, 0.0], [0.0, 3.0]])
    assert main_latents(directions, rows).tolist() == [1, 3]


def test_axes_that_disagree_are_named() -> None:
    with pytest.raises(ShapeError, match="d_sae"):
        absorption_rate(np.ones((4, 2)), np.ones((4, 3)), np.ones((5, 6)), np.ones((2, 6)))
