"""A language model whose activations can be read and replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from saeedu.hooks import RESIDUAL, SITES, Edits, parse_hook, read_hooks, run_with_edits
from saeedu.next_token import next_token_loss
from saeedu.sampling import sample_tokens

# Where published SAEs are best studied (GPT-2), or a third of the way up (SmolLM2).
SUGGESTED_LAYERS = {("gpt2", 12): 8, ("smollm2", 30): 10}


class LanguageModel:
    """A causal language model whose activations can be read and replaced at its hooks.

    Made by `load_language_model`. A thin layer over TransformerLens' `TransformerBridge` in
    compatibility mode: where a model has LayerNorm, everything written into the residual stream
    is centred. Some published GPT-2 SAEs expect that (gpt2-small-res-jb), OpenAI's do not.

    Hooks have their TransformerLens names, with L from 0: `"blocks.L.hook_resid_pre"` and
    `hook_resid_post`, the residual stream before and after a block; `hook_attn_out` and
    `hook_mlp_out`, what the block adds to it; `mlp.hook_post`, the MLP's neurons.
    """

    name: str
    """Which model this is: "gpt2", "stand-in", "smollm2", or the name of the folder or file."""
    mode: str
    """What units the activations are in: "compatibility, centred" or "compatibility, uncentred".
    An SAE fits only the mode that it was trained in."""

    def __init__(self, name: str, bridge: Any, tokenizer: Any, mode: str, fingerprint: str) -> None:
        self.name = name
        self.tokenizer = tokenizer
        self.mode = mode
        self._bridge = bridge
        self._fingerprint = fingerprint
        self.n_layers = int(bridge.cfg.n_layers)
        self.d_model = int(bridge.cfg.d_model)
        self.vocabulary = int(bridge.cfg.d_vocab)
        self.context = int(bridge.cfg.n_ctx)
        self.suggested_layer = SUGGESTED_LAYERS.get((name, self.n_layers), self.n_layers // 2)

    @property
    def suggested_hook(self) -> str:
        """The residual stream that enters the suggested layer, by its TransformerLens name."""
        return f"blocks.{self.suggested_layer}.hook_resid_pre"

    @property
    def suggested_text(self) -> str:
        """What to let it read, as `load_text` takes it: a model of stories knows only stories."""
        return "stories" if self.name == "stand-in" else "auto"

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self._bridge.parameters()).device

    @property
    def unembedding(self) -> Tensor:
        """The last matrix, [d_model, vocabulary]: from the normalised stream to the logits.

        The weights of the last norm are folded into it; a bias, the same for every text, is not.
        """
        return self._bridge.W_U.detach()

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

    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that tell this model's weights from any other's.

        The same for the same weights file on every machine; `mode` is not part of it.
        """
        return self._fingerprint

    def hook_size(self, hook: str) -> int:
        """How many numbers a token has at a hook: d_in of an SAE that is trained there.

        **Raises:** `ValueError` for a hook that the model does not have.
        """
        site = parse_hook(hook, self.n_layers, self.name).site
        return int(self._bridge.cfg.d_mlp) if site == "mlp.hook_post" else self.d_model

    def tokenize(self, text: str) -> Tensor:
        """Split a text into tokens. No beginning-of-text token is added.

        **Arguments:** `text`, of any length.
        **Returns:** [n_tokens], integers.
        """
        ids = self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return torch.tensor(ids, dtype=torch.long)

    def detokenize(self, tokens: Tensor | Sequence[int]) -> str:
        """The text that some tokens make together.

        **Arguments:** `tokens` [n], integers.
        """
        ids = [int(token) for token in tokens]
        return str(self.tokenizer.decode(ids, clean_up_tokenization_spaces=False))

    def token_strings(self, tokens: Tensor | Sequence[int]) -> list[str]:
        """The text of each token by itself.

        **Arguments:** `tokens` [n], integers.
        **Returns:** n strings; a token that is part of a character shows as the mark �.
        """
        return [self.tokenizer.decode([int(token)]) for token in tokens]

    def activations(self, tokens: Tensor, hooks: Sequence[str]) -> dict[str, Tensor]:
        """Read several hooks in one pass, which ends at the last of them: no logits are made.

        **Arguments:** `tokens` [batch, context]; `hooks`, one or more names.
        **Returns:** for each hook its activation [batch, context, `hook_size(hook)`], without
        gradients.
        **Raises:** `ValueError` for an unknown hook, or tokens that the model cannot take.
        """
        for hook in hooks:
            parse_hook(hook, self.n_layers, self.name)
        return read_hooks(self._bridge, self._checked(tokens), hooks)

    def residual(self, tokens: Tensor, hook: str) -> Tensor:
        """The residual stream at a hook. Nothing past it is computed, and no gradients are kept.

        **Arguments:** `tokens` [batch, context]; `hook`, `"blocks.L.hook_resid_pre"` or
        `"blocks.L.hook_resid_post"`.
        **Returns:** [batch, context, d_model].
        **Raises:** `ValueError` for another hook, or tokens that the model cannot take.
        """
        if (site := parse_hook(hook, self.n_layers, self.name).site) not in RESIDUAL:
            raise ValueError(
                f"{hook} is {SITES[site]}, not the residual stream: "
                f"use activations(tokens, [{hook!r}])"
            )
        return self.activations(tokens, [hook])[hook]

    def logits(self, tokens: Tensor) -> Tensor:
        """The model's prediction at every position.

        **Arguments:** `tokens` [batch, context].
        **Returns:** [batch, context, vocabulary], log-probabilities up to a constant a position.
        **Raises:** `ValueError` for tokens that the model cannot take.
        """
        return self.logits_with(tokens, {})

    def logits_with(self, tokens: Tensor, edits: Edits) -> Tensor:
        """The model's prediction at every position when activations are replaced.

        **Arguments:** `tokens` [batch, context]; `edits`, for each hook a function from the
        activation there [batch, context, `hook_size(hook)`] to what takes its place.
        **Returns:** [batch, context, vocabulary].
        **Raises:** `ValueError` for an unknown hook, or tokens that the model cannot take;
        `ShapeError` when an edit changes the shape.
        """
        for hook in edits:
            parse_hook(hook, self.n_layers, self.name)
        return run_with_edits(self._bridge, self._checked(tokens), edits)

    def loss(self, tokens: Tensor) -> Tensor:
        """Cross-entropy of every next token, as the model stands.

        **Arguments:** `tokens` [batch, context].
        **Returns:** [batch, context - 1], in nats per token.
        **Raises:** `ValueError` for tokens that the model cannot take.
        """
        return self.loss_with(tokens, {})

    def loss_with(self, tokens: Tensor, edits: Edits) -> Tensor:
        """Cross-entropy of every next token when activations are replaced.

        **Arguments:** as `logits_with`.
        **Returns:** [batch, context - 1], in nats per token.
        **Raises:** as `logits_with`.
        """
        return next_token_loss(self.logits_with(tokens, edits), tokens.to(self.device))

    def generate(
        self,
        prompt: str | Tensor,
        max_new_tokens: int = 40,
        temperature: float = 1.0,
        seed: int = 0,
        edits: Edits | None = None,
    ) -> Tensor:
        """Let the model write on, with activations replaced at every position if asked.

        **Arguments:** `prompt`, a text, before which BOS is put, or tokens [batch, n]; the others
        as for `sample_tokens` and `logits_with`.
        **Returns:** [batch, up to n + max_new_tokens], the prompt included; for `detokenize`.
        **Raises:** as `logits_with`; `ValueError` when prompt and new tokens do not fit the model.
        """
        if isinstance(prompt, str):
            prompt = torch.cat([torch.tensor([self.bos_token_id]), self.tokenize(prompt)])[None]
        tokens = self._checked(prompt)
        if tokens.shape[1] + max_new_tokens > self.context:
            raise ValueError(
                f"{tokens.shape[1]} tokens of prompt and {max_new_tokens} new ones do not fit "
                f"{self.name}, whose context is {self.context}"
            )
        end = self.tokenizer.eos_token_id
        return sample_tokens(
            lambda written: self.logits_with(written, edits or {})[:, -1],
            tokens,
            max_new_tokens,
            temperature,
            seed,
            end_token_id=self.bos_token_id if end is None else int(end),
        )

    def _checked(self, tokens: Tensor) -> Tensor:
        if tokens.ndim != 2 or len(tokens) == 0:
            raise ValueError(f"tokens must be [batch, context], but they are {list(tokens.shape)}")
        if not 1 <= tokens.shape[1] <= self.context:
            raise ValueError(
                f"a context of {tokens.shape[1]} tokens does not fit {self.name}, "
                f"which takes 1 to {self.context}"
            )
        if tokens.is_floating_point() or not 0 <= tokens.min() <= tokens.max() < self.vocabulary:
            raise ValueError(
                f"tokens must be whole numbers from 0 to {self.vocabulary - 1}, the vocabulary of "
                f"{self.name}; were they made by another model's tokenizer?"
            )
        return tokens.to(self.device)

    def __repr__(self) -> str:
        return (
            f"LanguageModel({self.name!r}, n_layers={self.n_layers}, d_model={self.d_model}, "
            f"context={self.context})"
        )
