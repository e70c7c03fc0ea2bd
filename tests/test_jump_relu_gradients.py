"""JumpReLU's pseudo-derivatives estimate the slope of the expected loss: measured, not asserted."""

from __future__ import annotations

import pytest
import torch

from saeedu.sae.gated import gate_loss
from saeedu.sae.jump_relu import jump_relu, jump_relu_gradients, step, step_gradient
from saeedu.sae.matryoshka import prefix_losses

THETA, PRICE = 0.7, 0.15


def samples(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pre-activations with a known, smooth density around the threshold, and targets."""
    generator = torch.Generator().manual_seed(0)
    z = 0.6 + 0.5 * torch.randn(n, 1, generator=generator, dtype=torch.float64)
    return z, 0.8 * z + 0.1


def expected_loss(theta: float) -> float:
    """By numerical integration over the density, with no samples and no autograd."""
    z = torch.linspace(-4, 5, 900_001, dtype=torch.float64)
    density = torch.exp(-(((z - 0.6) / 0.5) ** 2) / 2) / (0.5 * (2 * torch.pi) ** 0.5)
    on = (z > theta).double()
    loss = (z * on - (0.8 * z + 0.1)) ** 2 + PRICE * on
    return torch.trapezoid(loss * density, z).item()


def test_autograds_threshold_gradient_is_the_slope_of_the_expected_loss() -> None:
    z, target = samples(2_000_000)
    threshold = torch.tensor([THETA], dtype=torch.float64, requires_grad=True)
    loss = (jump_relu(z, threshold, 0.02) - target) ** 2 + PRICE * step(z, threshold, 0.02)
    loss.mean().backward()
    h = 0.01
    slope = (expected_loss(THETA + h) - expected_loss(THETA - h)) / (2 * h)
    assert abs(slope) > 0.05
    assert threshold.grad.item() == pytest.approx(slope, rel=0.05)


def test_the_functions_are_what_autograd_calls() -> None:
    generator = torch.Generator().manual_seed(1)
    z, upstream = torch.randn(2, 9, 4, generator=generator, dtype=torch.float64)
    z.requires_grad_()
    threshold = torch.rand(4, generator=generator, dtype=torch.float64).requires_grad_()
    got = torch.autograd.grad(jump_relu(z, threshold, 0.6), (z, threshold), upstream)
    wanted = jump_relu_gradients(upstream, z.detach(), threshold.detach(), 0.6)
    for a, b in zip(got, wanted, strict=True):
        torch.testing.assert_close(a, b)
    (got_step,) = torch.autograd.grad(step(z, threshold, 0.6), threshold, upstream)
    torch.testing.assert_close(
        got_step, step_gradient(upstream, z.detach(), threshold.detach(), 0.6)
    )


def test_autograd_and_vmap_agree() -> None:
    generator = torch.Generator().manual_seed(2)
    z = torch.randn(3, 8, 5, generator=generator, dtype=torch.float64)
    threshold = torch.rand(3, 5, generator=generator, dtype=torch.float64)

    def loss(z: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return (jump_relu(z, t, 0.5) ** 2 + step(z, t, 0.5)).sum()

    together = threshold.clone().requires_grad_()
    torch.func.vmap(loss)(z, together).sum().backward()
    for run in range(3):
        alone = threshold[run].clone().requires_grad_()
        loss(z[run], alone).backward()
        torch.testing.assert_close(together.grad[run], alone.grad)


def test_the_gates_loss_teaches_the_gates_alone() -> None:
    generator = torch.Generator().manual_seed(3)
    gates, W_dec, b_dec, x = (
        torch.randn(*shape, generator=generator, dtype=torch.float64)
        for shape in ((6, 4), (4, 3), (3,), (6, 3))
    )
    for tensor in (gates, W_dec, b_dec):
        tensor.requires_grad_()
    gate_loss(gates, W_dec, b_dec, x).backward()
    assert W_dec.grad is None
    assert b_dec.grad is None
    by_hand = 2 / 6 * (gates @ W_dec + b_dec - x) @ W_dec.T
    torch.testing.assert_close(gates.grad, by_hand.detach())


def test_a_prefix_is_an_sae_of_its_own() -> None:
    generator = torch.Generator().manual_seed(4)
    latents, W_dec, b_dec, x = (
        torch.randn(*shape, generator=generator, dtype=torch.float64)
        for shape in ((6, 5), (5, 3), (3,), (6, 3))
    )
    losses = prefix_losses(latents, W_dec, b_dec, x, (2, 5))
    zeroed = latents.clone()
    zeroed[:, 2:] = 0
    for loss, codes in zip(losses, (zeroed, latents), strict=True):
        expected = (codes @ W_dec + b_dec - x).square().sum() / 6
        assert loss.item() == pytest.approx(expected.item())
