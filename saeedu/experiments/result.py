"""What an experiment returns, and how it is written to a folder."""

from __future__ import annotations

import io
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from saeedu.builder.writing import write_atomically


@dataclass(frozen=True)
class Result:
    """An experiment's configuration, its numbers and its figures."""

    name: str
    configuration: Mapping[str, Any]
    """All that is needed to repeat it, seeds included."""
    numbers: Mapping[str, Any]
    figures: Mapping[str, Figure]


def write(result: Result, folder: Path) -> list[Path]:
    """Write the figures as PNG and the numbers as JSON.

    **Arguments:** `result`; `folder`, made when it does not exist.
    **Returns:** the files written; those of the same names are replaced, each at once.
    **Raises:** `OSError` when the folder cannot be written to; `ValueError` when a number is not
    finite.
    """
    document = {
        "experiment": result.name,
        "configuration": dict(result.configuration),
        "numbers": dict(result.numbers),
        "made_with": {"numpy": np.__version__, "python": platform.python_version()},
    }
    text = json.dumps(document, indent=1, default=_plain, allow_nan=False, ensure_ascii=False)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in result.figures.items():
        picture = io.BytesIO()
        figure.savefig(picture, dpi=120, format="png")
        written.append(folder / f"{result.name}-{name}.png")
        write_atomically(written[-1], picture.getvalue())
    written.append(folder / f"{result.name}.json")
    write_atomically(written[-1], (text + "\n").encode())
    return written


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no place in a JSON file")
