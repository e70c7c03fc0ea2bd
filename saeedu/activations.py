"""From text to training data: pack tokens into contexts, and collect what a layer makes of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from saeedu import distributed
from saeedu.language_model import LanguageModel
from saeedu.progress_bars import progress_bar
from saeedu.text import Text
from saeedu.token_stream import TokenStream, kept_positions


def pack_tokens(model: LanguageModel, text: Text, context: int, max_tokens: int) -> Tensor:
    """Cut documents into contexts of one length, each beginning with the BOS token.

    Documents are joined with a BOS (beginning-of-text) token between them, cut into pieces of
    `context - 1` tokens, and each piece gets a BOS in front: nothing is padded, and only the
    last piece, when it is too short, is dropped.

    **Arguments:** `model`, for its tokenizer; `text`, read from its first document on; `context`,
    tokens a row, BOS included, at most `model.context`; `max_tokens`, at which reading stops.
    **Returns:** [n_contexts, context], integers.
    **Raises:** `ValueError` for a context that the model cannot take, or text too short for one.
    """
    if max_tokens < context:
        raise ValueError(
            f"pack_tokens: max_tokens is {max_tokens}, less than one context of {context}"
        )
    contexts = TokenStream(model, text, context, endless=False).next_contexts(max_tokens // context)
    if len(contexts) == 0:
        n_tokens = sum(len(model.tokenize(document)) for document in text.documents)
        raise ValueError(
            f"pack_tokens: {text.name} has only {n_tokens} tokens, too few for one context of "
            f"{context}"
        )
    return contexts


@dataclass(frozen=True)
class Activations:
    """One layer's activations, and where in the text each came from."""

    x: Tensor
    """The activations, [n, d_in]: one row a token, in reading order, BOS left out."""
    tokens: Tensor
    """The contexts they were collected on, [n_contexts, context]."""
    where: Tensor
    """For each row of `x` its place in `tokens`, flattened: [n], integers."""
    hook: str
    """Where in the model they were read."""
    model_name: str

    @property
    def token_ids(self) -> Tensor:
        """The token of each row of `x`, [n]."""
        return self.tokens.flatten()[self.where]


def collect_activations(
    model: LanguageModel, tokens: Tensor, hook: str, batch_size: int = 16
) -> Activations:
    """Run contexts through a model up to one hook, and keep what is there.

    BOS tokens are left out. A model parks attention on the first position, where its activation
    says nothing about the text and can be ten or more times longer than any other: kept in, it
    would be most of the loss.

    **Arguments:** `model`; `tokens` [n_contexts, context]; `hook`, as `LanguageModel.activations`
    takes it; `batch_size`, contexts at a time.
    **Returns:** `Activations`, held in memory: 4 bytes x d_in a token.
    **Raises:** `ValueError` for a hook or tokens that the model does not take; `RuntimeError` when
    an activation is not a finite number.
    """
    kept = kept_positions(tokens, model.bos_token_id)
    x = torch.empty(int(kept.sum()), model.hook_size(hook))
    filled = 0
    with progress_bar(tokens.numel(), "tok", f"collecting {hook}") as bar:
        for start in range(0, len(tokens), batch_size):
            batch = tokens[start : start + batch_size]
            rows = read_kept(model, batch, hook)
            x[filled : filled + len(rows)] = rows
            filled += len(rows)
            bar.update(batch.numel())
    return Activations(x, tokens, kept.flatten().nonzero().squeeze(1), hook, model.name)


def read_kept(model: LanguageModel, tokens: Tensor, hook: str) -> Tensor:
    """One batch of contexts through a model: its activations at the kept positions.

    **Arguments:** `model`; `tokens` [n_contexts, context]; `hook`, as `LanguageModel.activations`
    takes it.
    **Returns:** [n, d_in], float32, on the CPU, in reading order.
    **Raises:** `ValueError` for a hook or tokens that the model does not take; `RuntimeError` when
    an activation is not a finite number.
    """
    # With several processes each runs its share of the contexts through the model.
    activations = distributed.in_shares(tokens, lambda t: model.activations(t, [hook])[hook])
    rows = activations[kept_positions(tokens, model.bos_token_id).to(activations.device)]
    if not torch.isfinite(rows).all():
        raise RuntimeError(
            f"{model.name} has activations at {hook} that are not finite numbers; its weights may "
            f"be damaged. The first context began: {model.token_strings(tokens[0, :12])}"
        )
    return rows.float().cpu()


def normalising_constant(x: Tensor) -> float:
    """The number to multiply activations by so that their mean length becomes sqrt(d_in).

    With it, the same l1_coefficient and learning rate mean about the same on any layer of any
    model.

    **Arguments:** `x` [n, d_in], n at least 1, finite, not all zero.
    **Returns:** a positive number, in units of one over those of `x`.
    **Raises:** `ValueError` when the mean length is zero or not finite.
    **Source:** Anthropic's April 2024 update, "Training SAEs".
    """
    mean_length = x.norm(dim=1).mean().item()
    if not 0 < mean_length < math.inf:
        raise ValueError(
            f"the mean length of the activations is {mean_length}: they are all zero, or some are "
            "not finite numbers"
        )
    return math.sqrt(x.shape[1]) / mean_length


def shuffled_batches(x: Tensor, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Batches of rows in random order, for ever; each pass over the data is shuffled anew.

    **Arguments:** `x` [n, d_in]; `batch_size`, at most n; `generator`, which fixes the order.
    **Returns:** an endless iterator of [batch_size, d_in]; a pass's last rows, when they are too
    few for a batch, are left out of that pass.
    **Raises:** `ValueError` when there are fewer rows than a batch holds.
    """
    if not 1 <= batch_size <= len(x):
        raise ValueError(
            f"shuffled_batches: batch_size is {batch_size}, but there are {len(x)} activations"
        )
    return _shuffled_batches(x, batch_size, generator)


def _shuffled_batches(x: Tensor, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    while True:
        order = torch.randperm(len(x), generator=generator)
        for start in range(0, len(x) - batch_size + 1, batch_size):
            yield x[order[start : start + batch_size]]
