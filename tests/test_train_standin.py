"""Training the stand-in: however often it is stopped, it ends with the same weights."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from scripts.standin.checkpoints import CheckpointError, load_checkpoint, save_checkpoint
from scripts.standin.recipe import Recipe
from scripts.standin.training import CHECKPOINT, Run
from tests.standin_fixtures import RECIPE, SHAPE, no_measure, token_stories, trained


def assert_same(run: Run, other: Run) -> None:
    assert run.losses == other.losses
    for (name, mine), theirs in zip(
        run.network.state_dict().items(), other.network.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, theirs), name


def test_a_resumed_run_ends_with_the_same_weights_bit_for_bit(tmp_path: Path) -> None:
    interrupted = Run(RECIPE, token_stories(), tmp_path / "b")
    interrupted.train(no_measure, stop_at=3)
    interrupted.save()
    interrupted.train(no_measure, stop_at=5)  # two more steps, which are lost
    assert_same(trained(tmp_path / "a"), trained(tmp_path / "b"))


def test_dropout_is_drawn_again_as_it_was_and_not_while_measuring(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, dropout=0.3)
    interrupted = Run(recipe, token_stories(), tmp_path / "b")
    interrupted.train(no_measure, stop_at=3)
    interrupted.save()
    whole = trained(tmp_path / "a", recipe)
    assert_same(whole, trained(tmp_path / "b", recipe))
    assert whole.losses[0] != trained(tmp_path / "c").losses[0]

    tokens = torch.from_numpy(whole.rows.batch(2)[0])
    same = []
    Run(recipe, token_stories(), tmp_path / "d").train(
        lambda network: float(same.append(torch.equal(network(tokens), network(tokens))) or 0), 4
    )
    assert same == [True, True, True]
    assert not torch.equal(whole.network(tokens), whole.network(tokens))


def test_a_run_that_was_killed_ends_with_the_same_weights(tmp_path: Path) -> None:
    killed = """
import os, signal
from pathlib import Path
from tests.standin_fixtures import RECIPE, Run, token_stories
def die(network): os.kill(os.getpid(), signal.SIGKILL)
Run(RECIPE, token_stories(), Path(os.environ["FOLDER"])).train(die, 4, save_seconds=0.0)
"""
    environment = os.environ | {"FOLDER": str(tmp_path / "b")}
    done = subprocess.run([sys.executable, "-c", killed], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    found = load_checkpoint(tmp_path / "b" / CHECKPOINT)
    assert found is not None
    assert len(found[1]["losses"]) == 3
    assert_same(trained(tmp_path / "a"), trained(tmp_path / "b"))


def test_a_finished_run_is_left_alone(tmp_path: Path) -> None:
    run = trained(tmp_path)
    before = (tmp_path / CHECKPOINT).read_bytes()
    assert_same(trained(tmp_path), run)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_the_end_can_be_moved_until_the_decay_begins(tmp_path: Path) -> None:
    begun = Run(RECIPE, token_stories(), tmp_path / "b")
    begun.train(no_measure, stop_at=5)
    begun.save()
    later = Recipe(SHAPE, warmup=2, decline=((5, 1.0), (7, 0.3), (12, 0.0)), rows=3)
    assert_same(trained(tmp_path / "a", later), trained(tmp_path / "b", later))
    with pytest.raises(CheckpointError, match="other settings"):
        Run(RECIPE, token_stories(), tmp_path / "b")


def test_another_recipe_does_not_take_over_a_folder(tmp_path: Path) -> None:
    trained(tmp_path)
    with pytest.raises(CheckpointError, match="other settings"):
        Run(Recipe(SHAPE, warmup=2, decline=RECIPE.decline, rows=4), token_stories(), tmp_path)


def test_a_checkpoint_is_the_old_one_until_the_new_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / CHECKPOINT
    save_checkpoint(path, {"a": torch.ones(2)}, {"step": 1})

    def power_cut(descriptor: int) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(os, "fsync", power_cut)
    with pytest.raises(OSError, match="power cut"):
        save_checkpoint(path, {"a": torch.zeros(2)}, {"step": 2})
    found = load_checkpoint(path)
    assert found is not None
    assert found[1] == {"step": 1}
    assert torch.equal(found[0]["a"], torch.ones(2))


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    trained(tmp_path)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="Move it away"):
        Run(RECIPE, token_stories(), tmp_path)


def test_training_learns(tmp_path: Path) -> None:
    recipe = Recipe(SHAPE, warmup=5, decline=((20, 1.0), (40, 0.0)), rows=8)
    losses = trained(tmp_path, recipe).losses
    assert np.mean(losses[-5:]) < np.mean(losses[:3]) - 1
