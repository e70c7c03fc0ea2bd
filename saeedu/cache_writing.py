"""Write a language model's activations to disk; a writer killed at any moment loses one shard."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import filelock
import numpy as np
import torch
from torch import Tensor

from saeedu.activation_cache import (
    DTYPES,
    HEADER,
    ActivationCache,
    CacheError,
    CacheHeader,
    Shard,
    read_header,
    shard_file,
    wrong_size,
)
from saeedu.activation_sources import check_identity
from saeedu.activations import read_kept
from saeedu.language_model import LanguageModel
from saeedu.language_model_source import harvest_identity
from saeedu.progress_bars import progress_bar
from saeedu.token_stream import TokenStream

SHARD_ROWS = 16_384
"""Rows after which a shard is closed: 50 MB at 768 float32, ten seconds of a laptop's work."""
PART = ".part"
LOCK = "lock"


def cache_activations(
    model: LanguageModel,
    stream: TokenStream,
    hook: str,
    folder: str | Path,
    n_activations: int,
    contexts_per_batch: int = 16,
    dtype: str = "float32",
    shard_rows: int | None = None,
) -> ActivationCache:
    """Fill a folder with activations, or go on filling it, and open it.

    Shards are written under another name, flushed and renamed, and only then listed in the header,
    which is replaced in the same way. So whatever is listed is whole. Run again after a kill, it
    goes on after the last listed shard and ends with the same bytes. Run again on a finished
    cache, it opens it; with a larger `n_activations` it extends it; where a shard's file is
    missing or cut short, it makes that one anew.

    **Arguments:** `model`; `stream`, from its beginning; it is moved to where the cache ends;
    `hook`, where to read the model; `folder`, made when it is missing; `n_activations`, how many
    to keep: whole batches of contexts until there are as many, or until the stream ends;
    `contexts_per_batch`, contexts that the model reads at a time; `dtype`, on disk, `"float32"` or
    `"float16"` (half the size, three digits); `shard_rows`, after how many activations a shard is
    closed, `SHARD_ROWS` unless told otherwise: an interruption costs one shard at most.
    **Returns:** the finished cache.
    **Raises:** `CacheError` when the disk is full, the folder read-only, in use, or not a cache's;
    `IdentityError` when it holds other activations; `TextUnavailableError` and `RuntimeError` as
    `LanguageModelSource.next_batch`. Finished shards are kept in every case.
    """
    if dtype not in DTYPES:
        raise ValueError(f"cache_activations: dtype is {dtype!r}, must be one of {[*DTYPES]}")
    shard_rows = SHARD_ROWS if shard_rows is None else shard_rows
    for name, value in (("n_activations", n_activations), ("shard_rows", shard_rows)):
        if value < 1:
            raise ValueError(f"cache_activations: {name} is {value}, must be 1 or more")
    identity = {**harvest_identity(model, stream, hook, contexts_per_batch), "dtype": dtype}
    fresh = CacheHeader(identity, model.hook_size(hook), dtype, start=stream.state())
    writer = _Writer(Path(folder), model, stream, hook, contexts_per_batch, shard_rows)
    if not writer.has_all(fresh, n_activations):  # a finished cache may be on a read-only disk
        with writer.sole():
            writer.write(fresh, n_activations)
    return ActivationCache(folder)


