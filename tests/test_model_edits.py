"""Replacing activations and writing text, with transformers alone as the oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

from saeedu.language_model import LanguageModel, load_language_model
from saeedu.shapes import ShapeError
from tests.lm_fixtures import CONTEXT, D_MODEL, make_model_folder
from tests.lm_oracle import SITES, hooked, in_our_units, modules_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    return load_language_model(str(folder), device="cpu")


@pytest.fixture(scope="module")
def original(folder: Path) -> GPT2LMHeadModel:
    """The same weights in transformers alone: the oracle."""
    return GPT2LMHeadModel.from_pretrained(folder).eval()


@pytest.fixture(scope="module")
def tokens() -> Tensor:
    return torch.randint(1, 250, (3, 20), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("site", SITES)
def test_an_edit_at_every_hook_does_what_it_does_in_transformers(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: Tensor, site: str
) -> None:
    def change(x: Tensor) -> Tensor:
        return 1.5 * x + torch.linspace(-1, 1, x.shape[-1])

    edit = hooked(modules_of(original, 1)[site], lambda raw: change(in_our_units(site, raw)))
    with edit, torch.no_grad():
        expected = original(tokens).logits.log_softmax(-1)
    got = model.logits_with(tokens, {f"blocks.1.{site}": change}).log_softmax(-1)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
    assert (got - model.logits(tokens).log_softmax(-1)).abs().max() > 0.1


def test_two_edits_work_together(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: Tensor
) -> None:
    with (
        hooked(original.transformer.h[0].mlp, torch.zeros_like),
        hooked(original.transformer.h[2].attn, torch.zeros_like),
        torch.no_grad(),
    ):
        expected = original(tokens, labels=tokens).loss
    edits = {"blocks.0.hook_mlp_out": torch.zeros_like, "blocks.2.hook_attn_out": torch.zeros_like}
    torch.testing.assert_close(model.loss_with(tokens, edits).mean(), expected)


def test_replacing_an_activation_with_itself_changes_nothing(
    model: LanguageModel, tokens: Tensor
) -> None:
    hook = "blocks.1.hook_resid_pre"
    unchanged = model.loss_with(tokens, {hook: torch.clone})
    torch.testing.assert_close(unchanged, model.loss(tokens))
    zeroed = model.loss_with(tokens, {hook: torch.zeros_like})
    assert (zeroed - model.loss(tokens)).abs().max() > 0.1
    torch.testing.assert_close(model.loss(tokens), unchanged)  # the edit is gone again


def test_replacement_reaches_what_follows(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: Tensor
) -> None:
    """Doubling the activation, against the same edit made in transformers' own block."""

    def double(_module: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        centred = args[0] - args[0].mean(dim=-1, keepdim=True)
        return (2 * centred, *args[1:])

    handle = original.transformer.h[1].register_forward_pre_hook(double)
    try:
        with torch.no_grad():
            expected = original(tokens, labels=tokens).loss
    finally:
        handle.remove()
    got = model.loss_with(tokens, {"blocks.1.hook_resid_pre": lambda activation: 2 * activation})
    torch.testing.assert_close(got.mean(), expected, rtol=1e-4, atol=1e-4)


def test_a_replacement_of_another_shape_is_refused(model: LanguageModel, tokens: Tensor) -> None:
    with pytest.raises(ShapeError, match=r"\[3, 20, 16\] into \[3, 16\]"):
        model.loss_with(tokens, {"blocks.1.hook_resid_pre": lambda activation: activation[:, 0]})


def test_greedy_text_is_that_of_transformers(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: Tensor
) -> None:
    expected = original.generate(
        tokens[:, :8],
        attention_mask=torch.ones(3, 8),
        max_new_tokens=12,
        do_sample=False,
        pad_token_id=0,
    )
    got = model.generate(tokens[:, :8], max_new_tokens=12, temperature=0)
    torch.testing.assert_close(got, expected)


def test_a_seed_fixes_the_text_and_an_edit_changes_it(model: LanguageModel) -> None:
    first = model.generate("The people", max_new_tokens=15, seed=4)
    assert first[0, 0] == model.bos_token_id
    assert model.detokenize(first[0, 1:]).startswith("The people")
    assert torch.equal(model.generate("The people", max_new_tokens=15, seed=4), first)
    assert not torch.equal(model.generate("The people", max_new_tokens=15, seed=5), first)
    same = model.generate(
        "The people", max_new_tokens=15, seed=4, edits={"blocks.1.hook_mlp_out": torch.clone}
    )
    assert torch.equal(same, first)


def test_text_that_does_not_fit_the_context_is_refused_before_a_token_is_written(
    model: LanguageModel,
) -> None:
    with pytest.raises(ValueError, match="8 tokens of prompt and 25 new ones do not fit tiny, who"):
        model.generate(torch.ones(1, 8, dtype=torch.long), max_new_tokens=25)
    assert model.generate(torch.ones(1, 8, dtype=torch.long), 24, seed=1).shape[1] <= CONTEXT


def test_an_edit_steers_every_token_that_is_written(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: Tensor
) -> None:
    push = 20 * torch.randn(D_MODEL, generator=torch.Generator().manual_seed(0))
    push -= push.mean()
    with hooked(original.transformer.h[1], lambda raw: raw + push):
        expected = original.generate(
            tokens[:, :8],
            attention_mask=torch.ones(3, 8),
            max_new_tokens=12,
            do_sample=False,
            pad_token_id=0,
        )
    edits = {"blocks.1.hook_resid_post": lambda x: x + push}
    got = model.generate(tokens[:, :8], max_new_tokens=12, temperature=0, edits=edits)
    assert torch.equal(got, expected)
    assert not torch.equal(got, model.generate(tokens[:, :8], 12, temperature=0))
