"""Write a trained network as a folder that transformers loads as GPT-2, in half precision."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from tokenizers import Tokenizer
from torch import Tensor

from scripts.standin.checkpoints import write_atomically
from scripts.standin.network import Network, Shape
from scripts.standin.tokens import save_tokenizer
from scripts.standin.training import BOS

# The names of a block's parts, ours and those of transformers' GPT-2.
PARTS = {
    "ln_1": "ln_1",
    "attn_in": "attn.c_attn",
    "attn_out": "attn.c_proj",
    "ln_2": "ln_2",
    "mlp_in": "mlp.c_fc",
    "mlp_out": "mlp.c_proj",
}
OTHERS = {"embedding": "wte", "positions": "wpe", "ln_f": "ln_f"}


class ExportError(RuntimeError):
    """The network cannot be exported; the message says why."""


def export_model(network: Network, tokenizer: Tokenizer, folder: Path) -> None:
    """Write config.json, model.safetensors and the tokenizer's files.

    **Arguments:** `network`, trained; `tokenizer`, of the same vocabulary; `folder`, made when
    missing.
    **Raises:** `ExportError` when a weight does not fit float16.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = gpt2_weights(network)
    for name, weight in weights.items():
        if not torch.isfinite(weight).all():
            raise ExportError(f"{name} has values that float16 cannot hold")
    write_atomically(folder / "model.safetensors", save(weights, metadata={"format": "pt"}))
    text = json.dumps(gpt2_config(network.shape), indent=2) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")
    save_tokenizer(tokenizer, folder, network.shape.context)


def gpt2_weights(network: Network) -> dict[str, Tensor]:
    """The weights under transformers' names, in float16.

    Its GPT-2 keeps matrices as [in, out], the transpose of `nn.Linear`'s. The head is left out:
    it is the embedding.

    **Returns:** tensors by name.
    """
    weights: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        if name.startswith("blocks."):
            _, block, part, kind = name.split(".")
            matrix = tensor.ndim == 2
            weights[f"transformer.h.{block}.{PARTS[part]}.{kind}"] = tensor.T if matrix else tensor
        else:
            part, kind = name.split(".")
            weights[f"transformer.{OTHERS[part]}.{kind}"] = tensor
    return {name: tensor.half().contiguous() for name, tensor in weights.items()}


def digest_of_export(folder: Path) -> str:
    """The SHA-256 of an export's weights file, in hexadecimal."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def weights_of_export(folder: Path) -> dict[str, Tensor]:
    """Read an export's weights back, under the names and in the shapes of `Network`.

    **Arguments:** `folder`, as `export_model` writes it.
    **Returns:** tensors by name, in float32: float16's values, exactly.
    """
    theirs = load_file(folder / "model.safetensors")
    names = {theirs: ours for ours, theirs in (PARTS | OTHERS).items()}
    weights: dict[str, Tensor] = {}
    for name, tensor in theirs.items():
        _, *path, kind = name.split(".")
        matrix = path[0] == "h" and tensor.ndim == 2
        where = ["blocks", path[1]] if path[0] == "h" else []
        part = names[".".join(path[2:] if where else path)]
        weights[".".join([*where, part, kind])] = (tensor.T if matrix else tensor).float()
    return weights


def gpt2_config(shape: Shape) -> dict[str, Any]:
    """The configuration that transformers reads.

    Its `dtype` is what to compute in: the weights are stored in float16, but a CPU is slow in it.

    **Returns:** a dictionary fit for JSON.
    """
    return {
        "activation_function": "gelu_new",
        "architectures": ["GPT2LMHeadModel"],
        "attn_pdrop": 0.0,
        "bos_token_id": BOS,
        "dtype": "float32",
        "embd_pdrop": 0.0,
        "eos_token_id": BOS,
        "layer_norm_epsilon": 1e-05,
        "model_type": "gpt2",
        "n_embd": shape.d_model,
        "n_head": shape.n_heads,
        "n_layer": shape.n_layers,
        "n_positions": shape.context,
        "resid_pdrop": 0.0,
        "tie_word_embeddings": True,
        "vocab_size": shape.vocabulary,
    }
