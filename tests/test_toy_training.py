"""Training toy models: what they settle in, what goes wrong, and how it is said."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from saeedu import toy_model
from saeedu.shapes import Array
from saeedu.toy_training import LINEAR, best_of_restarts, train_toy


def test_the_linear_model_learns_principal_components() -> None:
    from sklearn.decomposition import PCA

    importance = 0.8 ** np.arange(6)
    density = np.array([0.4, 1.0])
    run = train_toy(6, 3, density, importance, model=LINEAR, seed=2)
    np.testing.assert_allclose(
        run.final_loss, toy_model.top_m_loss(density, importance, 3), rtol=0.03
    )
    x = toy_model.draw_features(np.random.default_rng(5), 2, 40_000, 6, density)
    for instance, W in zip(x, run.W, strict=True):
        axes = PCA(3).fit(instance * np.sqrt(importance)).components_
        np.testing.assert_allclose(W.T @ W, axes.T @ axes, atol=0.06)


def test_training_is_repeatable_and_frames_end_at_the_weights() -> None:
    first, second = (train_toy(4, 2, [0.5, 0.1], n_steps=50, batch=16, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.W, second.W)
    np.testing.assert_array_equal(first.history[-1], first.W)
    assert len(first.steps) == len(first.history) == len(first.losses)
    assert (first.steps[0], first.steps[-1]) == (0, 50)
    assert all(a < b for a, b in pairwise(first.steps))
    other = train_toy(4, 2, [0.5, 0.1], n_steps=50, batch=16, seed=4)
    assert not np.allclose(first.W, other.W)


def test_the_best_of_restarts_has_the_least_loss_of_each_setting() -> None:
    run = train_toy(5, 2, np.tile([0.3, 0.05], 3), n_steps=200, batch=64)
    best = best_of_restarts(run, 3)
    np.testing.assert_array_equal(best.final_loss, run.final_loss.reshape(3, 2).min(axis=0))
    x = toy_model.draw_features(np.random.default_rng(0), 2, 50_000, 5, np.array([0.3, 0.05]))
    loss = toy_model.importance_loss(toy_model.toy_forward(x, best.W, best.b), x, np.ones(5))
    np.testing.assert_allclose(loss, best.final_loss, rtol=0.1)
    np.testing.assert_array_equal(best.history[-1], best.W)
    with pytest.raises(ValueError, match="6 instances cannot be 4 restarts"):
        best_of_restarts(run, 4)


@pytest.mark.parametrize("lr", [3.0, 1e4, 1e200])
def test_a_diverging_learning_rate_is_said_with_its_step(lr: float) -> None:
    with pytest.raises(FloatingPointError, match=r"diverged, .* at step \d+; lr=.* too large"):
        train_toy(5, 2, [0.3, 1.0], lr=lr, n_steps=100, batch=16)


def test_a_run_that_learnt_nothing_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="answering every feature with its mean"):
        train_toy(5, 2, [0.3], lr=1e-9, n_steps=5, batch=16)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"m": 0}, "m must be at least 1"),
        ({"n": 0}, "n must be at least 1"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"density": [0.5, 0.0]}, "density must lie in"),
        ({"density": [1.5]}, "density must lie in"),
        ({"density": [np.nan]}, "density must lie in"),
        ({"importance": [1.0, -1.0, 1.0]}, "importance must be zero or more"),
        ({"importance": [1.0, 1.0]}, "importance must be a number"),
        ({"lr": 0.0}, "lr must be a positive number"),
        ({"density": [[0.5]]}, "density must have shape"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {"n": 3, "m": 2, "density": [0.5], "n_steps": 2, "batch": 4}
    with pytest.raises(ValueError, match=message):
        train_toy(**(good | settings))


@pytest.mark.parametrize(
    "settings",
    [
        {"n": 1, "m": 1, "density": [0.5]},
        {"n": 3, "m": 2, "density": [1.0], "batch": 1},
        {"n": 3, "m": 5, "density": [0.01]},
        {"n": 3, "m": 2, "density": 0.2, "importance": 0.0},
        {"n": 3, "m": 2, "density": [0.2], "n_steps": 1, "n_frames": 1},
    ],
    ids=["one-feature", "batch-of-one", "more-room-than-features", "nothing-matters", "one-frame"],
)
def test_odd_settings_train_without_a_bad_number(settings: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        run = train_toy(**({"n_steps": 100, "batch": 8} | settings))
    for array in (run.W, run.b, run.final_loss, run.losses, run.history):
        assert np.all(np.isfinite(array))


def dimensionality(W: Array) -> Array:
    """How much of a dimension each feature has to itself: Elhage et al.'s definition, by loops."""
    answer = np.zeros((len(W), W.shape[2]))
    for k, weights in enumerate(W):
        for i, w in enumerate(weights.T):
            shared = sum((w @ v / np.linalg.norm(w)) ** 2 for v in weights.T)
            answer[k, i] = w @ w / shared
    return answer


@pytest.mark.slow
def test_five_features_in_a_plane_form_pairs_and_then_a_pentagon() -> None:
    densities = np.array([0.3, 0.1, 0.05, 0.02])
    expected = np.array([[0, 0.5, 0.5, 0.5, 0.5]] + 3 * [[0.4] * 5])
    reached = np.zeros(4)
    for seed in range(5):
        run = best_of_restarts(train_toy(5, 2, np.tile(densities, 3), seed=seed), 3)
        found = np.sort(dimensionality(run.W), axis=1)
        reached += np.all(np.abs(found - expected) <= 0.01, axis=1)
    assert np.all(reached >= 4), dict(zip(densities, reached, strict=True))
