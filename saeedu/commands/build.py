"""`saeedu build`: write notebooks/ and solutions/ from the course, or check that they are fresh."""

from __future__ import annotations

import argparse
import re

from saeedu.commands.errors import CommandError, complain, say

HELP = "write notebooks/ and solutions/ from saeedu/course (for maintainers)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "chapters", nargs="*", metavar="NN", help="only these chapters, as two digits"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when a built file is not fresh"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; exit code 1 when the course cannot be built or is not fresh."""
    from saeedu import build as builder

    root = builder.COURSE_FOLDER.parent.parent
    if not (root / "pyproject.toml").is_file():
        raise CommandError(
            f"{root} is not the course's repository, so there is nothing to build; "
            f"clone it, and install it with pip install -e ."
        )
    known = {folder.name[2:4] for folder in builder.chapter_folders(builder.COURSE_FOLDER)}
    for digits in arguments.chapters:
        if not re.fullmatch(r"\d\d", digits) or digits not in known:
            raise CommandError(f"no chapter {digits!r}; there are {', '.join(sorted(known))}")
    if arguments.check and arguments.chapters:
        raise CommandError("--check looks at every chapter; leave out the numbers")
    try:
        if arguments.check:
            say(f"{builder.check_build(root)} notebooks are up to date")
            return 0
        said = builder.build(root, only=arguments.chapters)
    except builder.BuildError as error:
        complain(str(error))
        count = len(error.problems)
        complain(f"{count} problem{'s' if count > 1 else ''}; nothing was written")
        return 1
    say("\n".join(said) or "every notebook is up to date")
    return 0
