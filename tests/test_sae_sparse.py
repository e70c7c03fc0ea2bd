"""The sparse backward pass, against plain autograd on dense formulas written out here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from saeedu.sae import SAE, build_sae
from saeedu.sae import gated as gated_module
from saeedu.sae import jump_relu as jump_relu_module
from saeedu.sae import relu as relu_module
from saeedu.sae.build import SPARSITY
from saeedu.sae.selection import select_above, select_batch_top_k, select_top_k
from saeedu.sae.sparse import (
    ActiveLatents,
    decode_active,
    products_at,
    sum_by_latent,
    with_encoder_gradients,
)

D_IN, D_SAE, BATCH = 7, 13, 11
SETTINGS = {
    "l1": {"l1_coefficient": 0.3},
    "l1_unit_rows": {"l1_coefficient": 0.3},
    "top_k": {"k": 3},
    "batch_top_k": {"k": 3},
    "matryoshka": {"k": 3, "widths": (2, 5, 13)},
    "gated": {"l1_coefficient": 0.3},
    "jump_relu": {"l0_coefficient": 0.3, "bandwidth": 0.8},
    "jump_relu_tanh": {"l0_coefficient": 0.3, "bandwidth": 0.8, "tanh_scale": 1.5},
}


def random_sae(sparsity: str, seed: int = 0, **changes: object) -> SAE:
    """An SAE in float64 with nothing at zero, and rows that are not of unit norm."""
    sae = build_sae(D_IN, D_SAE, sparsity, **(SETTINGS[sparsity] | changes)).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sae.named_parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator).double())
            if name == "threshold":
                parameter.abs_()
    return sae


def random_x(seed: int = 1, batch: int = BATCH) -> Tensor:
    return torch.randn(batch, D_IN, generator=torch.Generator().manual_seed(seed)).double()


def error(latents: Tensor, sae: SAE, x: Tensor, width: int = D_SAE) -> Tensor:
    x_hat = latents[:, :width] @ sae.W_dec[:width] + sae.b_dec
    return (x_hat - x).square().sum(dim=1).mean()


def kept(pre_acts: Tensor, n: int) -> Tensor:
    """The n largest of all entries, if positive: by sorting, as slowly as can be."""
    ranks = pre_acts.detach().flatten().argsort(descending=True).argsort().view_as(pre_acts)
    return pre_acts.clamp(min=0) * (ranks < n)


def dense_loss(sparsity: str, sae: SAE, x: Tensor) -> Tensor:
    """The loss of the papers, dense, for autograd to differentiate."""
    products = (x - sae.b_dec) @ sae.W_enc
    if sparsity == "gated":
        gate = products + sae.b_gate
        magnitude = (products * sae.r_mag.exp() + sae.b_mag).clamp(min=0)
        through_frozen = gate.clamp(min=0) @ sae.W_dec.detach() + sae.b_dec.detach()
        return (
            error(magnitude * (gate > 0), sae, x)
            + 0.3 * gate.clamp(min=0).sum(dim=1).mean()
            + (through_frozen - x).square().sum(dim=1).mean()
        )
    pre_acts = products + sae.b_enc
    if sparsity.startswith("l1"):
        latents = pre_acts.clamp(min=0)
        return error(latents, sae, x) + 0.3 * (latents @ sae.W_dec.norm(dim=1)).mean()
    if sparsity == "top_k":
        return error(torch.cat([kept(row[None], sae.k) for row in pre_acts]), sae, x)
    if sparsity == "batch_top_k":
        return error(kept(pre_acts, sae.k * len(x)), sae, x)
    if sparsity == "matryoshka":
        latents = kept(pre_acts, sae.k * len(x))
        return sum((error(latents, sae, x, width) for width in sae.widths), torch.tensor(0.0))
    # A pseudo-derivative is no derivative of the forward pass: these terms are zero in value, and
    # carry the threshold's gradient of Rajamanoharan et al. (2024b), equations 11 and 12.
    threshold, width = sae.threshold, 0.8
    on = pre_acts > threshold
    near = ((pre_acts - threshold).abs() < width / 2).double().detach()
    zero = threshold - threshold.detach()
    latents = pre_acts * on - zero * threshold.detach() / width * near
    if sparsity == "jump_relu":
        price = on.double() - zero / width * near
    else:
        price = torch.tanh(1.5 * latents)
    return error(latents, sae, x) + 0.3 * price.sum(dim=1).mean()


def assert_same_gradients(sparsity: str, sae: SAE, x: Tensor) -> None:
    loss, expected = sae.loss(x).total, dense_loss(sparsity, sae, x)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-12)
    names, parameters = zip(*sae.named_parameters(), strict=True)
    got = torch.autograd.grad(loss, parameters)
    wanted = torch.autograd.grad(expected, parameters, allow_unused=True)
    for name, ours, theirs in zip(names, got, wanted, strict=True):
        theirs = torch.zeros_like(ours) if theirs is None else theirs
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-11, msg=name)


@pytest.fixture(params=["lists", "dense"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of taking a step: with lists however full, and with dense products."""
    for module in (relu_module, gated_module, jump_relu_module):
        monkeypatch.setattr(module, "DENSE_ABOVE", 1.0 if request.param == "lists" else -1.0)


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (relu_module, gated_module, jump_relu_module):
        monkeypatch.setattr(module, "DENSE_ABOVE", 1.0)


