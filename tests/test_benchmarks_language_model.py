"""The benchmarks that read a language model run without other libraries; no time is looked at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import end_to_end, harvest

pytestmark = pytest.mark.slow  # start processes that import torch and transformers
SMALL = "--size tiny --turns 2 --batches 4 --threads 1 --without-peers"


def test_harvesting_counts_every_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    harvest.main([*SMALL.split(), "--json", str(tmp_path / "results.json")])
    results = json.loads((tmp_path / "results.json").read_text())
    assert set(results) == {"source", "collect", "bare"}
    for result in results.values():
        assert result["tokens_a_turn"] == 4 * 16 * 128
        assert len(result["ms"]) == 2
    assert "collect" in capsys.readouterr().out


def test_end_to_end_trains_on_every_activation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    end_to_end.main([*SMALL.split(), "--json", str(tmp_path / "results.json")])
    [(name, result)] = json.loads((tmp_path / "results.json").read_text()).items()
    assert name == "saeedu"
    assert result["tokens_a_turn"] == 8 * 1024
    assert len(result["ms"]) == 2
    assert "activations/s" in capsys.readouterr().out


def test_a_rate_is_over_all_turns_together() -> None:
    # 2,000 tokens in 4 s, however unequal the turns.
    results = {"it": {"tokens_a_turn": 1000, "ms": [1000, 3000]}}
    assert harvest.rates(results) == {"it": 500}
