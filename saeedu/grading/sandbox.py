"""Runs a learner's code so that nothing it does outlives the check.

A runaway loop ends at a time limit, printing is captured, and what the code changed around it
(random states, environment, working folder, warning filters) is put back and reported.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import os
import random
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from saeedu.grading.exercise import Call, Implementation

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
                outcome.value = observe(implementation, private)
                outcome.value = _detached(outcome.value)
            except BaseException as error:  # SystemExit and KeyboardInterrupt included
                outcome.error = error
            outcome.changed_inputs = [
                i for i, (now, was) in enumerate(zip(private.args, call.args, strict=True))
                if _changed(now, was)
            ]  # fmt: skip
            if outcome.error is not None:
                return

    started = time.perf_counter()
    with _surroundings(result), _captured_prints(result):
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


@contextlib.contextmanager
def _surroundings(result: Run) -> Iterator[None]:
    """Put back, and name, what the learner's code changed around it."""
    torch = sys.modules.get("torch")
    python_state = random.getstate()
    numpy_state = np.random.get_state()
    torch_state = torch.get_rng_state() if torch else None
    torch_dtype = torch.get_default_dtype() if torch else None
    folder, environment = os.getcwd(), dict(os.environ)
    recursion_limit = sys.getrecursionlimit()
    try:
        with warnings.catch_warnings():
            # The learner sees a division by zero in what was printed; under a test runner that
            # turns warnings into errors the attempt still behaves as it does in a notebook.
            warnings.simplefilter("default")
            filters = warnings.filters[:]
            yield
            if warnings.filters != filters:
                result.disturbed.append("the warning filters")
    finally:
        if random.getstate() != python_state:
            result.disturbed.append("the random state of Python's `random`")
            random.setstate(python_state)
        now = np.random.get_state()
        if not all(np.array_equal(a, b) for a, b in zip(now, numpy_state, strict=True)):
            result.disturbed.append("NumPy's global random state (np.random.seed or np.random.*)")
            np.random.set_state(numpy_state)
        if torch and torch_state is not None:
            if not torch.equal(torch.get_rng_state(), torch_state):
                result.disturbed.append("PyTorch's global random state")
                torch.set_rng_state(torch_state)
            if torch.get_default_dtype() != torch_dtype:
                result.disturbed.append("PyTorch's default dtype")
                torch.set_default_dtype(torch_dtype)
        if os.getcwd() != folder:
            result.disturbed.append("the working folder")
            os.chdir(folder)
        if dict(os.environ) != environment:
            result.disturbed.append("environment variables")
            os.environ.clear()
            os.environ.update(environment)
        if sys.getrecursionlimit() != recursion_limit:
            result.disturbed.append("the recursion limit")
            sys.setrecursionlimit(recursion_limit)


class _Bounded:
    """A text stream that keeps the first few thousand characters and counts the rest."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.length = 0

    def write(self, text: str) -> int:
        room = _PRINT_LIMIT - self.length
        if room > 0:
            self.kept.append(text[:room])
        self.length += len(text)
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False

    def text(self) -> str:
        kept = "".join(self.kept)
        if self.length > _PRINT_LIMIT:
            kept += f"\n... and {self.length - _PRINT_LIMIT:,} more characters"
        return kept


@contextlib.contextmanager
def _captured_prints(result: Run) -> Iterator[None]:
    stream = _Bounded()
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        yield
    result.printed = stream.text()
