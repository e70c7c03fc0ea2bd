"""Models with neurons and models of absolute values: gradients against two outside oracles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from saeedu import toy_absolute, toy_neurons
from saeedu.shapes import Array, ShapeError
from saeedu.toy_descent import descend
from saeedu.toy_model import importance_loss
from saeedu.toy_training import train_toy

torch = pytest.importorskip("torch")


def neuron_problem(seed: int = 0, own: bool = True) -> tuple[Array, ...]:
    rng = np.random.default_rng(seed)
    x = rng.random((3, 9, 6)) * (rng.random((3, 9, 6)) < 0.7)
    W = rng.standard_normal((3, 4, 6))
    b = 0.3 * rng.standard_normal((3, 6))
    return x, W, b, rng.uniform(0.3, 2, (3, 6) if own else 6)


def absolute_problem(seed: int = 0) -> tuple[Array, ...]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (2, 9, 5))
    W_in, W_out = rng.standard_normal((2, 7, 5)), rng.standard_normal((2, 5, 7))
    return x, W_in, W_out, 0.3 * rng.standard_normal((2, 5)), rng.uniform(0.3, 2, 5)


def central_differences(f: Callable[[Array], float], at: Array, eps: float = 1e-6) -> Array:
    grad = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        nudge = np.zeros_like(at)
        nudge[place] = eps
        grad[place] = (f(at + nudge) - f(at - nudge)) / (2 * eps)
    return grad


@pytest.mark.parametrize("own", [True, False])
def test_neuron_gradients_agree_with_central_differences(own: bool) -> None:
    x, W, b, importance = neuron_problem(own=own)

    def loss(W: Array, b: Array) -> float:
        return float(importance_loss(toy_neurons.neuron_forward(x, W, b), x, importance).sum())

    dW, db = toy_neurons.neuron_gradients(x, W, b, importance)
    scale = np.abs(dW).max()
    np.testing.assert_allclose(
        dW, central_differences(lambda W: loss(W, b), W), rtol=1e-6, atol=1e-6 * scale
    )
    np.testing.assert_allclose(
        db, central_differences(lambda b: loss(W, b), b), rtol=1e-6, atol=1e-6 * scale
    )


def test_neuron_gradients_agree_with_autograd() -> None:
    x, W, b, importance = (torch.tensor(array) for array in neuron_problem(1))
    W.requires_grad_()
    b.requires_grad_()
    neurons = torch.relu(torch.einsum("abn,amn->abm", x, W))
    x_hat = torch.relu(torch.einsum("abm,amn->abn", neurons, W) + b[:, None])
    (importance[:, None] * (x_hat - x) ** 2).sum(2).mean(1).sum().backward()
    dW, db = toy_neurons.neuron_gradients(*neuron_problem(1))
    np.testing.assert_allclose(dW, W.grad.numpy(), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(db, b.grad.numpy(), rtol=1e-10, atol=1e-10)


def test_absolute_gradients_agree_with_central_differences() -> None:
    x, *parameters, importance = absolute_problem()

    def loss(k: int, value: Array) -> float:
        changed = [value if i == k else p for i, p in enumerate(parameters)]
        y_hat = toy_absolute.absolute_forward(x, *changed)
        return float(importance_loss(y_hat, np.abs(x), importance).sum())

    gradients = toy_absolute.absolute_gradients(x, *parameters, importance)
    scale = max(np.abs(gradient).max() for gradient in gradients)
    for k, gradient in enumerate(gradients):
        numerical = central_differences(lambda value, k=k: loss(k, value), parameters[k])
        np.testing.assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-6 * scale)


def test_absolute_gradients_agree_with_autograd() -> None:
    x, W_in, W_out, b, importance = (torch.tensor(array) for array in absolute_problem(1))
    for parameter in (W_in, W_out, b):
        parameter.requires_grad_()
    neurons = torch.relu(torch.einsum("abn,akn->abk", x, W_in))
    y_hat = torch.relu(torch.einsum("abk,ank->abn", neurons, W_out) + b[:, None])
    (importance * (y_hat - x.abs()) ** 2).sum(2).mean(1).sum().backward()
    gradients = toy_absolute.absolute_gradients(*absolute_problem(1))
    for ours, parameter in zip(gradients, (W_in, W_out, b), strict=True):
        np.testing.assert_allclose(ours, parameter.grad.numpy(), rtol=1e-10, atol=1e-10)


def test_a_rotation_of_the_neurons_changes_the_answers() -> None:
    x, W, b, _ = neuron_problem()
    R, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((4, 4)))
    before, after = (toy_neurons.neuron_forward(x, V, b) for V in (W, R @ W))
    assert np.abs(before - after).max() > 0.1


def test_selectivity_of_rows_worked_by_hand() -> None:
    W = np.array([[[0, 3.0, 0], [1, 1, 1], [3, 4, 0], [0, 0, 0]]])
    np.testing.assert_allclose(toy_neurons.selectivity(W), [[1, 1 / 3, 16 / 25, 0]])


def test_a_neuron_does_not_belong_to_the_feature_that_silences_it() -> None:
    W = np.array([[[0.5, 0.5, -10.0], [0, -3.0, 0], [2, -9.0, 0], [-1, -2.0, -3.0]]])
    np.testing.assert_allclose(toy_neurons.selectivity(W), [[1 / 2, 0, 1, 0]])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_rarer_features_make_neurons_polysemantic(seed: int) -> None:
    run = train_toy(
        10, 5, np.tile([0.5, 0.1], 6), 0.75 ** np.arange(10), n_steps=2000, batch=256, lr=0.02,
        seed=seed, model=toy_neurons.NEURONS, n_frames=2,
    )  # fmt: skip
    losses = run.final_loss.reshape(6, 2)
    best = run.W.reshape(6, 2, 5, 10)[np.argmin(losses, axis=0), np.arange(2)]
    pure = np.sum(toy_neurons.selectivity(best) > 0.9, axis=1)
    assert pure[0] == 5
    assert pure[1] <= 1


@pytest.mark.parametrize("n", [1, 2, 6])
def test_the_hand_made_circuit_computes_absolute_values(n: int) -> None:
    W_in, W_out = toy_absolute.exact_absolute_value(n)
    x = np.random.default_rng(n).uniform(-1, 1, (1, 50, n))
    y_hat = toy_absolute.absolute_forward(x, W_in[None], W_out[None], np.zeros((1, n)))
    np.testing.assert_allclose(y_hat, np.abs(x))


def test_common_features_get_two_neurons_each_and_the_rest_none() -> None:
    run = toy_absolute.train_absolute(4, 4, 1.0, np.array([8.0, 4, 0.5, 0.2]), n_steps=1500)
    assert run.W_in.shape == (1, 4, 4)
    assert np.all(run.share_of_error[0, :2] < 0.01)
    assert np.all(run.share_of_error[0, 2:] > 0.9)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_rare_absolute_values_are_computed_in_superposition(seed: int) -> None:
    densities, importance = np.array([1.0, 0.1]), 0.8 ** np.arange(12)
    run = toy_absolute.train_absolute(12, 12, densities, importance, n_steps=4000, seed=seed)
    computed = np.sum(run.share_of_error < 0.75, axis=1)
    assert computed[0] <= 6 < computed[1]


def test_signed_features_have_both_signs_and_the_density() -> None:
    x = toy_absolute.draw_signed_features(
        np.random.default_rng(0), 2, 50_000, 3, np.array([0.2, 0.8])
    )
    np.testing.assert_allclose(np.mean(x != 0, axis=(1, 2)), [0.2, 0.8], atol=0.01)
    np.testing.assert_allclose(np.mean(x > 0, axis=(1, 2)), [0.1, 0.4], atol=0.01)
    assert np.abs(x).max() <= 1


def test_descent_finds_the_bottom_of_a_bowl_and_leaves_the_start_alone() -> None:
    start = (np.array([3.0, -2.0]), np.array([[1.0]]))
    a, c = descend(start, lambda p: (2 * (p[0] - 1), 2 * (p[1] + 4)), n_steps=800, lr=0.1)
    np.testing.assert_allclose(a, 1, atol=1e-3)
    np.testing.assert_allclose(c, -4, atol=1e-3)
    np.testing.assert_array_equal(start[0], [3, -2])


def test_divergence_is_said_with_the_step() -> None:
    steps = iter((1.0, 1.0, np.nan, 1.0))
    with pytest.raises(FloatingPointError, match="after step 3"):
        descend((np.ones(2),), lambda p: (np.full(2, next(steps)),), n_steps=4, lr=0.1)


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="n_steps must be at least 1"):
        descend((np.ones(1),), lambda p: p, n_steps=0, lr=0.1)
    with pytest.raises(ValueError, match="lr must be a positive number"):
        descend((np.ones(1),), lambda p: p, n_steps=1, lr=float("nan"))
    with pytest.raises(ValueError, match="k must be at least 1"):
        toy_absolute.train_absolute(3, 0, 0.5)
    with pytest.raises(ValueError, match="density must lie"):
        toy_absolute.train_absolute(3, 3, 1.5)
    with pytest.raises(ValueError, match="density must have shape"):
        toy_absolute.train_absolute(3, 3, np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"\[n\] = \[3\]"):
        toy_absolute.train_absolute(3, 3, 0.5, importance=np.ones(4))
    with pytest.raises(ShapeError, match="axis n is"):
        toy_neurons.neuron_forward(np.ones((1, 4, 3)), np.ones((1, 2, 5)), np.ones((1, 3)))
    x, W, b, importance = neuron_problem()
    with pytest.raises(ValueError, match="importance must be zero or more"):
        toy_neurons.neuron_gradients(x, W, b, -importance)
