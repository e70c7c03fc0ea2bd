"""Resampling: what changes, what does not, and that it works."""

from __future__ import annotations

import numpy as np
import pytest

from saeedu.data import SparseFeatures
from saeedu.fit_records import Resampling, Settings
from saeedu.numpy_fit import fit
from saeedu.numpy_sae import encode, sae_loss
from saeedu.numpy_training import Parameters, initial_parameters
from saeedu.resampling import (
    reinitialise_latents,
    resample_at_random,
    resample_by_loss,
    resampling_probabilities,
    sample_losses,
)
from saeedu.shapes import ShapeError

SCHEMES = [resample_at_random, resample_by_loss]


@pytest.fixture
def state() -> tuple[Parameters, Parameters, Parameters]:
    rng = np.random.default_rng(0)
    parameters = initial_parameters(4, 6, rng)._replace(
        b_enc=rng.normal(size=6), b_dec=rng.normal(size=4)
    )
    averages = [Parameters(*[rng.uniform(1, 2, p.shape) for p in parameters]) for _ in range(2)]
    return parameters, averages[0], averages[1]


def test_probabilities_follow_the_squared_loss() -> None:
    np.testing.assert_allclose(
        resampling_probabilities(np.array([1.0, 2.0, 0.0, 3.0])), [1 / 14, 4 / 14, 0, 9 / 14]
    )


def test_only_the_dead_change(state: tuple[Parameters, Parameters, Parameters]) -> None:
    dead = np.array([False, True, False, False, True, False])
    directions = np.array([[3.0, 0, 0, 0], [0, 0, -2.0, 0]])
    new, mean, mean_square = reinitialise_latents(*state, dead, directions)
    np.testing.assert_allclose(new.W_dec[1], [1, 0, 0, 0])
    np.testing.assert_allclose(new.W_dec[4], [0, 0, -1, 0])
    living = np.linalg.norm(state[0].W_enc[:, [0, 2, 3, 5]], axis=0).mean()
    np.testing.assert_allclose(new.W_enc[:, 4], [0, 0, -0.2 * living, 0])
    np.testing.assert_array_equal(new.b_enc[dead], 0)
    for after, before in zip((new, mean, mean_square), state, strict=True):
        np.testing.assert_array_equal(after.W_dec[~dead], before.W_dec[~dead])
        np.testing.assert_array_equal(after.W_enc[:, ~dead], before.W_enc[:, ~dead])
        np.testing.assert_array_equal(after.b_enc[~dead], before.b_enc[~dead])
        np.testing.assert_array_equal(after.b_dec, before.b_dec)
    for average in (mean, mean_square):
        assert not average.W_dec[dead].any()
        assert not average.W_enc[:, dead].any()
        assert not average.b_enc[dead].any()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_arguments_stay_as_they_are(
    scheme, state: tuple[Parameters, Parameters, Parameters]
) -> None:
    before = [part.copy() for parts in state for part in parts]
    dead = np.array([True, True, False, False, False, False])
    x = np.random.default_rng(1).normal(size=(30, 4))
    scheme(*state, dead, x, 0.1, np.random.default_rng(2))
    for was, now in zip(before, [part for parts in state for part in parts], strict=True):
        np.testing.assert_array_equal(was, now)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_all_dead_is_an_error_that_says_so(
    scheme, state: tuple[Parameters, Parameters, Parameters]
) -> None:
    with pytest.raises(ValueError, match="all 6 latents are dead"):
        scheme(*state, np.ones(6, dtype=bool), np.ones((3, 4)), 0.1, np.random.default_rng(0))


def test_a_mask_of_numbers_is_refused(state: tuple[Parameters, Parameters, Parameters]) -> None:
    with pytest.raises(ShapeError, match="dead must be an array of bool"):
        resample_at_random(*state, np.zeros(6), np.ones((3, 4)), 0.1, np.random.default_rng(0))


def test_sample_losses_average_to_the_loss() -> None:
    rng = np.random.default_rng(0)
    parameters, x = initial_parameters(4, 6, rng), rng.normal(size=(20, 4))
    expected = sae_loss(x, *parameters, l1_coefficient=0.3)
    np.testing.assert_allclose(sample_losses(x, parameters, 0.3).mean(), expected, rtol=1e-12)


def test_by_loss_points_at_what_is_explained_worst(
    state: tuple[Parameters, Parameters, Parameters],
) -> None:
    parameters = state[0]._replace(b_dec=np.zeros(4))
    dead = np.array([True, False, False, False, False, False])
    x = np.concatenate([1e-3 * np.eye(4), [[50.0, 50.0, 0, 0]]])
    new, _, _ = resample_by_loss(
        parameters, state[1], state[2], dead, x, 0.1, np.random.default_rng(0)
    )
    np.testing.assert_allclose(new.W_dec[0], [np.sqrt(0.5), np.sqrt(0.5), 0, 0])


def test_inputs_without_direction_are_never_chosen(
    state: tuple[Parameters, Parameters, Parameters],
) -> None:
    parameters = state[0]
    dead = np.array([True, True, True, True, True, False])
    x = np.tile(parameters.b_dec, (50, 1))  # nothing but the bias: no direction
    x[7] += [0, 2.0, 0, 0]
    new, _, _ = resample_by_loss(*state, dead, x, 0.1, np.random.default_rng(0))
    np.testing.assert_allclose(new.W_dec[dead], np.tile([0, 1.0, 0, 0], (5, 1)))
    with pytest.raises(ValueError, match="no input has any loss"):
        resample_by_loss(*state, dead, x[:5], 0.1, np.random.default_rng(0))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_dead_rise_and_stay_alive(scheme) -> None:
    def never_on(plan: Resampling | None) -> float:
        world = SparseFeatures(64, 32, 0.05, seed=0)
        settings = Settings(48, 0.12, steps=2000, encoder_bias=-1.0)
        parameters = fit(world, settings, plan).parameters
        W_enc, b_enc, _, b_dec = parameters
        return float(np.mean(encode(world.sample(5000).x, W_enc, b_enc, b_dec).max(axis=0) == 0))

    assert never_on(None) > 0.2
    assert never_on(Resampling(scheme, every=100, until=1400, silent_for=50)) < 0.05
