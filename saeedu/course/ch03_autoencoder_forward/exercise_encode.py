"""Exercise 03.encode: read the code off a sample."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu import numpy_sae
from saeedu.course.ch03_autoencoder_forward import draws
from saeedu.grading.exercise import Call, Check, Exercise, Mistake


def relu(z):
    return np.maximum(z, 0)


def draw_inputs(rng: np.random.Generator) -> Iterator[Call]:
    for batch, d_in, d_sae in (*draws.SIZES, (1, 4, 6)):
        x = draws.samples(rng, batch, d_in)
        b_dec = draws.bias(rng, d_in)
        W_enc, b_enc = draws.encoder(rng, x, d_sae, b_dec)
        axes = {"batch": batch, "d_in": d_in, "d_sae": d_sae}
        yield Call((x, W_enc, b_enc, b_dec), axes=axes, note="latent 0 never fires")


def not_centred(x, W_enc, b_enc, b_dec):
    return relu(x @ W_enc + b_enc)


def no_encoder_bias(x, W_enc, b_enc, b_dec):
    return relu((x - b_dec) @ W_enc)


def no_bias_at_all(x, W_enc, b_enc, b_dec):
    return relu(x @ W_enc)


def centred_the_wrong_way(x, W_enc, b_enc, b_dec):
    return relu((x + b_dec) @ W_enc + b_enc)


def encoder_bias_subtracted(x, W_enc, b_enc, b_dec):
    return relu((x - b_dec) @ W_enc - b_enc)


def no_relu(x, W_enc, b_enc, b_dec):
    return (x - b_dec) @ W_enc + b_enc


def relu_before_the_bias(x, W_enc, b_enc, b_dec):
    return relu((x - b_dec) @ W_enc) + b_enc


def relu_on_the_input(x, W_enc, b_enc, b_dec):
    return relu(x - b_dec) @ W_enc + b_enc


def absolute_value(x, W_enc, b_enc, b_dec):
    return np.abs((x - b_dec) @ W_enc + b_enc)


def max_over_the_batch(x, W_enc, b_enc, b_dec):
    return np.max((x - b_dec) @ W_enc + b_enc, 0)


def centred_by_the_batch(x, W_enc, b_enc, b_dec):
    return relu((x - x.mean(axis=0)) @ W_enc + b_enc)


def only_the_mask(x, W_enc, b_enc, b_dec):
    return ((x - b_dec) @ W_enc + b_enc > 0).astype(float)


def kept_the_negative_part(x, W_enc, b_enc, b_dec):
    return np.minimum((x - b_dec) @ W_enc + b_enc, 0)


def bias_only_as_a_threshold(x, W_enc, b_enc, b_dec):
    h = (x - b_dec) @ W_enc
    return np.where(h > -b_enc, h, 0)


def builtin_max(x, W_enc, b_enc, b_dec):
    return max((x - b_dec) @ W_enc + b_enc, 0)


def encoder_transposed(x, W_enc, b_enc, b_dec):
    return relu((x - b_dec) @ W_enc.T + b_enc)


def encode_in_loops(x, W_enc, b_enc, b_dec):
    latents = np.zeros((len(x), len(b_enc)))
    for i in range(len(x)):
        for j in range(len(b_enc)):
            pre_act = np.dot(x[i] - b_dec, W_enc[:, j]) + b_enc[j]
            if pre_act > 0:
                latents[i, j] = pre_act
    return latents


def encode_with_einsum_and_where(x, W_enc, b_enc, b_dec):
    pre_acts = np.einsum("bd,ds->bs", x - b_dec, W_enc) + b_enc
    return np.where(pre_acts > 0, pre_acts, 0.0)


def encode_in_place_in_float32(x, W_enc, b_enc, b_dec):
    latents = (x - b_dec).astype(np.float32) @ W_enc.astype(np.float32)
    latents += b_enc.astype(np.float32)
    latents *= latents > 0
    return latents


def encode_with_one_combined_bias(x, W_enc, b_enc, b_dec):
    return (x @ W_enc + (b_enc - b_dec @ W_enc)).clip(min=0)


EXERCISE = Exercise(
    id="03.encode",
    title="Read the code off a sample",
    reference=numpy_sae.encode,
    minutes=6,
    difficulty=2,
    hints=(
        "Four steps, in the order of the docstring's first line. How many arrays does the function "
        "get, and have you used each of them?",
        "Centring is with `b_dec`, the same vector that the decoder adds at the end. "
        "The shift is by `b_enc`, before the ReLU.",
        "`pre_acts = (...) @ W_enc + ...`; then keep what is positive: `np.maximum` compares entry "
        "by entry, `np.max` does not.",
    ),
    check=Check(
        draw_inputs,
        tested="five batches, one of a single sample, with both biases at work and latents on, "
        "off and dead",
    ),
    mistakes=(
        Mistake(
            not_centred,
            "`b_dec` is not subtracted from `x`. The decoder adds `b_dec` on top of its sum of "
            "rows, so the encoder must read what is left without it.",
        ),
        Mistake(
            no_encoder_bias,
            "`b_enc` is missing. It shifts every reading before the ReLU: a negative one lowers "
            "them, and what falls below zero is lost.",
        ),
        Mistake(
            no_bias_at_all,
            "Neither bias is used. One centres the input, the other shifts each latent's reading.",
        ),
        Mistake(
            centred_the_wrong_way,
            "`b_dec` is added to `x`. Centring takes it away, so that the decoder can put it back.",
        ),
        Mistake(
            encoder_bias_subtracted,
            "`b_enc` has the wrong sign: a shift is added, so that a negative bias lowers the "
            "reading.",
        ),
        Mistake(
            no_relu,
            "These are the pre-activations: some are negative. What turns most of them into "
            "exact zeros is missing.",
        ),
        Mistake(
            relu_before_the_bias,
            "The ReLU came before `b_enc`. Then the bias can no longer silence a latent, and the "
            "output can be negative.",
        ),
        Mistake(
            relu_on_the_input,
            "The ReLU is on the input, not on the output. Activations may be negative and still "
            "carry meaning; it is the latents that may not.",
        ),
        Mistake(
            absolute_value,
            "You took the absolute value. A strongly negative pre-activation means that the "
            "feature is absent; here it counts as strongly present.",
        ),
        Mistake(
            max_over_the_batch,
            "`np.max(z, 0)` is the largest entry along axis 0, one number for each latent. "
            "You want each entry compared with zero; that function has a longer name.",
        ),
        Mistake(
            centred_by_the_batch,
            "You centred by the mean of this batch. Then a sample's code would depend on its "
            "neighbours; the autoencoder has a learnt vector for this.",
        ),
        Mistake(
            only_the_mask,
            "Your latents are only ones and zeros. Keep how strong they are.",
        ),
        Mistake(
            kept_the_negative_part,
            "You kept the negative part and threw the positive one away.",
        ),
        Mistake(
            encoder_transposed,
            "`W_enc` is turned round. It is [d_in, d_sae] already, so that [batch, d_in] times it "
            "gives [batch, d_sae].",
        ),
        Mistake(
            bias_only_as_a_threshold,
            "You used `b_enc` only to decide which latents are on, and those keep their full "
            "reading. The bias shifts the reading itself: add it, then keep what is positive.",
        ),
        Mistake(
            builtin_max,
            "Python's own `max` asks which of two things is larger, once, and an array has no "
            "single answer: that is the ambiguous truth value. `np.maximum` compares entry by "
            "entry.",
        ),
    ),
    alternatives=(
        encode_in_loops,
        encode_with_einsum_and_where,
        encode_in_place_in_float32,
        encode_with_one_combined_bias,
    ),
    why="Every sparse autoencoder in the later chapters differs from this one in little more than "
    "its last step.",
)