class _Writer:
    def __init__(
        self,
        folder: Path,
        model: LanguageModel,
        stream: TokenStream,
        hook: str,
        n_contexts: int,
        shard_rows: int,
    ) -> None:
        self.folder, self.model, self.stream, self.hook = folder, model, stream, hook
        self.n_contexts, self.shard_rows = n_contexts, shard_rows

    def header(self, fresh: CacheHeader) -> CacheHeader:
        """The folder's header, when it belongs to the same activations, or a fresh one."""
        found = read_header(self.folder)
        if found is not None:
            check_identity(
                found.identity,
                fresh.identity,
                f"the cache {self.folder}",
                "Choose another folder, or delete this one.",
            )
            return found
        if self.folder.is_dir():
            strange = {p.name for p in self.folder.iterdir()} - {LOCK, HEADER + PART}
            if strange:
                raise CacheError(
                    f"{self.folder} is not empty and holds no cache: there is {min(strange)}. "
                    "Choose another folder."
                )
        return fresh

    def has_all(self, fresh: CacheHeader, n_activations: int) -> bool:
        """Whether there is nothing left to write."""
        header = self.header(fresh)
        whole = not any(wrong_size(self.folder, header, i) for i in range(len(header.shards)))
        return header.finished and header.n_rows >= n_activations and whole

    @contextlib.contextmanager
    def sole(self) -> Iterator[None]:
        """Be the only writer, and turn what the disk refuses into one sentence."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(self.folder / LOCK, timeout=0):
                yield
        except filelock.Timeout:
            raise CacheError(
                f"another process is writing to the cache {self.folder}. Wait for it, or choose "
                "another folder."
            ) from None
        except OSError as error:
            raise CacheError(_refusal(self.folder, error)) from error

    def write(self, fresh: CacheHeader, n_activations: int) -> None:
        """Make what is missing."""
        header = self.header(fresh)
        self.check_space(header, n_activations)
        self.write_header(header)
        for part in self.folder.glob("*" + PART):  # left by a writer that was killed
            part.unlink()
        for number in range(len(header.shards)):
            if wrong_size(self.folder, header, number):
                self.repair(header, number)
        self.stream.restore(header.shards[-1].end if header.shards else header.start)
        with progress_bar(
            n_activations, "tok", f"caching {self.hook}", min(header.n_rows, n_activations)
        ) as bar:
            while header.n_rows < n_activations:
                missing = n_activations - header.n_rows
                rows = self.harvest(min(self.shard_rows, missing), header.dtype)
                if len(rows) == 0:  # the text has ended
                    break
                shard = self.write_shard(len(header.shards), rows)
                header = dataclasses.replace(header, shards=[*header.shards, shard], finished=False)
                self.write_header(header)
                bar.update(min(shard.rows, missing))
        if header.n_rows == 0:
            raise CacheError(
                f"{header.identity['text']} is too short for one context of "
                f"{header.identity['context']} tokens: there is nothing to cache in {self.folder}."
            )
        self.write_header(dataclasses.replace(header, finished=True))

    def repair(self, header: CacheHeader, number: int) -> None:
        """Make one listed shard again, and see that it came out the same."""
        self.stream.restore(header.shards[number - 1].end if number else header.start)
        listed = header.shards[number]
        if self.write_shard(number, self.harvest(listed.rows, header.dtype)) != listed:
            raise CacheError(
                f"{shard_file(self.folder, number)} was missing or cut short, and could not be "
                "made again exactly: this machine rounds otherwise than the one that wrote it. "
                f"Delete the folder {self.folder} and write the cache again."
            )

    def harvest(self, n_rows: int, dtype: str) -> np.ndarray:
        """Whole batches of contexts until there are `n_rows` activations, or the text ends."""
        parts: list[Tensor] = []
        while sum(map(len, parts)) < n_rows:
            contexts = self.stream.next_contexts(self.n_contexts)
            if len(contexts) == 0:
                break
            parts.append(read_kept(self.model, contexts, self.hook))
        rows = torch.cat(parts).numpy() if parts else np.zeros((0, 1), np.float32)
        with np.errstate(over="ignore"):  # checked in the next line
            stored = rows.astype(DTYPES[dtype])
        if not np.isfinite(stored).all():
            raise CacheError(
                f"an activation at {self.hook} is {abs(rows).max():.0f}, too large for float16. "
                'Write the cache with dtype="float32".'
            )
        return stored

    def write_shard(self, number: int, rows: np.ndarray) -> Shard:
        lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
        content = np.ascontiguousarray(rows).data.cast("B")
        _write_whole(shard_file(self.folder, number), content)
        end = self.stream.state()
        return Shard(len(rows), zlib.crc32(content), float(lengths.sum()), end)

    def write_header(self, header: CacheHeader) -> None:
        _write_whole(self.folder / HEADER, memoryview(header.to_json().encode()))

    def check_space(self, header: CacheHeader, n_activations: int) -> None:
        """Say before hours of work that the disk is too small for them."""
        row = header.d_in * DTYPES[header.dtype].itemsize
        needed = (n_activations - header.n_rows) * row
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise CacheError(
                f"the cache {self.folder} needs {needed / 1e9:.1f} GB more, but its disk has "
                f"{free / 1e9:.1f} GB free: room for {header.n_rows + free // row:,} activations "
                'in all. Make room, ask for fewer, or write dtype="float16".'
            )


def _write_whole(file: Path, content: memoryview) -> None:
    """Give a file its content in one step: other processes see the old one or the new one."""
    part = file.with_name(file.name + PART)
    try:
        with open(part, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, file)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    if os.name == "posix":  # make the new name last through a power cut, where the system can
        descriptor = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _refusal(folder: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk of the cache {folder} is full. Finished shards are kept: make room and run "
            "the same again to go on."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"the cache {folder} cannot be written: the folder is read-only. Choose another, or "
            "change its permissions; nothing was changed."
        )
    return (
        f"the cache {folder} could not be written ({error.strerror or error}). Finished shards are "
        "kept: run the same again to go on."
    )
