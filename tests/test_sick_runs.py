"""Each sick run of chapter 09's gallery is sick in its own way, on activations made up here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from saeedu import sick_runs
from saeedu.activations import normalising_constant
from saeedu.data import SparseFeatures
from saeedu.sick_runs import CAUSES, HEALTHY, Curves


@pytest.fixture(scope="module")
def data() -> tuple[torch.Tensor, torch.Tensor]:
    """Sparse features of several topics, far from the origin, in large units."""
    samples = SparseFeatures(n_features=200, d_model=48, density=0.05, seed=0).sample(12_000).x
    x = torch.tensor(samples, dtype=torch.float32)
    generator = torch.Generator().manual_seed(0)
    topics = torch.randn(8, 48, generator=generator)
    x = x + 0.5 * topics[torch.randint(8, (len(x),), generator=generator)]
    x = 20 * (x + x.norm(dim=1).mean() / np.sqrt(48))
    return x[:10_000], x[10_000:]


@pytest.fixture(scope="module")
def runs(data: tuple[torch.Tensor, torch.Tensor]) -> dict[str, Curves]:
    x, held_out = data
    torch.manual_seed(0)
    treatments = HEALTHY | CAUSES
    return {
        name: sick_runs.run(treatment, x, held_out, d_sae=128, n_steps=160)
        for name, treatment in treatments.items()
    }


def test_every_cause_is_the_diagnosis_of_one_letter() -> None:
    assert sorted(map(sick_runs.diagnose, sick_runs.LETTERS)) == sorted(CAUSES)


def test_a_healthy_run_learns_and_holds_up_on_what_it_has_not_seen(runs: dict[str, Curves]) -> None:
    for kind in HEALTHY:
        curves = runs[kind]
        assert len(curves.reconstruction) == 160
        assert curves.explained_variance[-1] > 0.6
        assert curves.held_out[-1] == pytest.approx(curves.explained_variance[-1], abs=0.08)
        assert curves.held_out_steps[-1] == 159


def test_units_show_in_the_first_loss_and_a_start_at_zero_in_the_first_explained_variance(
    data: tuple[torch.Tensor, torch.Tensor], runs: dict[str, Curves]
) -> None:
    factor = 1 / normalising_constant(data[0]) ** 2
    own_units, healthy = runs["activations not normalised"], runs["L1"]
    assert own_units.reconstruction[0] == pytest.approx(
        factor * healthy.reconstruction[0], rel=0.02
    )
    at_zero, at_mean = runs["b_dec started at zero"], runs["TopK"]
    assert at_zero.explained_variance[0] < at_mean.explained_variance[0] - 0.3


def test_a_step_size_can_be_too_small_or_too_large(runs: dict[str, Curves]) -> None:
    slow, wild, healthy = (
        runs[name] for name in ("step size too small", "step size too large", "TopK")
    )
    assert slow.held_out[-1] < healthy.held_out[len(healthy.held_out) // 2]
    assert max(wild.reconstruction[1:10]) > max(healthy.reconstruction[1:10])
    assert wild.held_out[-1] < healthy.held_out[-1] - 0.01
    assert wild.silent[-1] > healthy.silent[-1] + 0.05


def test_few_activations_are_learnt_by_heart(runs: dict[str, Curves]) -> None:
    curves, healthy = runs["too few activations"], runs["TopK"]
    gap, healthy_gap = (
        each.explained_variance[-1] - each.held_out[-1] for each in (curves, healthy)
    )
    assert gap > healthy_gap + 0.01
    assert curves.held_out[-1] < healthy.held_out[-1]


def test_batches_of_like_with_like_jump(runs: dict[str, Curves]) -> None:
    def jumps(curves: Curves) -> float:
        return float(np.abs(np.diff(curves.explained_variance[80:])).max())

    assert jumps(runs["data not shuffled"]) > 2 * jumps(runs["TopK"])


def test_a_small_k_and_a_high_price_show_in_l0(runs: dict[str, Curves]) -> None:
    assert set(runs["k too small"].l0) == {2.0}
    price, healthy = runs["penalty too high at once"], runs["L1"]
    assert price.l0[-1] < healthy.l0[-1] / 2
    assert price.silent[-1] > healthy.silent[-1]


def test_a_run_that_leaves_the_numbers_ends_early(data: tuple[torch.Tensor, torch.Tensor]) -> None:
    x, held_out = data
    curves = sick_runs.run(replace(HEALTHY["L1"], lr=1e30), x, held_out, d_sae=64, n_steps=20)
    assert len(curves.l0) < 20
    assert np.isfinite(curves.reconstruction).all()
