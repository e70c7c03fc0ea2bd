"""A damaged folder is one error, which names the file and the field."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from saeedu.sae import SAEFileError, load_sae, save_sae
from tests.sae_fixtures import D_IN, D_SAE, edit_config, edit_tensors, random_sae

WEIGHTS, CONFIG = "sae_weights.safetensors", "cfg.json"
Damage = Callable[[Path], Any]


def cut(n_bytes: int) -> Damage:
    def damage(folder: Path) -> None:
        data = (folder / WEIGHTS).read_bytes()
        (folder / WEIGHTS).write_bytes(data[:n_bytes])

    return damage


def tensors(change: Callable[[dict[str, torch.Tensor]], Any]) -> Damage:
    return lambda folder: edit_tensors(folder, change)


def entry(name: str, value: float) -> Damage:
    return tensors(lambda t: t[name].view(-1).__setitem__(2, value))


def config(**values: Any) -> Damage:
    return lambda folder: edit_config(folder, lambda c: c.update(values))


def without(name: str) -> Damage:
    return lambda folder: edit_config(folder, lambda c: c.pop(name))


def ours(**values: Any) -> Damage:
    return lambda folder: edit_config(folder, lambda c: c["metadata"]["saeedu"].update(values))


def setting(**values: Any) -> Damage:
    return lambda folder: edit_config(
        folder, lambda c: c["metadata"]["saeedu"]["settings"].update(values)
    )


def text(content: str) -> Damage:
    return lambda folder: (folder / CONFIG).write_text(content)


# What is done to which SAE, and what the message must say.
IN_THE_WEIGHTS: dict[str, tuple[str, Damage, str]] = {
    "cut in the tensors": ("l1", cut(-40), "damaged or cut short"),
    "cut in the header": ("l1", cut(100), "damaged or cut short"),
    "empty": ("l1", cut(0), "damaged or cut short"),
    "missing": ("l1", lambda f: (f / WEIGHTS).unlink(), "is missing"),
    "a missing tensor": ("gated", tensors(lambda t: t.pop("r_mag")), "lacks the tensor r_mag"),
    "an extra tensor": (
        "top_k",
        tensors(lambda t: t.update(W_skip=torch.ones(3))),
        "does not belong: W_skip",
    ),
    "a transposed encoder": (
        "jump_relu",
        tensors(lambda t: t.update(W_enc=t["W_enc"].T)),
        r"W_enc is \[11, 5\], but must be \[5, 11\].*It is transposed",
    ),
    "a transposed decoder": (
        "gated",
        tensors(lambda t: t.update(W_dec=t["W_dec"].T)),
        r"W_dec is \[5, 11\], but must be \[11, 5\].*It is transposed",
    ),
    "a tensor of another size": (
        "l1",
        tensors(lambda t: t.update(b_dec=torch.ones(4))),
        r"b_dec is \[4\], but must be \[5\]",
    ),
    "one threshold as a number": (
        "batch_top_k",
        tensors(lambda t: t.update(threshold=torch.tensor(0.3))),
        r"threshold is \[\], but must be \[11\]",
    ),
    "a NaN": ("l1", entry("W_dec", float("nan")), "W_dec has entries that are not finite"),
    "an infinity": ("gated", entry("b_mag", float("inf")), "b_mag has entries that are not finite"),
    "whole numbers": (
        "top_k",
        tensors(lambda t: t.update(b_enc=torch.ones(D_SAE, dtype=torch.int64))),
        "b_enc is stored as I64, but must be F32",
    ),
    "half precision": (
        "l1",
        tensors(lambda t: t.update({name: tensor.half() for name, tensor in t.items()})),
        "W_enc is stored as F16, but must be F32",
    ),
    "bfloat16": (
        "jump_relu",
        tensors(lambda t: t.update(threshold=t["threshold"].bfloat16())),
        "threshold is stored as BF16, but must be F32",
    ),
    "a negative threshold": (
        "jump_relu",
        entry("threshold", -0.5),
        r"threshold has a negative entry \(-0.5\)",
    ),
    "a scale that is not one": (
        "l1",
        tensors(lambda t: t.update(scaling_factor=torch.full((D_SAE,), 2.0))),
        "does not belong: scaling_factor",
    ),
    # A config that disagrees with the weights: the message names both files.
    "another d_in in the config": (
        "l1",
        config(d_in=D_IN + 1),
        r"W_enc is \[5, 11\], but must be \[6, 11\], because cfg.json has d_in = 6",
    ),
    "another d_sae in the config": (
        "gated",
        config(d_sae=D_SAE - 1),
        r"must be \[5, 10\], because cfg.json has d_in = 5 and d_sae = 10",
    ),
    "sizes that no memory holds": ("l1", config(d_sae=10**15), "because cfg.json has d_in = 5"),
    "another architecture in the config": (
        "gated",
        config(architecture="standard", metadata={"sae_lens_version": "6.0.0"}),
        "lacks the tensor b_enc; by the architecture in cfg.json, 'standard'",
    ),
}

IN_THE_CONFIG: dict[str, tuple[str, Damage, str]] = {
    "missing": ("l1", lambda f: (f / CONFIG).unlink(), "is missing"),
    "half of it": ("l1", text("{"), "cannot be read as JSON"),
    "not text": (
        "l1",
        lambda f: (f / CONFIG).write_bytes(b"\xff\xfe\x00"),
        "cannot be read as JSON",
    ),
    "a NaN": ("l1", text('{"d_in": NaN}'), "cannot be read as JSON"),
    "a list": ("l1", text("[]"), "not a list"),
    "an unknown architecture": ("l1", config(architecture="temporal"), "architecture is 'temporal"),
    "no architecture": ("l1", without("architecture"), "architecture is None"),
    "an architecture that is a list": ("l1", config(architecture=[]), r"architecture is \[\]"),
    "a training checkpoint": ("top_k", config(architecture="batchtopk"), "save_inference_model"),
    "a size that is text": ("l1", config(d_in="5"), "d_in is '5'"),
    "a size that is true": ("l1", config(d_sae=True), "d_sae is True"),
    "a size of zero": ("l1", config(d_in=0), "d_in is 0"),
    "no size": ("l1", without("d_sae"), "d_sae is None"),
    "another type": ("l1", config(dtype="bfloat16"), "dtype is 'bfloat16'; .* only 'float32'"),
    "layer norm": (
        "l1",
        config(normalize_activations="layer_norm"),
        "normalize_activations is 'layer_norm'",
    ),
    "a scale that is not in the weights": (
        "top_k",
        config(normalize_activations="expected_average_only_in"),
        "normalize_activations is .*fold_activation_norm_scaling_factor",
    ),
    "attention heads": ("l1", config(reshape_activations="hook_z"), "reshape_activations is"),
    "a flag that is text": (
        "l1",
        config(apply_b_dec_to_input="false"),
        "apply_b_dec_to_input is 'false', but must be true or false",
    ),
    "a flag that is a number": (
        "top_k",
        config(rescale_acts_by_decoder_norm=1),
        "rescale_acts_by_decoder_norm is 1",
    ),
    "k above d_sae": ("top_k", config(k=D_SAE + 1), "k is 12, .* from 1 to d_sae, 11"),
    "k of zero": ("top_k", config(k=0), "k is 0"),
    "k that is a fraction": ("top_k", config(k=3.5), "k is 3.5"),
    "no k": ("top_k", without("k"), "k is missing"),
    "metadata that is text": ("l1", config(metadata="gpt2"), "metadata is 'gpt2'"),
    "our part is a list": (
        "l1",
        lambda f: edit_config(f, lambda c: c["metadata"].update(saeedu=[])),
        r"metadata.saeedu is \[\]",
    ),
    "settings that are a list": ("l1", ours(settings=[]), "metadata.saeedu is"),
    "an unknown class": ("l1", ours(**{"class": "MySAE"}), "metadata.saeedu.class is 'MySAE'"),
    "a class that is a number": ("l1", ours(**{"class": 3}), "metadata.saeedu.class is 3"),
    "a class of another architecture": (
        "l1",
        ours(**{"class": "TopKSAE"}),
        "'TopKSAE', whose architecture is 'topk', but the file's architecture is 'standard'",
    ),
    "an unknown setting": ("l1", setting(l2=1.0), "metadata.saeedu.settings.l2 is not a setting"),
    "a size among the settings": ("l1", setting(d_in=5), "settings.d_in is not a setting"),
    "a setting that is text": (
        "l1",
        setting(l1_coefficient="1"),
        "metadata.saeedu.settings.l1_coefficient is '1', but must be float",
    ),
    "a setting that is true": ("gated", setting(l1_coefficient=True), "l1_coefficient is True"),
    "a fraction of a latent": ("batch_top_k", setting(k=2.5), "settings.k is 2.5, but must be int"),
    "widths that are a number": ("matryoshka", setting(widths=3), "settings.widths is 3"),
    "widths that fall": ("matryoshka", setting(widths=[6, 2, 11]), "metadata.saeedu.*widths are"),
    "k above d_sae among the settings": (
        "matryoshka",
        setting(k=D_SAE + 1),
        "metadata.saeedu.settings: k is 12",
    ),
    "a negative price": ("l1", setting(l1_coefficient=-1.0), "l1_coefficient must not be negative"),
    "one threshold that is many": (
        "batch_top_k",
        entry("threshold", 0.7),
        "metadata.saeedu.class is BatchTopKSAE, which has one threshold",
    ),
}


@pytest.mark.parametrize(
    ("file", "name"),
    [(WEIGHTS, name) for name in IN_THE_WEIGHTS] + [(CONFIG, name) for name in IN_THE_CONFIG],
)
def test_damage_is_one_error_that_names_the_file_and_the_field(
    tmp_path: Path, file: str, name: str
) -> None:
    kind, damage, message = (IN_THE_WEIGHTS if file == WEIGHTS else IN_THE_CONFIG)[name]
    folder = save_sae(random_sae(kind), tmp_path / "mine")
    load_sae(folder)  # whole until now
    damage(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(SAEFileError, match=message) as error:
        load_sae(folder)
    assert str(folder / file) in str(error.value)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_old_config_that_names_another_activation_is_refused(tmp_path: Path) -> None:
    """Read by today's rules alone, it would pass for a ReLU SAE."""
    folder = save_sae(random_sae("l1"), tmp_path / "mine")
    config(metadata={}, activation_fn_str="gelu")(folder)
    with pytest.raises(SAEFileError, match=r"cfg.json: activation_fn is 'gelu'"):
        load_sae(folder)
    config(activation_fn_str="relu", finetuning_scaling_factor=True)(folder)
    with pytest.raises(SAEFileError, match=r"cfg.json: finetuning_scaling_factor"):
        load_sae(folder)
