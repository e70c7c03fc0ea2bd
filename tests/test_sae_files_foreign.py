"""Folders as SAELens writes them, made by hand, against its formulas written in NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from saeedu.sae import GatedSAE, JumpReLUSAE, ReLUSAE, TopKSAE, load_sae

D_IN, D_SAE, K, BATCH = 6, 13, 4, 50
Weights = dict[str, np.ndarray]


def weights(architecture: str) -> Weights:
    rng = np.random.default_rng(3)
    shapes = {"W_enc": (D_IN, D_SAE), "W_dec": (D_SAE, D_IN), "b_dec": (D_IN,)}
    biases = ("b_gate", "b_mag", "r_mag") if architecture == "gated" else ("b_enc",)
    shapes |= dict.fromkeys(biases, (D_SAE,))
    drawn = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    if architecture == "jumprelu":
        drawn["threshold"] = rng.uniform(0, 1, D_SAE).astype(np.float32)
    return drawn


def write(folder: Path, tensors: Weights, **config: Any) -> Path:
    folder.mkdir()
    save_file(tensors, folder / "sae_weights.safetensors")
    written = {
        "d_in": D_IN,
        "d_sae": D_SAE,
        "dtype": "float32",
        "device": "cuda",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {"sae_lens_version": "6.18.0", "training_architecture": "matryoshka_batchtopk"},
    }
    (folder / "cfg.json").write_text(json.dumps(written | config))
    return folder


def latents_of(architecture: str, w: Weights, x: np.ndarray, weigh: bool) -> np.ndarray:
    """SAELens' encoders, given x as they see it (with or without b_dec taken off)."""
    if architecture == "gated":
        on = x @ w["W_enc"] + w["b_gate"] > 0
        return on * np.maximum(x @ (w["W_enc"] * np.exp(w["r_mag"])) + w["b_mag"], 0)
    pre_acts = x @ w["W_enc"] + w["b_enc"]
    if architecture == "jumprelu":
        return np.maximum(pre_acts, 0) * (pre_acts > w["threshold"])
    if architecture == "topk":
        if weigh:
            pre_acts = pre_acts * np.linalg.norm(w["W_dec"], axis=1)
        kth = np.sort(pre_acts, axis=1)[:, [-K]]
        return np.maximum(pre_acts, 0) * (pre_acts >= kth)
    return np.maximum(pre_acts, 0)


@pytest.mark.parametrize("subtracts", [True, False])
@pytest.mark.parametrize(
    ("architecture", "weigh", "expected_class"),
    [
        ("standard", False, ReLUSAE),
        ("topk", False, TopKSAE),
        ("topk", True, TopKSAE),
        ("jumprelu", False, JumpReLUSAE),
        ("gated", False, GatedSAE),
    ],
)
def test_a_folder_of_saelens_computes_saelens_formulas(
    tmp_path: Path, architecture: str, weigh: bool, expected_class: type, subtracts: bool
) -> None:
    """Also with the two conventions that ours lack, which loading folds into the weights."""
    w = weights(architecture)
    more = {"k": K, "rescale_acts_by_decoder_norm": weigh} if architecture == "topk" else {}
    folder = write(
        tmp_path / "theirs", w, architecture=architecture, apply_b_dec_to_input=subtracts, **more
    )
    (folder / "sparsity.safetensors").write_bytes(b"not looked at")
    sae = load_sae(folder)
    assert type(sae) is expected_class
    x = np.random.default_rng(4).normal(size=(BATCH, D_IN)).astype(np.float32)
    wide = {name: tensor.astype(np.float64) for name, tensor in w.items()}
    seen = x - wide["b_dec"] if subtracts else x.astype(np.float64)
    latents = latents_of(architecture, wide, seen, weigh)
    rows = wide["W_dec"]
    if weigh:
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert 0 < (latents > 0).mean() < 1
    found = sae.encode(torch.from_numpy(x))
    np.testing.assert_allclose(found.detach().numpy(), latents, atol=1e-5)
    x_hat = sae.decode(found).detach().numpy()
    np.testing.assert_allclose(x_hat, latents @ rows + wide["b_dec"], atol=2e-5)


def test_a_decoder_row_of_zeros_weighs_nothing(tmp_path: Path) -> None:
    w = weights("topk")
    w["W_dec"][2] = 0
    w["b_enc"][2] = 100  # by far the largest, were it not weighed
    more = {"architecture": "topk", "k": K, "rescale_acts_by_decoder_norm": True}
    sae = load_sae(write(tmp_path / "theirs", w, **more))
    latents = sae.encode(torch.randn(8, D_IN))
    assert torch.isfinite(sae(torch.randn(8, D_IN))).all()
    assert not latents[:, 2].any()


def test_a_published_gpt2_sae_has_an_older_config(tmp_path: Path) -> None:
    """The fields are those of gpt2-small-res-jb, from before SAELens 6, which has no architecture.

    Its weights have been published with a scaling factor of ones, which SAELens drops too.
    """
    w = weights("standard")
    folder = write(tmp_path / "theirs", w | {"scaling_factor": np.ones(D_SAE, np.float32)})
    old = {
        "model_name": "gpt2-small",
        "hook_point": "blocks.8.hook_resid_pre",
        "hook_point_layer": 8,
        "hook_point_head_index": None,
        "d_in": D_IN,
        "d_sae": D_SAE,
        "expansion_factor": 32,
        "l1_coefficient": 8e-5,
        "lr": 4e-4,
        "dtype": "torch.float32",
        "context_size": 128,
    }
    (folder / "cfg.json").write_text(json.dumps(old))
    sae = load_sae(folder)
    assert type(sae) is ReLUSAE
    np.testing.assert_array_equal(sae.W_enc.detach().numpy(), w["W_enc"])


def test_an_older_topk_names_its_k_among_the_activations_arguments(tmp_path: Path) -> None:
    config = {"activation_fn": "topk", "activation_fn_kwargs": {"k": K}, "metadata": {}}
    sae = load_sae(write(tmp_path / "theirs", weights("topk"), **config))
    assert isinstance(sae, TopKSAE)
    assert sae.k == K
