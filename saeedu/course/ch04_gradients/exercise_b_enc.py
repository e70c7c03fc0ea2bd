"""Exercise 04.grad_b_enc: the encoder's bias."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_gradients
from saeedu.course.ch04_gradients.draws import calls_with
from saeedu.grading.exercise import Check, Exercise, Mistake


def mean_over_the_batch(d_pre_acts):
    return d_pre_acts.mean(axis=0)


def summed_over_latents(d_pre_acts):
    return d_pre_acts.sum(axis=1)


def kept_the_batch_axis(d_pre_acts):
    return d_pre_acts.sum(axis=0, keepdims=True)


def summed_everything(d_pre_acts):
    return d_pre_acts.sum()


def not_summed(d_pre_acts):
    return d_pre_acts.copy()


def wrong_sign(d_pre_acts):
    return -d_pre_acts.sum(axis=0)


def another_2(d_pre_acts):
    return 2 * d_pre_acts.sum(axis=0)


def two_over_batch_again(d_pre_acts):
    return 2 / len(d_pre_acts) * d_pre_acts.sum(axis=0)


def counted(d_pre_acts):
    return (d_pre_acts != 0).sum(axis=0).astype(float)


def first_sample(d_pre_acts):
    return d_pre_acts[0].copy()


def ones_times(d_pre_acts):
    return np.ones(len(d_pre_acts)) @ d_pre_acts


def einsum(d_pre_acts):
    return np.einsum("sj->j", d_pre_acts)


def loop_float32(d_pre_acts):
    grad = np.zeros(d_pre_acts.shape[1], dtype=np.float32)
    for row in d_pre_acts:
        grad += row.astype(np.float32)
    return grad


EXERCISE = Exercise(
    id="04.grad_b_enc",
    title="The encoder's bias",
    reference=numpy_gradients.grad_b_enc,
    minutes=3,
    difficulty=1,
    hints=(
        "NumPy's broadcasting adds the same b_enc to every row of the batch. Move b_enc[j]: what "
        "moves, and by how much?",
        "Column j of the pre-activations moves, in every sample, by the same amount. So the "
        "effects of all samples add up.",
        "A sum over the batch axis, axis 0, which leaves the shape [d_sae].",
    ),
    check=Check(
        draw=calls_with(lambda m: (m.d_pre_acts,)),
        tested="four batches of different sizes",
    ),
    mistakes=(
        Mistake(
            mean_over_the_batch,
            "You took the mean over the batch. The loss's 1/batch is inside d_pre_acts already: "
            "add the samples up.",
        ),
        Mistake(
            summed_over_latents,
            "You summed over the wrong axis: this has one number per sample. The bias has one per "
            "latent, and every sample uses it: sum over axis 0.",
        ),
        Mistake(
            kept_the_batch_axis,
            "The numbers are right, the shape is [1, d_sae]. b_enc is [d_sae]: drop keepdims, or "
            "the first update turns the bias into a matrix.",
        ),
        Mistake(
            summed_everything,
            "You summed over latents too. Each latent has its own bias: sum over the batch axis "
            "only, axis=0.",
        ),
        Mistake(
            not_summed,
            "This still has one row per sample. One bias serves the whole batch, so its gradient "
            "is the sum over the samples.",
        ),
        Mistake(
            wrong_sign,
            "The sign is turned round. b_enc is added to the pre-activations: raise it by one and "
            "they rise by one.",
        ),
        Mistake(
            another_2,
            "You multiplied by 2 again. The 2 of the square is inside d_pre_acts already.",
        ),
        Mistake(
            two_over_batch_again,
            "You multiplied by 2 / batch. It belongs to the step from the loss to x_hat, and has "
            "travelled inside d_pre_acts ever since: add the samples up, and nothing more.",
        ),
        Mistake(
            counted,
            "You counted how often each latent passes a gradient. Add the gradients up, signs and "
            "all.",
        ),
        Mistake(
            first_sample,
            "This is the first sample's gradient alone. Every sample uses the same bias: add up "
            "all rows.",
        ),
    ),
    alternatives=(ones_times, einsum, loop_float32),
    why="Copying forward is summing backward: whatever is shared in the forward pass adds up its "
    "gradients.",
)
