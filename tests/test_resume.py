"""A run that was killed and resumed ends with the very weights of one that was not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from saeedu import checkpoints
from saeedu.checkpoints import Checkpoint, CheckpointError, checkpoint_files, read_checkpoint
from saeedu.sae import SAE
from saeedu.training import CHECKPOINTS, TrainConfig, train
from saeedu.training_log import CSV, JSONL
from tests.training_script import CONFIG, data, final_tensors, fresh

ROOT = Path(__file__).parent.parent


class Interrupted(Exception):
    pass


def stop_after(monkeypatch: pytest.MonkeyPatch, sae: SAE, steps: int) -> None:
    """Make the SAE's loss fail after so many steps, as a kill would."""
    taken = 0
    loss = sae.loss

    def failing(*arguments: object) -> object:
        nonlocal taken
        if taken == steps:
            raise Interrupted
        taken += 1
        return loss(*arguments)

    monkeypatch.setattr(sae, "loss", failing)


def assert_equal(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


@pytest.mark.parametrize("sparsity", ["l1", "batch_top_k", "jump_relu"])
def test_interrupted_three_times_and_resumed(
    sparsity: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = fresh(sparsity)
    history = train(undisturbed, data(), CONFIG, tmp_path / "undisturbed")
    for steps in (9, 40, 23):
        sae = fresh(sparsity)
        stop_after(monkeypatch, sae, steps)
        with pytest.raises(Interrupted):
            train(sae, data(), CONFIG, tmp_path / "run", checkpoint_every=7, resume=True)
    sae = fresh(sparsity)
    resumed = train(sae, data(), CONFIG, tmp_path / "run", checkpoint_every=7, resume=True)

    assert_equal(dict(sae.state_dict()), dict(undisturbed.state_dict()))
    assert_equal(resumed.tensors(), history.tensors())
    assert_equal(final_tensors(tmp_path / "run"), final_tensors(tmp_path / "undisturbed"))
    for name in (JSONL, CSV):
        logs = [(tmp_path / run / name).read_text() for run in ("run", "undisturbed")]
        assert logs[0] == logs[1], name
    rows = [json.loads(line) for line in (tmp_path / "run" / JSONL).read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(CONFIG.n_steps))
    assert [row["total"] for row in rows] == resumed.total
    assert len(checkpoint_files(tmp_path / "run" / CHECKPOINTS)) == checkpoints.KEPT


@pytest.mark.slow
def test_killed_at_twenty_random_moments(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.training_script"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}

    def start(folder: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*command, str(folder), "l1"], env=environment, cwd=ROOT, stderr=subprocess.DEVNULL
        )

    began = time.monotonic()
    assert start(tmp_path / "undisturbed").wait() == 0
    whole = time.monotonic() - began
    rng = np.random.default_rng(0)
    kills = 0
    for _ in range(60):
        process = start(tmp_path / "run")
        # Mostly within the run, sometimes while Python starts or the last files are written.
        try:
            assert process.wait(whole * rng.uniform(0.5, 1.0)) == 0
            if kills:
                break
            # Never killed: the machine is faster now than when the whole run was timed.
            shutil.rmtree(tmp_path / "run")
            whole /= 2
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            if kills == 20:
                assert start(tmp_path / "run").wait() == 0
                break
    assert kills > 0
    assert_equal(final_tensors(tmp_path / "run"), final_tensors(tmp_path / "undisturbed"))


def test_resuming_a_finished_run_gives_its_sae_and_changes_nothing(tmp_path: Path) -> None:
    finished = fresh("l1")
    train(finished, data(), CONFIG, tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    again = fresh("l1")
    history = train(again, data(), CONFIG, tmp_path, resume=True)
    assert len(history) == CONFIG.n_steps
    assert_equal(dict(again.state_dict()), dict(finished.state_dict()))
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


SHORT = TrainConfig(n_steps=4, batch_size=64, l1_warmup_steps=1, lr_decay_steps=0)


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    train(fresh("l1"), data(), SHORT, tmp_path)
    with pytest.raises(CheckpointError, match=r"holds a run already.*resume=True"):
        train(fresh("l1"), data(), SHORT, tmp_path)


def test_a_run_with_other_settings_is_refused_by_name(tmp_path: Path) -> None:
    train(fresh("l1"), data(), SHORT, tmp_path)
    other = TrainConfig(n_steps=4, batch_size=64, l1_warmup_steps=1, lr_decay_steps=0, lr=0.5)
    with pytest.raises(CheckpointError, match=r"config lr = 0\.001, but this one has 0\.5"):
        train(fresh("l1"), data(), other, tmp_path, resume=True)
    with pytest.raises(CheckpointError, match="sae class = 'ReLUSAE'"):
        train(fresh("jump_relu"), data(), SHORT, tmp_path, resume=True)
    with pytest.raises(CheckpointError, match="source activations_fingerprint"):
        train(fresh("l1"), data() + 1, SHORT, tmp_path, resume=True)


def test_a_damaged_newest_checkpoint_is_set_aside_for_the_one_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = fresh("l1")
    train(undisturbed, data(), CONFIG)
    sae = fresh("l1")
    stop_after(monkeypatch, sae, 30)
    with pytest.raises(Interrupted):
        train(sae, data(), CONFIG, tmp_path, checkpoint_every=7)
    newest = checkpoint_files(tmp_path / CHECKPOINTS)[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    sae = fresh("l1")
    train(sae, data(), CONFIG, tmp_path, resume=True)
    assert_equal(dict(sae.state_dict()), dict(undisturbed.state_dict()))
    assert f"{newest.name} is damaged or cut short" in capsys.readouterr().out
    assert newest.with_suffix(".damaged").is_file()


def test_files_that_are_no_checkpoints_are_named(tmp_path: Path) -> None:
    for content in (b"", b"not a checkpoint at all, but long enough to look like one"):
        file = tmp_path / "step-00000001.safetensors"
        file.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"step-00000001.safetensors is damaged"):
            read_checkpoint(file)
        with pytest.raises(CheckpointError, match=r"no checkpoint in .* can be read"):
            checkpoints.newest_checkpoint(tmp_path)


def test_a_full_disk_leaves_the_earlier_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Checkpoint(1, {"a": torch.arange(5)}, {"b": 0.1})
    checkpoints.write_checkpoint(tmp_path, first)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"No space left.*Earlier checkpoints are untouched"):
        checkpoints.write_checkpoint(tmp_path, first._replace(step=2))
    monkeypatch.undo()
    found = checkpoints.newest_checkpoint(tmp_path)
    assert found is not None
    assert found.step == 1
    assert torch.equal(found.tensors["a"], first.tensors["a"])
    assert found.facts == {"b": 0.1}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-00000001.safetensors"]
