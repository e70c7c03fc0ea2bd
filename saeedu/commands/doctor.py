"""`saeedu doctor`: whether this computer has what the course needs, and what to do if not."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from saeedu.commands.errors import say
from saeedu.commands.tables import print_table

HELP = "look at this computer, and say what is missing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; exit code 1 when the NumPy chapters could not run here."""
    from saeedu.examination import examine

    findings = examine()
    broken = [finding for finding in findings if finding.status == "problem"]
    if arguments.json:
        say(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
        return 1 if broken else 0
    rows = [
        (f.what, f.status, f"{f.found}\n→ {f.remedy}" if f.remedy else f.found) for f in findings
    ]
    print_table("saeedu doctor", ("what", "status", "found"), rows, folded="found")
    optional = sum(finding.status == "optional" for finding in findings)
    if broken:
        say(f"{len(broken)} to mend before chapter 00: {', '.join(f.what for f in broken)}.")
    elif optional:
        say("Ready for the NumPy chapters (00 to 05). What is marked optional is for later ones.")
    else:
        say("Ready for every chapter.")
    return 1 if broken else 0
