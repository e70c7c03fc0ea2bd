"""Dead latents get a new start, where the SAE does badly, and the living are left alone."""

from __future__ import annotations

import pytest
import torch

from saeedu.data import SparseFeatures
from saeedu.revival import ENCODER_SHARE, revive
from saeedu.sae import build_sae
from saeedu.training import TrainConfig, train
from tests.test_sae_sparse import D_SAE, random_sae, random_x


@pytest.mark.parametrize("sparsity", ["l1", "top_k", "gated", "jump_relu"])
def test_only_the_dead_move_and_adam_forgets_only_them(sparsity: str) -> None:
    sae, x = random_sae(sparsity), random_x()
    optimizer = torch.optim.Adam(sae.parameters(), lr=1e-2, fused=True)
    sae.loss(x).total.backward()
    optimizer.step()
    before = {name: tensor.clone() for name, tensor in sae.state_dict().items()}
    averages = {n: optimizer.state[p]["exp_avg"].clone() for n, p in sae.named_parameters()}
    dead = torch.zeros(D_SAE, dtype=torch.bool)
    dead[[2, 5, 11]] = True
    revive(sae, optimizer, dead, x, torch.Generator().manual_seed(0))

    for name, parameter in sae.named_parameters():
        after, average = parameter.detach(), optimizer.state[parameter]["exp_avg"]
        by_latent = name == "W_enc"
        if name == "b_dec":
            assert torch.equal(after, before[name])
            assert torch.equal(average, averages[name])
            continue
        rows = (lambda t: t.T) if by_latent else (lambda t: t)
        assert torch.equal(rows(after)[~dead], rows(before[name])[~dead]), name
        assert not torch.equal(rows(after)[dead], rows(before[name])[dead]), name
        assert torch.equal(rows(average)[~dead], rows(averages[name])[~dead]), name
        assert (rows(average)[dead] == 0).all(), name
        assert average.stride() == parameter.stride()
    # Decoder and encoder point the same way, towards an input as the encoder sees it.
    directions = torch.nn.functional.normalize(sae.W_dec[dead], dim=1)
    inputs = torch.nn.functional.normalize(x - sae.b_dec, dim=1)
    assert ((directions @ inputs.T).max(dim=1).values > 1 - 1e-9).all()
    encoder = sae.W_enc.T
    assert torch.allclose(torch.nn.functional.normalize(encoder[dead], dim=1), directions)
    expected = ENCODER_SHARE * encoder[~dead].norm(dim=1).mean()
    assert torch.allclose(encoder[dead].norm(dim=1), expected)


def test_inputs_are_drawn_by_the_square_of_their_error() -> None:
    sae = random_sae("l1")
    with torch.no_grad():
        sae.W_dec.zero_()  # so that the error is the distance from b_dec
        sae.W_dec[0] = 1.0
        sae.b_enc.fill_(-1e6)
    x = sae.b_dec.detach() + torch.eye(7).double()[:2] * torch.tensor([[1.0], [2.0]]).double()
    optimizer = torch.optim.Adam(sae.parameters())
    dead = torch.ones(D_SAE, dtype=torch.bool)
    dead[0] = False
    chosen_far = 0
    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        revive(sae, optimizer, dead, x, generator)
        chosen_far += int((sae.W_dec[dead][:, 1] > 0).sum())
        with torch.no_grad():
            sae.W_enc.zero_()
            sae.b_enc.fill_(-1e6)
    # Errors 1 and 4, so probabilities 1/17 and 16/17; the standard error here is .005.
    assert chosen_far / (200 * 12) == pytest.approx(16 / 17, abs=0.02)


def test_latents_dead_from_the_start_are_alive_after_a_run_with_revival() -> None:
    x = torch.tensor(SparseFeatures(64, 24, 0.05, seed=0).sample(20_000).x).float()
    silent = {}
    for every in (0, 100):
        sae = build_sae(24, 192, "l1", l1_coefficient=1.0, seed=0)
        with torch.no_grad():
            sae.b_enc[:60] = -50  # out of reach of any input
        config = TrainConfig(
            n_steps=800, batch_size=256, lr=3e-3, l1_warmup_steps=1, revive_every=every,
            dead_after=20_000, lr_decay_steps=100,
        )  # fmt: skip
        history = train(sae, x, config)
        silent[every] = (~history.fired).float().mean().item()
    assert silent[0] >= 60 / 192
    assert silent[100] < silent[0] / 10


def test_all_dead_is_refused() -> None:
    sae = random_sae("l1")
    with pytest.raises(ValueError, match="all 13 latents are dead"):
        revive(
            sae,
            torch.optim.Adam(sae.parameters()),
            torch.ones(D_SAE, dtype=torch.bool),
            random_x(),
            torch.Generator(),
        )
