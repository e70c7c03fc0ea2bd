from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from saeedu.sae import (
    SAE,
    JumpReLUSAE,
    LossTerms,
    ReLUSAE,
    SAEFileError,
    TopKSAE,
    load_sae,
    save_sae,
)
from saeedu.sae.build import SPARSITY
from tests.sae_fixtures import D_IN, D_SAE, EVERY_KIND, draw_x, random_sae

WHERE = {"model_name": "gpt2", "hook_name": "blocks.8.hook_resid_pre", "context_size": 128}

# What SAELens 6 expects of each: architecture, and the tensors beyond W_enc, W_dec and b_dec.
SAELENS = {
    "l1": ("standard", {"b_enc"}),
    "l1_unit_rows": ("standard", {"b_enc"}),
    "top_k": ("topk", {"b_enc"}),
    "batch_top_k": ("jumprelu", {"b_enc", "threshold"}),
    "matryoshka": ("jumprelu", {"b_enc", "threshold"}),
    "gated": ("gated", {"b_gate", "b_mag", "r_mag"}),
    "jump_relu": ("jumprelu", {"b_enc", "threshold"}),
    "jump_relu_tanh": ("jumprelu", {"b_enc", "threshold"}),
}


def test_every_kind_of_sae_is_tried() -> None:
    assert set(EVERY_KIND) == set(SAELENS) == set(SPARSITY)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_saved_sae_comes_back_the_same(tmp_path: Path, kind: str) -> None:
    sae, x = random_sae(kind), draw_x()
    folder = sae.save(tmp_path / "runs" / "mine", **WHERE)
    loaded = SAE.load(folder)
    assert type(loaded) is type(sae)
    assert loaded.settings() == sae.settings()
    assert loaded.settings() != type(sae)(D_IN, D_SAE, **_needed(kind)).settings()
    latents = sae.encode(x)
    assert 0 < (latents > 0).float().mean() < 1
    assert torch.equal(loaded.encode(x), latents)
    assert torch.equal(loaded(x), sae(x))
    assert sorted(file.name for file in folder.parent.iterdir()) == ["mine"]  # nothing left over


def _needed(kind: str) -> dict[str, Any]:
    return {"k": 1} if "k" in EVERY_KIND[kind] else {}


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_the_encoder_keeps_its_memory_layout(tmp_path: Path, kind: str) -> None:
    """The sparse backward pass reads W_enc latent by latent; the file has it the other way."""
    folder = save_sae(random_sae(kind), tmp_path / "mine")
    assert load_file(folder / "sae_weights.safetensors")["W_enc"].stride() == (D_SAE, 1)
    assert load_sae(folder).W_enc.stride() == (1, D_IN)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_the_folder_is_what_saelens_reads(tmp_path: Path, kind: str) -> None:
    sae = random_sae(kind).double()
    folder = save_sae(sae, tmp_path / "mine", **WHERE)
    architecture, more = SAELENS[kind]
    config = json.loads((folder / "cfg.json").read_text())
    assert config["architecture"] == architecture
    assert (config["d_in"], config["d_sae"], config["dtype"]) == (D_IN, D_SAE, "float32")
    assert config["normalize_activations"] == config["reshape_activations"] == "none"
    assert config["apply_b_dec_to_input"] is True
    if architecture == "topk":
        assert config["k"] == EVERY_KIND[kind]["k"]
        assert config["rescale_acts_by_decoder_norm"] is False
    assert config["metadata"]["hook_name"] == WHERE["hook_name"]
    assert config["metadata"]["sae_lens_version"].startswith("6.")
    tensors = load_file(folder / "sae_weights.safetensors")
    shapes = {"W_enc": [D_IN, D_SAE], "W_dec": [D_SAE, D_IN], "b_dec": [D_IN]}
    shapes |= {name: [D_SAE] for name in more}
    assert {name: list(tensor.shape) for name, tensor in tensors.items()} == shapes
    assert all(tensor.dtype == torch.float32 for tensor in tensors.values())
    np.testing.assert_array_equal(tensors["W_enc"].numpy(), sae.W_enc.detach().float().numpy())


def test_one_threshold_is_written_once_for_each_latent(tmp_path: Path) -> None:
    folder = save_sae(random_sae("matryoshka"), tmp_path / "mine")
    threshold = load_file(folder / "sae_weights.safetensors")["threshold"]
    torch.testing.assert_close(threshold, torch.full((D_SAE,), 0.4))
    assert load_sae(folder).get_buffer("threshold").shape == ()


