from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from saeedu import numpy_gradients, numpy_sae
from saeedu.sae import ReLUSAE
from saeedu.sae.relu import weighted_l1
from saeedu.shapes import ShapeError

D_IN, D_SAE, BATCH, L1 = 5, 11, 7, 0.7


def make_sae(seed: int = 0) -> ReLUSAE:
    """An SAE in float64 with nothing at its initial value: biases, row norms, encoder."""
    sae = ReLUSAE(D_IN, D_SAE, L1, seed=seed).double()
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in sae.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator).double())
    return sae


def draw_x(seed: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(BATCH, D_IN, generator=generator).double() + 2


def arrays(sae: ReLUSAE) -> dict[str, np.ndarray]:
    return {name: p.detach().numpy() for name, p in sae.named_parameters()}


def test_forward_is_chapter_03s() -> None:
    sae, x = make_sae(), draw_x()
    w = arrays(sae)
    latents = numpy_sae.encode(x.numpy(), w["W_enc"], w["b_enc"], w["b_dec"])
    x_hat = numpy_sae.decode(latents, w["W_dec"], w["b_dec"])
    assert 0 < np.mean(latents > 0) < 1
    np.testing.assert_allclose(sae.encode(x).detach().numpy(), latents)
    np.testing.assert_allclose(sae(x).detach().numpy(), x_hat)


def test_loss_and_its_gradients_are_chapter_04s_when_decoder_rows_have_unit_norm() -> None:
    """The hand-derived NumPy gradients are the oracle; the weighting then only adds to W_dec's."""
    sae, x = make_sae(), draw_x()
    with torch.no_grad():
        sae.W_dec /= sae.W_dec.norm(dim=1, keepdim=True)
    terms = sae.loss(x)
    terms.total.backward()
    w, xs = arrays(sae), x.numpy()
    latents = numpy_sae.encode(xs, w["W_enc"], w["b_enc"], w["b_dec"])
    x_hat = numpy_sae.decode(latents, w["W_dec"], w["b_dec"])
    assert terms.reconstruction.item() == pytest.approx(numpy_sae.reconstruction_loss(x_hat, xs))
    assert terms.sparsity.item() == pytest.approx(numpy_sae.l1_penalty(latents, L1))
    assert terms.total.item() == pytest.approx((terms.reconstruction + terms.sparsity).item())

    pre_acts = (xs - w["b_dec"]) @ w["W_enc"] + w["b_enc"]
    d_latents = numpy_gradients.grad_latents_reconstruction(x_hat, xs, w["W_dec"])
    d_latents = d_latents + numpy_gradients.grad_latents_l1(latents, L1)
    d_pre_acts = numpy_gradients.grad_pre_acts(d_latents, pre_acts)
    expected = {
        "W_enc": numpy_gradients.grad_W_enc(xs, w["b_dec"], d_pre_acts),
        "b_enc": numpy_gradients.grad_b_enc(d_pre_acts),
        "b_dec": numpy_gradients.grad_b_dec(x_hat, xs, d_pre_acts, w["W_enc"]),
        # d|row| / d row is the row itself at unit norm; each latent pays its mean for it
        "W_dec": numpy_gradients.grad_W_dec(x_hat, xs, latents)
        + L1 * latents.mean(axis=0)[:, None] * w["W_dec"],
    }
    for name, parameter in sae.named_parameters():
        assert parameter.grad is not None
        np.testing.assert_allclose(parameter.grad.numpy(), expected[name], err_msg=name)


def test_weighted_l1_in_plain_loops() -> None:
    sae = make_sae()
    latents = sae.encode(draw_x()).detach()
    expected = 0.0
    for row in latents:
        for value, direction in zip(row, sae.W_dec.detach(), strict=True):
            expected += L1 * float(value) * float((direction**2).sum()) ** 0.5 / BATCH
    assert weighted_l1(latents, sae.W_dec, L1).item() == pytest.approx(expected)
    with pytest.raises(ShapeError, match="d_sae"):
        weighted_l1(latents, sae.W_dec[1:], L1)


def test_the_loss_gains_nothing_by_shrinking_latents_and_growing_rows() -> None:
    sae, x = make_sae(), draw_x()
    before = sae.loss(x).total.item()
    with torch.no_grad():
        sae.W_enc.mul_(0.01)
        sae.b_enc.mul_(0.01)
        sae.W_dec.mul_(100)
    assert sae.loss(x).total.item() == pytest.approx(before)


def test_warmup_scales_the_penalty_alone() -> None:
    sae, x = make_sae(), draw_x()
    full, none = sae.loss(x), sae.loss(x, sparsity_scale=0.25)
    assert none.sparsity.item() == pytest.approx(0.25 * full.sparsity.item())
    assert none.reconstruction.item() == full.reconstruction.item()


def test_initial_values_are_those_of_the_source() -> None:
    sae = ReLUSAE(D_IN, D_SAE)
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.full((D_SAE,), 0.1))
    torch.testing.assert_close(sae.W_enc, sae.W_dec.T)
    assert not sae.b_enc.any()
    assert not sae.b_dec.any()
    assert torch.equal(ReLUSAE(D_IN, D_SAE, seed=3).W_dec, ReLUSAE(D_IN, D_SAE, seed=3).W_dec)
    assert not torch.equal(ReLUSAE(D_IN, D_SAE, seed=3).W_dec, sae.W_dec)


def test_making_an_sae_leaves_the_global_random_state_alone() -> None:
    before = torch.get_rng_state()
    ReLUSAE(D_IN, D_SAE, seed=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_rescaled_sae_does_the_same_in_other_units() -> None:
    sae, x = make_sae(), draw_x()
    x_hat, latents = sae(x).detach(), sae.encode(x).detach()
    sae.rescale(3.5)
    torch.testing.assert_close(sae(3.5 * x), 3.5 * x_hat)
    torch.testing.assert_close(sae.encode(3.5 * x), 3.5 * latents)
    for factor in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="factor must be positive"):
            sae.rescale(factor)


def test_folding_decoder_norms_changes_no_reconstruction() -> None:
    sae, x = make_sae(), draw_x()
    with torch.no_grad():
        sae.W_dec[2] = 0.0
    x_hat, weighted = sae(x).detach(), sae.encode(x).detach() * sae.W_dec.detach().norm(dim=1)
    sae.fold_decoder_norms()
    torch.testing.assert_close(sae(x), x_hat)
    kept = [i for i in range(D_SAE) if i != 2]
    torch.testing.assert_close(sae.W_dec.norm(dim=1)[kept], torch.ones(D_SAE - 1).double())
    torch.testing.assert_close(sae.encode(x)[:, kept], weighted[:, kept])
    assert not sae.W_dec[2].any()


def test_start_from_mean_moves_only_the_decoders_bias() -> None:
    sae, x = make_sae(), draw_x()
    W_dec = sae.W_dec.clone()
    sae.start_from_mean(x)
    np.testing.assert_allclose(sae.b_dec.detach().numpy(), x.numpy().mean(axis=0))
    assert torch.equal(sae.W_dec, W_dec)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReLUSAE(0, 3), "at least 1"),
        (lambda: ReLUSAE(3, -1), "at least 1"),
        (lambda: ReLUSAE(3, 4, -0.1), "must not be negative"),
        (lambda: ReLUSAE(3, 4, float("nan")), "must not be negative"),
    ],
)
def test_an_sae_that_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_activations_of_another_size_are_named() -> None:
    with pytest.raises(ShapeError, match=r"\[7, 6\], but this SAE takes d_in = 5"):
        make_sae()(torch.zeros(BATCH, D_IN + 1).double())
