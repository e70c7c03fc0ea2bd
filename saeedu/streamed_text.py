"""Text that is too large to hold: documents of a Hugging Face dataset, read as they are needed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saeedu import hub
from saeedu.text import TextUnavailableError

# How `datasets` calls the readers of single files.
FILE_KINDS = {
    ".parquet": "parquet",
    ".jsonl": "json",
    ".json": "json",
    ".csv": "csv",
}


@dataclass(frozen=True)
class StreamedText:
    """The documents of one column of a dataset. Made by `stream_text`; nothing is kept of them."""

    name: str
    dataset: Any
    """A `datasets.IterableDataset`."""
    column: str
    source: str
    """What and where the data are, in a string that changes when they do."""

    def read(self, start: int) -> Iterator[str]:
        """The documents from number `start` on, counted from 0; empty ones are left out.

        Rows before `start` are passed over, which means that they are read, or downloaded, again.

        **Raises:** `TextUnavailableError` when the data cannot be read further.
        """
        number = 0
        try:
            for row in self.dataset:
                if row[self.column] and row[self.column].strip():
                    if number >= start:
                        yield row[self.column]
                    number += 1
        except Exception as error:  # a network can fail in as many ways as there are libraries
            raise TextUnavailableError(
                f"{self.name} broke off after {number} documents ({type(error).__name__}: {error})."
                " Nothing is lost: run again to go on from the last checkpoint."
            ) from error

    def fingerprint(self) -> str:
        """32 hexadecimal digits that change with the dataset's name, version, split or column.

        The documents themselves are not read for it.
        """
        content = json.dumps([self.source, self.column])
        return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def stream_text(
    path: str, column: str = "text", split: str = "train", config: str | None = None
) -> StreamedText:
    """Open a Hugging Face dataset as text, without downloading it first.

    **Arguments:** `path`, a dataset on the hub, such as `"Skylion007/openwebtext"`, or a folder or
    file on your disk that `datasets` can read (parquet, jsonl, csv); `column`, the one that
    holds the text; `split`; `config`, for a dataset that has several.
    **Returns:** a `StreamedText` with at least one document.
    **Raises:** `TextUnavailableError`, with what to do about it.
    """
    place = Path(path).expanduser()
    if not place.exists() and not hub.hub_is_reachable():
        raise TextUnavailableError(
            f"the dataset {path!r} is no folder or file here, and the Hugging Face hub does not "
            'answer. Connect, or use text on your disk: load_text("my_texts")'
        )
    try:
        from datasets import load_dataset

        version = _version(place) if place.exists() else _commit(path)
        if place.is_file():
            kind = FILE_KINDS.get(place.suffix, place.suffix.lstrip("."))
            dataset = load_dataset(kind, data_files=str(place), split=split, streaming=True)
        elif place.is_dir():
            dataset = load_dataset(str(place), config, split=split, streaming=True)
        else:
            dataset = load_dataset(path, config, split=split, streaming=True, revision=version)
        first = next(iter(dataset), None)
    except ImportError as error:
        raise TextUnavailableError(
            f'{path}: a package is missing ({error}). Run: pip install "saeedu[lm]"'
        ) from error
    except Exception as error:  # as above
        raise TextUnavailableError(
            f"the dataset {path!r} (split {split!r}) cannot be opened ({type(error).__name__}: "
            f"{error}). Check its name, split and config, and try again."
        ) from error
    _check_column(path, split, first, column)
    name = place.name if place.exists() else path
    source = json.dumps([name, version, config, split])
    text = StreamedText(f"{name}, {split}", dataset, column, source)
    if next(text.read(0), None) is None:
        raise TextUnavailableError(f"the dataset {path!r} (split {split!r}) has no text in it")
    return text


def _check_column(path: str, split: str, first: dict[str, Any] | None, column: str) -> None:
    if first is None:
        raise TextUnavailableError(f"the dataset {path!r} (split {split!r}) has no rows")
    if not isinstance(first.get(column, ""), str | None) or column not in first:
        texts = [name for name, value in first.items() if isinstance(value, str)]
        raise TextUnavailableError(
            f"the dataset {path!r} has no text in a column {column!r}; its columns of text are "
            f"{texts}. Name one: stream_text({path!r}, column=...)"
        )


def _version(place: Path) -> str:
    """What tells one version of data on the disk from another: its files and their sizes."""
    files = [place] if place.is_file() else sorted(f for f in place.rglob("*") if f.is_file())
    return json.dumps([[f.relative_to(place.parent).as_posix(), f.stat().st_size] for f in files])


def _commit(path: str) -> str:
    """The hub's present version of a dataset, so that all of a run reads the same one."""
    from huggingface_hub import HfApi

    return HfApi().dataset_info(path, timeout=hub.PROBE_SECONDS * 3).sha
