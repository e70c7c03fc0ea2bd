"""The world of families: what its docstring promises, counted on many samples."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from saeedu.hierarchical_data import HierarchicalFeatures, present_children
from saeedu.shapes import ShapeError


@pytest.fixture(scope="module")
def world_and_presence() -> tuple[HierarchicalFeatures, np.ndarray]:
    world = HierarchicalFeatures(seed=3)
    return world, world.sample(40_000).coefficients > 0


def test_a_child_never_comes_without_its_parent_nor_with_a_sibling(world_and_presence) -> None:
    world, present = world_and_presence
    parents = present[:, world.parent_of[world.children]]
    assert not (present[:, world.children] & ~parents).any()
    for a, b in itertools.combinations(world.children, 2):
        if world.parent_of[a] == world.parent_of[b]:
            assert not (present[:, a] & present[:, b]).any()


def test_features_occur_as_often_as_was_asked(world_and_presence) -> None:
    world, present = world_and_presence
    often = present.mean(axis=0)
    roots = np.concatenate([world.parents, world.alone])
    np.testing.assert_allclose(often[roots], 0.15, atol=0.01)
    np.testing.assert_allclose(often[world.children], 0.15 * 0.2, atol=0.005)
    # Unrelated features are independent.
    together = (present[:, world.parents[0]] & present[:, world.alone[0]]).mean()
    assert together == pytest.approx(0.15**2, abs=0.004)


def test_directions_are_orthonormal_and_samples_are_their_mixtures() -> None:
    world = HierarchicalFeatures(n_parents=2, n_children=4, n_alone=1, d_model=17, seed=1)
    assert world.n_features == 11
    np.testing.assert_allclose(world.directions @ world.directions.T, np.eye(11), atol=1e-12)
    x, coefficients = world.sample(50)
    np.testing.assert_allclose(x @ world.directions.T, coefficients, atol=1e-12)
    strengths = coefficients[coefficients > 0]
    assert strengths.min() >= 0.9
    assert strengths.max() <= 1.1


def test_the_three_kinds_are_all_features_once() -> None:
    world = HierarchicalFeatures(n_parents=2, n_children=3, n_alone=4, d_model=12)
    kinds = np.concatenate([world.parents, world.children, world.alone])
    assert kinds.tolist() == list(range(12))
    assert world.parent_of.tolist() == [-1] * 2 + [0] * 3 + [1] * 3 + [-1] * 4


def test_the_seed_fixes_everything_and_the_stream_goes_on() -> None:
    a, b, c = (HierarchicalFeatures(seed=seed) for seed in (5, 5, 6))
    first, second = a.sample(20), a.sample(20)
    np.testing.assert_array_equal(first.x, b.sample(20).x)
    assert not np.array_equal(first.x, second.x)
    assert not np.array_equal(a.directions, c.directions)


def test_the_draw_chooses_the_child() -> None:
    parent_present = np.array([[True, True], [True, False], [True, True]])
    draws = np.array([[0.0, 0.39], [0.25, 0.1], [0.41, 0.99]])
    got = present_children(parent_present, draws, 2, 0.2)
    assert got.tolist() == [
        [True, False, False, True],
        [False, True, False, False],
        [False, False, False, False],
    ]
    with pytest.raises(ShapeError, match="n_parents"):
        present_children(parent_present, draws[:, :1], 2, 0.2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"d_model": 29}, "30 features cannot be orthogonal in 29"),
        ({"n_parents": -1}, "at least one"),
        ({"parent_probability": 0.0}, "parent_probability"),
        ({"child_probability": 1.5}, "child_probability"),
        ({"child_probability": 0.4}, "exclusive"),
        ({"spread": 1.0}, "spread"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HierarchicalFeatures(**settings)
    with pytest.raises(ValueError, match="at least 1"):
        HierarchicalFeatures().sample(0)
