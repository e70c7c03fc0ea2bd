"""Reporting a run to Weights & Biases, only when asked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal


class ReportError(RuntimeError):
    """Weights & Biases cannot be used; the message says what to do."""


@contextlib.contextmanager
def wandb_report(
    mode: Literal["off", "offline", "online"], project: str, folder: Path, config: dict[str, Any]
) -> Iterator[Callable[[dict[str, Any]], None] | None]:
    """A function that reports a step's numbers, for `train`; None when the mode is "off".

    **Arguments:** `mode`: "off", "offline" (files in `folder`/wandb, to be sent later with
    `wandb sync`) or "online"; `project`; `folder`, the run's; `config`, shown beside the curves.
    **Raises:** `ReportError` when the package is missing or the service refuses.
    """
    if mode == "off":
        yield None
        return
    try:
        import wandb
    except ImportError:
        raise ReportError(
            'wandb is not installed. Run: pip install wandb, or set output.wandb to "off"'
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    # The folder's name is the run's id: a resumed run goes on with the same curves.
    identity = "".join(c if c.isalnum() or c in "-_" else "-" for c in folder.resolve().name)
    try:
        run = wandb.init(
            mode=mode, project=project, dir=str(folder), config=config, id=identity, resume="allow",
            settings=wandb.Settings(silent=True, console="off"),
        )  # fmt: skip
    except Exception as error:  # their errors have no common class that lasts over versions
        raise ReportError(
            f"Weights & Biases refused the run ({error}). Log in with `wandb login`, or set "
            'output.wandb to "offline" or "off"'
        ) from error
    try:
        yield lambda row: run.log(row, step=row["step"])
    finally:
        run.finish()
