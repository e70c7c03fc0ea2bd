"""What makes a step fast gives the same numbers as what is slow."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from saeedu import products
from saeedu.products import affine
from saeedu.sae import relu_steps
from saeedu.sae.relu_steps import dense_relu_step
from saeedu.sae.selection import largest_in_rows


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("one_dnn", [True, False])
def test_an_affine_map_is_the_product_in_float64(
    one_dnn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "ONE_DNN", one_dnn and products.ONE_DNN)
    x, W, b = random(5, 7, seed=1), random(7, 11, seed=2), random(11, seed=3)
    wanted = x.double() @ W.double()
    for strided in (W, W.T.contiguous().T, random(7, 22, seed=4)[:, ::2].copy_(W)):
        torch.testing.assert_close(affine(x, strided).double(), wanted, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(affine(x, strided, b).double(), wanted + b, rtol=1e-5, atol=1e-5)
    turned = x.T.contiguous().T
    torch.testing.assert_close(affine(turned, W).double(), wanted, rtol=1e-5, atol=1e-5)
    assert affine(x[:0], W, b).shape == (0, 11)


@pytest.mark.parametrize("n", [128, 131, 143, 2_000])
@pytest.mark.parametrize("k", [1, 2])
def test_the_largest_of_a_row_are_those_of_topk(n: int, k: int) -> None:
    numbers = random(300, n)
    values, columns = largest_in_rows(numbers, k)
    wanted = numbers.topk(k, dim=1)
    assert torch.equal(values.sort(dim=1, descending=True).values, wanted.values)
    assert torch.equal(columns.sort(dim=1).values, wanted.indices.sort(dim=1).values)


def test_among_equals_the_largest_are_k_different_columns() -> None:
    numbers = random(300, 517).round()  # dozens of entries share the winners' value
    values, columns = largest_in_rows(numbers, 8)
    wanted = numbers.topk(8, dim=1).values
    assert torch.equal(values.sort(dim=1, descending=True).values, wanted)
    assert torch.equal(numbers.gather(1, columns), values)
    assert all(len(row.unique()) == 8 for row in columns)


def weights() -> list[Tensor]:
    """x, W_enc, b_enc, W_dec with a row of zeros, b_dec; all asking for gradients."""
    W_dec = random(13, 7, seed=3)
    W_dec[4] = 0
    shaped = [random(11, 7, seed=5), random(7, 13, seed=1), random(13, seed=2), W_dec]
    return [part.requires_grad_() for part in (*shaped, random(7, seed=4))]


@pytest.mark.parametrize("samples", [2, 100])
def test_the_dense_step_has_autograd_s_gradients(
    samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relu_steps, "samples_per_chunk", lambda d_sae, device: samples)
    x, W_enc, b_enc, W_dec, b_dec = parts = weights()
    latents = torch.relu((x - b_dec) @ W_enc + b_enc)
    x_hat, lengths = latents @ W_dec + b_dec, latents.sum(dim=0) * W_dec.norm(dim=1)
    step = dense_relu_step(*parts)
    torch.testing.assert_close(step.x_hat, x_hat)
    torch.testing.assert_close(step.lengths, lengths)
    assert torch.equal(step.active, (latents > 0).sum(dim=0))
    for_x_hat, for_lengths = random(11, 7, seed=6), random(13, seed=7)
    got = torch.autograd.grad([step.x_hat, step.lengths], parts, [for_x_hat, for_lengths])
    wanted = torch.autograd.grad([x_hat, lengths], parts, [for_x_hat, for_lengths])
    for ours, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_dense_step_refuses_a_second_backward_pass() -> None:
    loss = dense_relu_step(*weights()).x_hat.square().sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="inplace operation"):
        loss.backward()
