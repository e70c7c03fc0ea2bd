"""Activations kept on disk: a folder of shards and a header, read without loading them whole.

`cache.json` says what the activations are and lists the finished shards; `shard-00000.bin` and so
on are rows of little-endian floats and nothing else, so that `numpy.memmap` reads them anywhere.
Each shard has a CRC-32: it is made to catch damage by accident (a torn copy, a bad disk), and at
some gigabytes a second costs less than reading does. It does not catch a forger, who could as well
write a cache of their own.
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

HEADER = "cache.json"
FORMAT = 1
DTYPES: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "float16": np.dtype("<f2")}
CHUNK = 1 << 24  # bytes looked at in one go when a checksum is computed


class CacheError(RuntimeError):
    """A cache that cannot be written, read or used; the message names the file and what to do."""


@dataclass(frozen=True)
class Shard:
    """One finished file of a cache."""

    rows: int
    crc32: int
    """Of the whole file."""
    sum_of_lengths: float
    """Of its rows' Euclidean norms, from which the normalising constant comes."""
    end: dict[str, int]
    """Where the token stream stood after it."""


@dataclass(frozen=True)
class CacheHeader:
    """What `cache.json` holds."""

    identity: dict[str, Any]
    """What the activations are, see `ActivationSource.identity`."""
    d_in: int
    dtype: str
    start: dict[str, int]
    """Where the token stream stood before the first shard."""
    shards: list[Shard] = field(default_factory=list)
    finished: bool = False
    format: int = FORMAT

    @property
    def n_rows(self) -> int:
        """Activations in all finished shards."""
        return sum(shard.rows for shard in self.shards)

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps(asdict(self), indent=1) + "\n"


def read_header(folder: Path) -> CacheHeader | None:
    """Read a cache's header, or None where there is none.

    **Raises:** `CacheError` when it cannot be read, or is of another version.
    """
    file = folder / HEADER
    try:
        fields = json.loads(file.read_text("utf-8"))
        if fields["format"] == FORMAT:
            shards = [Shard(**shard) for shard in fields.pop("shards")]
            return CacheHeader(shards=shards, **fields)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CacheError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CacheError(
            f"{file} is damaged ({error}). Delete the folder {folder} and write the cache again."
        ) from error
    raise CacheError(
        f"{file} was written by another version of saeedu. Read it with that version, or delete "
        f"the folder {folder} and write the cache again."
    )


def shard_file(folder: Path, number: int) -> Path:
    """Where shard `number`, counted from 0, lies."""
    return folder / f"shard-{number:05d}.bin"


def wrong_size(folder: Path, header: CacheHeader, number: int) -> str:
    """What is wrong with a shard's file as far as its size tells, or nothing."""
    file = shard_file(folder, number)
    expected = header.shards[number].rows * header.d_in * DTYPES[header.dtype].itemsize
    if not file.is_file():
        return f"{file} is missing"
    if (size := file.stat().st_size) != expected:
        return f"{file} has {size:,} bytes, but should have {expected:,}"
    return ""


class ActivationCache:
    """A finished cache, open for reading.

    Files' sizes are checked at once, a shard's checksum before its first row is given out.

    **Arguments:** `folder`, as written by `cache_activations`.
    **Raises:** `CacheError` when there is none, it is not finished, or a shard is damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        header = read_header(self.folder)
        if header is None:
            raise CacheError(
                f"{self.folder} holds no activation cache (no {HEADER}). Write one with "
                "cache_activations."
            )
        if not header.finished or header.n_rows == 0:
            raise CacheError(
                f"the cache {self.folder} is not finished: it has {header.n_rows:,} activations so "
                "far. Run cache_activations again to go on with it."
            )
        for number in range(len(header.shards)):
            if problem := wrong_size(self.folder, header, number):
                raise CacheError(f"{problem}. {_repair(self.folder, number)}")
        self._header = header
        self._ends = np.cumsum([shard.rows for shard in header.shards])
        self._verified = [False] * len(header.shards)

    def __len__(self) -> int:
        return int(self._ends[-1])

    @property
    def d_in(self) -> int:
        """The width of an activation."""
        return self._header.d_in

    @property
    def n_bytes(self) -> int:
        """What the shards take on disk."""
        return len(self) * self.d_in * DTYPES[self._header.dtype].itemsize

    @property
    def normalising_constant(self) -> float:
        """As the function of that name, over all activations of the cache."""
        total = math.fsum(shard.sum_of_lengths for shard in self._header.shards)
        return math.sqrt(self.d_in) * len(self) / total

    def identity(self) -> dict[str, Any]:
        """What the activations are, with their number and a fingerprint of the files."""
        checksums = json.dumps([shard.crc32 for shard in self._header.shards])
        return {
            **self._header.identity,
            "n_activations": len(self),
            "cache_fingerprint": hashlib.blake2b(checksums.encode(), digest_size=16).hexdigest(),
        }

    def read(self, start: int, stop: int) -> Tensor:
        """Rows in the order in which the text has them.

        **Arguments:** `start`, `stop`, row numbers as in a slice, 0 <= start <= stop <= len.
        **Returns:** [stop - start, d_in], float32, a copy.
        **Raises:** `CacheError` for a damaged shard.
        """
        rows = torch.empty(stop - start, self.d_in)
        first = row = start
        while row < stop:
            number = int(np.searchsorted(self._ends, row, side="right"))
            end = min(stop, int(self._ends[number]))
            offset = row - int(self._ends[number]) + self._header.shards[number].rows
            rows[row - first : end - first] = self._rows(number, offset, end - row)
            row = end
        return rows

    def verify(self) -> None:
        """Compare every shard with its checksum.

        **Raises:** `CacheError`, naming the first that is damaged.
        """
        for number in range(len(self._verified)):
            self._verify(number)

    def _rows(self, number: int, offset: int, n: int) -> Tensor:
        if not self._verified[number]:
            self._verify(number)
        dtype = DTYPES[self._header.dtype]
        # Mapped for each reading: pages of a lasting map would count as this process's memory.
        mapped = np.memmap(
            shard_file(self.folder, number),
            dtype,
            mode="r",
            offset=offset * self.d_in * dtype.itemsize,
            shape=(n, self.d_in),
        )
        return torch.from_numpy(mapped.astype(np.float32))

    def _verify(self, number: int) -> None:
        checksum = 0
        file = shard_file(self.folder, number)
        try:
            with open(file, "rb") as stream:
                while chunk := stream.read(CHUNK):
                    checksum = zlib.crc32(chunk, checksum)
        except OSError as error:
            raise CacheError(f"{file} cannot be read: {error.strerror}.") from error
        if checksum != self._header.shards[number].crc32:
            raise CacheError(
                f"{file} is not what was written (its checksum differs). "
                + _repair(self.folder, number)
            )
        self._verified[number] = True


def _repair(folder: Path, number: int) -> str:
    name = shard_file(folder, number).name
    return f"Delete {name} and run cache_activations again: it alone will be made anew."
