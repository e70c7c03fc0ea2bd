from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import filelock
import numpy as np
import pytest
import torch

from saeedu import activation_cache, cache_writing
from saeedu.activation_cache import ActivationCache, CacheError, read_header, shard_file
from saeedu.activation_sources import IdentityError
from saeedu.activations import collect_activations, normalising_constant
from saeedu.cache_writing import cache_activations
from saeedu.language_model import LanguageModel, load_language_model
from saeedu.text import Text
from saeedu.token_stream import BosPolicy, TokenStream
from tests.lm_fixtures import documents, make_model_folder

HOOK = "blocks.1.hook_resid_pre"
STORIES = Text("stories", tuple(documents()))
N = 3000
SHARD = 250

# In Python 3.12 forking warns about threads; our child only writes files and is killed.
forks = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    return load_language_model(str(make_model_folder(folder)), device="cpu")


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_writing, "SHARD_ROWS", SHARD)


def write(
    model: LanguageModel, folder: Path, n: int = N, endless: bool = True, **options: Any
) -> ActivationCache:
    stream = TokenStream(model, STORIES, context=16, endless=endless)
    return cache_activations(model, stream, HOOK, folder, n, contexts_per_batch=4, **options)


@pytest.fixture(scope="module")
def undisturbed(model: LanguageModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache_writing, "SHARD_ROWS", SHARD)
        folder = tmp_path_factory.mktemp("caches") / "undisturbed"
        write(model, folder)
    return folder


def test_a_shard_is_closed_after_as_many_rows_as_asked(
    model: LanguageModel, tmp_path: Path
) -> None:
    cache = write(model, tmp_path / "cache", n=500, shard_rows=100)
    header = json.loads((tmp_path / "cache" / "cache.json").read_text("utf-8"))
    rows = [shard["rows"] for shard in header["shards"]]
    assert len(rows) > 3
    assert all(100 <= n < 100 + 4 * 16 for n in rows[:-1])  # whole batches of contexts
    assert sum(rows) == len(cache)
    with pytest.raises(ValueError, match="shard_rows is 0"):
        write(model, tmp_path / "other", shard_rows=0)


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "lock"}


@pytest.fixture
def copy(undisturbed: Path, tmp_path: Path) -> Path:
    shutil.copytree(undisturbed, tmp_path / "copy")
    return tmp_path / "copy"


# What is in it


def test_a_cache_holds_what_collecting_in_memory_gives(
    model: LanguageModel, undisturbed: Path
) -> None:
    cache = ActivationCache(undisturbed)
    assert N <= len(cache) < N + 4 * 15
    tokens = TokenStream(model, STORIES, 16).next_contexts(1000)
    expected = collect_activations(model, tokens, HOOK, batch_size=4).x[: len(cache)]
    assert torch.equal(cache.read(0, len(cache)), expected)
    for start, stop in [(0, 1), (SHARD - 3, SHARD + 40), (700, 1900), (N - 1, N), (5, 5)]:
        assert torch.equal(cache.read(start, stop), expected[start:stop])
    assert cache.normalising_constant == pytest.approx(normalising_constant(expected), rel=1e-5)


def test_a_shard_is_plain_little_endian_floats(undisturbed: Path) -> None:
    cache = ActivationCache(undisturbed)
    rows = np.fromfile(undisturbed / "shard-00000.bin", "<f4").reshape(-1, cache.d_in)
    assert torch.equal(torch.from_numpy(rows), cache.read(0, len(rows)))


def test_float16_takes_half_and_keeps_three_digits(
    model: LanguageModel, undisturbed: Path, tmp_path: Path
) -> None:
    whole = ActivationCache(undisturbed)
    half = write(model, tmp_path / "half", dtype="float16")
    assert half.n_bytes * 2 == whole.n_bytes
    expected = whole.read(0, len(whole))
    torch.testing.assert_close(half.read(0, len(half)), expected, rtol=1e-3, atol=1e-4)


