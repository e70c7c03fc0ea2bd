"""Exercise 08.write_shard: a file that is whole or not there."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import io
import os
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from saeedu import shards
from saeedu.course.ch08_inside_a_language_model import draws
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake

OLD = np.arange(64, dtype="<f2").tobytes()


class PowerCut(Exception):
    """What the batches raise halfway."""


class Feed:
    """Deals copies of batches one at a time, and watches how many are alive at once."""

    def __init__(
        self, batches: Sequence[Tensor], file: Path, breaks_after: int | None = None
    ) -> None:
        self._batches, self._file, self._breaks_after = batches, file, breaks_after
        self.file_on_the_way = "as it was"
        self._given: list[weakref.ref[Tensor]] = []
        self.most_alive = 0

    def __iter__(self) -> Iterator[Tensor]:
        for number, batch in enumerate(self._batches):
            self._look()
            if number == self._breaks_after:
                raise PowerCut("the power went out before all batches were written")
            fresh = batch.clone(memory_format=torch.preserve_format)
            self._given.append(weakref.ref(fresh))
            yield fresh
            del fresh  # what is alive from here on, the caller keeps alive
        self._look()

    def _look(self) -> None:
        alive = sum(reference() is not None for reference in self._given)
        self.most_alive = max(self.most_alive, alive)
        if self._given and self.file_on_the_way == "as it was":
            self.file_on_the_way = _state(self._file, OLD)


def what_is_on_disk(implementation: Implementation, call: Call) -> dict[str, Any]:
    """The file after a whole run, after one that broke off, and after one over an old file."""
    name, batches = call.args
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder) / name
        feed = Feed(batches, file)
        n_rows = implementation(file, feed)
        content = file.read_bytes() if file.is_file() else b""
        others = sorted(p.name for p in Path(folder).iterdir() if p != file)

        file.write_bytes(OLD)
        came_out = "no"
        broken = Feed([*batches, batches[0]], file, breaks_after=len(batches))
        try:
            implementation(file, broken)
        except PowerCut:
            came_out = "yes"
        after_a_cut = _state(file, OLD)

        file.write_bytes(OLD)
        implementation(file, Feed(batches, file))
        replaced = file.read_bytes() if file.is_file() else b""
    return {
        "rows returned": n_rows,
        "bytes in the file": len(content),
        "numbers in the file": np.frombuffer(content[: len(content) // 2 * 2], "<f2").astype(float),
        "other files left behind": ", ".join(others) or "none",
        "an old file while rows still come": broken.file_on_the_way,
        "an old file after a power cut": after_a_cut,
        "the batches' error comes out": came_out,
        "an old file was replaced": "yes" if replaced == content else "no",
        "batches in memory at once": "one or two" if feed.most_alive <= 1 else "all",
    }


def _state(file: Path, before: bytes) -> str:
    if not file.is_file():
        return "gone"
    return "as it was" if file.read_bytes() == before else "half overwritten"


def whole(file, content):
    """A right ending: under another name first."""
    part = file.with_name(file.name + ".part")
    part.write_bytes(content)
    os.replace(part, file)


def straight_into_the_file(file, batches):
    n_rows = 0
    with open(file, "wb") as stream:
        for batch in batches:
            stream.write(batch.numpy().astype("<f2").tobytes())
            n_rows += len(batch)
    return n_rows


def appended(file, batches):
    n_rows = 0
    with open(file, "ab") as stream:
        for batch in batches:
            stream.write(batch.numpy().astype("<f2").tobytes())
            n_rows += len(batch)
    return n_rows


def old_file_deleted_first(file, batches):
    file.unlink(missing_ok=True)
    return shards.write_shard(file, batches)


def renamed_in_a_finally(file, batches):
    part = file.with_name(file.name + ".part")
    n_rows = 0
    try:
        with open(part, "wb") as stream:
            for batch in batches:
                stream.write(batch.numpy().astype("<f2").tobytes())
                n_rows += len(batch)
    finally:
        os.replace(part, file)
    return n_rows


def error_swallowed(file, batches):
    rows = []
    try:
        for batch in batches:
            rows.append(batch.numpy().astype("<f2"))
    except Exception:
        return 0
    whole(file, b"".join(part.tobytes() for part in rows))
    return sum(map(len, rows))


def never_renamed(file, batches):
    part = file.with_name(file.name + ".part")
    n_rows = 0
    with open(part, "wb") as stream:
        for batch in batches:
            stream.write(batch.numpy().astype("<f2").tobytes())
            n_rows += len(batch)
    return n_rows


def all_in_memory(file, batches):
    rows = torch.cat(list(batches))
    whole(file, rows.numpy().astype("<f2").tobytes())
    return len(rows)


def float32_kept(file, batches):
    counts = []

    def as_bytes():
        for batch in batches:
            counts.append(len(batch))
            yield batch.numpy().astype("<f4").tobytes()

    whole(file, b"".join(as_bytes()))
    return sum(counts)


def big_endian(file, batches):
    counts = []

    def as_bytes():
        for batch in batches:
            counts.append(len(batch))
            yield batch.numpy().astype(">f2").tobytes()

    whole(file, b"".join(as_bytes()))
    return sum(counts)


def column_by_column(file, batches):
    counts = []

    def as_bytes():
        for batch in batches:
            counts.append(len(batch))
            yield batch.numpy().astype("<f2").tobytes(order="F")

    whole(file, b"".join(as_bytes()))
    return sum(counts)


def in_memory_order(file, batches):
    counts = []

    def as_bytes():
        for batch in batches:
            counts.append(len(batch))
            yield batch.numpy().astype("<f2").tobytes(order="A")

    whole(file, b"".join(as_bytes()))
    return sum(counts)


def with_numpys_header(file, batches):
    counts = []

    def as_bytes():
        for batch in batches:
            counts.append(len(batch))
            stream = io.BytesIO()
            np.save(stream, np.ascontiguousarray(batch.numpy().astype("<f2")))
            yield stream.getvalue()

    whole(file, b"".join(as_bytes()))
    return sum(counts)


def last_batch_only(file, batches):
    n_rows, last = 0, b""
    for batch in batches:
        last = batch.numpy().astype("<f2").tobytes()
        n_rows += len(batch)
    whole(file, last)
    return n_rows


def counts_batches(file, batches):
    n_batches = 0

    def counted():
        nonlocal n_batches
        for batch in batches:
            n_batches += 1
            yield batch

    shards.write_shard(file, counted())
    return n_batches


def counts_numbers(file, batches):
    shards.write_shard(file, batches)
    return file.stat().st_size // 2


def counts_bytes(file, batches):
    shards.write_shard(file, batches)
    return file.stat().st_size


def as_whole_numbers(file, batches):
    counts = []

    def as_bytes():
        for batch in batches:
            counts.append(len(batch))
            yield batch.numpy().astype("<i2").tobytes()

    whole(file, b"".join(as_bytes()))
    return sum(counts)


def with_pathlib(file, batches):
    part = file.with_suffix(".tmp")
    try:
        with part.open("wb") as stream:
            numbers = sum(stream.write(b.half().contiguous().numpy().tobytes()) and len(b)
                          for b in batches)  # fmt: skip
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return numbers


def by_tofile(file, batches):
    handle, name = tempfile.mkstemp(dir=file.parent)
    n_rows = 0
    with os.fdopen(handle, "wb") as stream:
        for batch in batches:
            np.ascontiguousarray(batch.numpy(), dtype="<f2").tofile(stream)
            n_rows += batch.shape[0]
    os.rename(name, file) if os.name == "posix" else os.replace(name, file)
    return n_rows


def collected_as_float16(file, batches):
    content, n_rows = bytearray(), 0
    for batch in batches:
        for row in batch.to(torch.float16).tolist():
            content += np.array(row, dtype="<f2").tobytes()
            n_rows += 1
    whole(file, bytes(content))
    return n_rows


EXERCISE = Exercise(
    id="08.write_shard",
    title="A file that is whole or not there",
    reference=shards.write_shard,
    minutes=15,
    difficulty=3,
    hints=(
        "Suppose the power fails between two batches. What is then under the name `file`? Never "
        "write under that name: write under another one, and rename when you are done.",
        '`open(part, "wb")` gives a stream; in a loop over the batches, write each one\'s bytes to '
        'it and count its rows. `.numpy()`, then `.astype("<f2")`, then `.tobytes()`.',
        "After the `with` block, `os.replace(part, file)` renames in one step, over an old file if "
        "there is one. When the batches raise, that line is never reached: good.",
    ),
    check=Check(
        draws.batches_to_store,
        tested="what is on disk after a whole run, after a power cut, and over an old file, and "
        "how much was in memory",
        observe=what_is_on_disk,
    ),
    mistakes=(
        Mistake(
            straight_into_the_file,
            "You write under the file's own name. After a power cut half a file lies there, looks "
            "like a whole one, and the old one is lost. Write under another name and rename.",
        ),
        Mistake(
            appended,
            "You append to what is there: run twice, and all rows are there twice.",
        ),
        Mistake(
            old_file_deleted_first,
            "You delete the old file before the new one is ready. After a power cut there is "
            "neither. `os.replace` replaces it in one step, at the end.",
        ),
        Mistake(
            renamed_in_a_finally,
            "You rename in a `finally`, so half a file gets the real name when the work breaks "
            "off. Rename only when all went well.",
        ),
        Mistake(
            error_swallowed,
            "You caught the error of the batches and went on as if all were well. Let it out: "
            "whoever called must know.",
        ),
        Mistake(
            never_renamed,
            "All is written, and still under the other name. Rename it.",
        ),
        Mistake(
            all_in_memory,
            "You collect all batches before you write. A hundred million activations do not fit: "
            "write each one, and let it go.",
        ),
        Mistake(
            float32_kept,
            "You wrote float32, twice the bytes. Convert to float16 first.",
        ),
        Mistake(
            big_endian,
            'You wrote big-endian numbers, the bytes of each swapped. "<f2" is little-endian.',
        ),
        Mistake(
            column_by_column,
            "You wrote column by column. Rows must lie one after the other, or reading one means "
            "reading all.",
        ),
        Mistake(
            in_memory_order,
            "One batch is not laid out row by row in memory, and you wrote it as it lies there. "
            "`.tobytes()` without an order writes rows.",
        ),
        Mistake(
            with_numpys_header,
            "You used NumPy's own format, which puts a header before the numbers. Here the file "
            "holds numbers and nothing else, so that row i begins at byte 2 · d_in · i.",
        ),
        Mistake(
            last_batch_only,
            "Only the last batch is in the file: each one overwrites those before.",
        ),
        Mistake(
            counts_batches,
            "You returned the number of batches. Return the number of rows.",
        ),
        Mistake(
            counts_numbers,
            "You returned how many numbers were written. A row has d_in of them.",
        ),
        Mistake(
            counts_bytes,
            "You returned the size in bytes. Return the number of rows.",
        ),
        Mistake(
            as_whole_numbers,
            'You wrote whole numbers: "<i2" is a 16-bit integer. "<f2" is a 16-bit float.',
        ),
    ),
    alternatives=(with_pathlib, by_tofile, collected_as_float16),
    why="A cache of a hundred gigabytes takes hours to make and will be interrupted; a file that "
    "is never half written is what lets it go on.",
)
