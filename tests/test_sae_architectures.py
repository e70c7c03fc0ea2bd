"""What each architecture keeps, refuses and counts; training with lists equals training dense."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from saeedu.data import SparseFeatures
from saeedu.metrics import evaluate_reconstruction
from saeedu.sae import (
    SAE,
    BatchTopKSAE,
    LossTerms,
    MatryoshkaSAE,
    TopKSAE,
    build_sae,
    encoder_only,
)
from saeedu.sae.base import squared_error
from saeedu.sae.batch_top_k import batch_top_k, updated_threshold
from saeedu.sae.build import SPARSITY
from saeedu.sae.matryoshka import default_widths
from saeedu.shapes import ShapeError
from saeedu.training import TrainConfig, train
from tests.test_sae_sparse import BATCH, D_IN, D_SAE, SETTINGS, random_sae, random_x

everywhere = pytest.mark.parametrize("sparsity", SPARSITY)
UNIT_ROWS = [name for name in SPARSITY if name != "l1"]


@everywhere
def test_build_sae_by_name_and_back_from_its_own_settings(sparsity: str) -> None:
    sae = build_sae(D_IN, D_SAE, sparsity, **SETTINGS[sparsity])
    assert type(sae) is SPARSITY[sparsity]
    again = type(sae).from_config({"d_in": D_IN, "d_sae": D_SAE, **sae.settings()})
    assert again.settings() == sae.settings()
    for name, value in SETTINGS[sparsity].items():
        kept = sae.settings()[name]
        assert (tuple(kept) if name == "widths" else kept) == value
    assert str(value) in repr(sae) or name == "widths"


def test_the_newcomers_call() -> None:
    sae = build_sae(d_in=24, d_sae=96, sparsity="top_k", k=5)
    x = torch.randn(9, 24, generator=torch.Generator().manual_seed(0))
    latents = encoder_only(sae)(x)
    assert torch.equal(latents, sae.encode(x))
    assert (latents > 0).sum(dim=1).max() <= 5
    assert sae(x).shape == x.shape


@everywhere
def test_what_a_sample_becomes_does_not_depend_on_its_neighbours(sparsity: str) -> None:
    sae, x = random_sae(sparsity), random_x()
    if isinstance(sae, BatchTopKSAE):
        sae.threshold.fill_(0.7)
    alone = torch.cat([sae.encode(row[None]) for row in x])
    torch.testing.assert_close(sae.encode(x), alone)
    assert (sae.encode(x) >= 0).all()
    further = sae(x.view(1, BATCH, D_IN))
    torch.testing.assert_close(further[0], sae(x))


@everywhere
def test_the_terms_add_up_and_count_what_is_on(sparsity: str) -> None:
    sae, x = random_sae(sparsity), random_x()
    terms = sae.loss(x)
    parts = terms.reconstruction + terms.sparsity + sum(terms.auxiliary.values())
    assert terms.total.item() == pytest.approx(parts.item(), rel=1e-12)
    assert terms.reconstruction.item() == pytest.approx(squared_error(terms.x_hat, x).item())
    if not isinstance(sae, BatchTopKSAE):  # whose batch decides otherwise than its threshold
        assert torch.equal(terms.active, (sae.encode(x) > 0).sum(dim=0))
        torch.testing.assert_close(terms.x_hat, sae(x))
    assert terms.l0 == terms.active.sum().item() / BATCH


@pytest.mark.parametrize("sparsity", ["l1", "gated", "jump_relu", "jump_relu_tanh"])
def test_the_warm_up_scales_the_penalty_alone(sparsity: str) -> None:
    sae, x = random_sae(sparsity), random_x()
    full, part = sae.loss(x), sae.loss(x, sparsity_scale=0.25)
    assert part.sparsity.item() == pytest.approx(0.25 * full.sparsity.item())
    assert part.reconstruction.item() == full.reconstruction.item()


@pytest.mark.parametrize("sparsity", UNIT_ROWS)
def test_a_step_keeps_rows_at_unit_norm_and_gradients_across_them(sparsity: str) -> None:
    sae, x = random_sae(sparsity), random_x()
    sae.set_rows_to_unit_norm()
    optimizer = torch.optim.Adam(sae.parameters(), lr=0.1)
    terms = sae.loss(x)
    terms.total.backward()
    sae.adjust_gradients()
    along = (sae.W_dec.grad * sae.W_dec).sum(dim=1)
    assert along.abs().max() < 1e-12 < sae.W_dec.grad.abs().max()
    optimizer.step()
    assert not torch.allclose(sae.W_dec.norm(dim=1), torch.ones(D_SAE).double(), atol=1e-4)
    sae.after_step(terms)
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(D_SAE).double())


@everywhere
def test_rescale_and_fold_change_units_and_nothing_else(sparsity: str) -> None:
    sae, x = random_sae(sparsity), random_x()
    if isinstance(sae, BatchTopKSAE):
        sae.threshold.fill_(0.7)
    if sparsity != "l1":
        sae.set_rows_to_unit_norm()
    before_latents, before = sae.encode(x), sae(x)
    sae.rescale(2.5)
    torch.testing.assert_close(sae.encode(2.5 * x), 2.5 * before_latents)
    torch.testing.assert_close(sae(2.5 * x), 2.5 * before)
    sae.rescale(1 / 2.5)
    sae.fold_decoder_norms()
    torch.testing.assert_close(sae(x), before)


@pytest.mark.parametrize("sparsity", ["gated", "jump_relu", "jump_relu_tanh", "l1"])
def test_folding_free_rows_changes_no_reconstruction(sparsity: str) -> None:
    sae, x = random_sae(sparsity), random_x()
    before = sae(x)
    sae.fold_decoder_norms()
    torch.testing.assert_close(sae(x), before)
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(D_SAE).double())


# Dead latents and thresholds.


def test_aux_k_moves_dead_latents_and_no_others() -> None:
    sae, x = random_sae("top_k", k_aux=2, aux_coefficient=0.5), random_x()
    sae.dead_after = 100
    dead = torch.tensor([1, 4, 7, 9])
    with torch.no_grad():
        sae.b_enc[dead] -= 20  # far from winning, and the ReLU would hide them
        sae.b_enc[dead[:2]] += 21
    assert sae.loss(x).auxiliary == {}
    sae.silent_for[dead] = 100
    terms = sae.loss(x)

    pre_acts = (x - sae.b_dec) @ sae.W_enc + sae.b_enc
    among_dead = pre_acts[:, dead]
    winners = among_dead >= among_dead.topk(2).values[:, -1:]
    rebuilt = (among_dead.clamp(min=0) * winners) @ sae.W_dec[dead]
    error = (x - terms.x_hat).detach()
    expected = 0.5 * (rebuilt - error).square().sum(dim=1).mean()
    assert terms.auxiliary["aux_k"].item() == pytest.approx(expected.item())
    parameters = (sae.W_enc, sae.W_dec, sae.b_enc, sae.b_dec)
    got = torch.autograd.grad(terms.auxiliary["aux_k"], parameters, retain_graph=True)
    wanted = torch.autograd.grad(expected, parameters)
    for ours, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(ours, theirs)
    living = torch.ones(D_SAE, dtype=torch.bool).index_fill(0, dead, False)
    assert (got[1][living] == 0).all()
    assert (got[1][dead] != 0).any()


def test_silence_is_counted_in_samples_and_ends_with_one_activation() -> None:
    sae, x = random_sae("top_k"), random_x()
    with torch.no_grad():
        sae.b_enc[3] = -100
    for _ in range(2):
        sae.after_step(sae.loss(x))
    assert sae.silent_for[3] == 2 * BATCH
    with torch.no_grad():
        sae.b_enc[3] = 100
    sae.after_step(sae.loss(x))
    assert sae.silent_for[3] == 0


def test_the_threshold_is_a_running_mean_of_the_smallest_winner() -> None:
    sae = random_sae("batch_top_k", threshold_rate=0.25)
    expected = None
    for seed in range(4):
        x = random_x(seed)
        winners = batch_top_k((x - sae.b_dec) @ sae.W_enc + sae.b_enc, 3)
        smallest = winners[winners > 0].min().item()
        expected = smallest if expected is None else 0.75 * expected + 0.25 * smallest
        sae.after_step(sae.loss(x))
    assert sae.threshold.item() == pytest.approx(expected)
    assert updated_threshold(torch.tensor(0.0), torch.tensor(3.0), 0.1) == 3


def test_batch_top_k_spends_its_latents_where_they_are_needed() -> None:
    pre_acts = torch.tensor([[5.0, 4.0, 3.0, -1.0], [0.1, 0.2, -3.0, 2.0]])
    kept = batch_top_k(pre_acts, 2)
    assert kept.tolist() == [[5.0, 4.0, 3.0, 0.0], [0.0, 0.0, 0.0, 2.0]]


def test_thresholds_cannot_fall_below_zero() -> None:
    sae = random_sae("jump_relu")
    terms = sae.loss(random_x())
    with torch.no_grad():
        sae.threshold[2] = -0.5
    sae.after_step(terms)
    assert sae.threshold.min() == 0


def test_default_widths_rise_to_d_sae_whatever_it_is() -> None:
    assert default_widths(64) == (4, 8, 16, 32, 64)
    for d_sae in range(1, 40):
        assert MatryoshkaSAE(3, d_sae, k=1).widths[-1] == d_sae


# Refusals.


@pytest.mark.parametrize(
    ("sparsity", "settings", "message"),
    [
        ("top_k", {"k": 14}, "k is 14, but must lie between 1 and d_sae, 13"),
        ("batch_top_k", {"k": 0}, "k is 0"),
        ("top_k", {"k": 3, "aux_coefficient": -1}, "aux_coefficient must not be negative"),
        ("batch_top_k", {"k": 3, "threshold_rate": 0.0}, "threshold_rate must lie in"),
        ("l1", {"l1_coefficient": -0.1}, "l1_coefficient must not be negative"),
        ("l1", {"l1_coefficient": float("nan")}, "l1_coefficient must not be negative"),
        ("gated", {"l1_coefficient": -0.1}, "l1_coefficient must not be negative"),
        ("jump_relu", {"l0_coefficient": -0.1}, "l0_coefficient must not be negative"),
        ("jump_relu", {"bandwidth": 0.0}, "bandwidth must be positive"),
        ("jump_relu_tanh", {"tanh_scale": 0.0}, "tanh_scale must be positive"),
        ("matryoshka", {"k": 2, "widths": (4, 2, 13)}, "widths are"),
        ("matryoshka", {"k": 2, "widths": (4, 12)}, "widths are"),
        ("topk", {}, "Did you mean 'top_k'"),
    ],
)
def test_settings_that_cannot_be_meant(sparsity: str, settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_sae(D_IN, D_SAE, sparsity, **settings)


def test_a_setting_of_another_architecture_is_named() -> None:
    with pytest.raises(TypeError, match=r"ReLUSAE has no setting 'l1_coeficient'.*l1_coefficient"):
        build_sae(D_IN, D_SAE, "l1", l1_coeficient=0.1)


@everywhere
def test_input_that_an_sae_does_not_take(sparsity: str) -> None:
    sae = random_sae(sparsity).float()
    x = random_x().float()
    for method in (sae.encode, sae.loss, sae):
        with pytest.raises(ShapeError, match=r"\[11, 6\].*d_in = 7"):
            method(x[:, :6])
        with pytest.raises(TypeError, match=r"x holds int64 numbers.*float32"):
            method(x.long())
        with pytest.raises(TypeError, match=r"x holds float16 numbers.*float32"):
            method(x.half())
        broken = x.clone()
        broken[4, 2], broken[6, 1] = float("nan"), float("inf")
        with pytest.raises(ValueError, match=r"first in sample 4 \(2 of 11 samples\)"):
            method(broken)


# The same run, with lists and dense.


class DenseTopK(TopKSAE):
    """TopK with the dense products that autograd would use."""

    def loss(self, x: Tensor, sparsity_scale: float = 1.0) -> LossTerms:
        latents = self.encode(x)
        x_hat = self.decode(latents)
        error = squared_error(x_hat, x)
        return LossTerms(error, error, 0 * error, x_hat, (latents > 0).sum(dim=0))


@pytest.mark.parametrize("sparsity", ["l1", "gated", "jump_relu", "top_k"])
def test_a_run_with_lists_ends_where_the_dense_run_ends(
    sparsity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = SparseFeatures(n_features=48, d_model=24, density=0.04, seed=0)
    x, held_out = (torch.tensor(data.sample(n).x).float() for n in (8_000, 4_000))
    settings = {
        "l1": {"l1_coefficient": 0.8},
        "gated": {"l1_coefficient": 0.8},
        "jump_relu": {"l0_coefficient": 0.3, "bandwidth": 0.5},
        "top_k": {"k": 2, "aux_coefficient": 0.0},
    }[sparsity]
    config = TrainConfig(
        n_steps=400, batch_size=256, lr=3e-3, l1_warmup_steps=40, lr_decay_steps=80
    )
    results = {}
    for path, limit in {"lists": 1.0, "dense": -1.0}.items():
        for module in ("relu", "gated", "jump_relu"):
            monkeypatch.setattr(f"saeedu.sae.{module}.DENSE_ABOVE", limit)
        dense_top_k = sparsity == "top_k" and path == "dense"
        sae: SAE = (
            DenseTopK(24, 96, **settings)
            if dense_top_k
            else build_sae(24, 96, sparsity, **settings)
        )
        train(sae, x, config)
        results[path] = evaluate_reconstruction(sae, held_out).explained_variance
    assert results["lists"] > 0.7, "a run that learned nothing proves nothing"
    assert results["lists"] == pytest.approx(results["dense"], abs=0.002)
