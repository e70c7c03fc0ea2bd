"""The toy models against central differences, autograd, and what Elhage et al. (2022) report."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from saeedu import toy_model
from saeedu.shapes import Array, ShapeError
from saeedu.toy_training import LINEAR, RELU_OUTPUT, ToyModel

MODELS = pytest.mark.parametrize("model", [RELU_OUTPUT, LINEAR], ids=["relu", "linear"])


def problem(seed: int, own_importance: bool = True) -> tuple[Array, Array, Array, Array]:
    rng = np.random.default_rng(seed)
    x = toy_model.draw_features(rng, 3, 8, 5, np.array([0.3, 0.7, 1.0]))
    W, b = rng.standard_normal((3, 2, 5)), rng.standard_normal((3, 5))
    return x, W, b, rng.uniform(0.2, 2, (3, 5) if own_importance else 5)


def total_loss(model: ToyModel, x: Array, W: Array, b: Array, importance: Array) -> float:
    # Instances do not touch each other, so the gradient of the sum holds every one's own.
    return float(toy_model.importance_loss(model.forward(x, W, b), x, importance).sum())


@MODELS
@pytest.mark.parametrize("seed", range(3))
def test_gradients_agree_with_central_differences(model: ToyModel, seed: int) -> None:
    x, W, b, importance = problem(seed, own_importance=seed != 1)
    if model is RELU_OUTPUT:  # a difference across the kink would compare with neither side
        assert np.abs(toy_model.linear_forward(x, W, b)).min() > 1e-5
    for gradient, parameter in zip(model.gradients(x, W, b, importance), (W, b), strict=True):
        numerical = np.zeros_like(parameter)
        for index in np.ndindex(parameter.shape):
            sides = []
            for nudge in (1e-6, -1e-6):
                original = parameter[index]
                parameter[index] = original + nudge
                sides.append(total_loss(model, x, W, b, importance))
                parameter[index] = original
            numerical[index] = (sides[0] - sides[1]) / 2e-6
        assert np.abs(gradient - numerical).max() <= 1e-6 * np.abs(numerical).max()


@MODELS
@pytest.mark.parametrize("seed", range(3))
def test_gradients_agree_with_autograd(model: ToyModel, seed: int) -> None:
    torch = pytest.importorskip("torch")
    arrays = problem(seed, own_importance=seed != 1)
    x, W, b, importance = (torch.tensor(array) for array in arrays)
    W.requires_grad_()
    b.requires_grad_()
    out = torch.einsum("kmj,kmi,kbi->kbj", W, W, x) + b[:, None]
    out = torch.relu(out) if model is RELU_OUTPUT else out
    weight = importance.expand(3, 5)[:, None]
    (weight * (out - x) ** 2).sum(-1).mean(-1).sum().backward()
    for gradient, expected in zip(model.gradients(*arrays), (W.grad, b.grad), strict=True):
        expected = expected.numpy()
        assert np.abs(gradient - expected).max() <= 1e-10 * np.abs(expected).max()


def test_at_the_kink_nothing_passes() -> None:
    x, W, b, importance = problem(0)
    W[:, :, 1] = 0
    b[:, 1] = 0
    _, db = toy_model.toy_gradients(x, W, b, importance)
    assert np.all(db[:, 1] == 0)
    assert np.any(toy_model.linear_gradients(x, W, b, importance)[1][:, 1] != 0)


def test_instances_do_not_touch_each_other() -> None:
    x, W, b, importance = problem(0)
    alone = toy_model.toy_gradients(x[1:2], W[1:2], b[1:2], importance[1:2])
    together = toy_model.toy_gradients(x, W, b, importance)
    for one, all_of_them in zip(alone, together, strict=True):
        np.testing.assert_allclose(one[0], all_of_them[1], rtol=1e-12)


def test_an_example_worked_by_hand() -> None:
    # Two features as opposite arrows of length one in one dimension: each is the other's negative.
    W, b = np.array([[[1.0, -1.0]]]), np.array([[0.0, 0.5]])
    x = np.array([[[0.5, 0.0], [0.25, 1.0]]])
    np.testing.assert_allclose(
        toy_model.linear_forward(x, W, b), [[[0.5, 0.0], [-0.75, 0.75 + 0.5]]]
    )
    x_hat = toy_model.toy_forward(x, W, b)
    np.testing.assert_allclose(x_hat, [[[0.5, 0.0], [0.0, 1.25]]])
    importance = np.array([2.0, 4.0])
    loss = (2 * 0.25**2 + 4 * 0.25**2) / 2  # only the second sample is wrong
    np.testing.assert_allclose(toy_model.importance_loss(x_hat, x, importance), [loss])
    np.testing.assert_allclose(toy_model.one_at_a_time(W, b), [[[1.0, 0.0], [0.0, 1.5]]])


def test_features_are_drawn_as_promised() -> None:
    density = np.array([0.05, 0.5, 1.0])
    x = toy_model.draw_features(np.random.default_rng(0), 3, 100_000, 2, density)
    assert x.min() == 0
    assert x.max() < 1
    np.testing.assert_allclose(np.mean(x > 0, axis=(1, 2)), density, atol=0.005)
    np.testing.assert_allclose(x.mean(axis=(1, 2)), density / 2, atol=0.005)
    np.testing.assert_allclose(x.var(axis=(1, 2)), density / 3 - density**2 / 4, atol=0.002)
    together = np.mean((x[..., 0] > 0) & (x[..., 1] > 0), axis=1)
    np.testing.assert_allclose(together, density**2, atol=0.006)


def test_top_m_loss_is_the_least_of_all_choices_of_m_features() -> None:
    importance = np.array([0.3, 2.0, 0.7, 1.1])
    rng = np.random.default_rng(0)
    x = toy_model.draw_features(rng, 1, 200_000, 4, 0.3)
    losses = []
    for kept in [(i, j) for i in range(4) for j in range(i)]:
        x_hat = np.broadcast_to(x.mean(axis=1, keepdims=True), x.shape).copy()
        x_hat[..., kept] = x[..., kept]
        losses.append(toy_model.importance_loss(x_hat, x, importance)[0])
    (expected,) = toy_model.top_m_loss(np.array([0.3]), importance, 2)
    assert min(losses) == pytest.approx(expected, rel=0.02)


def test_bad_arguments_are_named_where_they_enter() -> None:
    x, W, b, importance = problem(0)
    with pytest.raises(ValueError, match="draw_features: density must lie in"):
        toy_model.draw_features(np.random.default_rng(0), 1, 2, 3, 0.0)
    with pytest.raises(ValueError, match="toy_gradients: importance must be zero or more"):
        toy_model.toy_gradients(x, W, b, -importance)
    with pytest.raises(ShapeError, match="importance has shape"):
        toy_model.importance_loss(x, x, importance[:2])
    with pytest.raises(ShapeError, match="axis n is 4 in b"):
        toy_model.toy_forward(x, W, b[:, :4])


def test_the_toy_model_imports_neither_torch_nor_matplotlib() -> None:
    code = (
        "import sys, saeedu.toy_model, saeedu.toy_training;"
        "sys.exit(bool({'torch', 'matplotlib', 'ipywidgets'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
