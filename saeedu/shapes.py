"""Array types and shape checks, so that a wrong axis is named where it enters."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

P = ParamSpec("P")
R = TypeVar("R")


class ShapeError(ValueError):
    """An array's axes do not fit the function that it was given to."""


def shaped(**axes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Check the named arguments' axes on every call: `@shaped(x="batch d_in", b_dec="d_in")`.

    An axis name stands for one size throughout a call, so two arguments that share an axis must
    agree on it.

    **Arguments:** for each argument of the function, its axis names separated by spaces.
    **Returns:** a decorator.
    **Raises:** when the function is called, `ShapeError` that names the argument, its shape, and
    the axis that disagrees.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(*args, **kwargs)
            _require(function.__name__, axes, bound.arguments)
            return function(*args, **kwargs)

        return checked

    return decorate


def _require(function_name: str, axes: dict[str, str], arguments: dict[str, Any]) -> None:
    sizes: dict[str, tuple[int, str]] = {}
    for argument, spec in axes.items():
        if argument not in arguments:
            continue
        names = spec.split()
        shape = np.shape(arguments[argument])
        if len(shape) != len(names):
            raise ShapeError(
                f"{function_name}: {argument} has shape {list(shape)}, but it needs "
                f"{len(names)} axes [{', '.join(names)}]"
            )
        for name, size in zip(names, shape, strict=True):
            known, owner = sizes.setdefault(name, (size, argument))
            if known != size:
                raise ShapeError(
                    f"{function_name}: axis {name} is {size} in {argument} {list(shape)} "
                    f"but {known} in {owner}"
                )
