"""`saeedu check`: run notebooks without a browser and print how each exercise went."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from saeedu.commands.errors import complain, os_error_sentence, say
from saeedu.commands.tables import print_table

if TYPE_CHECKING:
    from saeedu.headless import NotebookReport, Row

HELP = "run notebooks and print a table of their exercises"

WORDS = {
    "passed": "✓ passed",
    "not_attempted": "○ not attempted",
    "wrong": "✗ wrong",
    "raised": "✗ raised",
    "not_reached": "- not reached",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("notebooks", nargs="+", metavar="NOTEBOOK", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object a notebook")
    parser.add_argument(
        "--timeout", type=_seconds, default=600, metavar="SECONDS", help="a cell (default: 600)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command: 1 when an answer is wrong or a notebook breaks off, 2 for bad input."""
    from saeedu.headless import NotANotebookError, run_notebook

    code = 0
    for path in arguments.notebooks:
        if sys.stderr.isatty():
            complain(f"running {path} ...")  # it may take minutes, and the table comes at its end
        try:
            report = run_notebook(path, arguments.timeout)
        except (NotANotebookError, OSError) as error:
            why = os_error_sentence(error) if isinstance(error, OSError) else str(error)
            complain(f"saeedu check: {why}")
            if arguments.json:
                say(json.dumps({"notebook": str(path), "problem": why}, ensure_ascii=False))
            code = 2
            continue
        if arguments.json:
            say(json.dumps(report.as_json(), ensure_ascii=False))
        else:
            _print(report)
        if report.failed:
            code = max(code, 1)
    return code


def _print(report: NotebookReport) -> None:
    passed = sum(row.status == "passed" for row in report.exercises)
    title = f"{report.notebook}: {passed} of {len(report.exercises)} passed"
    if report.exercises:
        rows = [
            (row.exercise, WORDS.get(row.status, row.status), row.mistake or "", _brief(row))
            for row in report.exercises
        ]
        print_table(title, ("exercise", "state", "mistake", "message"), rows, folded="message")
    else:
        say(f"{report.notebook}: no exercises; {len(report.errors)} cells raised an error")
    reached = {row.message for row in report.exercises}
    for error in report.errors:
        if error["error"] not in reached:
            say(f"cell {error['cell']}: {error['error']}")
    if report.problem:
        complain(f"saeedu check: {report.notebook}: {report.problem}")


def _brief(row: Row) -> str:
    return "" if row.status in ("passed", "not_attempted") else row.message


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of seconds above 0")
    return int(text)
