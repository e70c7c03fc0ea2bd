from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from saeedu.activations import normalising_constant
from saeedu.data import SparseFeatures
from saeedu.metrics import evaluate_reconstruction
from saeedu.numpy_sae import mmcs
from saeedu.sae import ReLUSAE
from saeedu.training import TrainConfig, TrainingDivergedError, train

SHORT = TrainConfig(n_steps=30, batch_size=64, l1_warmup_steps=10, lr_decay_steps=10)


def features() -> tuple[SparseFeatures, torch.Tensor]:
    world = SparseFeatures(n_features=24, d_model=16, density=0.06, seed=0)
    x = world.sample(6_000).x
    # Far from the origin and in other units, as a language model's activations are.
    return world, torch.tensor(40 * (x + 0.5), dtype=torch.float32)


def test_training_finds_true_features_of_uncentred_data_in_any_units() -> None:
    world, x = features()
    sae = ReLUSAE(16, 48, l1_coefficient=0.6)
    config = TrainConfig(
        n_steps=600, batch_size=256, lr=3e-3, l1_warmup_steps=100, lr_decay_steps=200
    )
    history = train(sae, x, config)
    assert mmcs(world.directions, sae.W_dec.detach().numpy()) > 0.93
    result = evaluate_reconstruction(sae, x)
    assert result.explained_variance > 0.85
    assert result.l0 < 4
    assert len(history) == 600
    assert history.reconstruction[-1] < history.reconstruction[0] / 3
    assert history.l0[-1] == pytest.approx(result.l0, rel=0.3)


def test_the_first_step_is_adams() -> None:
    """One step of Adam moves each weight by the step size against its gradient's sign."""
    _, x = features()
    sae = ReLUSAE(16, 8, l1_coefficient=0.5)
    before = copy.deepcopy(sae)
    scale = normalising_constant(x)
    one_step = TrainConfig(1, batch_size=6_000, lr=0.01, l1_warmup_steps=0, lr_decay_steps=0)
    train(sae, x, one_step)
    before.start_from_mean(x)
    before.rescale(scale)
    before.loss(scale * x).total.backward()
    with torch.no_grad():
        for parameter in before.parameters():
            assert parameter.grad is not None
            parameter -= 0.01 * parameter.grad.sign()
    before.rescale(1 / scale)
    before.fold_decoder_norms()
    for name, parameter in sae.named_parameters():
        torch.testing.assert_close(parameter, before.get_parameter(name), rtol=1e-3, atol=1e-3)


def test_the_same_seed_gives_the_same_weights_and_another_does_not() -> None:
    _, x = features()

    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed + 100)  # the global state must not matter
        sae = ReLUSAE(16, 8, l1_coefficient=0.5)
        train(sae, x, TrainConfig(30, 64, l1_warmup_steps=10, lr_decay_steps=10, seed=seed % 2))
        return sae.W_dec.detach()

    assert torch.equal(weights(0), weights(2))
    assert not torch.equal(weights(0), weights(1))


def test_history_says_what_each_batch_measured() -> None:
    _, x = features()
    sae = ReLUSAE(16, 8, l1_coefficient=0.5)
    untrained = copy.deepcopy(sae)
    config = TrainConfig(n_steps=5, batch_size=6_000, l1_warmup_steps=4, lr_decay_steps=0)
    history = train(sae, x, config)
    untrained.start_from_mean(x)
    untrained.rescale(history.scale)
    terms = untrained.loss(history.scale * x, sparsity_scale=1 / 4)
    assert history.scale == pytest.approx(4 / x.norm(dim=1).mean().item())
    assert history.total[0] == pytest.approx(terms.total.item(), rel=1e-4)
    assert history.sparsity[0] == pytest.approx(terms.sparsity.item(), rel=1e-4)
    assert history.reconstruction[0] == pytest.approx(terms.reconstruction.item(), rel=1e-4)
    assert history.l0[0] == pytest.approx(terms.active.sum().item() / 6_000, rel=1e-3)


def test_after_training_rows_have_unit_norm_and_the_sae_takes_raw_activations() -> None:
    _, x = features()
    sae = ReLUSAE(16, 8, l1_coefficient=0.1)
    train(sae, x, SHORT)
    np.testing.assert_allclose(sae.W_dec.detach().norm(dim=1).numpy(), 1, rtol=1e-5)
    assert (sae.b_dec - x.mean(dim=0)).abs().max() < 0.2 * x.mean(dim=0).abs().max()


def test_schedules_rise_and_fall_as_they_say() -> None:
    config = TrainConfig(n_steps=10, lr=0.5, l1_warmup_steps=4, lr_decay_steps=5)
    assert [config.l1_scale(step) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    assert [config.lr_at(step) for step in (0, 5, 6, 9)] == pytest.approx([0.5, 0.5, 0.4, 0.1])
    plain = TrainConfig(n_steps=10, l1_warmup_steps=0, lr_decay_steps=0)
    assert (plain.l1_scale(0), plain.lr_at(9)) == (1.0, plain.lr)


def test_a_latent_that_never_fires_is_not_counted_as_live() -> None:
    _, x = features()
    sae = ReLUSAE(16, 8, l1_coefficient=0.1)
    with torch.no_grad():
        sae.b_enc[3] = -1e6
    assert train(sae, x, SHORT).fired.tolist() == [i != 3 for i in range(8)]


def test_a_loss_that_is_not_a_number_stops_with_a_remedy() -> None:
    _, x = features()
    x[17, 3] = float("inf")
    with pytest.raises(ValueError, match="some are not finite numbers"):
        train(ReLUSAE(16, 8), x, SHORT)
    sae = ReLUSAE(16, 8)
    with torch.no_grad():
        sae.W_enc[0, 0] = float("nan")
    with pytest.raises(TrainingDivergedError, match=r"became nan at step 0.*divide lr by 3"):
        train(sae, features()[1], SHORT)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("n_steps", 0),
        ("batch_size", 0),
        ("lr", 0.0),
        ("lr", float("inf")),
        ("l1_warmup_steps", -1),
        ("lr_decay_steps", 1_001),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(setting: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"TrainConfig: {setting} is"):
        TrainConfig(**{"n_steps": 1_000, setting: value})  # type: ignore[arg-type]
