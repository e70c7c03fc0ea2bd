"""Inside FastProducts linear layers give what they gave, and only those that may are touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from saeedu import products
from saeedu.products import FastProducts


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


X, W, B = random(2, 5, 7), random(11, 7, seed=1), random(11, seed=2)


@pytest.fixture
def fast_calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The shapes of what went to the faster library."""
    calls: list[Any] = []
    inner = products._one_dnn

    def spy(x: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
        calls.append(x.shape)
        return inner(x, W, b)

    monkeypatch.setattr(products, "_one_dnn", spy)
    return calls


needs_one_dnn = pytest.mark.skipif(not products.ONE_DNN, reason="PyTorch was built without oneDNN")


@needs_one_dnn
@pytest.mark.parametrize(
    "layer",
    [
        lambda x: linear(x, W, B),
        lambda x: linear(x, W),
        lambda x: linear(x.transpose(0, 1), W, B),
        lambda x: linear(x[0, 0].expand(4, 7), W, B),
        lambda x: torch.addmm(B, x[1], W.T),
        lambda x: torch.addmm(B, x[1], W.T.contiguous()),
    ],
)
def test_a_linear_layer_is_the_same_in_the_other_library(
    layer: Callable[[Tensor], Tensor], fast_calls: list[Any]
) -> None:
    with torch.no_grad(), FastProducts():
        got = layer(X)
    assert len(fast_calls) == 1
    wanted = layer(X)
    assert got.shape == wanted.shape
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "product",
    [
        lambda: torch.addmm(random(5, 11, seed=3), X[0], W.T),  # a matrix in the bias's place
        lambda: torch.addmm(random(1, seed=3), X[0], W.T),  # one number for all
        lambda: torch.addmm(B, X[0], W.T, beta=0.5),
        lambda: torch.addmm(B, X[0], W.T, alpha=2),
        lambda: linear(X.double(), W.double()),
        lambda: linear(X[:0], W, B),
        lambda: linear(X[..., :0], W[:, :0], B),
        lambda: linear(X, W[:0]),
        lambda: linear(X, W[0]),
        lambda: linear(input=X, weight=W, bias=B),
    ],
)
def test_what_is_no_plain_layer_goes_its_usual_way(
    product: Callable[[], Tensor], fast_calls: list[Any]
) -> None:
    with torch.no_grad(), FastProducts():
        got = product()
    assert not fast_calls
    assert torch.equal(got, product())


def test_gradients_and_autocast_are_left_alone(fast_calls: list[Any]) -> None:
    layer = nn.Linear(7, 3)
    with FastProducts():
        layer(X).sum().backward()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            assert layer(X).dtype == torch.bfloat16
    assert not fast_calls
    assert layer.weight.grad is not None
    torch.testing.assert_close(layer.weight.grad, X.sum((0, 1)).expand(3, 7))


def test_a_layer_that_does_not_fit_has_pytorch_s_own_error() -> None:
    with (
        torch.no_grad(),
        FastProducts(),
        pytest.raises(RuntimeError, match="shapes cannot be multiplied"),
    ):
        linear(X, random(11, 6))


def test_without_one_dnn_nothing_changes(
    monkeypatch: pytest.MonkeyPatch, fast_calls: list[Any]
) -> None:
    monkeypatch.setattr(products, "ONE_DNN", False)
    with torch.no_grad(), FastProducts():
        assert torch.equal(linear(X, W, B), torch.nn.functional.linear(X, W, B))
    assert not fast_calls
