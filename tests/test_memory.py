from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_text() -> None:
    """A tenth of the distance of benchmarks/memory.py: 4 bytes lost a token would show."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", "--marks", "500000", "5000000"],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )
    assert done.returncode == 0, done.stderr
    for way, result in json.loads(done.stdout).items():
        assert result["ratio"] < 1.05, (way, result)
