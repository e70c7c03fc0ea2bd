"""Every test runs with a folder of its own for the learner's state, and no network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before anything imports a hub client: a test that reaches for the network must fail at once.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("MPLBACKEND", "agg")
# Small matrices: on a busy machine two BLAS threads wait for each other many times longer than
# one works.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def learner_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for progress; strict mode and the ledger off."""
    home = tmp_path / "saeedu-home"
    monkeypatch.setenv("SAEEDU_HOME", str(home))
    monkeypatch.delenv("SAEEDU_STRICT", raising=False)
    monkeypatch.delenv("SAEEDU_LEDGER", raising=False)
    return home
