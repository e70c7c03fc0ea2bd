"""Every architecture finds a hidden dictionary, trained by the library's own `train`."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from saeedu.data import SparseFeatures
from saeedu.numpy_sae import mmcs
from saeedu.sae import build_sae
from saeedu.sae.build import SPARSITY
from saeedu.training import TrainConfig, train

QUICK = {"n_steps": 2000, "batch_size": 256, "lr": 1e-2, "l1_warmup_steps": 400,
         "lr_decay_steps": 1000}  # fmt: skip
# A threshold is moved by the few pre-activations near it, so it needs longer, at smaller steps.
STEADY = QUICK | {"n_steps": 4000, "lr": 3e-3, "l1_warmup_steps": 800}
# What a whole batch competes for depends on the batch: large ones, and a long decay.
LARGE_BATCHES = QUICK | {"n_steps": 2500, "batch_size": 1024, "lr_decay_steps": 2250}

SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "l1": ({"l1_coefficient": 1.5}, QUICK),
    "l1_unit_rows": ({"l1_coefficient": 1.5}, QUICK),
    "top_k": ({"k": 3}, QUICK),
    "batch_top_k": ({"k": 1}, LARGE_BATCHES),
    "gated": ({"l1_coefficient": 6.0}, QUICK),
    "jump_relu": ({"l0_coefficient": 2.0, "bandwidth": 1.0}, STEADY),
    "jump_relu_tanh": ({"l0_coefficient": 0.6, "bandwidth": 1.0}, STEADY),
    "matryoshka": ({"k": 1, "widths": (48, 64)}, LARGE_BATCHES),
}


def test_no_architecture_is_left_out() -> None:
    assert SETTINGS.keys() == SPARSITY.keys()


@pytest.mark.slow
@pytest.mark.parametrize("sparsity", SETTINGS)
def test_the_truth_is_recovered(sparsity: str) -> None:
    settings, config = SETTINGS[sparsity]
    world = SparseFeatures(n_features=32, d_model=16, density=0.05, seed=0)
    x = torch.tensor(world.sample(50_000).x, dtype=torch.float32)
    sae = build_sae(16, 64, sparsity, **settings)
    train(sae, x, TrainConfig(**config))
    assert mmcs(world.directions, sae.W_dec.detach().numpy()) >= 0.97
