"""`saeedu progress`: which exercises are solved, chapter by chapter."""

from __future__ import annotations

import argparse
import json

from saeedu.commands.errors import say
from saeedu.commands.progress_warnings import progress_complaints

HELP = "show which exercises you have solved"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; exit code 1 when the progress file is damaged or cannot be read."""
    import saeedu
    from saeedu.grading.check import progress_table

    with progress_complaints() as complaints:
        if arguments.json:
            say(json.dumps(progress_table(), indent=1, ensure_ascii=False))
        else:
            saeedu.progress()
    return 1 if complaints else 0
