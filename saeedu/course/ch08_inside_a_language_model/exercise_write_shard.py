"""Exercise 08.write_shard: a file that is whole or not there."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import io
import os
import pickle
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch

from saeedu import shards
from saeedu.course.ch08_inside_a_language_model import draws
from saeedu.course.ch08_inside_a_language_model.shard_facts import what_is_on_disk
from saeedu.grading.exercise import Check, Exercise, Mistake


def put(stream, chunks):
    """A right way to write: everything, and all of it onto the disk."""
    for chunk in chunks:
        stream.write(chunk)
    stream.flush()
    os.fsync(stream.fileno())


def whole(file, *chunks):
    """A right frame: under another name first."""
    part = file.with_name(file.name + ".part")
    with open(part, "wb") as stream:
        put(stream, chunks)
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
    whole(file, *(part.tobytes() for part in rows))
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

    whole(file, *as_bytes())
    return sum(counts)


def big_endian(file, batches):
    counts = []

    def as_bytes():
        for batch in batches:
            counts.append(len(batch))
            yield batch.numpy().astype(">f2").tobytes()

    whole(file, *as_bytes())
    return sum(counts)


def column_by_column(file, batches):
    counts = []

    def as_bytes():
        for batch in batches:
            counts.append(len(batch))
            yield batch.numpy().astype("<f2").tobytes(order="F")

    whole(file, *as_bytes())
    return sum(counts)


def in_memory_order(file, batches):
    counts = []

    def as_bytes():
        for batch in batches:
            counts.append(len(batch))
            yield batch.numpy().astype("<f2").tobytes(order="A")

    whole(file, *as_bytes())
    return sum(counts)


def with_numpys_header(file, batches):
    rows = torch.cat(list(batches)).numpy().astype("<f2")
    stream = io.BytesIO()
    np.save(stream, rows)
    whole(file, stream.getvalue())
    return len(rows)


def saved_by_torch(file, batches):
    rows = torch.cat(list(batches)).half()
    stream = io.BytesIO()
    torch.save(rows, stream)
    whole(file, stream.getvalue())
    return len(rows)


def pickled(file, batches):
    rows = torch.cat(list(batches)).half().numpy()
    whole(file, pickle.dumps(rows))
    return len(rows)


def old_part_appended_to(file, batches):
    part = file.with_name(file.name + ".part")
    n_rows = 0
    with open(part, "ab") as stream:
        for batch in batches:
            stream.write(batch.numpy().astype("<f2").tobytes())
            n_rows += len(batch)
    os.replace(part, file)
    return n_rows


def renamed_before_it_is_closed(file, batches):
    part = file.with_name(file.name + ".part")
    n_rows = 0
    with open(part, "wb") as stream:
        for batch in batches:
            stream.write(batch.numpy().astype("<f2").tobytes())
            n_rows += len(batch)
        os.replace(part, file)
    return n_rows


def written_beside(file, batches, finish):
    """A right frame up to the end, which `finish` makes of the other file and its stream."""
    part = file.with_name(file.name + ".part")
    n_rows = 0
    with open(part, "wb") as stream:
        for batch in batches:
            stream.write(batch.numpy().astype("<f2").tobytes())
            n_rows += len(batch)
        finish(stream)
    os.replace(part, file)
    return n_rows


def never_synced(file, batches):
    return written_beside(file, batches, lambda stream: None)


def synced_without_a_flush(file, batches):
    return written_beside(file, batches, lambda stream: os.fsync(stream.fileno()))


def copied_to_its_name(file, batches):
    part = file.with_name(file.name + ".part")
    n_rows = shards.write_shard(part, batches)
    shutil.copy(part, file)
    part.unlink()
    return n_rows


def moved_from_another_folder(file, batches):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        elsewhere = Path(folder) / file.name
        n_rows = shards.write_shard(elsewhere, batches)
        shutil.move(elsewhere, file)
    return n_rows


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

    whole(file, *as_bytes())
    return sum(counts)


def with_pathlib(file, batches):
    part = file.with_suffix(".tmp")
    n_rows = 0
    try:
        with part.open("wb", buffering=0) as stream:  # nothing to flush
            for batch in batches:
                stream.write(batch.half().contiguous().numpy().tobytes())
                n_rows += len(batch)
            os.fsync(stream)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    return n_rows


def by_tofile(file, batches):
    handle, name = tempfile.mkstemp(dir=file.parent)
    n_rows = 0
    with os.fdopen(handle, "wb") as stream:
        for batch in batches:
            np.ascontiguousarray(batch.numpy(), dtype="<f2").tofile(stream)
            n_rows += batch.shape[0]
        stream.flush()
        os.fsync(handle)
    os.rename(name, file) if os.name == "posix" else os.replace(name, file)
    return n_rows


def row_by_row_and_synced_when_closed(file, batches):
    part = Path(f"{file}~")
    n_rows = 0
    with part.open("wb") as stream:
        for batch in batches:
            for row in batch.to(torch.float16).tolist():
                stream.write(np.array(row, dtype="<f2").tobytes())
                n_rows += 1
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    shutil.move(part, file)
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
        "Last in the `with` block come `stream.flush()`, which hands what Python holds to the "
        "system, and `os.fsync(stream.fileno())`, which has the system put it onto the disk. After "
        "the block `os.replace(part, file)` renames in one step, over an old file if there is one. "
        "When the batches raise, that line is never reached: good.",
    ),
    check=Check(
        draws.batches_to_store,
        tested="what is on disk after a whole run, after a power cut, and over an old file, what "
        "was on disk before the file got its name, and how much was in memory",
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
            old_part_appended_to,
            "You append to the other file, and the rows of an interrupted run are still in it. "
            'Open it with "wb": that begins anew.',
        ),
        Mistake(
            renamed_before_it_is_closed,
            "You rename before everything is written: Python still holds the last bytes in a "
            "buffer. After a power cut at that moment a file cut short has the real name. Put "
            "`os.replace` behind the `with` block.",
        ),
        Mistake(
            synced_without_a_flush,
            "`os.fsync` puts onto the disk what the system has, and it does not have everything: "
            "Python holds the last bytes in a buffer. Call `stream.flush()` first.",
        ),
        Mistake(
            never_synced,
            "All is written and renamed, and perhaps none of it is on the disk yet: the system "
            "writes when it likes. A power cut can leave the new name with nothing behind it. "
            "Before you rename: `stream.flush()`, then `os.fsync(stream.fileno())`.",
        ),
        Mistake(
            copied_to_its_name,
            "The file does not get its real name by a renaming. A copy is made byte after byte, "
            "and a power cut leaves half of it under the real name: use `os.replace`.",
        ),
        Mistake(
            moved_from_another_folder,
            "You write in another folder, which may be on another disk. From one disk to another "
            "nothing can be renamed: `os.replace` raises, and `shutil.move` copies byte after "
            "byte. Write in the folder of `file`, beside it.",
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
            "holds numbers and nothing else, so that row i begins at byte 2 · d_in · i: write "
            "`.tobytes()` of each batch.",
        ),
        Mistake(
            saved_by_torch,
            "You used PyTorch's own format, a zip archive with a header of its own. Here the file "
            "holds numbers and nothing else: write `.numpy().astype(...).tobytes()` of each batch.",
        ),
        Mistake(
            pickled,
            "You wrote a pickle, which has a header, and which nobody should load from a stranger. "
            "Here the file holds numbers and nothing else: write `.tobytes()` of each batch.",
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
    alternatives=(with_pathlib, by_tofile, row_by_row_and_synced_when_closed),
    why="A cache of a hundred gigabytes takes hours to make and will be interrupted; a file that "
    "is never half written is what lets it go on.",
)