everywhere = pytest.mark.parametrize("sparsity", SPARSITY)


@everywhere
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.usefixtures("path")
def test_every_gradient_equals_dense_autograd(sparsity: str, seed: int) -> None:
    assert_same_gradients(sparsity, random_sae(sparsity, seed), random_x(seed + 10))


@everywhere
@pytest.mark.usefixtures("lists")
def test_samples_without_an_active_latent(sparsity: str) -> None:
    sae, x = random_sae(sparsity), random_x()
    with torch.no_grad():
        x[3:6] = sae.b_dec  # products are zero there, so the biases decide
        for name in ("b_enc", "b_gate"):
            if hasattr(sae, name):
                getattr(sae, name).abs_().neg_()
    assert (sae.encode(x)[3:6] == 0).all()
    assert_same_gradients(sparsity, sae, x)


@everywhere
@pytest.mark.usefixtures("lists")
def test_a_batch_without_any_active_latent(sparsity: str) -> None:
    sae, x = random_sae(sparsity), random_x()
    with torch.no_grad():
        for name in ("b_enc", "b_gate"):
            if hasattr(sae, name):
                getattr(sae, name).fill_(-100.0)
    terms = sae.loss(x)
    assert terms.active.sum() == 0
    assert_same_gradients(sparsity, sae, x)


@everywhere
@pytest.mark.usefixtures("lists")
def test_a_latent_active_in_every_sample(sparsity: str) -> None:
    sae, x = random_sae(sparsity), random_x()
    with torch.no_grad():
        for name in ("b_enc", "b_gate", "b_mag"):
            if hasattr(sae, name):
                getattr(sae, name)[4] = 50.0
    assert sae.loss(x).active[4] == BATCH
    assert_same_gradients(sparsity, sae, x)


@everywhere
@pytest.mark.usefixtures("lists")
def test_a_batch_of_one(sparsity: str) -> None:
    assert_same_gradients(sparsity, random_sae(sparsity), random_x(batch=1))


@everywhere
@pytest.mark.usefixtures("lists")
def test_input_that_is_not_contiguous(sparsity: str) -> None:
    wide = torch.randn(D_IN, 2 * BATCH, generator=torch.Generator().manual_seed(5)).double()
    x = wide.T[::2]
    assert not x.is_contiguous()
    assert_same_gradients(sparsity, random_sae(sparsity), x)


@pytest.mark.parametrize("sparsity", ["top_k", "batch_top_k", "matryoshka"])
def test_k_of_d_sae_keeps_all_that_is_positive(sparsity: str) -> None:
    sae, x = random_sae(sparsity, k=D_SAE), random_x()
    positive = ((x - sae.b_dec) @ sae.W_enc + sae.b_enc > 0).sum(dim=0)
    assert torch.equal(sae.loss(x).active, positive)
    assert_same_gradients(sparsity, sae, x)


@pytest.mark.parametrize("sparsity", ["top_k", "batch_top_k", "matryoshka"])
def test_equal_pre_activations_are_split_into_k_winners(sparsity: str) -> None:
    # Latents 0 to 5 read the same: whichever wins, exactly k do, and only winners get gradients.
    sae, x = random_sae(sparsity), random_x()
    with torch.no_grad():
        sae.W_enc[:, :6] = sae.W_enc[:, :1]
        sae.b_enc[:6] = sae.b_enc[0] + 3.0
    terms = sae.loss(x)
    assert terms.active.sum() == 3 * BATCH
    terms.total.backward()
    silent = terms.active == 0
    assert silent.any()
    assert (sae.W_dec.grad[silent] == 0).all()
    assert (sae.W_enc.grad[:, silent] == 0).all()


@everywhere
@pytest.mark.usefixtures("lists")
def test_gradients_reach_the_input(sparsity: str) -> None:
    sae = random_sae(sparsity)
    ours, theirs = random_x().requires_grad_(), random_x().requires_grad_()
    got = torch.autograd.grad(sae.loss(ours).total, ours)[0]
    wanted = torch.autograd.grad(dense_loss(sparsity, sae, theirs), theirs)[0]
    torch.testing.assert_close(got, wanted, rtol=1e-10, atol=1e-11)


def some_active(seed: int = 0) -> ActiveLatents:
    generator = torch.Generator().manual_seed(seed)
    latents = torch.rand(BATCH, D_SAE, generator=generator).double()
    latents[torch.rand(BATCH, D_SAE, generator=generator) < 0.7] = 0
    latents[2] = 0  # an empty sample
    latents[:, 5] = 0  # a silent latent
    return ActiveLatents.of(latents)


def test_the_sparse_decoder_passes_gradcheck() -> None:
    active = some_active()
    W_dec = random_sae("l1").W_dec.detach().requires_grad_()
    values = active.values.clone().requires_grad_()

    def decode(values: Tensor, W_dec: Tensor) -> Tensor:
        return decode_active(active.with_values(values), W_dec)

    assert torch.autograd.gradcheck(decode, (values, W_dec))


