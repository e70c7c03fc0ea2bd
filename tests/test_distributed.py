"""Two processes that share each batch end with the weights of one that takes it whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from saeedu import distributed
from saeedu.training import train
from tests.training_script import CONFIG, data, final_tensors, fresh

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
@pytest.mark.parametrize("sparsity", ["l1", "jump_relu"])
def test_two_gloo_processes_equal_one_with_twice_the_batch(sparsity: str, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
        "-m", "tests.training_script", str(tmp_path / "two"), sparsity,
    ]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    train(fresh(sparsity), data(), CONFIG, tmp_path / "one")
    one, two = final_tensors(tmp_path / "one"), final_tensors(tmp_path / "two")
    for name in one:
        if name.startswith("sae.") or name == "history.l0":
            torch.testing.assert_close(two[name], one[name], rtol=1e-5, atol=1e-5, msg=name)


def test_alone_nothing_is_shared() -> None:
    batch = torch.randn(6, 3)
    assert distributed.my_share(batch).equal(batch)
    assert distributed.averaged(batch).equal(batch)
    assert (distributed.rank(), distributed.world_size()) == (0, 1)


def test_a_batch_that_cannot_be_shared_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "world_size", lambda: 4)
    with pytest.raises(ValueError, match="batch_size is 6, which 4 processes cannot share evenly"):
        distributed.my_share(torch.randn(6, 3))
