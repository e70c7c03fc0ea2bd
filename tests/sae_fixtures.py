"""SAEs with nothing at its initial value, for tests of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from saeedu.sae import SAE, build_sae

D_IN, D_SAE, BATCH = 5, 11, 64

# One of every kind, with no setting at its default.
EVERY_KIND: dict[str, dict[str, Any]] = {
    "l1": {"l1_coefficient": 0.7},
    "l1_unit_rows": {"l1_coefficient": 0.6},
    "top_k": {"k": 4, "k_aux": 3, "aux_coefficient": 0.25, "dead_after": 77},
    "batch_top_k": {"k": 3, "k_aux": 1, "dead_after": 78, "threshold_rate": 0.5},
    "matryoshka": {"k": 2, "widths": [2, 6, D_SAE], "aux_coefficient": 0.0},
    "gated": {"l1_coefficient": 0.5},
    "jump_relu": {"l0_coefficient": 0.3, "bandwidth": 0.01},
    "jump_relu_tanh": {"l0_coefficient": 0.2, "bandwidth": 0.02, "tanh_scale": 3.0},
}


def random_sae(kind: str, seed: int = 0, **sizes: int) -> SAE:
    """An SAE whose biases, norms, encoder and thresholds are all drawn at random.

    Decoder rows and encoder columns have norms of about one, as trained ones have.
    """
    sizes = {"d_in": D_IN, "d_sae": D_SAE, **sizes}
    sae = build_sae(**sizes, sparsity=kind, **EVERY_KIND[kind])
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for name, parameter in sae.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            scale = sae.d_in**-0.5 if parameter.ndim == 2 else 0.5
            parameter.copy_(drawn.abs() if name == "threshold" else drawn * scale)
        if kind in ("batch_top_k", "matryoshka"):
            sae.get_buffer("threshold").fill_(0.4)
    return sae


def draw_x(d_in: int = D_IN, batch: int = BATCH) -> torch.Tensor:
    return torch.randn(batch, d_in, generator=torch.Generator().manual_seed(5)) + 0.5


def edit_tensors(folder: Path, change: Any) -> None:
    """Apply `change` to the dictionary of a saved SAE's tensors."""
    file = folder / "sae_weights.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    change(tensors)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file)


def edit_config(folder: Path, change: Any) -> None:
    """Apply `change` to a saved SAE's configuration."""
    file = folder / "cfg.json"
    config = json.loads(file.read_text())
    change(config)
    file.write_text(json.dumps(config))
