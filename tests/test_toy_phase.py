"""The phase diagram: formulas against samples, and training against formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saeedu import toy_phase
from saeedu.shapes import Array, ShapeError
from saeedu.toy_correlation import draw_apart, draw_together
from saeedu.toy_phase_training import best_exact, train_phase_grid

SAMPLES = 400_000


def measured(W: Array, b: Array, density: float, importance: Array) -> tuple[float, float]:
    """Mean loss over samples and its standard error, written out for one hidden dimension."""
    rng = np.random.default_rng(0)
    x = rng.random((SAMPLES, 2)) * (rng.random((SAMPLES, 2)) < density)
    hidden = x @ W[0]
    x_hat = np.maximum(np.outer(hidden, W[0]) + b, 0)
    losses = ((x_hat - x) ** 2) @ importance
    return float(losses.mean()), float(losses.std() / np.sqrt(SAMPLES))


@pytest.mark.parametrize("density", [0.05, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("importance", [(1.0, 0.3), (2.0, 1.0)])
def test_the_formulas_agree_with_samples(density: float, importance: tuple[float, float]) -> None:
    weight = np.array(importance)
    shared, error = measured(np.array([[1.0, -1.0]]), np.zeros(2), density, weight)
    assert toy_phase.antipodal_loss(density, *importance) == pytest.approx(shared, abs=5 * error)
    bias = np.array([0, density / 2])
    dropped, error = measured(np.array([[1.0, 0.0]]), bias, density, weight)
    assert toy_phase.dropped_loss(density, importance[1]) == pytest.approx(dropped, abs=5 * error)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_the_exact_loss_of_any_model_agrees_with_samples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    W, b = rng.normal(size=(1, 2)), 0.4 * rng.normal(size=2)
    density, importance = rng.uniform(0.05, 1), rng.uniform(0.2, 3, 2)
    mean, error = measured(W, b, density, importance)
    exact = toy_phase.exact_loss(W, b, density, *importance)
    assert float(exact) == pytest.approx(mean, abs=5.5 * error + 1e-9)


def test_the_exact_loss_takes_weights_of_zero_and_whole_stacks() -> None:
    W = np.zeros((3, 4, 1, 2))
    losses = toy_phase.exact_loss(W, np.full((3, 4, 2), 0.2), 0.4, 1.0, 2.0)
    expected = 3 * (0.4 / 3 - 2 * 0.2 * 0.2 + 0.2**2)  # E[x²] - 2 b E[x] + b²
    np.testing.assert_allclose(losses, np.full((3, 4), expected))


def test_no_bias_beats_the_mean_for_a_dropped_feature() -> None:
    W, biases = np.array([[1.0, 0.0]]), np.linspace(0, 1, 401)
    b = np.stack([np.zeros(401), biases], axis=1)
    losses = toy_phase.exact_loss(np.broadcast_to(W, (401, 1, 2)), b, 0.6, 1.0, 1.7)
    assert losses.min() == pytest.approx(toy_phase.dropped_loss(0.6, 1.7), rel=1e-4)
    assert biases[np.argmin(losses)] == pytest.approx(0.3)


@settings(deadline=None, max_examples=100)
@given(st.floats(0.01, 1), st.floats(0.05, 1))
def test_the_border_is_where_the_algebra_puts_it(density: float, ratio: float) -> None:
    border = 2 * density / (4 - 5 * density) if density < 4 / 7 else np.inf
    if abs(ratio / border - 1) < 1e-6 or ratio == 1:
        return
    expected = toy_phase.BOTH if ratio > border else toy_phase.FIRST
    assert toy_phase.best_arrangement(density, 1.0, ratio) == expected
    mirrored = {toy_phase.BOTH: toy_phase.BOTH, toy_phase.FIRST: toy_phase.SECOND}[expected]
    assert toy_phase.best_arrangement(density, ratio, 1.0) == mirrored


def test_arrangements_are_read_off_the_weights() -> None:
    W = np.array([[1, 0.1], [-0.1, 1], [1, -0.9], [-0.8, 0.7], [0.9, 0.9], [0.1, -0.2]])
    np.testing.assert_array_equal(toy_phase.arrangement_of(W[:, np.newaxis]), [0, 1, 2, 2, -1, -1])


def test_a_small_grid_trains_to_the_three_arrangements() -> None:
    grid = train_phase_grid(np.array([0.05, 0.9]), np.array([0.2, 5.0]), n_steps=400)
    found = toy_phase.arrangement_of(grid.W.reshape(-1, 1, 2)).tolist()
    assert found == [toy_phase.BOTH, toy_phase.FIRST, toy_phase.BOTH, toy_phase.SECOND]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_the_trained_phase_diagram_is_the_analytic_one_away_from_the_border(seed: int) -> None:
    densities, importances = np.geomspace(0.01, 1, 16), np.geomspace(0.1, 10, 17)
    grid = train_phase_grid(densities, importances, seed=seed)
    trained = toy_phase.arrangement_of(grid.W.reshape(-1, 1, 2)).reshape(17, 16)
    r = importances[:, np.newaxis]
    predicted = toy_phase.best_arrangement(densities, 1.0, r)
    assert np.mean(trained == predicted) > 0.93
    dropped = np.minimum(
        toy_phase.dropped_loss(densities, 1.0), toy_phase.dropped_loss(densities, r)
    )
    shared = toy_phase.antipodal_loss(densities, 1.0, r)
    single = np.maximum(dropped, shared) / np.minimum(dropped, shared)
    # "Away": the second-best arrangement costs at least half as much again, and neither feature
    # is as good as the other to keep.
    away = (single > 1.5) & ((np.abs(np.log(r)) > 0.2) | (shared < dropped))
    assert away.sum() > 180
    assert np.mean((trained == predicted)[away]) > 0.98
    assert np.median(grid.loss / np.minimum(dropped, shared)) < 1.02


@pytest.mark.parametrize("draw", [draw_together, draw_apart])
def test_features_in_pairs_keep_their_density_and_their_company(draw) -> None:  # type: ignore[no-untyped-def]
    density = np.array([0.1, 0.4])
    x = draw(np.random.default_rng(0), 2, 60_000, 4, density)
    assert x.shape == (2, 60_000, 4)
    present = x > 0
    np.testing.assert_allclose(present.mean(axis=1), np.repeat(density[:, None], 4, 1), atol=0.01)
    np.testing.assert_allclose(x.sum(axis=1) / present.sum(axis=1), 0.5, atol=0.02)
    both = np.mean(present[:, :, 0] & present[:, :, 1], axis=1)
    np.testing.assert_allclose(both, density if draw is draw_together else 0, atol=0.01)
    strangers = np.mean(present[:, :, 1] & present[:, :, 2], axis=1)
    np.testing.assert_allclose(strangers, density**2, atol=0.01)


def test_bad_input_is_named() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ShapeError, match=r"need to end in \[1, 2\]"):
        toy_phase.exact_loss(np.ones((2, 2)), np.ones(2), 0.5, 1.0, 1.0)
    with pytest.raises(ShapeError, match=r"needs \[n_instances, 1, 2\]"):
        toy_phase.arrangement_of(np.ones((4, 2)))
    with pytest.raises(ValueError, match="n must be even"):
        draw_together(rng, 1, 5, 3, 0.1)
    with pytest.raises(ValueError, match=r"at most 0\.5"):
        draw_apart(rng, 1, 5, 4, 0.7)
    with pytest.raises(ValueError, match="density must lie"):
        train_phase_grid(np.array([0.0]), np.array([1.0]))
    with pytest.raises(ValueError, match="importance must be positive"):
        train_phase_grid(np.array([0.5]), np.array([0.0]))
    with pytest.raises(ValueError, match="n_restarts must be at least 1"):
        train_phase_grid(np.array([0.5]), np.array([1.0]), n_restarts=0)
    with pytest.raises(ValueError, match="list of numbers"):
        train_phase_grid(np.array(0.5), np.array([1.0]))


@pytest.mark.parametrize("importance", [0.5, 1.0])
def test_the_best_model_is_no_worse_than_any_on_a_grid(importance: float) -> None:
    densities = np.array([0.3, 0.6, 1.0])
    W, b, loss = best_exact(densities, importance)
    w1, w2 = np.linspace(0.5, 1.1, 13), np.linspace(-1.1, 0, 12)
    b1, b2 = np.linspace(0, 0.5, 11), np.linspace(0, 0.6, 13)
    grid = np.stack(np.meshgrid(w1, w2, b1, b2), axis=-1)
    for k, p in enumerate(densities):
        losses = toy_phase.exact_loss(grid[..., None, :2], grid[..., 2:], p, 1.0, importance)
        assert loss[k] < losses.min() + 2e-4
        assert np.isclose(loss[k], toy_phase.exact_loss(W[k], b[k], p, 1.0, importance))


def test_the_second_feature_is_dropped_at_a_jump() -> None:
    W, b, loss = best_exact(np.array([0.48, 0.5]), 0.5)
    np.testing.assert_allclose(W[1, 0], [1, 0], atol=0.01)
    np.testing.assert_allclose(b[1], [0, 0.25], atol=0.01)  # the mean of the dropped feature
    np.testing.assert_allclose(loss[1], toy_phase.dropped_loss(0.5, 0.5), rtol=1e-3)
    assert W[0, 0, 1] < -0.7


def test_the_best_model_refuses_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="density must lie"):
        best_exact(np.array([0.0]), 1.0)
    with pytest.raises(ValueError, match="best_exact: importance must be positive"):
        best_exact(np.array([0.5]), 0.0)
