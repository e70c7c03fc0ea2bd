"""`saeedu experiment`: remake figures of the NumPy chapters, with a JSON of their numbers."""

from __future__ import annotations

import argparse
import importlib
import time
import warnings
from pathlib import Path

from saeedu.commands.errors import CommandError, complain, say

HELP = "remake a figure of the NumPy chapters, with its numbers"

EXPERIMENTS = {
    "recovery": "saeedu.experiments.recovery",
    "monosemanticity": "saeedu.experiments.monosemanticity",
    "pareto": "saeedu.experiments.pareto",
    "phase-diagram": "saeedu.experiments.phase_diagram",
}
SIZES = ("small", "medium", "sharkey")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("experiment", choices=EXPERIMENTS, help="which one")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, required=True, help="folder for figures and JSON"
    )
    parser.add_argument(
        "--size", choices=SIZES, default="small", help="of the world (default: small)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds (default: 1)")
    parser.add_argument("--steps", type=int, help="of each training, in place of the size's own")


def run(arguments: argparse.Namespace) -> int:
    """Run the command; exit code 1 when a training diverged."""
    for name in ("seeds", "steps"):
        value = getattr(arguments, name)
        if value is not None and value < 1:
            raise CommandError(f"--{name} must be at least 1, but it is {value}")
    if arguments.seed < 0:
        raise CommandError(f"--seed must be 0 or more, but it is {arguments.seed}")
    if arguments.out.exists() and not arguments.out.is_dir():
        raise CommandError(f"{arguments.out} is a file; give a folder")
    arguments.out.mkdir(parents=True, exist_ok=True)  # before minutes of work, not after

    import matplotlib as mpl

    mpl.use("agg")  # a command needs no window
    from saeedu.experiments.result import write
    from saeedu.fit_records import DivergedError, TrainingWarning

    experiment = importlib.import_module(EXPERIMENTS[arguments.experiment])
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    began = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TrainingWarning)
        try:
            result = experiment.run(arguments.size, seeds, arguments.steps)
        except DivergedError as error:
            complain(f"saeedu experiment: {error}")
            return 1
    told = [str(w.message) for w in caught if issubclass(w.category, TrainingWarning)]
    for message in dict.fromkeys(told):
        complain(f"saeedu experiment: {message}")
    for path in write(result, arguments.out):
        say(f"wrote {path}")
    say(f"{arguments.experiment}: {time.perf_counter() - began:.0f} s")
    return 0
