"""Exercise 08.read_rows: single rows out of files larger than memory."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import bisect
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from saeedu import shards
from saeedu.course.ch08_inside_a_language_model import draws
from saeedu.course.ch08_inside_a_language_model.facts import up_to_the_first_slip
from saeedu.course.ch08_inside_a_language_model.memory import MemoryWatch
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.grading.values import dtype_name

LARGE = (3, 50, 7)
"""Rows of the files with which memory is measured; most of them are in one file."""
WIDE = 20_000


def rows_files_and_memory(implementation: Implementation, call: Call) -> dict[str, Any]:
    """What was read, whether the files are as they were, and how much memory it took."""
    files, d_in, rows = call.args
    right = {
        "files": "unchanged",
        "rows": shards.read_rows(files, d_in, rows),
        "dtype": "torch.float32",
        "memory for two rows of large files": "a few rows",
    }
    return up_to_the_first_slip(right, findings(implementation, call))


def findings(implementation: Implementation, call: Call) -> Iterator[tuple[str, Any]]:
    """One fact after the other, the most telling first."""
    files = call.args[0]
    before = [file.read_bytes() for file in files]
    rows = implementation(*call.args)
    after = [file.read_bytes() for file in files]
    if before != after:
        for file, content in zip(files, before, strict=True):
            file.write_bytes(content)
    yield "files", "unchanged" if before == after else "changed"
    yield "rows", rows
    yield "dtype", dtype_name(rows)
    yield "memory for two rows of large files", memory_for_two_rows(implementation)


def memory_for_two_rows(implementation: Implementation) -> str:
    """Whether two rows of some megabytes take a little memory or a lot."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        files = [Path(folder) / f"{number}.bin" for number in range(len(LARGE))]
        for file, n in zip(files, LARGE, strict=True):
            file.write_bytes(bytes(2 * WIDE * n))
        with MemoryWatch() as watch:
            implementation(files, WIDE, torch.tensor([5, 55]))
    return "a few rows" if watch.most_bytes < WIDE * sum(LARGE) else "as much as the files"


def mapped(files, d_in, dtype="<f2"):
    return [np.memmap(file, dtype, mode="r").reshape(-1, d_in) for file in files]


def gathered(files, d_in, rows, locate):
    """A right frame: `locate` turns a row's number into a file's and the place in it."""
    parts = mapped(files, d_in)
    lengths = [len(part) for part in parts]
    found = []
    for row in rows.tolist():
        number, place = locate(row, lengths)
        found.append(np.array(parts[number][place], dtype=np.float32))
    return torch.from_numpy(np.stack(found))


def edges_to_the_left(files, d_in, rows):
    def locate(row, lengths):
        ends = np.cumsum(lengths)
        number = int(np.searchsorted(ends, row))
        return number, row - int(ends[number])

    return gathered(files, d_in, rows, locate)


