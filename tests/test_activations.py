from __future__ import annotations

import pytest
import torch

from saeedu.activations import (
    collect_activations,
    normalising_constant,
    pack_tokens,
    shuffled_batches,
)
from saeedu.language_model import LanguageModel, load_language_model
from saeedu.text import Text
from tests.lm_fixtures import documents, make_model_folder

HOOK = "blocks.1.hook_resid_pre"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    return load_language_model(str(make_model_folder(folder)), device="cpu")


@pytest.fixture
def stories() -> Text:
    return Text("stories", tuple(documents()))


def test_every_context_begins_with_bos_and_no_token_is_lost(
    model: LanguageModel, stories: Text
) -> None:
    packed = pack_tokens(model, stories, context=8, max_tokens=10_000)
    assert packed.shape[1] == 8
    assert (packed[:, 0] == model.bos_token_id).all()
    stream: list[int] = []
    for i, document in enumerate(stories.documents):
        stream += [model.bos_token_id] * (i > 0) + model.tokenize(document).tolist()
    assert packed[:, 1:].flatten().tolist() == stream[: packed.shape[0] * 7]
    assert len(stream) - packed.shape[0] * 7 < 7  # only an unfinished context is dropped


def test_reading_stops_at_the_number_of_tokens_asked_for(
    model: LanguageModel, stories: Text
) -> None:
    assert pack_tokens(model, stories, context=8, max_tokens=100).shape == (12, 8)


@pytest.mark.parametrize(
    ("context", "max_tokens", "message"),
    [
        (33, 1000, "context is 33, but tiny takes 2 to 32"),
        (8, 7, "less than one context"),
        (32, 1000, "too few for one context of 32"),
    ],
)
def test_packing_what_cannot_be_packed_is_refused(
    model: LanguageModel, context: int, max_tokens: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        pack_tokens(model, Text("a word", ("dog",)), context, max_tokens)


def test_activations_are_the_models_own_with_bos_left_out(
    model: LanguageModel, stories: Text
) -> None:
    tokens = pack_tokens(model, stories, context=16, max_tokens=800)
    assert (tokens[:, 1:] == model.bos_token_id).any()  # a document ends inside a context
    activations = collect_activations(model, tokens, HOOK, batch_size=7)
    assert model.bos_token_id not in activations.token_ids
    assert len(activations.x) == (tokens != model.bos_token_id).sum()
    for row in (0, 5, len(activations.x) - 1):
        context, position = divmod(int(activations.where[row]), 16)
        expected = model.residual(tokens[context][None], HOOK)[0, position]
        torch.testing.assert_close(activations.x[row], expected, rtol=1e-4, atol=1e-5)
        assert activations.token_ids[row] == tokens[context, position]


def test_activations_that_are_not_numbers_are_refused(
    model: LanguageModel, stories: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = pack_tokens(model, stories, context=16, max_tokens=800)
    nan = torch.full((16, 16, model.d_model), float("nan"))
    monkeypatch.setattr(model, "activations", lambda batch, hooks: {HOOK: nan[: len(batch)]})
    with pytest.raises(RuntimeError, match=r"not finite numbers; .* context began: \['<\|endof"):
        collect_activations(model, tokens, HOOK)


def test_after_normalising_the_mean_length_is_the_root_of_the_dimension() -> None:
    x = 37 * torch.randn(500, 9)
    scaled = normalising_constant(x) * x
    assert scaled.norm(dim=1).mean().item() == pytest.approx(3.0, rel=1e-5)
    for useless in (0.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="mean length of the activations is"):
            normalising_constant(torch.full((3, 2), useless))


def test_each_pass_has_every_row_once_in_an_order_that_the_seed_fixes() -> None:
    x = torch.arange(12.0)[:, None]

    def two_passes(seed: int) -> list[list[float]]:
        batches = shuffled_batches(x, 4, torch.Generator().manual_seed(seed))
        return [next(batches).flatten().tolist() for _ in range(6)]

    drawn = two_passes(0)
    for one_pass in (drawn[:3], drawn[3:]):
        assert sorted(row for batch in one_pass for row in batch) == list(range(12))
    assert drawn[:3] != drawn[3:]
    assert two_passes(0) == drawn
    assert two_passes(1) != drawn


def test_a_batch_larger_than_the_data_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="batch_size is 5, but there are 4"):
        shuffled_batches(torch.zeros(4, 2), 5, torch.Generator())
