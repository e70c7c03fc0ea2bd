"""What the stand-in is worth: its loss on stories that it never saw, and stories of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from scripts.standin.corpus import Tokens

BATCH = 32
MONITORED = 200  # held-out stories measured while training; the export is measured on all
Logits = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class HeldOutLoss:
    """Sums over held-out stories, and what follows from them."""

    nats: float
    """Of the stories' own tokens, each story read from its beginning after a BOS."""
    tokens: int
    characters: int
    end_nats: float
    """Of the end-of-text tokens after them, not in `nats`."""
    stories: int

    @property
    def per_token(self) -> float:
        """Nats a token."""
        return self.nats / self.tokens

    @property
    def per_character(self) -> float:
        """Nats a character: what compares models with different tokenizers."""
        return self.nats / self.characters

    @property
    def per_character_with_end(self) -> float:
        """The same with the loss of the end-of-text tokens added, and no characters for them."""
        return (self.nats + self.end_nats) / self.characters


def held_out_loss(
    logits: Logits, stories: Sequence[Tokens], texts: Sequence[str], context: int, bos: int
) -> HeldOutLoss:
    """Measure a model on stories.

    The end-of-text token is left out of the main figure. It is no character, the writer's own
    figure has none, and some stories end where a length limit cut them off, which nobody could
    foresee. A story longer than the context is left out whole.

    **Arguments:** `logits`, from tokens [batch, n] to logits [batch, n, vocabulary]; `stories`,
    their token ids; `texts`, the same stories; `context`, the model's; `bos`, its id.
    **Returns:** the sums.
    **Raises:** `ValueError` when no story fits into the context.
    """
    fits = [i for i, story in enumerate(stories) if len(story) < context]
    if not fits:
        raise ValueError(f"held_out_loss: no story is shorter than a context of {context} tokens")
    fits.sort(key=lambda i: len(stories[i]))  # so that a batch needs little padding
    nats = end_nats = 0.0
    with torch.no_grad():
        for start in range(0, len(fits), BATCH):
            batch = [torch.from_numpy(stories[i]) for i in fits[start : start + BATCH]]
            lengths = torch.tensor([len(story) for story in batch])
            tokens = torch.full((len(batch), int(lengths.max()) + 2), bos)
            for row, story in zip(tokens, batch, strict=True):
                row[1 : len(story) + 1] = story
            log_probs = torch.log_softmax(logits(tokens[:, :-1]).float(), dim=-1)
            losses = -log_probs.gather(-1, tokens[:, 1:, None]).squeeze(-1)
            places = torch.arange(losses.shape[1])
            nats += float(losses[places < lengths[:, None]].double().sum())
            end_nats += float(losses[places == lengths[:, None]].double().sum())
    return HeldOutLoss(
        nats=nats,
        tokens=sum(len(stories[i]) for i in fits),
        characters=sum(len(texts[i]) for i in fits),
        end_nats=end_nats,
        stories=len(fits),
    )


def packed_loss(logits: Logits, stories: Sequence[Tokens], context: int, bos: int) -> float:
    """The loss on stories packed into full contexts, as the course's chapters feed them.

    Higher than `held_out_loss`: most contexts begin in the middle of a story, and the
    end-of-text tokens count.

    **Arguments:** as `held_out_loss`, with enough tokens for one context.
    **Returns:** mean nats a token over all but the first.
    """
    stream = np.concatenate([np.append(story, bos) for story in stories])
    n_rows = len(stream) // (context - 1)
    rows = torch.from_numpy(stream[: n_rows * (context - 1)]).view(n_rows, context - 1)
    total = 0.0
    with torch.no_grad():
        for batch in rows.split(BATCH):
            inputs = torch.cat([torch.full((len(batch), 1), bos), batch[:, :-1]], dim=1)
            log_probs = torch.log_softmax(logits(inputs).float(), dim=-1)
            total -= float(log_probs.gather(-1, batch[..., None]).double().sum())
    return total / rows.numel()


def sample(
    logits: Logits, start: Sequence[int], context: int, stop: int, temperature: float, seed: int
) -> list[int]:
    """Let a model go on with a text, one random token after another.

    **Arguments:** `logits`, as for `held_out_loss`; `start`, token ids to begin with, at least
    one; `context`, where to stop at the latest; `stop`, the token that ends it; `temperature`,
    above 0; `seed`.
    **Returns:** the token ids, `start` included, `stop` left out.
    """
    generator = torch.Generator().manual_seed(seed)
    tokens = list(start)
    with torch.no_grad():
        while len(tokens) < context:
            last = logits(torch.tensor([tokens]))[0, -1].float() / temperature
            chosen = int(torch.multinomial(last.softmax(-1), 1, generator=generator))
            if chosen == stop:
                break
            tokens.append(chosen)
    return tokens
