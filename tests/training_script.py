"""A run for tests to kill, resume and share out: `python -m tests.training_script FOLDER l1`."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from saeedu import distributed
from saeedu.checkpoints import checkpoint_files, read_checkpoint
from saeedu.data import SparseFeatures
from saeedu.sae import SAE, build_sae
from saeedu.training import CHECKPOINTS, TrainConfig, train

CONFIG = TrainConfig(
    n_steps=120,
    batch_size=64,
    lr=3e-3,
    lr_warmup_steps=10,
    l1_warmup_steps=20,
    lr_decay_steps=30,
    revive_every=25,
    dead_after=640,
    max_grad_norm=30.0,
    seed=3,
)


def data() -> torch.Tensor:
    return torch.tensor(SparseFeatures(24, 12, density=0.06, seed=0).sample(1_000).x).float()


def fresh(sparsity: str) -> SAE:
    settings = {
        "l1": {"l1_coefficient": 2.0},
        "batch_top_k": {"k": 2, "dead_after": 640},
        "jump_relu": {"l0_coefficient": 0.5, "bandwidth": 0.5},
    }[sparsity]
    return build_sae(12, 40, sparsity, seed=1, **settings)


def main(folder: Path, sparsity: str) -> None:
    torch.set_num_threads(1)
    with distributed.process_group():
        train(fresh(sparsity), data(), CONFIG, folder, checkpoint_every=7, resume=True)


def final_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """All that the finished run's last checkpoint holds: weights, Adam, curves, data order."""
    last = read_checkpoint(checkpoint_files(folder / CHECKPOINTS)[-1])
    assert last.step == CONFIG.n_steps
    return last.tensors


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
    distributed.leave()
