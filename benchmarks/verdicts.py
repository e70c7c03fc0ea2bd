"""How long a learner waits: for `import saeedu`, and for the verdict on an answer.

`python -m benchmarks.verdicts` prints the median cost of the import beyond an empty Python's, and
for the slowest exercises the median time of a verdict on a right and on an unknown wrong answer
(a wrong one is compared with every known mistake, so it is the dearest).
"""

from __future__ import annotations

import functools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from saeedu.grading import all_exercises, grade
from saeedu.grading.exercise import Exercise

REPEATS = 5
SHOWN = 8


def main() -> None:
    """Measure and print."""
    empty = median(lambda: run_python("pass"))
    whole = median(lambda: run_python("import saeedu"))
    print(f"import saeedu: {whole - empty:.2f} s beyond an empty Python's {empty:.2f} s")
    rows = [(wrong_seconds(e), right_seconds(e), e.id) for e in all_exercises()]
    print(f"\n{'exercise':<34}{'right (s)':>10}{'wrong (s)':>10}")
    for wrong, right, name in sorted(rows, reverse=True)[:SHOWN]:
        print(f"{name:<34}{right:>10.3f}{wrong:>10.3f}")
    slow = sum(max(wrong, right) > 1 for wrong, right, _ in rows)
    print(f"\n{len(rows)} exercises, {slow} of them with a verdict over one second")


def run_python(code: str) -> None:
    """A fresh interpreter that runs the code."""
    subprocess.run([sys.executable, "-c", code], check=True)


def median(action: Callable[[], Any]) -> float:
    """The median seconds of a few repeats."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def right_seconds(exercise: Exercise) -> float:
    """Seconds for the verdict on the reference's own code, as somebody's answer."""

    @functools.wraps(exercise.reference)
    def answer(*args: Any, **kwargs: Any) -> Any:
        return exercise.reference(*args, **kwargs)

    return median(lambda: grade(exercise, answer))


def wrong_seconds(exercise: Exercise) -> float:
    """Seconds for the verdict on an answer that no mistake explains."""
    return median(lambda: grade(exercise, lambda *args: 0.123456))


if __name__ == "__main__":
    main()
