"""Runs a learner's code so that nothing it does outlives the check.

A runaway loop ends at a time limit, printing is captured, and what the code changed around it is
put back and reported (see `surroundings`).
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import io
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from saeedu.grading.exercise import Call, Implementation
from saeedu.grading.surroundings import kept
from saeedu.grading.trace import showable

_PRINT_LIMIT = 4_000
_GRACE_SECONDS = 1.0


class TimeUp(BaseException):
    """Raised inside the learner's code when its time is up.

    Not an `Exception`, so that `except Exception` in a loop cannot swallow it.
    """


@dataclass
class Outcome:
    """What one implementation did on one call."""

    value: Any = None
    error: BaseException | None = None
    changed_inputs: list[int] = field(default_factory=list)
    """Positions of the arguments that it changed in place."""

    @property
    def clean(self) -> bool:
        """Whether it returned, and left its inputs alone."""
        return self.error is None and not self.changed_inputs


@dataclass
class Run:
    """What an implementation did on all calls, and to its surroundings."""

    outcomes: list[Outcome] = field(default_factory=list)
    printed: str = ""
    disturbed: list[str] = field(default_factory=list)
    """What it changed around it, in words; already put back."""
    timed_out: bool = False
    still_running: bool = False
    """It could not be stopped (a long call into compiled code) and runs on in the background."""
    seconds: float = 0.0


def run(
    implementation: Implementation,
    calls: list[Call],
    observe: Callable[[Implementation, Call], Any],
    seconds: float,
) -> Run:
    """Observe an implementation on every call; stop at the first that raises.

    **Arguments:** `seconds`, the limit for all calls together.
    **Returns:** a `Run`; it never raises what the implementation raised.
    """
    result = Run()

    def work() -> None:
        for call in calls:
            private = copy.deepcopy(call)
            outcome = Outcome()
            result.outcomes.append(outcome)
            try:
                try:
                    outcome.value = observe(implementation, private)
                finally:
                    originals.restore(result.disturbed)  # before any line of ours needs them
                outcome.value = _detached(outcome.value)
                outcome.changed_inputs = _changed_positions(private, call)
            except BaseException as error:  # SystemExit and KeyboardInterrupt included
                outcome.error = error
                with contextlib.suppress(Exception):
                    outcome.changed_inputs = _changed_positions(private, call)
                return

    started = time.perf_counter()
    with kept(result.disturbed) as originals, _captured_prints(result):
        thread = threading.Thread(target=work, name="saeedu-check", daemon=True)
        thread.start()
        try:
            thread.join(seconds)
            if thread.is_alive():
                result.timed_out = True
        finally:
            # Also when the learner interrupts the kernel while the check waits.
            if thread.is_alive():
                result.still_running = not _stop(thread)
    result.seconds = time.perf_counter() - started
    return result


def _detached(value: Any) -> Any:
    if isinstance(value, Coroutine):
        value.close()  # or Python complains, somewhere else, that nobody awaited it
    # An answer may be a view of an input, or of a buffer that the next call overwrites.
    try:
        return copy.deepcopy(value)
    except Exception:
        return value  # e.g. a generator: the comparison names it


def _stop(thread: threading.Thread) -> bool:
    """Raise `TimeUp` in the thread until it ends; False if it does not within the grace time."""
    deadline = time.perf_counter() + _GRACE_SECONDS
    while thread.is_alive() and time.perf_counter() < deadline:
        # Repeated, because a bare `except:` inside the learner's loop swallows one.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeUp)
        )
        thread.join(0.05)
    return not thread.is_alive()


def _changed_positions(private: Call, call: Call) -> list[int]:
    pairs = zip(private.args, call.args, strict=True)
    return [i for i, (now, was) in enumerate(pairs) if _changed(now, was)]


def _changed(now: Any, was: Any) -> bool:
    if isinstance(was, (list, tuple)):
        return len(now) != len(was) or any(map(_changed, now, was))
    if isinstance(was, dict):
        return now.keys() != was.keys() or any(_changed(now[key], was[key]) for key in was)
    if hasattr(was, "state_dict"):  # a torch module: compare its parameters and buffers
        return _changed(dict(now.state_dict()), dict(was.state_dict()))
    if hasattr(was, "detach"):  # a torch tensor, without importing torch
        now, was = now.detach().cpu().numpy(), was.detach().cpu().numpy()
    if isinstance(was, np.ndarray):
        same_kind = now.shape == was.shape and now.dtype == was.dtype
        return not (same_kind and now.tobytes() == was.tobytes())  # bytes: NaN equals itself
    return False  # numbers and strings cannot be changed in place; functions are not data


class _Bounded(io.TextIOBase):
    """A text stream that keeps the first few thousand characters and counts the rest."""

    encoding = "utf-8"

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []
        self.length = 0

    def write(self, text: str) -> int:
        room = _PRINT_LIMIT - self.length
        if room > 0:
            self.kept.append(text[:room])
        self.length += len(text)
        return len(text)

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Stay open: what is printed after `sys.stdout.close()` must not raise."""

    def isatty(self) -> bool:
        return False

    def text(self) -> str:
        kept = showable("".join(self.kept))
        if self.length > _PRINT_LIMIT:
            kept += f"\n... and {self.length - _PRINT_LIMIT:,} more characters"
        return kept


@contextlib.contextmanager
def _captured_prints(result: Run) -> Iterator[None]:
    stream = _Bounded()
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        yield
    result.printed = stream.text()
