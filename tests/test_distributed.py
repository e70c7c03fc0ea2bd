"""Two processes that share each batch end with the weights of one that takes it whole."""

from __future__ import annotations

import os
import signal
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


@pytest.mark.parametrize("by_torchrun", [True, False])
def test_a_process_of_several_leaves_before_its_threads_can_abort_it(by_torchrun: bool) -> None:
    script = (
        "import atexit, os; atexit.register(os.abort)\n"
        "from saeedu import distributed; print('written'); distributed.leave()"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TORCHELASTIC_RUN_ID"}
    if by_torchrun:
        environment["TORCHELASTIC_RUN_ID"] = "none"
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True)
    assert done.returncode == (0 if by_torchrun else -signal.SIGABRT)
    if by_torchrun:
        assert done.stdout.split() == [b"written"]  # what was printed is not lost
