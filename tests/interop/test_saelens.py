"""SAELens itself is the oracle: what one of the two packages saves, the other computes with.

Needs sae-lens, which cannot live beside transformer-lens 4: `make interop` runs these tests in an
environment of their own.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # whatever SAELens' own dependencies have to say
    sae_lens = pytest.importorskip(
        "sae_lens", reason="sae-lens is not installed here: run `make interop`"
    )

from saeedu.sae import SAE, GatedSAE, JumpReLUSAE, ReLUSAE, TopKSAE, load_sae, save_sae
from tests.sae_fixtures import EVERY_KIND, draw_x, random_sae

TheirSAE = sae_lens.SAE
D_IN, D_SAE, K = 32, 96, 8
TOLERANCE = 1e-5
SIZES = {"d_in": D_IN, "d_sae": D_SAE}


@pytest.fixture(autouse=True)
def kind_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The nested prefixes must end at this file's d_sae."""
    nested = EVERY_KIND["matryoshka"] | {"widths": [8, 24, D_SAE]}
    monkeypatch.setitem(EVERY_KIND, "matryoshka", nested)


def largest_differences(ours: SAE, theirs: Any) -> dict[str, float]:
    """Between encoders on the same activations, and between decoders on the same latents."""
    x = draw_x(D_IN, batch=512)
    with torch.no_grad():
        latents, their_latents = ours.encode(x), theirs.encode(x)
        assert 0.005 < (latents > 0).float().mean() < 0.9
        encode = (latents - their_latents).abs().max()
        decode = (ours.decode(latents) - theirs.decode(their_latents)).abs().max()
        whole = (ours(x) - theirs(x)).abs().max()
    return {"encode": encode.item(), "decode": decode.item(), "forward": whole.item()}


def require_equal(ours: SAE, theirs: Any, record_property: Any) -> None:
    found = largest_differences(ours, theirs)
    record_property("largest differences", found)
    print(f"{type(ours).__name__} and {type(theirs).__name__}: {found}")
    assert max(found.values()) <= TOLERANCE


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_saelens_computes_what_we_saved(tmp_path: Path, kind: str, record_property: Any) -> None:
    ours = random_sae(kind, **SIZES)
    folder = save_sae(ours, tmp_path / "ours", "gpt2", "blocks.8.hook_resid_pre", 128)
    theirs = TheirSAE.load_from_disk(folder)
    assert theirs.cfg.architecture() == ours.architecture
    assert theirs.cfg.metadata.hook_name == "blocks.8.hook_resid_pre"
    assert theirs.cfg.metadata.context_size == 128
    require_equal(ours, theirs, record_property)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_our_class_and_settings_survive_saelens(
    tmp_path: Path, kind: str, record_property: Any
) -> None:
    ours = random_sae(kind, **SIZES)
    theirs = TheirSAE.load_from_disk(save_sae(ours, tmp_path / "ours"))
    theirs.save_model(tmp_path / "theirs")
    again = load_sae(tmp_path / "theirs")
    assert type(again) is type(ours)
    assert again.settings() == ours.settings()
    require_equal(again, theirs, record_property)


def drawn(theirs: Any) -> Any:
    """The SAE of SAELens with every weight drawn at random, row norms about one."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            values = torch.randn(parameter.shape, generator=generator)
            scale = D_IN**-0.5 if parameter.ndim == 2 else 0.5
            parameter.copy_(values.abs() if name == "threshold" else values * scale)
        if hasattr(theirs, "topk_threshold"):
            theirs.topk_threshold.fill_(0.6)
    return theirs


INFERENCE = {
    "standard": (ReLUSAE, {}),
    "topk": (TopKSAE, {"k": K}),
    "topk, weighed by row norm": (TopKSAE, {"k": K, "rescale_acts_by_decoder_norm": True}),
    "jumprelu": (JumpReLUSAE, {}),
    "gated": (GatedSAE, {}),
}


@pytest.mark.parametrize("subtracts_b_dec", [True, False])
@pytest.mark.parametrize("name", INFERENCE)
def test_we_compute_what_saelens_saved(
    tmp_path: Path, name: str, subtracts_b_dec: bool, record_property: Any
) -> None:
    expected, settings = INFERENCE[name]
    architecture = name.split(",")[0]
    theirs = drawn(
        TheirSAE.from_dict(
            {
                "architecture": architecture,
                **SIZES,
                "apply_b_dec_to_input": subtracts_b_dec,
                "metadata": {},
                **settings,
            }
        )
    )
    theirs.save_model(tmp_path / "theirs")
    ours = load_sae(tmp_path / "theirs")
    assert type(ours) is expected
    require_equal(ours, theirs, record_property)


# As an SAELens training run leaves them: each training class, at its defaults.
TRAINING = {
    "standard": (ReLUSAE, {}),
    "topk": (TopKSAE, {"k": K}),
    "jumprelu": (JumpReLUSAE, {}),
    "gated": (GatedSAE, {}),
    "batchtopk": (JumpReLUSAE, {"k": K}),
    "matryoshka_batchtopk": (JumpReLUSAE, {"k": K, "matryoshka_widths": [8, 24, D_SAE]}),
}


@pytest.mark.parametrize("architecture", TRAINING)
def test_we_compute_what_a_training_run_of_saelens_exports(
    tmp_path: Path, architecture: str, record_property: Any
) -> None:
    """The oracles are SAELens' own reading of its export, and the SAE that it trained.

    Only a BatchTopK of SAELens differs from its export by design: it keeps the largest of the
    batch even outside training, and its export, a JumpReLU, is what is used.
    """
    expected, settings = TRAINING[architecture]
    trained = drawn(
        sae_lens.TrainingSAE.from_dict({"architecture": architecture, **SIZES, **settings})
    )
    trained.save_inference_model(tmp_path / "theirs")
    ours = load_sae(tmp_path / "theirs")
    assert type(ours) is expected
    require_equal(ours, TheirSAE.load_from_disk(tmp_path / "theirs"), record_property)
    if "batchtopk" not in architecture:
        require_equal(ours, trained, record_property)


def test_we_read_a_config_from_before_version_6_as_saelens_does(
    tmp_path: Path, record_property: Any
) -> None:
    folder = save_sae(random_sae("l1", **SIZES), tmp_path / "ours")
    old = {**SIZES, "dtype": "torch.float32", "hook_point": "blocks.8.hook_resid_pre", "lr": 4e-4}
    (folder / "cfg.json").write_text(json.dumps(old))
    ours = load_sae(folder)
    assert type(ours) is ReLUSAE
    require_equal(ours, TheirSAE.load_from_disk(folder), record_property)
