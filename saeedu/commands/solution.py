"""`saeedu solution`: show an exercise's reference answer."""

from __future__ import annotations

import argparse

from saeedu.commands.errors import CommandError
from saeedu.commands.progress_warnings import progress_complaints

HELP = "show an exercise's reference answer"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("exercise", metavar="ID", help="an exercise, such as 04.grad_W_dec")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; exit code 1 when it could not be remembered as shown."""
    import saeedu
    from saeedu.grading import UnknownExercise

    try:
        with progress_complaints() as complaints:
            saeedu.solution(arguments.exercise)
    except UnknownExercise as error:
        raise CommandError(str(error)) from error
    return 1 if complaints else 0
