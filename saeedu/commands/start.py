"""`saeedu start`: a personal copy of the notebooks, whose edits are never overwritten."""

from __future__ import annotations

import argparse
from pathlib import Path

from saeedu.commands.errors import CommandError, complain, say

HELP = "make a personal copy of the notebooks, or bring one up to date"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="made when it does not exist")
    parser.add_argument(
        "--update",
        action="store_true",
        help="refresh what you have not edited; put new versions beside what you have",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from saeedu.build import make
    from saeedu.personal_copy import hand_out

    folder: Path = arguments.folder.expanduser()
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"{folder} is a file; give a folder for your notebooks")
    built = make()
    files = built.files("notebooks")
    for name, package in built.incomplete.items():
        files.pop(name, None)
        complain(
            f"saeedu start: {name} is left out, since {package} is not installed; "
            f"run pip install 'saeedu[lm]', then saeedu start {folder} --update"
        )
    if not files:
        raise CommandError("this installation has no chapters; install saeedu again")
    for line in hand_out(files, folder, update=arguments.update):
        say(line)
    say(f"Open them with: jupyter lab --notebook-dir={folder}")
    return 0
