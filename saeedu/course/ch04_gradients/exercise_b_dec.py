"""Exercise 04.grad_b_dec: the bias with two paths."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_gradients
from saeedu.course.ch04_gradients.draws import calls_with
from saeedu.grading.exercise import Check, Exercise, Mistake


def only_the_decoder_path(x_hat, x, d_pre_acts, W_enc):
    return 2 / len(x) * (x_hat - x).sum(axis=0)


def only_the_encoder_path(x_hat, x, d_pre_acts, W_enc):
    return -(d_pre_acts @ W_enc.T).sum(axis=0)


def encoder_path_added(x_hat, x, d_pre_acts, W_enc):
    return 2 / len(x) * (x_hat - x).sum(axis=0) + (d_pre_acts @ W_enc.T).sum(axis=0)


def encoder_path_alone_and_added(x_hat, x, d_pre_acts, W_enc):
    return (d_pre_acts @ W_enc.T).sum(axis=0)


def encoder_path_averaged(x_hat, x, d_pre_acts, W_enc):
    return 2 * (x_hat - x).mean(axis=0) - (d_pre_acts @ W_enc.T).mean(axis=0)


def two_over_batch_on_both_paths(x_hat, x, d_pre_acts, W_enc):
    return 2 / len(x) * (x_hat - x - d_pre_acts @ W_enc.T).sum(axis=0)


def both_paths_averaged(x_hat, x, d_pre_acts, W_enc):
    return (2 / len(x) * (x_hat - x) - d_pre_acts @ W_enc.T).mean(axis=0)


def decoder_path_summed(x_hat, x, d_pre_acts, W_enc):
    return 2 * (x_hat - x).sum(axis=0) - (d_pre_acts @ W_enc.T).sum(axis=0)


def decoder_path_without_the_2(x_hat, x, d_pre_acts, W_enc):
    return (x_hat - x).mean(axis=0) - (d_pre_acts @ W_enc.T).sum(axis=0)


def decoder_path_without_factors(x_hat, x, d_pre_acts, W_enc):
    return (x_hat - x).sum(axis=0) - (d_pre_acts @ W_enc.T).sum(axis=0)


def decoder_path_over_everything(x_hat, x, d_pre_acts, W_enc):
    return 2 * (x_hat - x).sum(axis=0) / x.size - (d_pre_acts @ W_enc.T).sum(axis=0)


def decoder_path_wrong_sign(x_hat, x, d_pre_acts, W_enc):
    return 2 * (x - x_hat).mean(axis=0) - (d_pre_acts @ W_enc.T).sum(axis=0)


def both_signs_wrong(x_hat, x, d_pre_acts, W_enc):
    return 2 * (x - x_hat).mean(axis=0) + (d_pre_acts @ W_enc.T).sum(axis=0)


def kept_the_batch_axis(x_hat, x, d_pre_acts, W_enc):
    per_sample = 2 / len(x) * (x_hat - x) - d_pre_acts @ W_enc.T
    return per_sample.sum(axis=0, keepdims=True)


def not_summed(x_hat, x, d_pre_acts, W_enc):
    return 2 / len(x) * (x_hat - x) - d_pre_acts @ W_enc.T


def summed_over_d_in(x_hat, x, d_pre_acts, W_enc):
    return (2 / len(x) * (x_hat - x) - d_pre_acts @ W_enc.T).sum(axis=1)


def sum_first(x_hat, x, d_pre_acts, W_enc):
    return 2 * (x_hat - x).mean(axis=0) - W_enc @ d_pre_acts.sum(axis=0)


def einsum(x_hat, x, d_pre_acts, W_enc):
    through_decoder = np.einsum("si->i", x_hat - x) * 2 / len(x)
    return through_decoder - np.einsum("sj,ij->i", d_pre_acts, W_enc)


def loop_float32(x_hat, x, d_pre_acts, W_enc):
    grad = np.zeros(x.shape[1], dtype=np.float32)
    for guess, target, d in zip(x_hat, x, d_pre_acts, strict=True):
        grad += (2 / len(x) * (guess - target)).astype(np.float32)
        grad -= (W_enc @ d).astype(np.float32)
    return grad


EXERCISE = Exercise(
    id="04.grad_b_dec",
    title="One bias, two paths",
    reference=numpy_gradients.grad_b_dec,
    minutes=12,
    difficulty=4,
    hints=(
        "Follow both arrows that leave b_dec in the graph. Each gives a gradient; where paths "
        "join, the gradients add.",
        "After the decoder b_dec is added to every row of x_hat. That is the case of b_enc again: "
        "sum the gradient with respect to x_hat over the batch.",
        "Before the encoder it is subtracted: the input's gradient is d_pre_acts @ W_enc.T, by the "
        "same argument as at the decoder. What does the minus sign do, and the broadcast?",
        "2 / len(x) * (x_hat - x).sum(axis=0), minus (d_pre_acts @ W_enc.T).sum(axis=0).",
    ),
    check=Check(
        draw=calls_with(lambda m: (m.x_hat, m.x, m.d_pre_acts, m.W_enc)),
        tested="four SAEs of different sizes, both paths at work",
    ),
    mistakes=(
        Mistake(
            only_the_decoder_path,
            "The encoder's path is missing. b_dec is also subtracted from x before the encoder, so "
            "it moves the pre-activations too.",
        ),
        Mistake(
            only_the_encoder_path,
            "The decoder's path is missing. b_dec is also added to x_hat after the decoder.",
        ),
        Mistake(
            encoder_path_added,
            "The encoder's path has the wrong sign. The encoder sees x - b_dec: when b_dec rises, "
            "its input falls, so this path is subtracted.",
        ),
        Mistake(
            encoder_path_alone_and_added,
            "This is the encoder's path alone, and with the wrong sign: b_dec is subtracted before "
            "the encoder, and added after the decoder.",
        ),
        Mistake(
            encoder_path_averaged,
            "You averaged the encoder's path over the batch. d_pre_acts carries 1/batch already, "
            "the bare error does not: sum the one, average the other.",
        ),
        Mistake(
            two_over_batch_on_both_paths,
            "The encoder's path got 2 / batch a second time; d_pre_acts has it already. Only the "
            "bare error still needs it.",
        ),
        Mistake(
            both_paths_averaged,
            "You averaged both paths over the batch. The loss's 1/batch is already inside "
            "2 (x_hat - x) / batch, and inside d_pre_acts: add the samples up.",
        ),
        Mistake(
            decoder_path_summed,
            "The decoder's path lacks the 1/batch. d_pre_acts carries it already, the bare error "
            "x_hat - x does not.",
        ),
        Mistake(
            decoder_path_without_the_2,
            "The decoder's path is off by 2: the gradient with respect to x_hat is "
            "2 (x_hat - x) / batch.",
        ),
        Mistake(
            decoder_path_without_factors,
            "The decoder's path lacks both factors: use the gradient with respect to x_hat, "
            "2 (x_hat - x) / batch, not the bare error.",
        ),
        Mistake(
            decoder_path_over_everything,
            "The decoder's path is divided by batch times d_in. The squared error is summed over "
            "d_in, and averaged over the batch only.",
        ),
        Mistake(
            decoder_path_wrong_sign,
            "The decoder's path has the wrong sign: the error is x_hat - x, and b_dec is added.",
        ),
        Mistake(
            both_signs_wrong,
            "Every sign is turned round. b_dec is added to x_hat, so that path is plus; it is "
            "subtracted from x, so the other is minus.",
        ),
        Mistake(
            kept_the_batch_axis,
            "The numbers are right, the shape is [1, d_in]. b_dec is [d_in]: drop keepdims.",
        ),
        Mistake(
            not_summed,
            "This still has one row per sample. The same b_dec serves every sample, so its "
            "gradient is the sum over the batch axis.",
        ),
        Mistake(
            summed_over_d_in,
            "You summed over the wrong axis: this has one number per sample. b_dec has one per "
            "input dimension: sum over axis 0.",
        ),
    ),
    alternatives=(sum_first, einsum, loop_float32),
    why="A parameter that is used twice collects a gradient from each use: the rule behind every "
    "shared weight in deep learning.",
)
