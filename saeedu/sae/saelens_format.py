"""What SAELens' cfg.json says about an SAE: its class, sizes and settings, and how to write it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from saeedu.sae.base import SAE
from saeedu.sae.build import SPARSITY
from saeedu.sae.gated import GatedSAE
from saeedu.sae.jump_relu import JumpReLUSAE
from saeedu.sae.relu import ReLUSAE
from saeedu.sae.top_k import TopKSAE

CONFIG = "cfg.json"
OURS = "saeedu"
"""The key of cfg.json's metadata under which our own class and settings travel; SAELens keeps it
and does not use it."""

CLASSES: dict[str, type[SAE]] = {sae.__name__: sae for sae in SPARSITY.values()}
PLAIN: dict[str, type[SAE]] = {
    sae.architecture: sae for sae in (ReLUSAE, TopKSAE, JumpReLUSAE, GatedSAE)
}
"""What an SAE that we did not save is loaded as."""

# What the weights mean depends on these. We write these values; where no weights can express
# another value, the message says what SAELens can do about it.
CONVENTIONS = {
    "dtype": ("float32", "In SAELens, load it with dtype='float32' and save it again."),
    "normalize_activations": (
        "none",
        "The weights expect activations that were normalised first. In SAELens, call "
        "fold_activation_norm_scaling_factor if it was one constant; per-sample normalisation "
        "cannot be expressed by weights.",
    ),
    "reshape_activations": ("none", "This version reads no SAEs of attention heads."),
}


class SAEFileError(ValueError):
    """A saved SAE that cannot be read or written; the message names the file and what to do."""


@dataclass(frozen=True)
class SavedConfig:
    """What a cfg.json says, checked."""

    file: Path
    sae_class: type[SAE]
    d_in: int
    d_sae: int
    settings: dict[str, Any]
    """The class' own settings that the file has; the others keep their defaults."""
    subtracts_b_dec: bool
    """Whether the encoder reads x - b_dec, as ours do, or x itself."""
    weighs_by_row_norm: bool
    """Whether pre-activations count times the norm of their decoder row (SAELens' TopK)."""

    @property
    def architecture(self) -> str:
        """SAELens' name for it."""
        return self.sae_class.architecture

    def fresh_sae(self) -> SAE:
        """An SAE of this class, sizes and settings, with fresh weights.

        **Raises:** `SAEFileError` for a setting that the class refuses.
        """
        try:
            return self.sae_class.from_config(
                {"d_in": self.d_in, "d_sae": self.d_sae, **self.settings}
            )
        except ValueError as error:
            raise SAEFileError(f"{self.file}: metadata.{OURS}.settings: {error}") from error


def config_of(sae: SAE, trained_on: dict[str, Any]) -> dict[str, Any]:
    """The cfg.json of an SAE.

    A class derived from one of the package's, such as a learner's own, is saved as that one: it is
    what `load_sae` can make again.

    **Arguments:** `sae`; `trained_on`, SAELens' metadata on the model, the hook and the text.
    **Raises:** `TypeError` for a class that is derived from none.
    **Source:** the file format of SAELens 6.
    """
    ours = [cls.__name__ for cls in type(sae).__mro__ if cls in CLASSES.values()]
    if not ours:
        raise TypeError(
            f"only SAEs of this package can be saved: {sorted(CLASSES)}, not {type(sae).__name__}"
        )
    name = ours[0]
    settings = sae.settings()
    config: dict[str, Any] = {
        "architecture": sae.architecture,
        "d_in": sae.d_in,
        "d_sae": sae.d_sae,
        "device": "cpu",
        "apply_b_dec_to_input": True,
        **{field: value for field, (value, _) in CONVENTIONS.items()},
    }
    if sae.architecture == "topk":
        config |= {"k": settings.pop("k"), "rescale_acts_by_decoder_norm": False}
    config["metadata"] = {
        "sae_lens_version": "6.0.0",  # the version of the format; older ones lose the metadata
        **trained_on,
        OURS: {"class": name, "settings": settings},
    }
    return config


def read_config(file: Path) -> SavedConfig:
    """Read and check a cfg.json.

    **Arguments:** `file`, written by `save_sae` or by SAELens, of version 6 or before.
    **Raises:** `SAEFileError`, naming the file and the field.
    """
    config = _without_old_names(_read_object(file), file)
    architecture = config.get("architecture")
    if not isinstance(architecture, str) or architecture not in PLAIN:
        hint = ""
        if architecture in ("batchtopk", "matryoshka_batchtopk"):
            hint = " It is a training checkpoint: in SAELens, call save_inference_model instead."
        raise SAEFileError(
            f"{file}: architecture is {architecture!r}; this version reads {sorted(PLAIN)}.{hint}"
        )
    for name in ("d_in", "d_sae"):
        size = config.get(name)
        if type(size) is not int or size < 1:
            raise SAEFileError(f"{file}: {name} is {size!r}, but must be a positive whole number")
    for name, (value, advice) in CONVENTIONS.items():
        if config.get(name, value) != value:
            raise SAEFileError(
                f"{file}: {name} is {config[name]!r}; this version reads only {value!r}. {advice}"
            )
    sae_class, settings = _class_and_settings(config, file)
    if architecture == "topk":
        settings["k"] = _k(config, file)
    return SavedConfig(
        file=file,
        sae_class=sae_class,
        d_in=config["d_in"],
        d_sae=config["d_sae"],
        settings=settings,
        subtracts_b_dec=_flag(config, "apply_b_dec_to_input", True, file),
        weighs_by_row_norm=architecture == "topk"
        and _flag(config, "rescale_acts_by_decoder_norm", False, file),
    )


