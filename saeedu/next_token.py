"""What a language model pays for its predictions, token by token."""

from __future__ import annotations

import torch
from torch import Tensor

from saeedu.shapes import shaped


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


@shaped(logits="batch context vocabulary", other="batch context vocabulary")
def next_token_kl(logits: Tensor, other: Tensor) -> Tensor:
    """How far a second prediction is from a first one, at every position: KL(first || second).

    Cross-entropy asks only after the token that came; this asks after the whole distribution.

    **Arguments:** `logits`, `other` [batch, context, vocabulary]; `logits` is the reference.
    **Returns:** [batch, context], in nats; 0 where the two distributions are the same.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Kullback and Leibler (1951); SAEs are trained on it by Braun et al. (2024).
    """
    log_p = torch.log_softmax(logits, dim=-1)
    log_q = torch.log_softmax(other, dim=-1)
    return (log_p.exp() * (log_p - log_q)).sum(dim=-1)
