"""Run a folder of notebooks with nbmake, and count from the ledger what every exercise said.

`python -m scripts.run_notebooks notebooks`: as shipped. Every exercise must come up exactly once,
as *not attempted*, or, where the notebook ships a wrong answer to mend, as that very mistake.
`python -m scripts.run_notebooks solutions`: strictly. Every exercise must pass exactly once.
As shipped, the language model is a tiny GPT-2 in a made-up hub cache; the solutions run on the
real one that is installed. Chapters 00 to 05 run where torch cannot be imported: they promise to
need NumPy alone.
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

import pytest

from saeedu.grading import all_exercises
from saeedu.grading.exercise import Exercise
from tests.lm_fixtures import make_hub_cache

CELL_SECONDS = 900
LAST_NUMPY_CHAPTER = "05"


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
            # Two threads wait for each other: on a shared machine that can take ten times as long.
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        }
        if folder == "notebooks":
            # As shipped, through the hub's own path and in seconds; the solutions run on the
            # stand-in that comes with the course.
            make_hub_cache(Path(scratch) / "hub", context=96)
            environment["HF_HUB_CACHE"] = str(Path(scratch) / "hub")
        without_torch = environment | {"PYTHONPATH": str(block_torch(Path(scratch)))}
        files = sorted(Path(folder).glob("*.ipynb"))
        numpy_alone = [file for file in files if file.name[:2] <= LAST_NUMPY_CHAPTER]
        for surroundings, chosen in (
            (without_torch, numpy_alone),
            (environment, [file for file in files if file not in numpy_alone]),
        ):
            command = [sys.executable, "-m", "pytest", "--nbmake", "--durations=0"]
            command += [f"--nbmake-timeout={CELL_SECONDS}", *extra, *map(str, chosen)]
            ran = subprocess.run(command, env=surroundings, check=False).returncode
            nothing_chosen = extra and ran == pytest.ExitCode.NO_TESTS_COLLECTED
            if ran and not nothing_chosen:
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


def block_torch(folder: Path) -> Path:
    """A folder that, first on the path, makes `import torch` fail."""
    package = folder / "no_torch" / "torch"
    package.mkdir(parents=True)
    reason = f"chapters 00 to {LAST_NUMPY_CHAPTER} must not import torch"
    (package / "__init__.py").write_text(f"raise RuntimeError({reason!r})\n", "utf-8")
    return package.parent


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
