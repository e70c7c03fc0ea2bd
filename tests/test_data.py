"""The sparse world: what it promises about directions, densities and seeds."""

import numpy as np
import pytest

from saeedu.data import SparseFeatures


def test_directions_have_unit_length_and_fill_the_space():
    world = SparseFeatures(12, 5, 0.1, seed=3)
    assert world.directions.shape == (12, 5)
    np.testing.assert_allclose(np.einsum("nd,nd->n", world.directions, world.directions), 1)
    assert np.linalg.matrix_rank(world.directions) == 5


def test_a_sample_is_the_weighted_sum_of_the_present_features():
    world = SparseFeatures(7, 3, 0.4, seed=0)
    x, coefficients = world.sample(20)
    assert x.shape == (20, 3)
    assert coefficients.shape == (20, 7)
    for row, code in zip(x, coefficients, strict=True):
        by_hand = sum(strength * f for strength, f in zip(code, world.directions, strict=True))
        np.testing.assert_allclose(row, by_hand, atol=1e-12)


def test_presence_has_the_given_density_and_strengths_are_uniform():
    n, features, density = 4000, 25, 0.08
    coefficients = SparseFeatures(features, 6, density, seed=1).sample(n).coefficients
    present = coefficients > 0
    # Five standard deviations of a binomial share, and of a mean of uniform numbers.
    assert abs(present.mean() - density) < 5 * (density * (1 - density) / (n * features)) ** 0.5
    strengths = coefficients[present]
    assert strengths.max() <= 1
    assert abs(strengths.mean() - 0.5) < 5 * (1 / 12 / len(strengths)) ** 0.5
    assert abs(np.mean(strengths < 0.25) - 0.25) < 0.03


def test_features_come_and_go_independently_of_each_other():
    coefficients = SparseFeatures(6, 3, 0.3, seed=5).sample(20_000).coefficients
    correlations = np.corrcoef((coefficients > 0).T)
    assert np.abs(correlations[~np.eye(6, dtype=bool)]).max() < 5 / 20_000**0.5


def test_full_density_leaves_no_feature_out():
    assert np.all(SparseFeatures(4, 2, 1.0, seed=0).sample(300).coefficients > 0)


def test_the_seed_fixes_directions_and_stream():
    a, b = SparseFeatures(8, 4, 0.2, seed=7), SparseFeatures(8, 4, 0.2, seed=7)
    np.testing.assert_array_equal(a.directions, b.directions)
    np.testing.assert_array_equal(a.sample(5).x, b.sample(5).x)
    other = SparseFeatures(8, 4, 0.2, seed=8)
    assert not np.allclose(a.directions, other.directions)


def test_the_stream_goes_on_and_leaves_the_directions_alone():
    world = SparseFeatures(8, 4, 0.5, seed=7)
    before = world.directions.copy()
    assert not np.allclose(world.sample(6).x, world.sample(6).x)
    np.testing.assert_array_equal(world.directions, before)


def test_the_global_random_state_is_neither_read_nor_moved():
    np.random.seed(0)
    expected = SparseFeatures(5, 3, 0.3, seed=2).sample(4).x
    after = np.random.random()
    np.random.seed(0)
    assert np.random.random() == after
    np.testing.assert_array_equal(SparseFeatures(5, 3, 0.3, seed=2).sample(4).x, expected)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((0, 4, 0.1, 0), "n_features"),
        ((4, 0, 0.1, 0), "d_model"),
        ((4, 4, 0.0, 0), "density"),
        ((4, 4, 1.5, 0), "density"),
        ((4, 4, float("nan"), 0), "density"),
    ],
)
def test_a_bad_argument_is_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        SparseFeatures(*arguments)


def test_sampling_nothing_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        SparseFeatures(4, 2, 0.5, seed=0).sample(0)


def test_repr_is_code_that_makes_the_same_world():
    world = SparseFeatures(4, 2, 0.5, seed=9)
    again = eval(repr(world))  # our own repr
    np.testing.assert_array_equal(world.directions, again.directions)
