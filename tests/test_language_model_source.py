from __future__ import annotations

import json
from collections import Counter

import pytest
import torch

from saeedu.activation_sources import State, check_identity
from saeedu.activations import collect_activations
from saeedu.language_model import LanguageModel, load_language_model
from saeedu.language_model_source import EndOfTextError, LanguageModelSource
from saeedu.text import Text
from saeedu.token_stream import TokenStream
from tests.lm_fixtures import documents, make_model_folder

HOOK = "blocks.1.hook_resid_pre"
STORIES = Text("stories", tuple(documents()))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    return load_language_model(str(make_model_folder(folder)), device="cpu")


def source(model: LanguageModel, endless: bool = True, seed: int = 0) -> LanguageModelSource:
    stream = TokenStream(model, STORIES, context=16, endless=endless)
    return LanguageModelSource(model, stream, HOOK, 500, contexts_per_batch=4, seed=seed)


def test_one_pass_gives_every_kept_activation_once(model: LanguageModel) -> None:
    """Those that `collect_activations` gives, in another order."""
    tokens = TokenStream(model, STORIES, 16, endless=False).next_contexts(10_000)
    x = collect_activations(model, tokens, HOOK, batch_size=4).x
    one_pass = source(model, endless=False)
    batches = torch.cat([one_pass.next_batch(50) for _ in range(len(x) // 50)])
    with pytest.raises(EndOfTextError, match=rf"50 activations were asked for, {len(x) % 50} are"):
        one_pass.next_batch(50)
    rows, dealt = (Counter(map(tuple, part.tolist())) for part in (x, batches))
    assert dealt < rows  # as counts: some contexts occur twice in the text
    assert not torch.equal(batches[:50], x[:50])


@pytest.mark.parametrize("n_before", [0, 1, 7, 60])
def test_a_restored_source_goes_on_exactly(model: LanguageModel, n_before: int) -> None:
    first = source(model)
    for _ in range(n_before):
        first.next_batch(33)
    state: State = {  # through what a checkpoint can hold
        name: value.clone() if isinstance(value, torch.Tensor) else json.loads(json.dumps(value))
        for name, value in first.state().items()
    }
    expected = [first.next_batch(33) for _ in range(20)]
    other = source(model, seed=9)
    other.next_batch(33)
    other.restore(state)
    assert all(torch.equal(other.next_batch(33), batch) for batch in expected)


@pytest.mark.parametrize("n_before", [0, 3])
def test_a_sample_does_not_disturb_the_stream(model: LanguageModel, n_before: int) -> None:
    sampled, plain = source(model), source(model)
    for both in (sampled, plain):
        for _ in range(n_before):
            both.next_batch(33)
    sample = sampled.sample(100)
    assert sample.shape == (100, sampled.d_in)
    assert torch.isfinite(sample).all()
    assert (sample.norm(dim=1) > 0).all()
    assert sampled.sample(10**9).shape[0] <= 500
    for _ in range(20):
        assert torch.equal(sampled.next_batch(33), plain.next_batch(33))


def test_batches_may_be_larger_than_the_buffer(model: LanguageModel) -> None:
    assert source(model).next_batch(1200).shape == (1200, model.d_model)


def test_a_buffer_too_small_to_mix_is_refused(model: LanguageModel) -> None:
    stream = TokenStream(model, STORIES, 16)
    with pytest.raises(ValueError, match="two batches of contexts, 480 activations"):
        LanguageModelSource(model, stream, HOOK, buffer_size=479)


def test_the_identity_names_model_mode_hook_text_packing_and_seed(model: LanguageModel) -> None:
    identity = source(model).identity()
    assert json.loads(json.dumps(identity)) == identity
    check_identity(identity, source(model).identity(), "it", "")
    assert {"model", "model_fingerprint", "mode", "hook", "context", "bos", "text", "seed"} <= {
        *identity
    }
    other = source(model, seed=1).identity()
    assert [name for name in identity if identity[name] != other[name]] == ["seed"]