def files_of_one_length(files, d_in, rows):
    def locate(row, lengths):
        number = min(row // lengths[0], len(lengths) - 1)
        return number, (row - number * lengths[0]) % lengths[number]

    return gathered(files, d_in, rows, locate)


def number_within_the_file_forgotten(files, d_in, rows):
    def locate(row, lengths):
        number = int(np.searchsorted(np.cumsum(lengths), row, side="right"))
        return number, row % lengths[number]

    return gathered(files, d_in, rows, locate)


def first_file_only(files, d_in, rows):
    return gathered(files, d_in, rows, lambda row, lengths: (0, row % lengths[0]))


def one_off(files, d_in, rows):
    total = sum(len(part) for part in mapped(files, d_in))
    return shards.read_rows(files, d_in, (rows + 1) % total)


def files_backwards(files, d_in, rows):
    return shards.read_rows(list(reversed(files)), d_in, rows)


def in_order_of_the_files(files, d_in, rows):
    return shards.read_rows(files, d_in, rows.sort().values)


def each_once(files, d_in, rows):
    return shards.read_rows(files, d_in, torch.tensor(list(dict.fromkeys(rows.tolist()))))


def all_rows(files, d_in, rows):
    total = sum(len(part) for part in mapped(files, d_in))
    return shards.read_rows(files, d_in, torch.arange(total))


def asked_without_repeats(files, d_in, rows):
    return shards.read_rows(files, d_in, rows.unique())


def everything_loaded(files, d_in, rows):
    stored = np.concatenate([np.fromfile(file, "<f2").reshape(-1, d_in) for file in files])
    return torch.from_numpy(stored[rows.numpy()].astype(np.float32))


def still_float16(files, d_in, rows):
    return shards.read_rows(files, d_in, rows).half()


def float64(files, d_in, rows):
    return shards.read_rows(files, d_in, rows).double()


def read_as_float32(files, d_in, rows):
    stored = np.frombuffer(b"".join(file.read_bytes() for file in files)[:], "<u2")
    padded = np.append(stored, stored)[: 2 * len(stored)]
    numbers = padded.view("<f4").astype(np.float64)
    return torch.tensor(np.nan_to_num(numbers).reshape(-1, d_in)[rows.numpy()]).float()


def big_endian(files, d_in, rows):
    parts = np.concatenate(mapped(files, d_in, ">f2")).astype(np.float32)
    return torch.from_numpy(parts[rows.numpy()])


def as_integers(files, d_in, rows):
    parts = np.concatenate(mapped(files, d_in, "<i2")).astype(np.float32)
    return torch.from_numpy(parts[rows.numpy()])


def columns(files, d_in, rows):
    parts = [np.memmap(file, "<f2", mode="r").reshape(d_in, -1).T for file in files]
    return torch.from_numpy(np.concatenate(parts).astype(np.float32)[rows.numpy()])


def as_numpy(files, d_in, rows):
    return shards.read_rows(files, d_in, rows).numpy()


def opened_for_writing(files, d_in, rows):
    for file in files:
        np.memmap(file, "<f2", mode="w+", shape=(4, d_in))
    return torch.zeros(len(rows), d_in)


def by_seeking(files, d_in, rows):
    sizes = [file.stat().st_size // (2 * d_in) for file in files]
    starts = [0, *itertools.accumulate(sizes)]
    found = []
    for row in rows:
        number = bisect.bisect_right(starts, int(row)) - 1
        with open(files[number], "rb") as stream:
            stream.seek(2 * d_in * (int(row) - starts[number]))
            found.append(np.frombuffer(stream.read(2 * d_in), "<f2").astype(np.float32))
    return torch.tensor(np.array(found))


def file_by_file(files, d_in, rows):
    found, first = torch.zeros(len(rows), d_in), 0
    for file in files:
        part = np.memmap(file, dtype="<f2", mode="r").reshape(-1, d_in)
        here = (rows >= first) & (rows < first + len(part))
        picked = part[(rows[here] - first).numpy()]
        found[here] = torch.from_numpy(np.asarray(picked, dtype=np.float32))
        first += len(part)
    return found


def with_torch(files, d_in, rows):
    parts = [
        torch.from_file(
            str(file), size=file.stat().st_size // 2, dtype=torch.float16, shared=False
        ).view(-1, d_in)
        for file in files
    ]
    table = [(part, place) for part in parts for place in range(len(part))]
    return torch.stack([table[row][0][table[row][1]] for row in rows.tolist()]).float()


EXERCISE = Exercise(
    id="08.read_rows",
    title="Rows out of files larger than memory",
    reference=shards.read_rows,
    minutes=15,
    difficulty=3,
    hints=(
        '`np.memmap(file, "<f2", mode="r")` is an array whose numbers stay on disk until you touch '
        "them. Reshape each to [rows, d_in]. The rest is to find out in which of them a row is.",
        "Count on: with files of 4, 1 and 7 rows, `np.cumsum` gives 4, 5 and 12. Row 4 is the "
        "first of the second file. `np.searchsorted(ends, row, side=...)` finds the file; try "
        "both sides on row 4.",
        "Its place within the file is `row` minus the number of rows in all files before, which is "
        "that file's end less its length. Convert to float32, and put it at the place in the "
        "result where the row was asked for.",
    ),
    check=Check(
        draws.files_and_rows,
        tested="one, three and four files of different lengths: their first and last rows, in no "
        "order, one of them twice; and how much memory two rows of large files take",
        observe=rows_files_and_memory,
    ),
    mistakes=(
        Mistake(
            edges_to_the_left,
            "The first row of each file goes wrong: with 4 rows in the first file, row 4 is not "
            'in it. Use `side="right"`.',
        ),
        Mistake(
            files_of_one_length,
            "You divide by the first file's length. Files need not be equally long: count on with "
            "`np.cumsum`.",
        ),
        Mistake(
            number_within_the_file_forgotten,
            "You found the right file, and in it took the row's number modulo the file's length. "
            "Subtract the rows of all files before.",
        ),
        Mistake(
            first_file_only,
            "You looked into the first file only.",
        ),
        Mistake(
            one_off,
            "You are one row too far. Rows are counted from 0.",
        ),
        Mistake(
            files_backwards,
            "You went through the files from the last to the first.",
        ),
        Mistake(
            in_order_of_the_files,
            "The rows come in the order of the files. `result[i]` must be row `rows[i]`: the order "
            "is the mixing.",
        ),
        Mistake(
            each_once,
            "A row that is asked for twice comes once. Give it twice.",
        ),
        Mistake(
            asked_without_repeats,
            "You went through `rows.unique()`: repeats are lost, and so is the order that was "
            "asked for. Go through `rows` as it is.",
        ),
        Mistake(
            everything_loaded,
            "The rows are right, but you loaded whole files to get at them. A hundred gigabytes "
            "do not fit. `np.fromfile` and `np.concatenate` load all; `np.memmap` loads what you "
            "touch. So keep a list of maps, one a file, and take each row out of its own.",
        ),
        Mistake(
            all_rows,
            "`rows` has no effect: you read everything.",
        ),
        Mistake(
            still_float16,
            "You returned float16. That is for the disk; the SAE is trained in float32.",
        ),
        Mistake(
            float64,
            "You returned float64, twice the memory. Return float32.",
        ),
        Mistake(
            read_as_float32,
            'You read the bytes as float32: each number is made of two. They are "<f2".',
        ),
        Mistake(
            big_endian,
            'You read the bytes in the wrong order: "<f2" is little-endian, ">f2" big-endian.',
        ),
        Mistake(
            as_integers,
            'You read the bytes as integers. "<f2" is a float.',
        ),
        Mistake(
            columns,
            "You read the file as columns. It was written row by row: reshape to [rows, d_in].",
        ),
        Mistake(
            as_numpy,
            "You returned a NumPy array. Return a tensor: `torch.from_numpy`.",
        ),
        Mistake(
            opened_for_writing,
            'You changed the files! Open them with `mode="r"`. (They have been put back.)',
        ),
    ),
    alternatives=(by_seeking, file_by_file, with_torch),
    why="This is how an SAE is trained on more activations than fit into memory: any row, at any "
    "time, for the price of one read.",
)
