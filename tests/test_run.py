"""`saeedu train` from a file to an evaluated SAE, over one process and over two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from saeedu.checkpoints import checkpoint_files, read_checkpoint
from saeedu.cli import main
from saeedu.metrics import evaluate_reconstruction
from saeedu.run import run_training
from saeedu.run_config import parse_config
from saeedu.sae import TopKSAE, load_sae
from tests.lm_fixtures import CONTEXT, D_MODEL, documents, make_model_folder

ROOT = Path(__file__).parent.parent
HOOK = "blocks.1.hook_resid_pre"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model, some texts and the run's file."""
    folder = tmp_path_factory.mktemp("inputs")
    make_model_folder(folder / "model")
    (folder / "texts").mkdir()
    for i, document in enumerate(documents(20)):
        (folder / "texts" / f"{i:02}.txt").write_text(document, "utf-8")
    return folder


def values(inputs: Path, **data: object) -> dict:
    return {
        "data": {
            "model": str(inputs / "model"),
            "text": str(inputs / "texts"),
            "hook": HOOK,
            "context": CONTEXT,
            "held_out": 0.2,
            "held_out_tokens": 256,
            "buffer_size": 512,
            "contexts_per_batch": 4,
            **data,
        },
        "sae": {"expansion": 4, "settings": {"k": 4}},
        "train": {
            "n_steps": 40, "batch_size": 64, "lr": 3e-3, "l1_warmup_steps": 0,
            "lr_decay_steps": 10,
        },
        "output": {"checkpoint_every": 10},
    }  # fmt: skip


def write(inputs: Path, folder: Path, **data: object) -> str:
    file = folder / "run.json"
    file.write_text(json.dumps(values(inputs, **data)))
    return str(file)


def test_a_file_becomes_an_evaluated_sae(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write(inputs, tmp_path)
    assert main(["train", run, "--folder", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "explained_variance" in told
    sae = load_sae(tmp_path / "out" / "sae")
    assert isinstance(sae, TopKSAE)
    assert (sae.d_in, sae.d_sae, sae.k) == (D_MODEL, 4 * D_MODEL, 4)
    evaluation = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert evaluation["hook"] == HOOK
    assert 0 < evaluation["l0"] <= 4
    assert evaluation["explained_variance"] > 0.3
    assert evaluation["cross_entropy_clean"] < evaluation["cross_entropy_with_sae"]
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["train"]["n_steps"] == 40
    assert len((tmp_path / "out" / "metrics.csv").read_text().splitlines()) == 41


@pytest.mark.parametrize("cached", [False, True])
def test_a_run_cut_off_and_resumed_is_the_same_run(
    inputs: Path, tmp_path: Path, cached: bool
) -> None:
    data = {"cache": str(tmp_path / "cache"), "cached_tokens": 1_000} if cached else {}

    def config(folder: str, n_steps: int = 40) -> object:
        plain = values(inputs, **data)
        plain["output"]["folder"] = str(tmp_path / folder)
        return parse_config(plain, "test")

    run_training(config("whole"))
    run_training(config("cut"))
    for late in checkpoint_files(tmp_path / "cut" / "checkpoints")[1:]:
        late.unlink()  # as if it had been killed after step 30
    assert read_checkpoint(checkpoint_files(tmp_path / "cut" / "checkpoints")[0]).step == 30
    run_training(config("cut"), resume=True)
    for name in ("evaluation.json", "metrics.jsonl", "sae/sae_weights.safetensors"):
        ours, theirs = (tmp_path / run / name for run in ("cut", "whole"))
        assert ours.read_bytes() == theirs.read_bytes(), name


@pytest.mark.slow
def test_two_processes_read_and_train_as_one(inputs: Path, tmp_path: Path) -> None:
    run = write(inputs, tmp_path)
    main(["train", run, "--folder", str(tmp_path / "one")])
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
        "-m", "saeedu", "train", run, "--folder", str(tmp_path / "two"),
    ]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    one, two = (load_sae(tmp_path / name / "sae") for name in ("one", "two"))
    for ours, theirs in zip(two.parameters(), one.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_the_saved_sae_takes_the_models_own_activations(inputs: Path, tmp_path: Path) -> None:
    from saeedu.activations import collect_activations, pack_tokens
    from saeedu.language_model import load_language_model
    from saeedu.text import load_text

    plain = values(inputs)
    plain["output"]["folder"] = str(tmp_path / "out")
    evaluation = run_training(parse_config(plain, "test"))
    model = load_language_model(str(inputs / "model"))
    _, held_out = load_text(str(inputs / "texts")).split(0.2, 0)
    x = collect_activations(model, pack_tokens(model, held_out, CONTEXT, 256), HOOK).x
    measured = evaluate_reconstruction(load_sae(tmp_path / "out" / "sae"), x)
    assert measured.explained_variance == pytest.approx(evaluation["explained_variance"], abs=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hook": "blocks.9.hook_resid_pre"}, "blocks.9.hook_resid_pre"),
        ({"context": 4_000}, "context is 4000"),
        ({"text": "no_such_folder"}, "no_such_folder"),
        ({"model": "no_such_model"}, "no_such_model"),
        ({"buffer_size": 10}, "buffer_size is 10"),
    ],
)
def test_what_cannot_be_run_is_one_sentence_and_exit_code_2(
    inputs: Path,
    tmp_path: Path,
    change: dict,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = write(inputs, tmp_path, **change)
    assert main(["train", run, "--folder", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("saeedu train: ")
    assert message in error
    assert "Traceback" not in error


def test_an_sae_that_cannot_be_built_names_the_section(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = values(inputs)
    plain["sae"]["settings"] = {"k": 4, "l1_coefficient": 1.0}
    (tmp_path / "run.json").write_text(json.dumps(plain))
    run = [str(tmp_path / "run.json"), "--folder", str(tmp_path / "out")]
    assert main(["train", *run]) == 2
    assert "sae: TopKSAE has no setting 'l1_coefficient'" in capsys.readouterr().err


def test_a_folder_in_use_is_refused_and_show_prints_the_defaults(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = [write(inputs, tmp_path), "--folder", str(tmp_path / "out")]
    assert main(["train", *run]) == 0
    assert main(["train", *run]) == 2
    assert "--resume" in capsys.readouterr().err
    assert main(["train", *run, "--resume"]) == 0
    capsys.readouterr()
    assert main(["train", "--show"]) == 0
    assert json.loads(capsys.readouterr().out)["sae"]["sparsity"] == "top_k"
