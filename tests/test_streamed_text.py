"""Datasets on the disk are read through `datasets` as those on the hub are; nothing is mocked
but the hub itself."""

from __future__ import annotations

import functools
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from saeedu import hub, streamed_text
from saeedu.streamed_text import stream_text
from saeedu.text import TextUnavailableError


def write_parquet(file: Path, texts: list[str | None]) -> None:
    table = pyarrow.table({"number": list(range(len(texts))), "text": texts})
    pyarrow.parquet.write_table(table, file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "fables"
    folder.mkdir()
    write_parquet(folder / "train-00000-of-00002.parquet", ["a", None, "b", " \n", "c"])
    write_parquet(folder / "train-00001-of-00002.parquet", ["d", "e"])
    write_parquet(folder / "test-00000-of-00001.parquet", ["held out"])
    return folder


def test_documents_come_in_order_from_any_place_and_blank_ones_do_not_count(folder: Path) -> None:
    text = stream_text(str(folder))
    assert text.name == "fables, train"
    for start in range(7):
        assert list(text.read(start)) == ["a", "b", "c", "d", "e"][start:]
    assert list(stream_text(str(folder), split="test").read(0)) == ["held out"]


def test_single_files_are_read_by_their_ending(folder: Path, tmp_path: Path) -> None:
    file = folder / "train-00001-of-00002.parquet"
    assert list(stream_text(str(file)).read(1)) == ["e"]
    lines = tmp_path / "tales.jsonl"
    lines.write_text("\n".join(json.dumps({"tale": tale}) for tale in ("x", "y")))
    assert list(stream_text(str(lines), column="tale").read(0)) == ["x", "y"]


def test_the_fingerprint_changes_with_files_split_and_column(folder: Path) -> None:
    prints = [stream_text(str(folder), split=split).fingerprint() for split in ("train", "test")]
    assert stream_text(str(folder)).fingerprint() == prints[0]
    write_parquet(folder / "train-00001-of-00002.parquet", ["d", "another ending"])
    prints.append(stream_text(str(folder)).fingerprint())
    assert len(set(prints)) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"column": "story"}, r"no text in a column 'story'; its columns of text are \['text'\]"),
        ({"column": "number"}, r"no text in a column 'number'"),
        ({"split": "valid"}, r"split 'valid'\) cannot be opened .* Check its name, split"),
    ],
)
def test_a_wrong_column_or_split_is_said_to_be_wrong(
    folder: Path, options: dict[str, str], message: str
) -> None:
    with pytest.raises(TextUnavailableError, match=message):
        stream_text(str(folder), **options)


def test_an_empty_dataset_is_said_to_be_empty(tmp_path: Path) -> None:
    write_parquet(tmp_path / "blank.parquet", [None, " "])
    with pytest.raises(TextUnavailableError, match="has no text in it"):
        stream_text(str(tmp_path / "blank.parquet"))
    (tmp_path / "none.csv").write_text("number,text\n")
    with pytest.raises(TextUnavailableError, match="has no rows"):
        stream_text(str(tmp_path / "none.csv"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(TextUnavailableError, match="cannot be opened"):
        stream_text(str(tmp_path / "folder"))


def test_a_damaged_file_is_one_error(tmp_path: Path) -> None:
    file = tmp_path / "torn.parquet"
    write_parquet(file, ["once upon a time"] * 50)
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(TextUnavailableError, match=r"torn.parquet.* cannot be opened"):
        stream_text(str(file))


def test_a_hub_that_never_answers_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.delenv("HF_HUB_OFFLINE")
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        impatient = functools.partial(hub.hub_is_reachable, seconds=0.2)
        monkeypatch.setattr(streamed_text.hub, "hub_is_reachable", impatient)
        with pytest.raises(TextUnavailableError, match=r"hub does not answer. Connect, or use"):
            stream_text("someone/fables")


def test_a_stream_that_breaks_off_says_how_far_it_came(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a run on the hub reads one version throughout, whatever is uploaded meanwhile."""
    import datasets

    asked: dict[str, Any] = {}
    broken: list[bool] = []

    def rows() -> Iterator[dict[str, Any]]:
        yield {"text": "a"}
        yield {"text": "b"}
        if broken:
            raise ConnectionResetError("peer went away")

    def load_dataset(path: str, config: str | None, **options: Any) -> Any:
        asked.update(path=path, config=config, **options)
        return datasets.IterableDataset.from_generator(rows)

    monkeypatch.setattr(hub, "hub_is_reachable", lambda: True)
    monkeypatch.setattr(streamed_text, "_commit", lambda path: "607a30d")
    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    text = stream_text("someone/fables", config="en")
    assert asked == {
        "path": "someone/fables",
        "config": "en",
        "split": "train",
        "streaming": True,
        "revision": "607a30d",
    }
    broken.append(True)
    documents = text.read(0)
    assert [next(documents), next(documents)] == ["a", "b"]
    with pytest.raises(TextUnavailableError, match=r"after 2 documents .*went away.*run again"):
        next(documents)
