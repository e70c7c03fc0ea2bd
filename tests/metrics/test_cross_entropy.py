"""What the model loses, with transformers alone as the oracle."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

from saeedu import metrics
from saeedu.language_model import LanguageModel, load_language_model
from saeedu.sae import ReLUSAE
from tests.lm_fixtures import make_model_folder
from tests.lm_oracle import hooked, in_our_units

HOOK = "blocks.1.hook_resid_pre"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    return load_language_model(str(folder), device="cpu")


@pytest.fixture(scope="module")
def original(folder: Path) -> GPT2LMHeadModel:
    return GPT2LMHeadModel.from_pretrained(folder).eval()


@pytest.fixture
def tokens() -> Tensor:
    tokens = torch.randint(1, 250, (5, 12), generator=torch.Generator().manual_seed(0))
    tokens[:, 0] = 0
    tokens[2, 6] = 0  # a document ends inside a context
    return tokens


def logits_when(
    original: GPT2LMHeadModel, tokens: Tensor, change: Callable[[Tensor], Tensor] | None
) -> Tensor:
    """Transformers' logits, with block 1's input changed wherever there is no BOS."""

    def edit(raw: Tensor) -> Tensor:
        x = in_our_units("hook_resid_pre", raw)
        return torch.where(tokens[..., None] == 0, x, change(x))

    with torch.no_grad():
        if change is None:
            return original(tokens).logits
        with hooked(original.transformer.h[0], edit):
            return original(tokens).logits


def mean_loss(logits: Tensor, tokens: Tensor) -> float:
    flat, targets = logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()
    return torch.nn.functional.cross_entropy(flat, targets).item()


def mean_kl(p: Tensor, q: Tensor) -> float:
    p, q = p[:, :-1].flatten(0, 1).log_softmax(-1), q[:, :-1].flatten(0, 1).log_softmax(-1)
    return torch.nn.functional.kl_div(q, p, log_target=True, reduction="batchmean").item()


def test_every_figure_is_that_of_transformers(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: Tensor
) -> None:
    sae = ReLUSAE(16, 24, seed=3)
    result = metrics.evaluate_cross_entropy(model, sae, tokens, HOOK, batch_size=2)
    with torch.no_grad():
        residual = original(tokens, output_hidden_states=True).hidden_states[1]
    mean = in_our_units("hook_resid_pre", residual)[tokens != 0].mean(dim=0)
    clean = logits_when(original, tokens, None)
    with_sae = logits_when(original, tokens, lambda x: sae(x).detach())
    zeroed = logits_when(original, tokens, torch.zeros_like)
    averaged = logits_when(original, tokens, lambda x: mean.expand_as(x))
    assert result.clean == pytest.approx(mean_loss(clean, tokens), rel=1e-4)
    assert result.with_sae == pytest.approx(mean_loss(with_sae, tokens), rel=1e-4)
    assert result.zero_ablated == pytest.approx(mean_loss(zeroed, tokens), rel=1e-4)
    assert result.mean_ablated == pytest.approx(mean_loss(averaged, tokens), rel=1e-4)
    assert result.kl == pytest.approx(mean_kl(clean, with_sae), rel=1e-3)
    assert result.kl_zero_ablated == pytest.approx(mean_kl(clean, zeroed), rel=1e-3)
    figures = (result.clean, result.with_sae, result.zero_ablated, result.mean_ablated)
    assert len({round(figure, 2) for figure in figures}) == 4  # so that no two could be confused


def test_batches_do_not_change_a_figure_nor_its_error(model: LanguageModel, tokens: Tensor) -> None:
    sae = ReLUSAE(16, 24, seed=3)
    one = metrics.evaluate_cross_entropy(model, sae, tokens, HOOK, batch_size=1)
    all_ = metrics.evaluate_cross_entropy(model, sae, tokens, HOOK, batch_size=5)
    assert one.n_contexts == all_.n_contexts == 5
    for name in metrics.cross_entropy.LOSSES:
        assert getattr(one, name) == pytest.approx(getattr(all_, name), rel=1e-4)
    assert one.standard_errors == pytest.approx(all_.standard_errors, rel=1e-3)
    assert set(one.standard_errors) == {
        *metrics.cross_entropy.LOSSES,
        "recovered",
        "recovered_from_mean",
        "kl_recovered",
    }


def test_the_error_of_a_loss_is_the_spread_between_contexts(
    model: LanguageModel, tokens: Tensor
) -> None:
    result = metrics.evaluate_cross_entropy(model, ReLUSAE(16, 24), tokens, HOOK)
    by_context = model.loss(tokens).mean(dim=1).numpy()
    expected = np.std(by_context, ddof=1) / math.sqrt(5)
    assert result.standard_errors["clean"] == pytest.approx(expected, rel=1e-4)


def test_a_mean_that_is_given_is_the_one_that_is_used(model: LanguageModel, tokens: Tensor) -> None:
    result = metrics.evaluate_cross_entropy(
        model, ReLUSAE(16, 24), tokens, HOOK, mean=torch.zeros(16)
    )
    assert result.mean_ablated == pytest.approx(result.zero_ablated, rel=1e-6)


def test_an_sae_on_what_the_mlp_adds(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: Tensor
) -> None:
    result = metrics.evaluate_cross_entropy(model, ReLUSAE(16, 4), tokens, "blocks.1.hook_mlp_out")

    def silence(raw: Tensor) -> Tensor:
        x = in_our_units("hook_mlp_out", raw)
        return torch.where(tokens[..., None] == 0, x, 0.0)

    with hooked(original.transformer.h[1].mlp, silence), torch.no_grad():
        expected = mean_loss(original(tokens).logits, tokens)
    assert result.zero_ablated == pytest.approx(expected, rel=1e-4)


def test_cross_entropy_recovered_of_a_published_sae() -> None:
    """gpt2-small-res-jb at layer 8, from SAELens' tutorial: 92.5% recovered."""
    assert metrics.cross_entropy_recovered(3.440, 4.044, 11.500) == pytest.approx(0.925, abs=5e-4)
    assert metrics.cross_entropy_recovered(3.0, 3.0, 10.0) == 1
    assert metrics.cross_entropy_recovered(3.0, 10.0, 10.0) == 0
    assert metrics.cross_entropy_recovered(3.0, 12.0, 10.0) < 0


