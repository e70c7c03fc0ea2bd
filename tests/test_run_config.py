"""A run's file: read whole, or refused with the place, the name and the nearest known name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from saeedu.run_config import ConfigError, RunConfig, parse_config, read_config
from saeedu.train_config import TrainConfig

TOML = """
[data]
model = "stand-in"
context = 64
[sae]
sparsity = "top_k"
expansion = 8
settings = { k = 16 }
[train]
n_steps = 50
lr = 1e-3
max_grad_norm = 1
l1_warmup_steps = 10
lr_decay_steps = 0
"""


def test_toml_and_json_give_the_same_run_and_defaults_fill_the_rest(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(TOML)
    run = read_config(tmp_path / "run.toml")
    assert run.data.model == "stand-in"
    assert run.sae.settings == {"k": 16}
    assert run.train == TrainConfig(
        n_steps=50, lr=1e-3, max_grad_norm=1.0, l1_warmup_steps=10, lr_decay_steps=0
    )
    assert run.output == RunConfig().output
    (tmp_path / "run.json").write_text(json.dumps(run.to_dict()))
    assert read_config(tmp_path / "run.json") == run


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"trian": {}}, r"x has no 'trian'; it has .* Did you mean 'train'\?"),
        ({"train": {"n_step": 3}}, r"x: train has no 'n_step'; .* Did you mean 'n_steps'\?"),
        ({"train": {"n_steps": "many"}}, r"x: train.n_steps is 'many': .*integer"),
        ({"train": {"n_steps": 2.5}}, r"x: train.n_steps is 2.5"),
        ({"train": {"lr": -1.0}}, r"x: train: .*lr is -1.0, must be positive"),
        ({"train": {"revive_every": -1}}, r"revive_every is -1"),
        ({"train": {"lr_warmup_steps": 5_000}}, r"lr_warmup_steps is 5000"),
        ({"train": {"max_grad_norm": 0.0}}, r"max_grad_norm is 0.0"),
        ({"data": {"context": 1}}, r"x: data: context is 1, must be 2 or more"),
        ({"data": {"held_out": 1.5}}, r"held_out is 1.5"),
        ({"output": {"wandb": "yes"}}, r"x: output.wandb is 'yes': .*'off'.*'offline'"),
        ({"sae": []}, r"x: sae must be a table"),
        ([], r"x must be a table"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(values: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_config(values, "x")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent.json does not exist"):
        read_config(tmp_path / "absent.json")
    for name, content in {"a.json": b"{", "b.toml": b"= 3", "c.json": b"\xff\xfe"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ConfigError, match=name):
            read_config(tmp_path / name)