def test_an_activation_that_float16_cannot_hold_is_said_to_be_too_large(
    model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = torch.full((60, 16), 1e5)
    monkeypatch.setattr(cache_writing, "read_kept", lambda *_: big)
    with pytest.raises(CacheError, match=r"is 100000, too large for float16\. Write .*float32"):
        write(model, tmp_path / "half", dtype="float16")


def test_a_text_that_ends_gives_a_shorter_cache(model: LanguageModel, tmp_path: Path) -> None:
    tokens = TokenStream(model, STORIES, 16, endless=False).next_contexts(10_000)
    cache = write(model, tmp_path / "all", n=10**5, endless=False)
    assert len(cache) == len(collect_activations(model, tokens, HOOK).x)
    again = write(model, tmp_path / "all", n=10**5, endless=False)
    assert again.identity() == cache.identity()


def test_a_text_too_short_for_one_context_is_an_error(model: LanguageModel, tmp_path: Path) -> None:
    stream = TokenStream(model, Text("a word", ("dog",)), 16, endless=False)
    with pytest.raises(CacheError, match="a word is too short for one context of 16 tokens"):
        cache_activations(model, stream, HOOK, tmp_path / "none", 100)


# Going on


def in_child(action: Callable[[], Any], seconds: float | None = None) -> int:
    """Run in a forked process, killed after so many seconds. **Returns:** its wait status."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
            os._exit(0)
        except BaseException:
            os._exit(1)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def counting_lines(at_line: Callable[[int], None]) -> Callable[..., Any]:
    """A trace function that reports each line of the writer that is about to run."""
    n = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal n
        if frame.f_code.co_filename != cache_writing.__file__:
            return None
        if event == "line":
            n += 1
            at_line(n)
        return trace

    return trace


@forks
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_between_any_two_lines_it_resumes_to_the_same_bytes(
    model: LanguageModel, undisturbed: Path, tmp_path: Path
) -> None:
    lines = []
    sys.settrace(counting_lines(lines.append))
    try:
        write(model, tmp_path / "traced")
    finally:
        sys.settrace(None)
    expected, whole = content(undisturbed), read_header(undisturbed)
    assert content(tmp_path / "traced") == expected
    assert whole is not None
    draw = random.Random(0)
    for kill in [draw.randrange(1, len(lines)) for _ in range(6)]:
        folder = tmp_path / f"killed-{kill}"

        def write_and_die(folder: Path = folder, kill: int = kill) -> None:
            def die(n: int) -> None:
                if n == kill:
                    os.kill(os.getpid(), signal.SIGKILL)

            sys.settrace(counting_lines(die))
            write(model, folder)

        assert in_child(write_and_die) == signal.SIGKILL
        header = read_header(folder)
        if header is not None:  # whatever is listed is whole
            assert header.shards == whole.shards[: len(header.shards)]
            for i in range(len(header.shards)):
                assert shard_file(folder, i).read_bytes() == expected[shard_file(folder, i).name]
        write(model, folder)
        assert content(folder) == expected


@forks
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_twenty_random_moments_it_ends_with_the_same_bytes(
    model: LanguageModel, undisturbed: Path, tmp_path: Path
) -> None:
    """From outside and at any moment; finished shards only ever grow in number."""
    folder = tmp_path / "killed"
    draw = random.Random(1)
    finished = 0
    for _ in range(20):
        in_child(lambda: write(model, folder), seconds=draw.uniform(0, 0.15))
        header = read_header(folder)
        assert header is None or len(header.shards) >= finished
        finished = 0 if header is None else len(header.shards)
    write(model, folder)
    assert content(folder) == content(undisturbed)


def test_a_finished_cache_is_opened_and_not_written(
    model: LanguageModel, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it can lie on a read-only disk."""
    monkeypatch.setattr(cache_writing, "_write_whole", None)
    monkeypatch.setattr(cache_writing.filelock, "FileLock", None)
    assert len(write(model, undisturbed)) >= N
    assert len(write(model, undisturbed, n=N // 2)) >= N


def test_a_cache_can_be_extended(model: LanguageModel, copy: Path, tmp_path: Path) -> None:
    before = ActivationCache(copy)
    first, n_before, identity = before.read(0, len(before)), len(before), before.identity()
    longer = write(model, copy, n=2 * N)
    assert len(longer) >= 2 * N
    assert torch.equal(longer.read(0, n_before), first)
    whole = write(model, tmp_path / "at once", n=len(longer))
    assert torch.equal(longer.read(0, len(longer)), whole.read(0, len(longer)))
    assert longer.identity()["cache_fingerprint"] != identity["cache_fingerprint"]


@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_a_lost_shard_is_made_anew_and_the_others_are_kept(
    model: LanguageModel, undisturbed: Path, copy: Path, damage: str
) -> None:
    file = shard_file(copy, 3)
    others = {f.name: f.stat().st_mtime_ns for f in copy.glob("*.bin") if f != file}
    file.unlink() if damage == "missing" else os.truncate(file, 100)
    write(model, copy)
    assert content(copy) == content(undisturbed)
    assert {f.name: f.stat().st_mtime_ns for f in copy.glob("*.bin") if f != file} == others


# Refusals


def test_a_cache_of_other_activations_is_refused_by_the_field_that_differs(
    model: LanguageModel,
    undisturbed: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = content(undisturbed)

    def attempt(
        model: LanguageModel = model,
        text: Text = STORIES,
        context: int = 16,
        bos: BosPolicy = "every context",
        hook: str = HOOK,
        dtype: str = "float32",
        contexts_per_batch: int = 4,
    ) -> str:
        stream = TokenStream(model, text, context, bos)
        with pytest.raises(IdentityError) as caught:
            cache_activations(model, stream, hook, undisturbed, N, contexts_per_batch, dtype)
        assert str(caught.value).endswith("Choose another folder, or delete this one.")
        return str(caught.value)

    retrained = make_model_folder(tmp_path_factory.mktemp("other") / "tiny", seed=1)
    renamed = make_model_folder(tmp_path_factory.mktemp("other") / "small")
    hook = "blocks.2.hook_resid_pre"
    cut = Text("stories", STORIES.documents[1:])
    assert "its model_fingerprint is" in attempt(load_language_model(str(retrained), "cpu"))
    assert "its model is 'tiny', here it is 'small'" in attempt(
        load_language_model(str(renamed), "cpu")
    )
    assert f"its hook is '{HOOK}', here it is '{hook}'" in attempt(hook=hook)
    assert "its context is 16, here it is 8" in attempt(context=8)
    assert "its bos is 'every context', here it is 'documents'" in attempt(bos="documents")
    assert "its text is 'stories', here it is 'tales'" in attempt(text=Text("tales", ("a",)))
    assert "its text_fingerprint is" in attempt(text=cut)
    assert "its dtype is 'float32', here it is 'float16'" in attempt(dtype="float16")
    assert "its contexts_per_batch is 4, here it is 8" in attempt(contexts_per_batch=8)
    monkeypatch.setattr(model, "mode", "raw")
    assert "here it is 'raw'" in attempt()
    assert content(undisturbed) == before


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: os.truncate(file, 4000), r"shard-00002.bin has 4,000 bytes, but should have"),
        (lambda file: file.unlink(), "shard-00002.bin is missing"),
    ],
)
def test_a_truncated_shard_is_named_when_the_cache_is_opened(
    copy: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(shard_file(copy, 2))
    with pytest.raises(CacheError, match=message + ".* it alone will be made anew"):
        ActivationCache(copy)


def test_one_flipped_bit_is_found_before_the_shard_is_used(copy: Path) -> None:
    file = shard_file(copy, 2)
    altered = bytearray(file.read_bytes())
    altered[len(altered) // 2] ^= 1
    file.write_bytes(altered)
    cache = ActivationCache(copy)
    cache.read(0, 400)  # of whole shards
    with pytest.raises(CacheError, match=r"shard-00002.bin is not what was written"):
        cache.read(400, 1000)
    with pytest.raises(
        CacheError, match=r"Delete shard-00002\.bin and run cache_activations again"
    ):
        cache.verify()


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("{", "cache.json is damaged .* Delete the folder"),
        ("[]", "is damaged"),
        ('{"format": 1, "shards": []}', "is damaged"),
        ('{"format": 2}', "written by another version of saeedu"),
    ],
)
def test_a_header_that_is_not_one_is_refused(copy: Path, header: str, message: str) -> None:
    (copy / "cache.json").write_text(header)
    with pytest.raises(CacheError, match=message):
        ActivationCache(copy)


def test_a_cache_that_is_missing_or_unfinished_is_not_opened(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="holds no activation cache"):
        ActivationCache(tmp_path)
    header = json.loads((copy / "cache.json").read_text())
    header["finished"] = False
    (copy / "cache.json").write_text(json.dumps(header))
    with pytest.raises(CacheError, match=r"is not finished: it has 3,\d\d\d activations so far"):
        ActivationCache(copy)


def test_a_folder_of_something_else_is_left_alone(model: LanguageModel, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(CacheError, match=r"is not empty and holds no cache: there is thesis.tex"):
        write(model, tmp_path)
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["thesis.tex"]


def test_two_writers_do_not_meet_in_one_folder(model: LanguageModel, tmp_path: Path) -> None:
    folder = tmp_path / "busy"
    folder.mkdir()
    with filelock.FileLock(folder / "lock"), pytest.raises(CacheError, match="another process is"):
        write(model, folder)
    assert len(write(model, folder)) >= N


@pytest.mark.parametrize("n_before", [0, 1, 2, 9, 20])
@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "is full. Finished shards are kept: make room and run"),
        (errno.EROFS, "is read-only. Choose another, or change its permissions"),
        (errno.EIO, "could not be written .* run the same again to go on"),
    ],
)
def test_a_disk_that_refuses_is_one_error_and_nothing_is_lost(
    model: LanguageModel,
    undisturbed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    n_before: int,
    number: int,
    message: str,
) -> None:
    calls = 0
    fsync = os.fsync

    def refuse(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > n_before:
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    folder = tmp_path / "cache"
    with monkeypatch.context() as patch:
        patch.setattr(cache_writing.os, "fsync", refuse)
        with pytest.raises(CacheError, match=message):
            write(model, folder)
    assert not list(folder.glob("*.part"))
    write(model, folder)
    assert content(folder) == content(undisturbed)


def test_a_disk_too_small_is_said_before_the_work(
    model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=64_000)
    monkeypatch.setattr(cache_writing.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(CacheError, match=r"room for 1,000 activations in all\. Make room, ask for"):
        write(model, tmp_path / "cache")


def test_sizes_and_types_that_cannot_be_meant_are_refused(
    model: LanguageModel, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="dtype is 'int8', must be one of"):
        write(model, tmp_path / "cache", dtype="int8")
    with pytest.raises(ValueError, match="n_activations is 0, must be 1 or more"):
        write(model, tmp_path / "cache", n=0)
    assert activation_cache.read_header(tmp_path / "cache") is None
