from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score
from transformers import GPT2LMHeadModel

from saeedu import metrics, numpy_sae
from saeedu.language_model import LanguageModel, load_language_model
from saeedu.sae import ReLUSAE
from saeedu.shapes import ShapeError
from tests.lm_fixtures import make_model_folder

HOOK = "blocks.1.hook_resid_pre"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    return load_language_model(str(folder), device="cpu")


@pytest.fixture
def tokens() -> torch.Tensor:
    tokens = torch.randint(1, 250, (5, 12), generator=torch.Generator().manual_seed(0))
    tokens[:, 0] = 0
    tokens[2, 6] = 0  # a document ends inside a context
    return tokens


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(50, 7, generator=generator, dtype=torch.float64) * torch.arange(1, 8) + 3
    return x + 0.8 * torch.randn(50, 7, generator=generator, dtype=torch.float64) + 0.3, x


def test_explained_variance_is_sklearns_variance_weighted_r2(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    x_hat, x = pair
    expected = r2_score(x.numpy(), x_hat.numpy(), multioutput="variance_weighted")
    assert metrics.explained_variance(x_hat, x).item() == pytest.approx(expected)
    fvu = numpy_sae.fraction_of_variance_unexplained(x_hat.numpy(), x.numpy())
    assert metrics.explained_variance(x_hat, x).item() == pytest.approx(1 - fvu)


def test_explained_variance_at_its_landmarks(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    _, x = pair
    assert metrics.explained_variance(x, x).item() == 1
    mean = x.mean(dim=0).expand_as(x)
    assert metrics.explained_variance(mean, x).item() == pytest.approx(0)
    assert metrics.explained_variance(-x, x).item() < 0
    with pytest.raises(ShapeError):
        metrics.explained_variance(x[:, 1:], x)


def test_l0_counts_what_is_above_zero() -> None:
    latents = torch.tensor([[0.0, 2.0, 1e-9], [0.0, 0.0, 3.0]])
    assert metrics.l0(latents).item() == 1.5


def test_cross_entropy_recovered_of_a_published_sae() -> None:
    """gpt2-small-res-jb at layer 8, from SAELens' tutorial: 92.5% recovered."""
    assert metrics.cross_entropy_recovered(3.440, 4.044, 11.500) == pytest.approx(0.925, abs=5e-4)
    assert metrics.cross_entropy_recovered(3.0, 3.0, 10.0) == 1
    assert metrics.cross_entropy_recovered(3.0, 10.0, 10.0) == 0
    assert metrics.cross_entropy_recovered(3.0, 12.0, 10.0) < 0


def test_measured_in_batches_it_is_as_if_measured_at_once() -> None:
    generator = torch.Generator().manual_seed(2)
    x = 5 * torch.randn(101, 6, generator=generator) + 2
    sae = ReLUSAE(6, 9, seed=1)
    sae.start_from_mean(x)
    with torch.no_grad():
        sae.b_enc[4] = -1e6  # never fires
    result = metrics.evaluate_reconstruction(sae, x, batch_size=13)
    latents = sae.encode(x).detach().numpy()
    assert result.l0 == pytest.approx(numpy_sae.l0(latents), rel=1e-5)
    expected = r2_score(x.numpy(), sae(x).detach().numpy(), multioutput="variance_weighted")
    assert result.explained_variance == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(result.density.numpy(), (latents > 0).mean(axis=0), rtol=1e-5)
    assert result.dead == pytest.approx(1 / 9)


def _original_loss(folder: Path, tokens: torch.Tensor, zero_at: torch.Tensor | None) -> float:
    """Transformers alone, with zeros in place of block 1's input at the chosen positions."""
    original = GPT2LMHeadModel.from_pretrained(folder).eval()

    def zero(_module, args):
        hidden = args[0] - args[0].mean(dim=-1, keepdim=True)
        return (hidden.masked_fill(zero_at[..., None], 0.0), *args[1:])

    if zero_at is not None:
        original.transformer.h[1].register_forward_pre_hook(zero)
    with torch.no_grad():
        return original(tokens, labels=tokens).loss.item()


def test_clean_and_zero_ablated_are_those_of_transformers(
    model: LanguageModel, folder: Path, tokens: torch.Tensor
) -> None:
    result = metrics.evaluate_cross_entropy(model, ReLUSAE(16, 4), tokens, HOOK, batch_size=2)
    assert result.clean == pytest.approx(_original_loss(folder, tokens, None), rel=1e-4)
    expected = _original_loss(folder, tokens, zero_at=tokens != 0)
    assert result.zero_ablated == pytest.approx(expected, rel=1e-4)
    assert abs(result.zero_ablated - result.clean) > 0.01


def test_a_perfect_sae_recovers_everything_and_an_empty_one_nothing(
    model: LanguageModel, tokens: torch.Tensor
) -> None:
    perfect = ReLUSAE(16, 32)
    with torch.no_grad():  # x = relu(x) - relu(-x)
        both = torch.cat([torch.eye(16), -torch.eye(16)])
        perfect.W_dec.copy_(both)
        perfect.W_enc.copy_(both.T)
    result = metrics.evaluate_cross_entropy(model, perfect, tokens, HOOK)
    assert result.with_sae == pytest.approx(result.clean, rel=1e-5)
    assert result.recovered == pytest.approx(1, abs=1e-3)
    empty = ReLUSAE(16, 32)
    with torch.no_grad():
        empty.W_dec.zero_()
    result = metrics.evaluate_cross_entropy(model, empty, tokens, HOOK)
    assert result.with_sae == pytest.approx(result.zero_ablated, rel=1e-5)
    assert result.recovered == pytest.approx(0, abs=1e-3)


def test_bos_keeps_its_own_activation(
    model: LanguageModel, tokens: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    original = model.loss_with

    def spy(batch, hook, replace):
        def watch(activation):
            edited = replace(activation)
            seen.append((activation - edited).abs().amax(dim=-1) > 0)
            return edited

        return original(batch, hook, watch)

    monkeypatch.setattr(model, "loss_with", spy)
    metrics.evaluate_cross_entropy(model, ReLUSAE(16, 4), tokens, HOOK)
    for edited in seen:
        assert torch.equal(edited, tokens != 0)
    assert len(seen) == 2
