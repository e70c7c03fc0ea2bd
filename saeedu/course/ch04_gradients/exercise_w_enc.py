"""Exercise 04.grad_W_enc: the encoder."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_gradients
from saeedu.course.ch04_gradients.draws import calls_with
from saeedu.grading.exercise import Check, Exercise, Mistake


def forgot_to_centre(x, b_dec, d_pre_acts):
    return x.T @ d_pre_acts


def added_b_dec(x, b_dec, d_pre_acts):
    return (x + b_dec).T @ d_pre_acts


def centred_by_the_batch(x, b_dec, d_pre_acts):
    return (x - x.mean(axis=0)).T @ d_pre_acts


def transposed(x, b_dec, d_pre_acts):
    return d_pre_acts.T @ (x - b_dec)


def batch_again(x, b_dec, d_pre_acts):
    return (x - b_dec).T @ d_pre_acts / len(x)


def another_2(x, b_dec, d_pre_acts):
    return 2 * (x - b_dec).T @ d_pre_acts


def decoder_factors(x, b_dec, d_pre_acts):
    return 2 / len(x) * (x - b_dec).T @ d_pre_acts


def wrong_sign(x, b_dec, d_pre_acts):
    return (b_dec - x).T @ d_pre_acts


def product_of_sums(x, b_dec, d_pre_acts):
    return np.outer((x - b_dec).sum(axis=0), d_pre_acts.sum(axis=0))


def masked_again_by_sign(x, b_dec, d_pre_acts):
    return (x - b_dec).T @ np.maximum(d_pre_acts, 0)


def einsum(x, b_dec, d_pre_acts):
    return np.einsum("si,sj->ij", x - b_dec, d_pre_acts)


def sum_of_outer_products(x, b_dec, d_pre_acts):
    return sum(np.outer(row - b_dec, d) for row, d in zip(x, d_pre_acts, strict=True))


def column_by_column(x, b_dec, d_pre_acts):
    centred = x - b_dec
    columns = [(centred * d[:, None]).sum(axis=0) for d in d_pre_acts.T]
    return np.stack(columns, axis=1)


def float32(x, b_dec, d_pre_acts):
    return (x - b_dec).T.astype(np.float32) @ d_pre_acts.astype(np.float32)


EXERCISE = Exercise(
    id="04.grad_W_enc",
    title="The encoder",
    reference=numpy_gradients.grad_W_enc,
    minutes=6,
    difficulty=2,
    hints=(
        "It is the decoder's gradient once more, one layer earlier: what goes *into* the matrix, "
        "times the gradient at what comes *out*.",
        "Out come the pre-activations, whose gradient you are given. What goes in? Look at the "
        "graph: it is not x.",
        "In goes x - b_dec. The batch axis is summed away: [d_in, batch] @ [batch, d_sae]. "
        "No factors: d_pre_acts has them already.",
    ),
    check=Check(
        draw=calls_with(lambda m: (m.x, m.b_dec, m.d_pre_acts)),
        tested="four SAEs of different sizes, b_dec never zero",
    ),
    mistakes=(
        Mistake(
            forgot_to_centre,
            "You used x. The encoder never sees x: it sees x - b_dec, so that is what multiplies "
            "d_pre_acts.",
        ),
        Mistake(
            added_b_dec,
            "You added b_dec. The encoder's input is x - b_dec.",
        ),
        Mistake(
            centred_by_the_batch,
            "You subtracted the batch's mean. The encoder's input is x - b_dec, with the bias as "
            "it is now, not as it may become.",
        ),
        Mistake(
            transposed,
            "Transposed. W_enc is [d_in, d_sae], so its gradient is too: (x - b_dec).T comes "
            "first.",
        ),
        Mistake(
            batch_again,
            "You divided by the batch size again. d_pre_acts carries the loss's 1/batch already; "
            "here you only add up what the samples say.",
        ),
        Mistake(
            another_2,
            "You multiplied by 2 again. The 2 of the square is inside d_pre_acts already, and the "
            "encoder squares nothing.",
        ),
        Mistake(
            decoder_factors,
            "You carried 2 / batch over from the decoder's formula. There the error had no factors "
            "yet; d_pre_acts has them all.",
        ),
        Mistake(
            wrong_sign,
            "The sign is turned round: the encoder's input is x - b_dec, not b_dec - x.",
        ),
        Mistake(
            product_of_sums,
            "You summed inputs and gradients separately and multiplied the sums. Multiply within "
            "each sample, then sum over samples.",
        ),
        Mistake(
            masked_again_by_sign,
            "You removed the negative gradients. They are half of the message: they ask for "
            "stronger latents.",
        ),
    ),
    alternatives=(
        einsum,
        sum_of_outer_products,
        column_by_column,
        float32,
    ),
    why="Column j is a sum of inputs in which latent j was on: an encoder direction can only ever "
    "move towards, or away from, what it has fired for.",
)
