"""Every hand-written gradient against PyTorch's autograd and against central differences."""

from typing import NamedTuple

import numpy as np
import pytest
import torch

from saeedu import numpy_gradients as grads
from saeedu import numpy_sae
from saeedu.shapes import ShapeError

L1_COEFFICIENT = 0.37
PARAMETERS = ("W_enc", "b_enc", "W_dec", "b_dec")


class Sae(NamedTuple):
    x: np.ndarray
    W_enc: np.ndarray
    b_enc: np.ndarray
    W_dec: np.ndarray
    b_dec: np.ndarray


def draw(seed, batch=6, d_in=4, d_sae=7):
    rng = np.random.default_rng(seed)
    sae = Sae(
        x=rng.normal(size=(batch, d_in)) + 0.5,
        W_enc=rng.normal(size=(d_in, d_sae)),
        b_enc=rng.normal(size=d_sae),
        W_dec=rng.normal(size=(d_sae, d_in)),
        b_dec=rng.normal(size=d_in),
    )
    pre_acts = (sae.x - sae.b_dec) @ sae.W_enc + sae.b_enc
    assert np.abs(pre_acts).min() > 1e-4  # away from the kink, where the two oracles disagree
    assert 0 < (pre_acts > 0).mean() < 1
    return sae


def by_hand(sae):
    """Every intermediate gradient, chained as chapter 04 chains them."""
    pre_acts = (sae.x - sae.b_dec) @ sae.W_enc + sae.b_enc
    latents = np.maximum(pre_acts, 0)
    x_hat = latents @ sae.W_dec + sae.b_dec
    from_error = grads.grad_latents_reconstruction(x_hat, sae.x, sae.W_dec)
    d_latents = from_error + grads.grad_latents_l1(latents, L1_COEFFICIENT)
    d_pre_acts = grads.grad_pre_acts(d_latents, pre_acts)
    return {
        "x_hat": grads.grad_x_hat(x_hat, sae.x),
        "latents": d_latents,
        "pre_acts": d_pre_acts,
        "W_enc": grads.grad_W_enc(sae.x, sae.b_dec, d_pre_acts),
        "b_enc": grads.grad_b_enc(d_pre_acts),
        "W_dec": grads.grad_W_dec(x_hat, sae.x, latents),
        "b_dec": grads.grad_b_dec(x_hat, sae.x, d_pre_acts, sae.W_enc),
    }


def by_autograd(sae):
    x, W_enc, b_enc, W_dec, b_dec = (torch.tensor(a, dtype=torch.float64) for a in sae)
    watched = {"W_enc": W_enc, "b_enc": b_enc, "W_dec": W_dec, "b_dec": b_dec}
    for tensor in watched.values():
        tensor.requires_grad_()
    watched["pre_acts"] = (x - b_dec) @ W_enc + b_enc
    watched["latents"] = torch.relu(watched["pre_acts"])
    watched["x_hat"] = watched["latents"] @ W_dec + b_dec
    for name in ("pre_acts", "latents", "x_hat"):
        watched[name].retain_grad()
    error = ((watched["x_hat"] - x) ** 2).sum(dim=1).mean()
    penalty = L1_COEFFICIENT * watched["latents"].abs().sum(dim=1).mean()
    (error + penalty).backward()
    return {name: tensor.grad.numpy() for name, tensor in watched.items()}


def loss(x, W_enc, b_enc, W_dec, b_dec):
    latents = numpy_sae.encode(x, W_enc, b_enc, b_dec)
    x_hat = numpy_sae.decode(latents, W_dec, b_dec)
    error = numpy_sae.reconstruction_loss(x_hat, x)
    return error + numpy_sae.l1_penalty(latents, L1_COEFFICIENT)


def central_difference(f, at, eps=1e-5):
    """An oracle of its own, written unlike `numerical_gradient`: one basis vector at a time."""
    steps = np.eye(at.size).reshape(at.size, *at.shape) * eps
    return np.array([(f(at + s) - f(at - s)) / (2 * eps) for s in steps]).reshape(at.shape)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["x_hat", "latents", "pre_acts", *PARAMETERS])
def test_gradients_equal_autograd(name, seed):
    sae = draw(seed)
    ours, theirs = by_hand(sae)[name], by_autograd(sae)[name]
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", PARAMETERS)
def test_gradients_of_the_full_loss_equal_central_differences(name, seed):
    sae = draw(seed)
    measured = central_difference(
        lambda value: loss(**{**sae._asdict(), name: value}), getattr(sae, name)
    )
    ours = by_hand(sae)[name]
    np.testing.assert_allclose(ours, measured, rtol=1e-6, atol=1e-6 * np.abs(measured).max())


def test_gradients_with_respect_to_values_equal_central_differences():
    sae = draw(0)
    pre_acts = (sae.x - sae.b_dec) @ sae.W_enc + sae.b_enc
    latents = np.maximum(pre_acts, 0)
    x_hat = latents @ sae.W_dec + sae.b_dec

    def error(guess):
        return ((guess - sae.x) ** 2).sum() / len(sae.x)

    pairs = [
        (grads.grad_x_hat(x_hat, sae.x), central_difference(error, x_hat)),
        (
            grads.grad_latents_reconstruction(x_hat, sae.x, sae.W_dec),
            central_difference(lambda z: error(z @ sae.W_dec + sae.b_dec), latents),
        ),
        (
            grads.grad_latents_l1(latents, L1_COEFFICIENT),
            central_difference(lambda z: L1_COEFFICIENT * np.abs(z).sum() / len(z), latents),
        ),
    ]
    for ours, measured in pairs:
        np.testing.assert_allclose(ours, measured, rtol=1e-6, atol=1e-6 * np.abs(measured).max())


