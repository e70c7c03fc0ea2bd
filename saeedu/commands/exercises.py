"""`saeedu exercises`: every exercise of the course, with what it offers."""

from __future__ import annotations

import argparse
import json

from saeedu.commands.errors import CommandError, complain, say
from saeedu.commands.tables import print_table

HELP = "list the exercises"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--chapter", metavar="NN", help="only this chapter, as two digits")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; exit code 1 when a chapter's exercises could not be loaded."""
    from saeedu.grading.exercise import Exercise
    from saeedu.grading.registry import chapters, exercises_of

    known = chapters()
    if arguments.chapter is not None and arguments.chapter not in known:
        raise CommandError(f"no chapter {arguments.chapter!r}; there are {', '.join(known)}")
    found: list[Exercise] = []
    code = 0
    for chapter in [arguments.chapter] if arguments.chapter else known:
        try:
            found += exercises_of(chapter)
        except ImportError as error:
            code = 1
            complain(
                f"saeedu exercises: chapter {chapter} is left out, since {error.name or error} "
                f"is missing; install it with pip install 'saeedu[lm]'"
            )
    rows = [
        {
            "id": exercise.id,
            "chapter": exercise.chapter,
            "title": exercise.title,
            "minutes": exercise.minutes,
            "difficulty": exercise.difficulty,
            "hints": len(exercise.hints),
            "mistakes": len(exercise.mistakes),
            "alternatives": len(exercise.alternatives),
        }
        for exercise in found
    ]
    if arguments.json:
        say(json.dumps(rows, indent=1, ensure_ascii=False))
        return code
    headings = {  # short ones leave the width to the titles
        "id": "id",
        "title": "title",
        "minutes": "min",
        "difficulty": "level",
        "hints": "hints",
        "mistakes": "mistakes",
        "alternatives": "others",
    }
    print_table(
        f"{len(rows)} exercises, {sum(exercise.minutes for exercise in found)} minutes",
        list(headings.values()),
        [[row[field] for field in headings] for row in rows],
        numbers=list(headings.values())[2:],
        folded="title",
    )
    return code