def test_a_perfect_sae_recovers_everything_and_an_empty_one_nothing(
    model: LanguageModel, tokens: Tensor
) -> None:
    perfect = ReLUSAE(16, 32)
    with torch.no_grad():  # x = relu(x) - relu(-x)
        both = torch.cat([torch.eye(16), -torch.eye(16)])
        perfect.W_dec.copy_(both)
        perfect.W_enc.copy_(both.T)
    result = metrics.evaluate_cross_entropy(model, perfect, tokens, HOOK)
    assert result.with_sae == pytest.approx(result.clean, rel=1e-5)
    assert result.recovered == pytest.approx(1, abs=1e-3)
    assert result.recovered_from_mean == pytest.approx(1, abs=1e-3)
    assert result.kl_recovered == pytest.approx(1, abs=1e-3)
    empty = ReLUSAE(16, 32)
    with torch.no_grad():
        empty.W_dec.zero_()
    result = metrics.evaluate_cross_entropy(model, empty, tokens, HOOK)
    assert result.with_sae == pytest.approx(result.zero_ablated, rel=1e-5)
    assert result.recovered == pytest.approx(0, abs=1e-3)
    assert result.kl_recovered == pytest.approx(0, abs=1e-3)


def test_bos_keeps_its_own_activation(
    model: LanguageModel, tokens: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    original = model.logits_with

    def spy(batch, edits):
        def watch(activation, replace):
            edited = replace(activation)
            seen.append((activation - edited).abs().amax(dim=-1) > 0)
            return edited

        watched = {hook: lambda x, f=replace: watch(x, f) for hook, replace in edits.items()}
        return original(batch, watched)

    monkeypatch.setattr(model, "logits_with", spy)
    metrics.evaluate_cross_entropy(model, ReLUSAE(16, 4), tokens, HOOK)
    for edited in seen:
        assert torch.equal(edited, tokens != 0)
    assert len(seen) == 3
