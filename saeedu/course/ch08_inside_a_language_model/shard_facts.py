"""What a check finds out about `write_shard`: what is on disk, and what a power cut leaves."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from saeedu.course.ch08_inside_a_language_model.disk_watch import DiskWatch
from saeedu.course.ch08_inside_a_language_model.facts import up_to_the_first_slip
from saeedu.course.ch08_inside_a_language_model.memory import MemoryWatch
from saeedu.grading.exercise import Call, Implementation

OLD = np.arange(64, dtype="<f2").tobytes()
FORMATS = {
    b"\x93NUMPY": "NumPy's own format",
    b"PK": "a zip archive",
    b"\x80\x04\x95": "a pickle",
    b"\x80\x05\x95": "a pickle",
}
"""What files begin with that were not written number by number."""


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


def _state(file: Path, before: bytes) -> str:
    if not file.is_file():
        return "gone"
    now = file.read_bytes()
    if now == before:
        return "as it was"
    return "longer than it was" if now.startswith(before) else "half overwritten"


def what_is_on_disk(implementation: Implementation, call: Call) -> dict[str, Any]:
    """The file after a whole run, after one that broke off, and after one over an old file."""
    stored = torch.cat(call.args[1]).numpy().astype("<f2")
    right = {
        "in the file": "bare numbers",
        "bytes in the file": stored.nbytes,
        "numbers in the file": stored.astype(float).ravel(),
        "rows returned": len(stored),
        "other files left behind": "none",
        "an old file while rows still come": "as it was",
        "an old file after a power cut": "as it was",
        "the batches' error comes out": "yes",
        "the file after a power cut and a second run": "the rows of the second run",
        "batches in memory at once": "one or two",
        "how the file gets its name": "it is renamed",
        "where it lies before that": "beside its final place",
        "written when it is renamed": "everything",
        "put onto the disk before that": "everything",
    }
    return up_to_the_first_slip(right, findings(implementation, call, stored.nbytes))


def findings(implementation: Implementation, call: Call, n_bytes: int) -> Iterator[tuple[str, Any]]:
    """One fact after the other, the most telling first."""
    name, batches = call.args
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder) / name
        feed = Feed(batches, file)
        with DiskWatch(file, implementation) as watch:
            n_rows = implementation(file, feed)
        content = file.read_bytes() if file.is_file() else b""
        if n_rows is None:
            yield "rows returned", None
        yield "in the file", kind_of_content(content)
        yield "bytes in the file", len(content)
        yield "numbers in the file", np.frombuffer(content, "<f2").astype(float)
        yield "rows returned", n_rows
        others = sorted(p.name for p in Path(folder).iterdir() if p != file)
        yield "other files left behind", ", ".join(others) or "none"

        file.write_bytes(OLD)
        came_out = "no"
        broken = Feed([*batches, batches[0]], file, breaks_after=len(batches))
        try:
            implementation(file, broken)
        except PowerCut:
            came_out = "yes"
        yield "an old file while rows still come", broken.file_on_the_way
        yield "an old file after a power cut", _state(file, OLD)
        yield "the batches' error comes out", came_out
        file.write_bytes(OLD)
        implementation(file, Feed(batches, file))
        again = "the rows of the second run" if file.read_bytes() == content else "other bytes"
        yield "the file after a power cut and a second run", again
    many = feed.most_alive > 1 or holds_all_bytes(implementation)
    yield "batches in memory at once", "all" if many else "one or two"
    yield from how_it_was_renamed(watch, file, n_bytes)


def kind_of_content(content: bytes) -> str:
    """Whether a file holds numbers, or what a library's own format begins with."""
    for magic, kind in FORMATS.items():
        if content.startswith(magic):
            return kind
    return "bare numbers" if content else "nothing"


def how_it_was_renamed(watch: DiskWatch, file: Path, n_bytes: int) -> Iterator[tuple[str, str]]:
    """Whether a power cut at any moment would leave a whole file under the real name."""
    source = watch.renamed_from
    yield "how the file gets its name", "it is renamed" if source else "in some other way"
    if source is None:
        return
    beside = source.resolve().parent == file.resolve().parent
    yield "where it lies before that", "beside its final place" if beside else "in another folder"
    all_written = watch.bytes_when_renamed >= n_bytes
    yield "written when it is renamed", "everything" if all_written else "not all"
    synced = watch.bytes_synced
    found = "nothing" if synced is None else "everything" if synced >= n_bytes else "not all"
    yield "put onto the disk before that", found


def holds_all_bytes(implementation: Implementation) -> bool:
    """Whether sixty batches are held in memory together, in whatever form."""
    each = torch.ones(2, 512)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, MemoryWatch() as watch:
        implementation(Path(folder) / "large.bin", (each.clone() for _ in range(64)))
    return watch.most_bytes > 48 * 2 * each.numel()
