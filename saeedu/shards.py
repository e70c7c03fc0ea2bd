"""Activations in files of bare numbers: written whole or not at all, read a few rows at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


def write_shard(file: Path, batches: Iterable[Tensor]) -> int:
    """Write rows into a file, as float16, one batch after the other.

    The rows go to a file of another name beside it (here `file.name + ".part"`). When all are
    written and on the disk (`flush`, then `os.fsync`), it gets its real name, in one step. So
    whatever is found under the real name is whole, also after a power cut: the new rows, or, when
    the work broke off, whatever was there before.

    **Arguments:** `file`, to be written or replaced; `batches`, of rows [n, d_in], which may be
    more than fit into memory together, and may raise.
    **Returns:** how many rows were written. On disk they are little-endian float16 ("<f2") and
    nothing else, 2 * d_in bytes a row.
    **Raises:** what `batches` raises.
    """
    part = file.with_name(file.name + ".part")
    n_rows = 0
    with open(part, "wb") as stream:
        for batch in batches:
            stream.write(batch.cpu().numpy().astype("<f2").tobytes())
            n_rows += len(batch)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, file)
    return n_rows


def read_rows(files: Sequence[Path], d_in: int, rows: Tensor) -> Tensor:
    """Read single rows out of files that together may be larger than memory.

    The files are one long list: the first file's rows are the first rows, and so on.

    **Arguments:** `files`, as `write_shard` leaves them, not all of one length; `d_in`, numbers a
    row; `rows` [n], which rows, counted from 0, in any order, repeats allowed.
    **Returns:** [n, d_in], float32: `result[i]` is row `rows[i]`.
    """
    shards = [np.memmap(file, "<f2", mode="r").reshape(-1, d_in) for file in files]
    ends = np.cumsum([len(shard) for shard in shards])
    found = torch.empty(len(rows), d_in)
    for i, row in enumerate(rows.tolist()):
        number = int(np.searchsorted(ends, row, side="right"))
        first = ends[number] - len(shards[number])
        found[i] = torch.from_numpy(shards[number][row - first].astype(np.float32))
    return found
