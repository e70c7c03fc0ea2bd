"""Writing text with a language model: one token after another, drawn from its predictions."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def sample_tokens(
    next_logits: Callable[[Tensor], Tensor],
    tokens: Tensor,
    max_new_tokens: int,
    temperature: float,
    seed: int,
    end_token_id: int,
) -> Tensor:
    """Continue some texts. All that was written before is read anew for each token.

    A text that has come to its end (the end token) is continued with end tokens only, and when all
    have, no more is written.

    **Arguments:** `next_logits`, from tokens [batch, n] to the logits of the token that follows,
    [batch, vocabulary]; `tokens` [batch, n], n at least 1, the beginnings; `max_new_tokens`, at
    least 0; `temperature`, by which logits are divided: 0 takes the likeliest token, 1 draws from
    the model's own probabilities; `seed` of the draws; `end_token_id`.
    **Returns:** [batch, up to n + max_new_tokens], integers on the CPU, the beginnings included.
    The same on every run with the same seed, model and machine.
    **Raises:** `ValueError` for a temperature or a number of tokens below zero.
    """
    if max_new_tokens < 0:
        raise ValueError(f"generate: max_new_tokens is {max_new_tokens}, must be 0 or more")
    if not (temperature >= 0 and math.isfinite(temperature)):
        raise ValueError(f"generate: temperature is {temperature}, must be finite, 0 or more")
    generator = torch.Generator().manual_seed(seed)
    tokens = tokens.cpu()
    ended = torch.zeros(len(tokens), dtype=torch.bool)
    for _ in range(max_new_tokens):
        drawn = _draw(next_logits(tokens).cpu(), temperature, generator)
        drawn = drawn.masked_fill(ended, end_token_id)
        tokens = torch.cat([tokens, drawn[:, None]], dim=1)
        ended |= drawn == end_token_id
        if ended.all():
            break
    return tokens


def _draw(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    if temperature == 0:
        return logits.argmax(dim=-1)
    probabilities = torch.softmax(logits.double() / temperature, dim=-1)
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0]