def test_numpy_numbers_in_the_settings_are_numbers_in_the_file(tmp_path: Path) -> None:
    sae = TopKSAE(D_IN, D_SAE, k=np.int64(3), aux_coefficient=np.float32(0.5))
    assert load_sae(sae.save(tmp_path / "mine")).settings()["k"] == 3


def test_an_sae_is_loaded_only_as_what_it_is(tmp_path: Path) -> None:
    folder = save_sae(random_sae("jump_relu_tanh"), tmp_path / "mine")
    assert isinstance(JumpReLUSAE.load(folder), JumpReLUSAE)  # a subclass is one
    with pytest.raises(SAEFileError, match="holds a TanhJumpReLUSAE, not a TopKSAE"):
        TopKSAE.load(folder)


# Saving over something


def test_saving_again_replaces_the_sae_and_its_sparsity(tmp_path: Path) -> None:
    folder = save_sae(random_sae("l1"), tmp_path / "mine", **WHERE)
    (folder / "sparsity.safetensors").write_bytes(b"of the old one")
    save_sae(random_sae("gated"), folder, **WHERE)
    assert torch.equal(load_sae(folder).W_dec, random_sae("gated").W_dec)
    assert {file.name for file in folder.iterdir()} == {"cfg.json", "sae_weights.safetensors"}


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert load_sae(save_sae(random_sae("l1"), tmp_path / "mine")).d_sae == D_SAE


@pytest.mark.parametrize("with_sae", [False, True])
def test_nothing_but_an_sae_is_ever_replaced(tmp_path: Path, with_sae: bool) -> None:
    folder = tmp_path / "thesis"
    if with_sae:
        save_sae(random_sae("l1"), folder)
    folder.mkdir(exist_ok=True)
    (folder / "thesis.txt").write_text("precious")
    with pytest.raises(SAEFileError, match=r"not a saved SAE.*thesis\.txt"):
        save_sae(random_sae("gated"), folder)
    assert (folder / "thesis.txt").read_text() == "precious"
    with pytest.raises(SAEFileError, match=r"thesis\.txt is a file"):
        save_sae(random_sae("gated"), folder / "thesis.txt")


def test_a_save_that_breaks_off_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_sae(random_sae("l1", 0), tmp_path / "mine", **WHERE)

    def full_disk(tensors: Any, file: Path) -> None:
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("saeedu.sae.files.save_file", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_sae(random_sae("l1", 1), folder, **WHERE)
    assert torch.equal(load_sae(folder).W_dec, random_sae("l1", 0).W_dec)
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("kind", "name", "value", "message"),
    [
        ("l1", "b_enc", float("nan"), "b_enc has entries that are not finite"),
        ("gated", "r_mag", float("inf"), "r_mag has entries that are not finite"),
        ("jump_relu", "threshold", -0.25, r"threshold has a negative entry \(-0.25\)"),
    ],
)
def test_weights_that_could_not_be_loaded_are_not_saved(
    tmp_path: Path, kind: str, name: str, value: float, message: str
) -> None:
    sae = random_sae(kind)
    with torch.no_grad():
        sae.get_parameter(name)[3] = value
    with pytest.raises(SAEFileError, match=message):
        save_sae(sae, tmp_path / "mine", **WHERE)
    assert not (tmp_path / "mine").exists()


def test_a_learners_own_class_is_saved_as_the_one_that_it_is_derived_from(tmp_path: Path) -> None:
    class MySAE(ReLUSAE):
        pass

    mine = MySAE(D_IN, D_SAE)
    loaded = load_sae(save_sae(mine, tmp_path / "mine"))
    assert type(loaded) is ReLUSAE
    assert torch.equal(loaded.W_dec, mine.W_dec)


def test_an_sae_that_is_derived_from_none_of_ours_is_not_saved(tmp_path: Path) -> None:
    class Other(SAE):
        architecture = "standard"

        def encode(self, x: torch.Tensor) -> torch.Tensor:
            return x

        def loss(self, x: torch.Tensor, sparsity_scale: float = 1.0) -> LossTerms:
            raise AssertionError

    with pytest.raises(TypeError, match="Other"):
        save_sae(Other(D_IN, D_SAE), tmp_path / "mine")
    assert not (tmp_path / "mine").exists()
