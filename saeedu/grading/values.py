"""Reads whatever an implementation returned: numbers, arrays, tensors, and nests of them."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator, Mapping
from pathlib import PurePath
from types import GeneratorType
from typing import Any

import numpy as np

from saeedu.shapes import Array


def is_tensor(value: Any) -> bool:
    """Whether it is a torch tensor, told without importing torch."""
    try:
        return hasattr(value, "detach") and hasattr(value, "cpu")
    except Exception:  # an object of the learner's, whose attributes raise
        return False


def is_nest(value: Any) -> bool:
    """Whether it holds several values: a tuple, a list or a mapping."""
    return isinstance(value, (tuple, list, Mapping))


def kind_of(value: Any) -> str:
    """What sort of thing it is, in a learner's words."""
    if value is None:
        return "None"
    if is_tensor(value):
        return "a torch tensor"
    if isinstance(value, np.matrix):
        return "a np.matrix"
    if isinstance(value, np.ma.MaskedArray):
        return "a masked array"
    if isinstance(value, np.ndarray):
        return "a NumPy array" if value.ndim else "a number"
    if isinstance(value, (bool, int, float, complex, np.generic)):
        return "a number"
    if isinstance(value, GeneratorType):
        return "a generator"
    if isinstance(value, Iterator):
        return f"an iterator ({type(value).__name__})"
    if isinstance(value, Coroutine):
        return "a coroutine"
    if callable(value):
        return "a function"
    names: dict[type, str] = {
        tuple: "a tuple",
        list: "a list",
        dict: "a dict",
        str: "a string",
        set: "a set",
    }
    return names.get(type(value), f"an object of type {type(value).__name__}")


def children(value: Any) -> list[tuple[str, Any]]:
    """The parts of a nest with the way to each, e.g. `("[0]", ...)`."""
    if isinstance(value, Mapping):
        return [(f"[{key!r}]", part) for key, part in value.items()]
    return [(f"[{i}]", part) for i, part in enumerate(value)]


def to_numpy(value: Any) -> Array | None:
    """A number, array or tensor as a NumPy array of its own dtype; None when it is none of them."""
    try:
        if is_tensor(value):
            value = value.detach().cpu()
            if "bfloat16" in str(value.dtype):  # NumPy has no such type
                value = value.float()
            return np.asarray(value.numpy())
        if isinstance(value, (bool, int, float, complex, np.generic, np.ndarray)):
            return np.asarray(value)
    except Exception:
        return None
    return None


def dtype_name(value: Any) -> str:
    """The dtype of an array or tensor, as its library prints it."""
    return str(getattr(value, "dtype", type(value).__name__))


def shape_text(shape: tuple[int, ...], axes: Mapping[str, int] | None = None) -> str:
    """A shape as the course writes it, with the names of the axes whose sizes are known.

    `shape_text((7, 5), {"batch": 7, "d_in": 5})` is `"[7, 5] (batch, d_in)"`.
    """
    if not shape:
        return "a single number"
    text = f"[{', '.join(map(str, shape))}]"
    by_size = {size: name for name, size in (axes or {}).items()}
    names = [by_size.get(size) for size in shape]
    if all(names):
        return f"{text} ({', '.join(str(name) for name in names)})"
    return text


def describe(value: Any) -> str:
    """An argument in a few words: its shape, or its value when it is small."""
    array = to_numpy(value)
    if array is not None and array.ndim:
        shape = f"[{', '.join(map(str, array.shape))}]"
        # "rows [9]" would read as a list with a 9 in it.
        return f"of shape {shape}" if array.ndim == 1 and array.dtype.kind in "iu" else shape
    if array is not None:
        return f"{array.item():.4g}" if array.dtype.kind == "f" else str(array.item())
    if callable(value):
        text = getattr(value, "__name__", None) or repr(value)
        if " at 0x" in text or len(text) > 60:
            return "a function" if hasattr(value, "__name__") else f"a {type(value).__name__}"
        return text
    if is_nest(value):
        return f"{kind_of(value)} of {len(value)}"
    if isinstance(value, PurePath):
        return str(value)
    return kind_of(value)
