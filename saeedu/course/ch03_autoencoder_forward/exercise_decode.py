"""Exercise 03.decode: rebuild a sample from its code."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu import numpy_sae
from saeedu.course.ch03_autoencoder_forward import draws
from saeedu.grading.exercise import Call, Check, Exercise, Mistake


def relu(z):
    return np.maximum(z, 0)


def draw_latents(rng: np.random.Generator) -> Iterator[Call]:
    for batch, d_in, d_sae in draws.SIZES:
        latents = draws.latents(rng, batch, d_sae)
        axes = {"batch": batch, "d_in": d_in, "d_sae": d_sae}
        W_dec, b_dec = draws.decoder(rng, d_sae, d_in), draws.bias(rng, d_in)
        yield Call((latents, W_dec, b_dec), axes=axes, note="in one sample no latent is on")


def no_output_bias(latents, W_dec, b_dec):
    return latents @ W_dec


def bias_subtracted(latents, W_dec, b_dec):
    return latents @ W_dec - b_dec


def rows_made_unit(latents, W_dec, b_dec):
    return latents @ (W_dec / np.linalg.norm(W_dec, axis=1, keepdims=True)) + b_dec


def averaged_over_latents(latents, W_dec, b_dec):
    return latents @ W_dec / W_dec.shape[0] + b_dec


def bias_in_every_row(latents, W_dec, b_dec):
    return latents @ (W_dec + b_dec)


def on_or_off(latents, W_dec, b_dec):
    return (latents > 0) @ W_dec + b_dec


def relu_on_the_output(latents, W_dec, b_dec):
    return relu(latents @ W_dec + b_dec)


def only_the_strongest(latents, W_dec, b_dec):
    return latents * (latents == latents.max(axis=1, keepdims=True)) @ W_dec + b_dec


def decoder_transposed(latents, W_dec, b_dec):
    return latents @ W_dec.T + b_dec


def decode_in_loops(latents, W_dec, b_dec):
    x_hat = np.empty((len(latents), W_dec.shape[1]))
    for i, sample in enumerate(latents):
        x_hat[i] = b_dec
        for strength, row in zip(sample, W_dec, strict=True):
            x_hat[i] += strength * row
    return x_hat


def decode_with_einsum(latents, W_dec, b_dec):
    return np.einsum("bs,sd->bd", latents, W_dec) + b_dec[None, :]


def decode_with_a_column_of_ones(latents, W_dec, b_dec):
    ones = np.ones((len(latents), 1))
    return np.hstack([latents, ones]).dot(np.vstack([W_dec, b_dec]))


EXERCISE = Exercise(
    id="03.decode",
    title="Rebuild a sample from its code",
    reference=numpy_sae.decode,
    minutes=4,
    difficulty=1,
    hints=(
        "One sample: take each row of the dictionary as often as its latent says, add the rows up, "
        "then shift by the bias. Which product does that for a whole batch?",
        "[batch, d_sae] and [d_sae, d_in] should give [batch, d_in].",
        "`latents @ W_dec` is the weighted sum of rows. One term is still missing.",
    ),
    check=Check(
        draw_latents,
        tested="four batches with dead latents, an empty code, rows of all lengths and a bias",
    ),
    mistakes=(
        Mistake(
            no_output_bias,
            "`b_dec` is missing. Where no latent is on, the reconstruction should be `b_dec`; "
            "yours is zero there.",
        ),
        Mistake(
            bias_subtracted,
            "`b_dec` has the wrong sign. The encoder takes it away; the decoder gives it back.",
        ),
        Mistake(
            rows_made_unit,
            "You brought the decoder's rows to length one on the way. Training keeps them so; "
            "decoding uses the rows as they are.",
        ),
        Mistake(
            averaged_over_latents,
            "You divided by the number of latents. The rows are added, not averaged: a bigger "
            "dictionary must not make fainter reconstructions.",
        ),
        Mistake(
            bias_in_every_row,
            "Here `b_dec` is added once for every active latent, times its strength. It belongs in "
            "the sum once a sample.",
        ),
        Mistake(
            on_or_off,
            "You used only whether a latent is on. How strongly it is on says how much of its row "
            "to take.",
        ),
        Mistake(
            relu_on_the_output,
            "There is a ReLU on the output. Latents are never negative, but activations are: the "
            "decoder ends without one.",
        ),
        Mistake(
            only_the_strongest,
            "Only the strongest latent of each sample reached the output. All that are on belong "
            "in the sum.",
        ),
        Mistake(
            decoder_transposed,
            "`W_dec` is turned round. It is [d_sae, d_in] already: each of its rows is a "
            "direction, and there is a row for each latent.",
        ),
    ),
    alternatives=(decode_in_loops, decode_with_einsum, decode_with_a_column_of_ones),
    why="This line is the whole hypothesis: an activation is a short weighted sum of directions.",
)
