"""What a run measured, step by step, as lines in files: metrics.jsonl and metrics.csv."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import IO, Any

JSONL, CSV = "metrics.jsonl", "metrics.csv"


class MetricsLog:
    """Two files that grow by a line a step, one for programs and one for spreadsheets.

    A run that goes on from step n keeps the lines before n and drops those that came after its
    checkpoint: they are measured again.

    **Arguments:** `folder`, made when it is missing; `from_step`, the first step to be logged.
    """

    def __init__(self, folder: Path, from_step: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        kept = _rows_before(folder / JSONL, from_step)
        self._jsonl = _rewritten(folder / JSONL, "".join(json.dumps(row) + "\n" for row in kept))
        self._csv = _rewritten(folder / CSV, "")
        self._writer: csv.DictWriter[str] | None = None
        for row in kept:
            self._to_csv(row)

    def add(self, row: dict[str, Any]) -> None:
        """Write one step's numbers; all rows have the same names."""
        self._jsonl.write(json.dumps(row) + "\n")
        self._to_csv(row)
        self._jsonl.flush()
        self._csv.flush()

    def _to_csv(self, row: dict[str, Any]) -> None:
        if self._writer is None:
            self._writer = csv.DictWriter(self._csv, list(row), lineterminator="\n")
            self._writer.writeheader()
        self._writer.writerow(row)

    def close(self) -> None:
        """Close both files."""
        self._jsonl.close()
        self._csv.close()


def _rows_before(file: Path, step: int) -> list[dict[str, Any]]:
    rows = []
    if step > 0 and file.is_file():
        for line in file.read_text("utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:  # a line that a kill cut short: it is the last, and not kept
                break
            if row["step"] >= step:
                break
            rows.append(row)
    return rows


def _rewritten(file: Path, text: str) -> IO[str]:
    written = file.with_name(file.name + ".part")
    written.write_text(text, "utf-8", newline="\n")
    os.replace(written, file)
    return open(file, "a", encoding="utf-8", newline="\n")