def test_the_encoder_gradients_pass_gradcheck() -> None:
    active, sae = some_active(), random_sae("l1")

    def pre_acts(x: Tensor, W_enc: Tensor, b_enc: Tensor, b_dec: Tensor) -> Tensor:
        # Finite differences move the weights, so the values have to be made anew from them.
        z = (x - b_dec) @ W_enc + b_enc
        fresh = active.with_values(z[active.rows, active.columns].detach())
        return with_encoder_gradients(fresh, x, W_enc, b_enc, b_dec).values

    weights = (sae.W_enc, sae.b_enc, sae.b_dec)
    inputs = tuple(tensor.detach().clone().requires_grad_() for tensor in (random_x(), *weights))
    assert torch.autograd.gradcheck(pre_acts, inputs)


@pytest.mark.parametrize("sampled", [True, False])
def test_the_sparse_products_are_the_dense_products_entries(
    sampled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sampled and not torch.backends.mkl.is_available():
        pytest.skip("this PyTorch has no MKL")
    monkeypatch.setattr("saeedu.sae.sparse.HAS_SAMPLED_PRODUCTS", sampled)
    active = some_active()
    left, right = random_x(3), random_x(4, batch=D_SAE)
    expected = (left @ right.T)[active.rows, active.columns]
    torch.testing.assert_close(products_at(active, left, right), expected)
    torch.testing.assert_close(sum_by_latent(active, left), active.dense().T @ left)
    torch.testing.assert_close(decode_active(active, right), active.dense() @ right)


def test_lists_and_dense_latents_are_the_same_thing() -> None:
    active = some_active()
    dense = active.dense()
    assert torch.equal(ActiveLatents.of(dense).dense(), dense)
    assert torch.equal(active.counts(), (dense > 0).sum(dim=0))
    assert active.row_starts().tolist() == [
        int((active.rows < row).sum()) for row in range(active.batch)
    ]


@pytest.mark.parametrize("entries", [D_SAE, 3 * D_SAE + 1, 2**22])
def test_the_selection_does_not_depend_on_the_chunks(
    entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("saeedu.sae.sparse.ENTRIES_PER_CHUNK", {"cpu": entries})
    sae, x = random_sae("l1"), random_x()
    weights = ((x - sae.b_dec).detach(), sae.W_enc, sae.b_enc)
    pre_acts = torch.addmm(sae.b_enc, weights[0], sae.W_enc).detach()
    chosen: dict[Callable[..., ActiveLatents | None], tuple[object, Tensor]] = {
        select_top_k: (4, pre_acts >= pre_acts.topk(4).values[:, -1:]),
        select_batch_top_k: (2, pre_acts >= pre_acts.flatten().topk(2 * BATCH).values[-1]),
        select_above: (0.3, pre_acts > 0.3),
    }
    for select, (argument, mask) in chosen.items():
        active = select(*weights, argument)
        assert active is not None
        torch.testing.assert_close(active.dense(), pre_acts * mask)
        assert (active.rows.diff() >= 0).all(), "rows must rise"


def test_too_full_a_batch_is_left_to_the_dense_products() -> None:
    sae, x = random_sae("l1"), random_x()
    weights = ((x - sae.b_dec).detach(), sae.W_enc, sae.b_enc)
    fraction = (sae.encode(x) > 0).double().mean().item()
    assert select_above(*weights, 0.0, give_up_at=fraction - 0.01) is None
    assert select_above(*weights, 0.0, give_up_at=fraction + 0.01) is not None


def test_batch_top_k_is_exact_when_the_guessed_floor_is_too_high(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One sample in four is large; the guess is made from the large ones alone.
    monkeypatch.setattr("saeedu.sae.selection.SAMPLES_TO_GUESS_FROM", 3)
    sae, x = random_sae("l1"), random_x(batch=12)
    x[::4] *= 100
    weights = ((x - sae.b_dec).detach(), sae.W_enc, sae.b_enc)
    pre_acts = torch.addmm(sae.b_enc, weights[0], sae.W_enc).detach()
    winners = pre_acts.flatten().topk(24).values
    assert torch.equal(select_batch_top_k(*weights, 2).values.sort().values, winners.flip(0))


def test_the_encoder_is_stored_latent_by_latent_and_its_gradient_too() -> None:
    # Rows of W_dec and columns of W_enc are what the backward pass sums into.
    sae = random_sae("top_k")
    sae.loss(random_x()).total.backward()
    assert sae.W_enc.stride() == sae.W_enc.grad.stride() == (1, D_IN)


def test_fused_adam_steps_as_plain_adam_on_the_stored_order() -> None:
    fused, plain = random_sae("top_k"), random_sae("top_k")
    for sae, is_fused in ((fused, True), (plain, False)):
        optimizer = torch.optim.Adam(sae.parameters(), lr=1e-2, fused=is_fused)
        for seed in range(3):
            optimizer.zero_grad()
            sae.loss(random_x(seed)).total.backward()
            optimizer.step()
    for ours, theirs in zip(fused.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
