"""What surrounds a learner's code and may be changed by it: all of it is put back, and named."""

from __future__ import annotations

import builtins
import contextlib
import io
import math
import os
import random
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

_GUARDED: tuple[ModuleType, ...] = (builtins, math, np, np.linalg)


class Originals:
    """What the names of Python's and NumPy's own functions stood for, before the learner's code.

    `np.maximum = ...` in an answer would otherwise reach the comparison, the reference and the
    rest of the notebook.
    """

    def __init__(self) -> None:
        self._saved = [(module, dict(module.__dict__)) for module in _GUARDED]

    def restore(self, changed: list[str]) -> None:
        """Put them back, and append the names of those that had changed."""
        # No built-in function is called before all are back: any of them may be the changed one.
        for module, saved in self._saved:
            now = module.__dict__
            for name in saved:
                if name not in now or now[name] is not saved[name]:
                    now[name] = saved[name]
                    changed.append(f"`{module.__name__}.{name}`")


class _NothingToRead(io.StringIO):
    """Standard input during a check: empty, and not to be closed by `exit()`."""

    def close(self) -> None:
        pass


def _no_input(prompt: object = "") -> NoReturn:
    raise RuntimeError(
        "input() waits for somebody to type; the function's values are its arguments, use those"
    )


def _no_breakpoint(*args: object, **kwargs: object) -> NoReturn:
    raise RuntimeError(
        "breakpoint() cannot stop inside a check; call your function in a cell of its own instead"
    )


@contextlib.contextmanager
def kept(disturbed: list[str]) -> Iterator[Originals]:
    """Put back what the code inside changes, and say in words what that was.

    **Arguments:** `disturbed`, a list to which the words are appended.
    **Yields:** the `Originals`, for restoring them before the block ends.
    """
    hook, stdin, ask = sys.excepthook, sys.stdin, builtins.input
    stop = sys.breakpointhook
    sys.stdin, builtins.input = _NothingToRead(), _no_input
    sys.breakpointhook = _no_breakpoint
    originals = Originals()
    try:
        with _states(disturbed), _warning_filters(disturbed):
            try:
                yield originals
            finally:
                originals.restore(disturbed)
    finally:
        sys.stdin, builtins.input, sys.excepthook = stdin, ask, hook
        sys.breakpointhook = stop


@contextlib.contextmanager
def _warning_filters(disturbed: list[str]) -> Iterator[None]:
    with warnings.catch_warnings():
        # The learner sees a division by zero in what was printed; under a test runner that
        # turns warnings into errors the attempt still behaves as it does in a notebook.
        warnings.simplefilter("default")
        filters = warnings.filters[:]
        yield
        if warnings.filters != filters:
            disturbed.append("the warning filters")


@contextlib.contextmanager
def _states(disturbed: list[str]) -> Iterator[None]:
    torch: Any = sys.modules.get("torch")
    python_state = random.getstate()
    numpy_state = np.random.get_state()
    torch_state = torch.get_rng_state() if torch else None
    torch_dtype = torch.get_default_dtype() if torch else None
    folder, environment = os.getcwd(), dict(os.environ)
    recursion_limit = sys.getrecursionlimit()
    try:
        yield
    finally:
        if random.getstate() != python_state:
            disturbed.append("the random state of Python's `random`")
            random.setstate(python_state)
        now = np.random.get_state()
        if not all(np.array_equal(a, b) for a, b in zip(now, numpy_state, strict=True)):
            disturbed.append("NumPy's global random state (np.random.seed or np.random.*)")
            np.random.set_state(numpy_state)
        if torch and torch_state is not None:
            if not torch.equal(torch.get_rng_state(), torch_state):
                disturbed.append("PyTorch's global random state")
                torch.set_rng_state(torch_state)
            if torch.get_default_dtype() != torch_dtype:
                disturbed.append("PyTorch's default dtype")
                torch.set_default_dtype(torch_dtype)
        if _folder() != folder:
            disturbed.append("the working folder")
            os.chdir(folder)
        if dict(os.environ) != environment:
            disturbed.append("environment variables")
            os.environ.clear()
            os.environ.update(environment)
        if sys.getrecursionlimit() != recursion_limit:
            disturbed.append("the recursion limit")
            sys.setrecursionlimit(recursion_limit)


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # the learner's code went into a temporary folder, which is gone
        return None
