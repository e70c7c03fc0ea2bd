"""The stories: read them, hold some out, and deal their tokens into rows for training."""

from __future__ import annotations

import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SEPARATOR = "<|endoftext|>"
HELD_OUT = 0.02
ALIGNED = 0.5  # of the rows, how many begin where a story begins

Tokens = NDArray[np.int64]


class CorpusError(ValueError):
    """The corpus cannot be used; the message says why."""


def read_stories(path: Path) -> list[str]:
    """Read stories separated by lines `<|endoftext|>` from an .xz or a plain text file.

    **Arguments:** `path`, UTF-8.
    **Returns:** the stories in their order, without white space around them.
    **Raises:** `CorpusError` when the file is missing, damaged or holds fewer than two stories.
    """
    try:
        data = path.read_bytes()
        text = (lzma.decompress(data) if path.suffix == ".xz" else data).decode("utf-8")
    except (OSError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} cannot be read ({type(error).__name__}: {error})") from error
    stories = [story for part in text.split(SEPARATOR) if (story := part.strip())]
    if len(stories) < 2:
        raise CorpusError(f"{path} has {len(stories)} stories separated by {SEPARATOR}; needs two")
    return stories


def write_stories(path: Path, stories: Sequence[str]) -> None:
    """Write stories as `read_stories` reads them, compressed as far as xz goes.

    **Arguments:** `path`, ending in .xz; `stories`.
    """
    text = "".join(f"{story}\n{SEPARATOR}\n" for story in stories)
    path.write_bytes(lzma.compress(text.encode("utf-8"), preset=9 | lzma.PRESET_EXTREME))


def split_stories(stories: Sequence[str]) -> tuple[list[str], list[str]]:
    """Hold out the last 2% of the stories.

    **Arguments:** `stories`, already shuffled; at least two.
    **Returns:** the stories to train on, and those held out; each has at least one.
    """
    n_held_out = max(1, round(len(stories) * HELD_OUT))
    return list(stories[:-n_held_out]), list(stories[-n_held_out:])


@dataclass
class Place:
    """How far a `RowStream` has read: the next row to deal, and the epoch it belongs to."""

    epoch: int = 0
    row: int = 0


class RowStream:
    """Deals rows of tokens without end, a new order of the stories each epoch.

    A row is what `saeedu.activations.pack_tokens` makes at its beginning: a BOS token, then a
    piece of the stories joined by BOS tokens. Half of the rows begin with a story (the
    rest of the one before is then skipped, until another epoch); the others go on where the row
    before ended. So the model has seen both what evaluation asks for (whole stories) and
    what packing makes (pieces that begin anywhere).

    **Arguments:** `stories`, token ids of each, without BOS; `context`, the tokens a row; `bos`,
    the id between stories; `seed`; `place`, where to go on, by default at the beginning.
    """

    def __init__(
        self, stories: Sequence[Tokens], context: int, bos: int, seed: int, place: Place | None
    ) -> None:
        self._stories, self._context, self._bos, self._seed = stories, context, bos, seed
        self.place = place or Place()
        self._open(self.place.epoch)

    def batch(self, n_rows: int) -> tuple[Tokens, Tokens]:
        """The next rows; a batch may hold the end of one epoch and the beginning of another.

        **Arguments:** `n_rows`, how many.
        **Returns:** inputs and the next tokens to predict, both [n_rows, context].
        """
        rows = []
        for _ in range(n_rows):
            if self.place.row == len(self._starts):
                self.place = Place(self.place.epoch + 1, 0)
                self._open(self.place.epoch)
            start = self._starts[self.place.row]
            rows.append(self._stream[start : start + self._context])
            self.place.row += 1
        targets = np.stack(rows)
        bos = np.full((n_rows, 1), self._bos, dtype=np.int64)
        return np.concatenate([bos, targets[:, :-1]], axis=1), targets

    def _open(self, epoch: int) -> None:
        """Shuffle the stories for an epoch and choose where its rows start."""
        rng = np.random.default_rng([self._seed, epoch])
        order = rng.permutation(len(self._stories))
        pieces = [np.append(self._stories[i], self._bos) for i in order]
        self._stream = np.concatenate(pieces)
        story_starts = np.cumsum([0] + [len(piece) for piece in pieces]).tolist()
        self._starts: list[int] = []
        start = 0
        while start + self._context <= len(self._stream):
            self._starts.append(start)
            start += self._context
            if rng.random() < ALIGNED:
                following = int(np.searchsorted(story_starts, start))
                start = story_starts[following]
        if not self._starts:
            raise CorpusError(f"the stories are shorter than one row of {self._context} tokens")