def _read_object(file: Path) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a number that JSON knows")

    try:
        config = json.loads(file.read_text(encoding="utf-8"), parse_constant=refuse)
    except FileNotFoundError:
        raise SAEFileError(f"{file} is missing. Is {file.parent} a saved SAE?") from None
    except (OSError, ValueError, RecursionError) as error:
        raise SAEFileError(f"{file} cannot be read as JSON ({error})") from error
    if not isinstance(config, dict):
        raise SAEFileError(f"{file} must hold a JSON object, not a {type(config).__name__}")
    metadata = config.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        raise SAEFileError(f"{file}: metadata is {metadata!r}, but must be a JSON object")
    return config


def _without_old_names(config: dict[str, Any], file: Path) -> dict[str, Any]:
    """A config from before SAELens 6 in today's terms; one of today's as it is.

    **Source:** SAELens 6, which reads them by the same rules.
    """
    if config.get("dtype") == "torch.float32":
        config["dtype"] = "float32"
    version = config.get("sae_lens_version") or config["metadata"].get("sae_lens_version")
    number = re.match(r"\d+", version) if isinstance(version, str) else None
    if number and int(number[0]) >= 6:
        return config
    config = {"architecture": "standard", **config}
    activation = config.get("activation_fn_str", config.get("activation_fn", "relu"))
    kwargs = config.get("activation_fn_kwargs")
    if activation == "topk" and isinstance(kwargs, dict):
        config |= {"architecture": "topk", "k": kwargs.get("k")}
    elif activation != "relu":
        raise SAEFileError(f"{file}: activation_fn is {activation!r}; this version reads 'relu'")
    if config.get("finetuning_scaling_factor"):
        raise SAEFileError(f"{file}: finetuning_scaling_factor is set; this version cannot read it")
    if config.get("normalize_activations") in (None, False):
        config["normalize_activations"] = "none"
    hook = str(config.get("hook_name", config.get("hook_point", "")))
    config.setdefault("reshape_activations", "hook_z" if "hook_z" in hook else "none")
    return config


def _flag(config: dict[str, Any], name: str, default: bool, file: Path) -> bool:
    value = config.get(name, default)
    if not isinstance(value, bool):
        raise SAEFileError(f"{file}: {name} is {value!r}, but must be true or false")
    return value


def _k(config: dict[str, Any], file: Path) -> int:
    k, d_sae = config.get("k"), config["d_sae"]
    if type(k) is not int or not 1 <= k <= d_sae:
        what = f"k is {k!r}" if "k" in config else "k is missing"
        raise SAEFileError(f"{file}: {what}, but must be a whole number from 1 to d_sae, {d_sae}")
    return k


def _class_and_settings(config: dict[str, Any], file: Path) -> tuple[type[SAE], dict[str, Any]]:
    architecture = config["architecture"]
    if OURS not in config["metadata"]:
        return PLAIN[architecture], {}
    ours, where = config["metadata"][OURS], f"{file}: metadata.{OURS}"
    if not (isinstance(ours, dict) and isinstance(ours.get("settings"), dict)):
        raise SAEFileError(f"{where} is {ours!r}, but must hold class and settings. Save it again.")
    name = ours.get("class")
    sae_class = CLASSES.get(name) if isinstance(name, str) else None
    if sae_class is None:
        raise SAEFileError(f"{where}.class is {name!r}; this version knows {sorted(CLASSES)}")
    if sae_class.architecture != architecture:
        raise SAEFileError(
            f"{where}.class is {name!r}, whose architecture is {sae_class.architecture!r}, but "
            f"the file's architecture is {architecture!r}"
        )
    hints = get_type_hints(sae_class.__init__)
    written = inspect.signature(sae_class).parameters
    for setting, value in ours["settings"].items():
        if setting not in hints or setting in ("d_in", "d_sae", "seed", "return"):
            raise SAEFileError(f"{where}.settings.{setting} is not a setting of {name}")
        if not _fits(value, hints[setting]):
            wanted = written[setting].annotation
            raise SAEFileError(f"{where}.settings.{setting} is {value!r}, but must be {wanted}")
    return sae_class, dict(ours["settings"])


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value from JSON is of an annotated type; true and false are no numbers."""
    if get_origin(hint) is Sequence:
        return isinstance(value, list) and all(_fits(entry, get_args(hint)[0]) for entry in value)
    if kinds := get_args(hint):
        return any(_fits(value, kind) for kind in kinds)
    return type(value) in ((int, float) if hint is float else (hint,))
