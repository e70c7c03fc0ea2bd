"""How much text, memory and state a training run needs, by arithmetic, before it is started."""

from __future__ import annotations

import math
from typing import NamedTuple

FLOAT32 = 4
"""Bytes of one number in float32."""


class RunSizes(NamedTuple):
    """What a run needs."""

    activations: int
    """Different activations to collect."""
    contexts: int
    """Contexts that the language model has to read for them."""
    data_bytes: int
    """For the activations in memory."""
    training_bytes: int
    """For the weights, their gradients, and Adam's two averages."""


def run_sizes(
    n_steps: int, batch_size: int, passes: int, context: int, d_in: int, d_sae: int
) -> RunSizes:
    """How much a training run needs, all numbers in float32: `FLOAT32`, 4 bytes, each.

    **Arguments:** `n_steps` of `batch_size` activations each; `passes`, how often the run may see
    each activation; `context`, tokens that the model reads at a time, of which the first is BOS
    and gives no activation; `d_in`; `d_sae`, with an encoder, a decoder and both biases.
    **Returns:** `RunSizes(activations, contexts, data_bytes, training_bytes)`: different
    activations; contexts to read for them; bytes of those activations, and no more, in memory;
    bytes of the weights, their gradients and Adam's two averages. Whole numbers: too few is not
    enough, so round up.
    """
    activations = math.ceil(n_steps * batch_size / passes)
    weights = 2 * d_in * d_sae + d_sae + d_in
    return RunSizes(
        activations,
        contexts=math.ceil(activations / (context - 1)),
        data_bytes=FLOAT32 * activations * d_in,
        training_bytes=4 * FLOAT32 * weights,
    )
