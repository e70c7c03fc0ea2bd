"""One kind of progress bar for all that takes long."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


def progress_bar(total: int, unit: str, description: str) -> Any:
    """A progress bar with a rate and the time left.

    In a notebook it is plain text on standard output. The other kind, a widget, leaves an error
    message in its place when a saved notebook is opened again, and standard error is drawn on red.

    **Arguments:** `total`, in units; `unit`, such as "tok"; `description`, shown before the bar.
    **Returns:** a tqdm bar, to be used with `with`.
    """
    in_notebook = "ipykernel" in sys.modules
    return tqdm(
        total=total,
        unit=unit,
        desc=description,
        file=sys.stdout if in_notebook else sys.stderr,
        mininterval=0.5,
        ncols=100,
    )