def test_b_dec_gradient_has_an_encoder_term():
    sae = draw(1)

    def loss_with_two_biases(before_encoder, after_decoder):
        latents = numpy_sae.encode(sae.x, sae.W_enc, sae.b_enc, before_encoder)
        x_hat = numpy_sae.decode(latents, sae.W_dec, after_decoder)
        error = numpy_sae.reconstruction_loss(x_hat, sae.x)
        return error + numpy_sae.l1_penalty(latents, L1_COEFFICIENT)

    through_encoder = central_difference(lambda b: loss_with_two_biases(b, sae.b_dec), sae.b_dec)
    through_decoder = central_difference(lambda b: loss_with_two_biases(sae.b_dec, b), sae.b_dec)
    assert np.abs(through_encoder).min() > 1e-3  # a missing term would show
    both = by_hand(sae)["b_dec"]
    np.testing.assert_allclose(both, through_encoder + through_decoder, rtol=1e-6)


def test_relu_gradient_at_zero_is_zero_as_in_pytorch():
    pre_acts = torch.tensor([[0.0, -1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    d_latents = np.array([[5.0, -6.0, -7.0]])
    torch.relu(pre_acts).backward(torch.tensor(d_latents))
    ours = grads.grad_pre_acts(d_latents, pre_acts.detach().numpy())
    np.testing.assert_array_equal(ours, pre_acts.grad.numpy())
    np.testing.assert_array_equal(ours, [[0.0, 0.0, -7.0]])


@pytest.mark.parametrize("seed", range(3))
def test_projected_gradient_is_that_of_a_loss_which_normalises_the_rows(seed):
    sae = draw(seed)
    unit = sae.W_dec / np.linalg.norm(sae.W_dec, axis=1, keepdims=True)
    V = torch.tensor(unit, dtype=torch.float64, requires_grad=True)
    latents = np.maximum((sae.x - sae.b_dec) @ sae.W_enc + sae.b_enc, 0)
    x_hat = torch.tensor(latents) @ torch.nn.functional.normalize(V, dim=1)
    ((x_hat + torch.tensor(sae.b_dec - sae.x)) ** 2).sum(dim=1).mean().backward()
    d_W_dec = by_hand(sae._replace(W_dec=unit))["W_dec"]
    np.testing.assert_allclose(grads.project_off_rows(d_W_dec, unit), V.grad.numpy(), atol=1e-10)


def test_projection_leaves_nothing_along_rows_of_any_length_and_does_so_once():
    rng = np.random.default_rng(2)
    W_dec, d_W_dec = rng.normal(size=(5, 3)) * 3, rng.normal(size=(5, 3))
    projected = grads.project_off_rows(d_W_dec, W_dec)
    np.testing.assert_allclose((projected * W_dec).sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(grads.project_off_rows(projected, W_dec), projected, atol=1e-12)
    np.testing.assert_allclose(grads.project_off_rows(W_dec, W_dec), 0, atol=1e-12)


@pytest.mark.parametrize("at", [np.array([3, 1, 2]), np.array([[0.3, 1.2]]), np.array(0.7)])
def test_numerical_gradient_of_a_known_function(at):
    before = at.copy()
    measured = grads.numerical_gradient(lambda v: float((v**3 + np.sin(v)).sum()), at)
    assert measured.shape == at.shape
    np.testing.assert_allclose(measured, 3 * at**2 + np.cos(at), rtol=1e-8)
    np.testing.assert_array_equal(at, before)
    assert at.dtype == before.dtype


def test_numerical_gradient_holds_all_other_entries_still():
    at = np.array([[0.4, 1.3], [0.8, 0.1]])
    measured = grads.numerical_gradient(lambda v: float(v.sum() ** 3 * v[1, 0]), at)
    exact = np.full((2, 2), 3 * at.sum() ** 2 * at[1, 0])
    exact[1, 0] += at.sum() ** 3
    np.testing.assert_allclose(measured, exact, rtol=1e-8)


def test_numerical_gradient_error_falls_with_the_square_of_eps():
    at = np.array([1.0])
    errors = [
        abs(grads.numerical_gradient(lambda v: float(np.exp(v).sum()), at, eps)[0] - np.e)
        for eps in (1e-2, 5e-3)
    ]
    assert errors[0] / errors[1] == pytest.approx(4, rel=1e-3)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: grads.grad_x_hat(np.ones((3, 2)), np.ones((4, 2))), "x"),
        (lambda: grads.grad_W_dec(np.ones((3, 2)), np.ones((3, 2)), np.ones((2, 5))), "latents"),
        (lambda: grads.grad_pre_acts(np.ones((3, 2)), np.ones((2, 3))), "pre_acts"),
        (lambda: grads.grad_W_enc(np.ones((3, 2)), np.ones(3), np.ones((3, 5))), "b_dec"),
        (lambda: grads.project_off_rows(np.ones((3, 2)), np.ones((2, 3))), "W_dec"),
    ],
)
def test_arrays_that_do_not_fit_are_named(call, argument):
    with pytest.raises(ShapeError, match=rf"\b{argument}\b"):
        call()
