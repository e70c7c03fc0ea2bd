"""Run a folder of notebooks with nbmake, and count from the ledger what every exercise said.

`python -m scripts.run_notebooks notebooks`: as shipped. Every exercise must come up exactly once,
as *not attempted*, or, where the notebook ships a wrong answer to mend, as that very mistake.
`python -m scripts.run_notebooks solutions`: strictly. Every exercise must pass exactly once.
Further arguments go to pytest, e.g. `-k 04`.
"""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from saeedu.grading import all_exercises
from saeedu.grading.exercise import Exercise

CELL_SECONDS = 900


def main(arguments: list[str]) -> int:
    """Run one of the two folders; **Returns:** the exit code."""
    if not arguments or arguments[0] not in ("notebooks", "solutions"):
        print("usage: python -m scripts.run_notebooks notebooks|solutions [pytest arguments]")
        return 2
    folder, extra = arguments[0], arguments[1:]
    with tempfile.TemporaryDirectory() as scratch:
        ledger = Path(scratch) / "ledger.jsonl"
        environment = os.environ | {
            "SAEEDU_LEDGER": str(ledger),
            "SAEEDU_HOME": scratch,
            "SAEEDU_STRICT": "1" if folder == "solutions" else "0",
            "HF_HUB_OFFLINE": "1",  # what a learner without a network has: nothing may reach out
        }
        command = [sys.executable, "-m", "pytest", "--nbmake", folder, "--durations=0", *extra]
        command += [f"--nbmake-timeout={CELL_SECONDS}"]
        ran = subprocess.run(command, env=environment, check=False).returncode
        if ran:
            return ran
        lines = ledger.read_text("utf-8").splitlines() if ledger.exists() else []
        entries = [json.loads(line) for line in lines]
    chapters = {path.name[:2] for path in Path(folder).glob("*.ipynb")}
    if extra:  # part of the course was asked for: count only what came up
        chapters = {entry["chapter"] for entry in entries}
    exercises = [e for e in all_exercises() if e.chapter in chapters]
    problems = count(exercises, entries, shipped=folder == "notebooks")
    for problem in problems:
        print(f"{folder}: {problem}", file=sys.stderr)
    if not problems:
        print(f"{folder}: {len(exercises)} exercises came up once each, in the state they should")
    return 1 if problems else 0


def count(exercises: list[Exercise], entries: list[dict[str, Any]], shipped: bool) -> list[str]:
    """What the ledger holds that it should not, or lacks.

    **Arguments:** `shipped`, whether the notebooks hold stubs rather than solutions.
    """
    if not exercises:
        return ["no exercise came up at all"]
    found = collections.defaultdict(list)
    for entry in entries:
        found[entry["exercise"]].append((entry["status"], entry["mistake"]))
    problems = []
    for exercise in exercises:
        wanted: tuple[str, str | None]
        if not shipped:
            wanted = ("passed", None)
        elif exercise.ships is not None:
            wanted = ("wrong", exercise.ships.__name__)
        else:
            wanted = ("not_attempted", None)
        if found[exercise.id] != [wanted]:
            problems.append(
                f"{exercise.id}: expected {[wanted]}, the ledger has {found[exercise.id]}"
            )
    known = {exercise.id for exercise in exercises}
    problems += [
        f"{name} is in the ledger and not in the course" for name in found if name not in known
    ]
    return problems


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
