"""Latents of a text, a few contexts at a time: what every way of reading features is fed with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from saeedu.language_model import LanguageModel
from saeedu.token_stream import kept_positions

# Latents held at a time: 64 MiB in float32.
ENTRIES_AT_A_TIME = 2**24


class Dictionary(Protocol):
    """Directions that can be read: an SAE, some latents of one, or a control in its place."""

    @property
    def d_sae(self) -> int:
        """How many directions there are."""
        ...

    @property
    def W_dec(self) -> Tensor:
        """The directions, [d_sae, d_in]."""
        ...

    def encode(self, x: Tensor) -> Tensor:
        """How strongly each is active: [batch, d_in] to [batch, d_sae], nowhere below zero."""
        ...


@dataclass(frozen=True)
class ChosenLatents:
    """Some latents of a dictionary, as a dictionary of their own: row i is latent `latents[i]`."""

    dictionary: Dictionary
    latents: Sequence[int]

    @property
    def d_sae(self) -> int:
        """How many were chosen."""
        return len(self.latents)

    @property
    def W_dec(self) -> Tensor:
        """Their directions, [d_sae, d_in]."""
        return self.dictionary.W_dec[list(self.latents)]

    def encode(self, x: Tensor) -> Tensor:
        """How strongly each is active, [batch, d_sae]; the others still compete where they do."""
        return self.dictionary.encode(x)[:, list(self.latents)]


class LatentBatch(NamedTuple):
    """Some contexts of a stream, with the latents of every token."""

    tokens: Tensor
    """[batch, context], integers."""
    latents: Tensor
    """[batch, context, d_sae]; zero at positions that are not kept."""
    kept: Tensor
    """[batch, context]: False at BOS and at the first position of a context."""
    first: int
    """The number of contexts that came before in the stream."""
    active: Active
    """Where `latents` is above zero."""

    @classmethod
    def of(cls, tokens: Tensor, latents: Tensor, kept: Tensor, first: int) -> LatentBatch:
        """The batch, with its active places looked up."""
        return cls(tokens, latents, kept, first, Active.of(latents))


class Active(NamedTuple):
    """Where latents are active, as lists: row i of every field is about the same place."""

    values: Tensor
    """[e]: the activation, above zero."""
    places: Tensor
    """[e], rising: the token's number in the batch."""
    latents: Tensor
    """[e]: which latent."""

    @classmethod
    def of(cls, latents: Tensor) -> Active:
        """The active places of [batch, context, d_sae]."""
        flat = latents.flatten(0, 1)
        places, columns = (flat > 0).nonzero(as_tuple=True)
        return cls(flat[places, columns], places, columns)


@torch.no_grad()
def latent_batches(
    model: LanguageModel, dictionary: Dictionary, batches: Iterable[Tensor], hook: str
) -> Iterator[LatentBatch]:
    """Run contexts through a model up to a hook, and encode what is there.

    **Arguments:** `model`; `dictionary`, whose d_in is the hook's size; `batches`, each of
    contexts [n, context], for example `tokens.split(16)`; `hook`.
    **Returns:** an iterator of `LatentBatch`, in the order of the stream, on the CPU. Larger
    batches are cut, so that memory does not grow with the stream or with the batch.
    **Raises:** as `LanguageModel.activations`, and as the dictionary's `encode`.
    """
    first = 0
    device = dictionary.W_dec.device
    for batch in batches:
        at_a_time = max(1, ENTRIES_AT_A_TIME // (batch.shape[1] * dictionary.d_sae))
        for tokens in batch.split(at_a_time):
            x = model.activations(tokens, [hook])[hook].to(device)
            kept = kept_positions(tokens, model.bos_token_id)
            latents = dictionary.encode(x.flatten(0, 1)).unflatten(0, tokens.shape).cpu()
            latents[~kept] = 0  # no SAE was trained there; what it says means nothing
            yield LatentBatch.of(tokens, latents, kept, first)
            first += len(tokens)
