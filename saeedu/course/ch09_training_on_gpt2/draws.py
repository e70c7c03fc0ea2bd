"""Inputs for this chapter's checks: torch tensors of which no axis has the size of another.

Nothing is zero that could hide a mistake: the activations' mean is far from the origin, the
decoder's rows differ in length, and every price differs from 1.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from saeedu.grading.exercise import Call


def tensor(values: np.ndarray) -> Tensor:
    """A float64 tensor with a copy of the values."""
    return torch.tensor(values, dtype=torch.float64)


def codes_and_decoders(rng: np.random.Generator) -> Iterator[Call]:
    """Latents as a ReLU leaves them, decoder rows of clearly different lengths, and a price."""
    for batch, d_sae, d_in, price in ((7, 11, 5, 0.3), (4, 3, 6, 2.5), (9, 8, 2, 0.07)):
        latents = np.maximum(rng.standard_normal((batch, d_sae)) + 0.3, 0)
        latents[:, int(rng.integers(d_sae))] = 0.0  # a dead one
        latents[0, int(np.argmax(latents.sum(axis=0)))] += 1.5
        latents[-1] = 0.0  # a sample in which nothing fires
        W_dec = rng.standard_normal((d_sae, d_in)) * rng.uniform(0.3, 3.0, (d_sae, 1))
        yield Call(
            (tensor(latents).requires_grad_(), tensor(W_dec).requires_grad_(), price),
            axes={"batch": batch, "d_sae": d_sae, "d_in": d_in},
        )


def pairs(rng: np.random.Generator) -> Iterator[Call]:
    """A reconstruction and its target; the error has a mean of its own, and so has the target."""
    for batch, d_in in ((7, 5), (4, 6), (12, 3), (9, 8)):
        spread = rng.uniform(0.5, 3.0, d_in)
        mean = rng.uniform(0.7, 2.0, d_in) * rng.choice([-1, 1], d_in)
        x = rng.standard_normal((batch, d_in)) * spread + mean
        error = 0.5 * rng.standard_normal((batch, d_in)) + 0.4 * rng.uniform(0.5, 1.0, d_in)
        yield Call((tensor(x + error), tensor(x)), axes={"batch": batch, "d_in": d_in})
    x = rng.standard_normal((6, 4)) + 1.2
    yield Call(
        (tensor(x + 3 * rng.standard_normal((6, 4))), tensor(x)),
        axes={"batch": 6, "d_in": 4},
        note="a reconstruction that is worse than the mean",
    )


def cross_entropies(rng: np.random.Generator) -> Iterator[Call]:
    """Clean, with an SAE and zero-ablated; one SAE is worse than zeros, one better than none."""
    for share in (0.1, 0.45, 0.9):
        clean, gap = rng.uniform(2.0, 4.0), rng.uniform(3.0, 8.0)
        yield Call((clean, clean + share * gap, clean + gap))
    yield Call((3.2, 12.4, 10.1), note="an SAE that is worse than zeros")
    yield Call((3.4, 3.1, 9.7), note="an SAE with which the model does better than without")


def predictions(rng: np.random.Generator) -> Iterator[Call]:
    """Logits that are not normalised, and tokens of which no two neighbours are equal."""
    for batch, context, vocabulary in ((3, 6, 9), (2, 4, 7), (5, 3, 11)):
        logits = 2 * rng.standard_normal((batch, context, vocabulary)) + 1.3
        steps = rng.integers(1, vocabulary, (batch, context))
        tokens = np.cumsum(steps, axis=1) % vocabulary
        yield Call(
            (tensor(logits), torch.tensor(tokens)),
            axes={"batch": batch, "context": context, "vocabulary": vocabulary},
        )
    # A sure model: exp overflows in float32, and the softmax of the other tokens is rounded to
    # zero. What comes is in turn the token that it is sure of and another, so that infinity
    # divided by infinity can be told from the logarithm of zero.
    batch, context, vocabulary = 4, 5, 8
    logits = rng.uniform(-20, 20, (batch, context, vocabulary))
    logits[..., 0] = 300.0
    tokens = rng.integers(1, vocabulary, (batch, context))
    tokens[:, 1::2] = 0
    yield Call(
        (torch.tensor(logits, dtype=torch.float32), torch.tensor(tokens)),
        axes={"batch": batch, "context": context, "vocabulary": vocabulary},
        note="a logit of 300 in float32, the precision in which a model works",
    )


def spread_out(rng: np.random.Generator) -> Iterator[Call]:
    """Activations whose directions vary by different amounts, and others with another mean."""
    for n_train, n, d_in, k in ((40, 7, 6, 2), (31, 11, 5, 3), (23, 5, 9, 4)):
        axes = np.linalg.qr(rng.standard_normal((d_in, d_in)))[0]
        spread = np.sort(rng.uniform(0.3, 1.0, d_in) * 2.0 ** np.arange(d_in))
        spread /= spread.mean()
        mean = rng.uniform(2.0, 4.0, d_in) * rng.choice([-1, 1], d_in)
        x_train = (rng.standard_normal((n_train, d_in)) * spread) @ axes.T + mean
        shifted = mean + rng.uniform(0.3, 0.8, d_in)
        x = (rng.standard_normal((n, d_in)) * spread) @ axes.T + shifted
        sizes = {"n_train": n_train, "n": n, "d_in": d_in, "k": k}
        yield Call((tensor(x_train), tensor(x), k), axes=sizes)


def spliced(rng: np.random.Generator) -> Iterator[Call]:
    """Contexts with BOS in front and, between two documents, in the middle; BOS is not token 0.

    In the last batch the first context begins in the middle of a document, without BOS.
    """
    for batch, context, d_in, bos in ((3, 7, 5, 4), (2, 9, 4, 11), (4, 6, 3, 0)):
        tokens = rng.integers(1, 12, (batch, context))
        tokens[tokens == bos] = 12
        tokens[:, 0] = bos
        tokens[0, int(rng.integers(2, context - 1))] = bos
        if bos:
            tokens[1, 3] = 0  # a token like any other
        activation = rng.standard_normal((batch, context, d_in)) + 3.0
        replacement = rng.standard_normal((batch, context, d_in)) - 2.0
        yield Call(
            (tensor(activation), tensor(replacement), torch.tensor(tokens), bos),
            axes={"batch": batch, "context": context, "d_in": d_in},
        )
    batch, context, d_in, bos = 3, 8, 5, 7
    tokens = rng.integers(1, 7, (batch, context))
    tokens[1:, 0] = bos
    tokens[0, 5] = tokens[0, 0]  # a word that comes twice
    tokens[2, 4] = bos
    activation = rng.standard_normal((batch, context, d_in)) + 3.0
    replacement = rng.standard_normal((batch, context, d_in)) - 2.0
    yield Call(
        (tensor(activation), tensor(replacement), torch.tensor(tokens), bos),
        axes={"batch": batch, "context": context, "d_in": d_in},
        note="the first context does not begin with BOS",
    )
