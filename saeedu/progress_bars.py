"""One kind of progress bar for all that takes long."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm


def progress_bar(
    total: int | None, unit: str, description: str, initial: int = 0, disable: bool = False
) -> Any:
    """A progress bar with a rate and the time left.

    In a notebook it is plain text on standard output. The other kind, a widget, leaves an error
    message in its place when a saved notebook is opened again, and standard error is drawn on red.

    **Arguments:** `total`, in units, None when it is not known; `unit`, such as "tok";
    `description`, shown before the bar; `initial`, units done already; `disable`, to show nothing.
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
        initial=initial,
        disable=disable,
    )


@contextlib.contextmanager
def without_transformers_bars() -> Iterator[None]:
    """Load a model without transformers' own bars: three of them for a few seconds' work.

    **Returns:** a context; afterwards bars are shown as before.
    """
    from transformers import modeling_gguf_pytorch_utils
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    # The .gguf reader's bar ignores that switch, so it is taken out by name where it has this name.
    gguf_bar = getattr(modeling_gguf_pytorch_utils, "tqdm", None)
    modeling_gguf_pytorch_utils.tqdm = lambda iterable, **_: iterable
    try:
        yield
    finally:
        if gguf_bar is None:
            del modeling_gguf_pytorch_utils.tqdm
        else:
            modeling_gguf_pytorch_utils.tqdm = gguf_bar
        if shown:
            logging.enable_progress_bar()
