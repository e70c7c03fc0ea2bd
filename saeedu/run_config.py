"""A training run in one file: which model and text, which SAE, how to train, where to write."""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_type_hints

from saeedu.train_config import TrainConfig


class ConfigError(ValueError):
    """A configuration that cannot be read or meant; the message names the file and the field."""


@dataclass(frozen=True)
class DataConfig:
    """Which activations: of what model, where in it, on what text."""

    model: str = "auto"
    """As `load_language_model` takes it."""
    hook: str | None = None
    """By its TransformerLens name; by default the model's suggested one."""
    text: str = "auto"
    """As `load_text` takes it."""
    max_documents: int = 10_000
    """The most documents to read."""
    context: int = 128
    """Tokens a context, the beginning-of-text token included."""
    held_out: float = 0.05
    """The fraction of documents kept for judging."""
    held_out_tokens: int = 16_384
    """At most so many tokens of them."""
    buffer_size: int = 65_536
    """Activations that the shuffle buffer holds; memory is 4 bytes x d_in x this."""
    contexts_per_batch: int = 16
    """Contexts that the language model reads at a time."""
    cache: str | None = None
    """A folder to keep activations in on disk, read again by later runs; by default none."""
    cached_tokens: int = 1_000_000
    """How many activations the cache holds."""

    def __post_init__(self) -> None:
        for name in ("max_documents", "held_out_tokens", "buffer_size", "contexts_per_batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, must be 1 or more")
        if self.context < 2:
            raise ValueError(f"context is {self.context}, must be 2 or more")
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out is {self.held_out}, must lie between 0 and 1")


@dataclass(frozen=True)
class SAEConfig:
    """Which SAE."""

    sparsity: str = "top_k"
    """A key of `saeedu.sae.build.SPARSITY`."""
    d_sae: int | None = None
    """How many latents; by default `expansion` times d_in."""
    expansion: int = 16
    seed: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the architecture, such as `k`."""


@dataclass(frozen=True)
class OutputConfig:
    """What to write, and where."""

    folder: str = "runs/sae"
    """For checkpoints, metrics, the finished SAE and its evaluation."""
    checkpoint_every: int = 500
    """In steps."""
    wandb: Literal["off", "offline", "online"] = "off"
    """Whether to report to Weights & Biases too."""
    wandb_project: str = "saeedu"


@dataclass(frozen=True)
class RunConfig:
    """Everything about a run. Sections: data, sae, train, output."""

    data: DataConfig = field(default_factory=DataConfig)
    sae: SAEConfig = field(default_factory=SAEConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    output: OutputConfig = field(default_factory=OutputConfig)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as a JSON file holds them."""
        return dataclasses.asdict(self)


def read_config(file: str | Path) -> RunConfig:
    """Read a run's configuration from a .json or .toml file. What it leaves out has defaults.

    **Arguments:** `file`.
    **Returns:** `RunConfig`.
    **Raises:** `ConfigError`, naming the file, the section and the field: an unknown name (with the
    nearest known one), a value of another type, or one that cannot be meant.
    """
    file = Path(file)
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{file} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read as text ({error})") from error
    try:
        values = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except ValueError as error:
        kind = "TOML" if file.suffix == ".toml" else "JSON"
        raise ConfigError(f"{file} is not valid {kind}: {error}") from error
    return parse_config(values, str(file))


def parse_config(values: Any, where: str) -> RunConfig:
    """Turn plain values into a `RunConfig`; `where` begins the error messages.

    **Raises:** `ConfigError`, as `read_config`.
    """
    _require_names(values, RunConfig, where)
    sections = {}
    for section in dataclasses.fields(RunConfig):
        place = f"{where}: {section.name}"
        cls = get_type_hints(RunConfig)[section.name]
        sections[section.name] = _section(values.get(section.name, {}), cls, place)
    return RunConfig(**sections)


def _section(values: Any, cls: type, where: str) -> Any:
    from pydantic import TypeAdapter, ValidationError

    _require_names(values, cls, where)
    hints = get_type_hints(cls)
    checked = {}
    for name, value in values.items():
        try:
            checked[name] = TypeAdapter(hints[name]).validate_python(value, strict=True)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise ConfigError(f"{where}.{name} is {value!r}: {reason}") from None
    try:
        return cls(**checked)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None


def _require_names(values: Any, cls: type, where: str) -> None:
    if not isinstance(values, dict):
        raise ConfigError(f"{where} must be a table of names and values, not {values!r}")
    known = [f.name for f in dataclasses.fields(cls)]
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"{where} has no {name!r}; it has {known}.{meant}")
