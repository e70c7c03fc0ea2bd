"""How much memory an attempt takes, in NumPy and in PyTorch."""

from __future__ import annotations

import tracemalloc
from types import TracebackType
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

_MAPPING = ("from_file", "from_numpy", "as_tensor", "asarray", "frombuffer")
"""Functions of PyTorch whose tensors lie in memory that is there already, or in a mapped file."""


class MemoryWatch:
    """Watches, while it is entered, the memory that Python, NumPy and PyTorch ask for.

    Of Python and NumPy it is the most that was held at once; of PyTorch, whose memory Python does
    not see, the largest tensor that was made. What is mapped from a file counts nothing.
    """

    most_bytes = 0

    def __enter__(self) -> MemoryWatch:
        self._was_tracing = tracemalloc.is_tracing()
        if not self._was_tracing:
            tracemalloc.start()
        tracemalloc.reset_peak()
        self._before = tracemalloc.get_traced_memory()[0]
        self._tensors = _NewTensors()
        self._tensors.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tensors.__exit__(kind, error, trace)
        peak = tracemalloc.get_traced_memory()[1] - self._before
        if not self._was_tracing:
            tracemalloc.stop()
        self.most_bytes = max(peak, self._tensors.largest)


class _NewTensors(TorchFunctionMode):
    """Sees the result of every function of PyTorch that is called in this thread."""

    largest = 0

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") not in _MAPPING:
            old = {_address(part) for part in _tensors_in(args)}
            for part in _tensors_in([result]):
                if _address(part) not in old:  # else it is a view
                    self.largest = max(self.largest, part.untyped_storage().nbytes())
        return result


def _tensors_in(values: Any) -> list[Tensor]:
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += _tensors_in(value)
    return found


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
