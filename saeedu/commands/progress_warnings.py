"""Turning what the progress file complains of into a line on standard error."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from saeedu.commands.errors import complain
from saeedu.grading.progress import ProgressWarning


@contextmanager
def progress_complaints() -> Iterator[list[str]]:
    """Collect warnings about the progress file, and say each once, after the block.

    **Returns:** a list that holds the messages once the block has ended.
    """
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield messages
        finally:
            told = [str(w.message) for w in caught if issubclass(w.category, ProgressWarning)]
            messages += dict.fromkeys(told)
            for message in messages:
                complain(f"saeedu: {message}")
