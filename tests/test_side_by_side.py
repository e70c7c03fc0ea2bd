"""SAEs trained side by side are the library's: same losses, same gradients, same first steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from saeedu import zoo
from saeedu.comparison import judge, score_at_l0
from saeedu.hierarchical_data import HierarchicalFeatures
from saeedu.numpy_sae import mmcs
from saeedu.sae import build_sae
from saeedu.sae.batch_top_k import batch_top_k
from saeedu.side_by_side import initial_weights, train_side_by_side
from saeedu.train_config import TrainConfig
from saeedu.zoo import Architecture

PRICE = 0.7
KINDS: dict[str, tuple[Architecture, dict[str, Any]]] = {
    "l1": (zoo.relu(), {"l1_coefficient": PRICE}),
    "top_k": (zoo.top_k_of(3), {"k": 3}),
    "batch_top_k": (zoo.batch_top_k_of(3), {"k": 3}),
    "gated": (zoo.gated(), {"l1_coefficient": PRICE}),
    "jump_relu": (zoo.jump_relu_of(0.5), {"l0_coefficient": PRICE, "bandwidth": 0.5}),
    "matryoshka": (zoo.matryoshka_of(3, (4, 13)), {"k": 3, "widths": (4, 13)}),
}
D_IN, D_SAE = 7, 13
each_kind = pytest.mark.parametrize("name", KINDS)


def data(runs: int = 1, n: int = 400) -> torch.Tensor:
    return torch.randn(runs, n, D_IN, generator=torch.Generator().manual_seed(1)) + 0.3


@each_kind
def test_the_loss_and_its_gradients_are_those_of_the_librarys_class(name: str) -> None:
    kind, settings = KINDS[name]
    sae = build_sae(D_IN, D_SAE, name, seed=2, **settings).double()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in sae.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator).abs()
    x = data()[0, :11].double()
    weights = {n: p.detach().clone().requires_grad_() for n, p in sae.named_parameters()}
    expected, got = (
        sae.loss(x).total,
        kind.loss(weights, x, torch.tensor(PRICE, dtype=torch.float64)),
    )
    assert got.item() == pytest.approx(expected.item(), rel=1e-12)
    expected.backward()
    got.backward()
    for parameter, p in sae.named_parameters():
        torch.testing.assert_close(weights[parameter].grad, p.grad, rtol=1e-9, atol=1e-12)


@each_kind
def test_initial_weights_are_the_classes(name: str) -> None:
    kind, settings = KINDS[name]
    weights = initial_weights(kind, D_IN, D_SAE, seeds=[4, 9])
    for run, seed in enumerate((4, 9)):
        sae = build_sae(D_IN, D_SAE, name, seed=seed, **settings)
        expected = dict(sae.named_parameters())
        assert weights.keys() == expected.keys()
        for parameter, tensor in expected.items():
            torch.testing.assert_close(weights[parameter][run], tensor.detach())


@each_kind
def test_a_run_does_not_depend_on_its_neighbours(name: str) -> None:
    kind, _ = KINDS[name]
    config = TrainConfig(n_steps=12, batch_size=32, lr=1e-2, l1_warmup_steps=3, lr_decay_steps=4)
    x = data(runs=3)
    together = train_side_by_side(kind, x, D_SAE, [0.1, 0.5, 0.9], config, [0, 1, 2])
    alone = train_side_by_side(kind, x[1:2], D_SAE, [0.5], config, [1])
    for parameter, tensor in alone.weights.items():
        torch.testing.assert_close(tensor[0], together.weights[parameter][1], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(
        alone.latents(x[1:2])[0], together.latents(x)[1], rtol=1e-2, atol=1e-3
    )


@each_kind
def test_training_lowers_the_error_and_keeps_rows_as_they_must_be(name: str) -> None:
    kind, _ = KINDS[name]
    config = TrainConfig(n_steps=60, batch_size=64, lr=1e-2, l1_warmup_steps=10, lr_decay_steps=20)
    x = data()
    short = TrainConfig(n_steps=1, batch_size=64, lr=1e-9, l1_warmup_steps=0, lr_decay_steps=0)
    before = train_side_by_side(kind, x, D_SAE, [0.05], short, [0])
    after = train_side_by_side(kind, x, D_SAE, [0.05], config, [0])
    error = [(trained.x_hat(x) - x).square().mean().item() for trained in (before, after)]
    assert error[1] < error[0]
    norms = after.weights["W_dec"].norm(dim=2)
    if kind.unit_rows:
        torch.testing.assert_close(norms, torch.ones_like(norms))
    else:
        assert (norms - 1).abs().max() > 0.01
    torch.testing.assert_close(after.rows().norm(dim=2), torch.ones_like(norms))
    torch.testing.assert_close(
        after.latents(x) @ after.rows() + (after.weights["b_dec"] / after.scale[:, 0])[:, None],
        after.x_hat(x),
    )


def test_runs_prices_and_seeds_must_agree() -> None:
    with pytest.raises(ValueError, match="2 runs, but there are 1 prices and 2"):
        train_side_by_side(zoo.relu(), data(runs=2), 5, [0.1], TrainConfig(), [0, 1])


def test_a_perfect_sae_is_judged_perfect() -> None:
    worlds = [HierarchicalFeatures(seed=0), HierarchicalFeatures(seed=1)]
    x = torch.tensor(np.stack([w.sample(500).x for w in worlds]), dtype=torch.float32)
    config = TrainConfig(n_steps=1, batch_size=16, lr=1e-9, l1_warmup_steps=0, lr_decay_steps=0)
    trained = train_side_by_side(zoo.relu(), x, 30, [0.0, 0.0], config, [0, 1])
    for run, world in enumerate(worlds):
        rows = torch.tensor(world.directions, dtype=torch.float32)
        trained.weights["W_dec"][run] = 2 * rows
        trained.weights["W_enc"][run] = rows.T / 2
        trained.weights["b_dec"][run] = 0
        trained.weights["b_enc"][run] = -1e-4  # above the noise of float32
    samples = [world.sample(4000) for world in worlds]
    for score, sample in zip(judge(trained, worlds, samples), samples, strict=True):
        present = (sample.coefficients > 0).sum(axis=1).mean()
        assert score.l0 == pytest.approx(present, abs=0.01)
        assert score.explained_variance == pytest.approx(1, abs=1e-5)
        assert score.mmcs == pytest.approx(1, abs=1e-5)
        assert score.absorption == score.absorption_of_others == 0
        assert score.rarely_on == 0
    assert mmcs(worlds[0].directions, trained.rows()[0].numpy()) == pytest.approx(1, abs=1e-5)


def test_latents_that_hardly_ever_fire_are_counted() -> None:
    world = HierarchicalFeatures(seed=0)
    sample = world.sample(1000)
    x = torch.tensor(sample.x, dtype=torch.float32)[None]
    config = TrainConfig(n_steps=1, batch_size=16, lr=1e-9, l1_warmup_steps=0, lr_decay_steps=0)
    trained = train_side_by_side(zoo.relu(), x, 40, [0.0], config, [0])
    trained.weights["b_enc"][0, :7] = -1e6
    (score,) = judge(trained, [world], [sample])
    assert score.rarely_on == 7


def test_a_batch_can_keep_any_mean_number_a_sample() -> None:
    pre_acts = torch.randn(8, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(zoo.of_a_batch(pre_acts, 2), batch_top_k(pre_acts, 2))
    kept = zoo.of_a_batch(pre_acts, 1.25) > 0
    assert kept.sum() == 10
    assert pre_acts[kept].min() > pre_acts[~kept].max()


def test_between_two_saes_the_score_lies_on_a_straight_line_and_beyond_them_nowhere() -> None:
    l0, scores = np.array([8.0, 2.0, 4.0]), np.array([0.9, 0.1, 0.5])
    assert score_at_l0(l0, scores, 3.0) == pytest.approx(0.3)
    assert score_at_l0(l0, scores, 5.0) == pytest.approx(0.6)
    assert score_at_l0(l0, scores, 4.0) == pytest.approx(0.5)
    assert np.isnan(score_at_l0(l0, scores, 1.9))
    assert np.isnan(score_at_l0(l0, scores, 8.1))
