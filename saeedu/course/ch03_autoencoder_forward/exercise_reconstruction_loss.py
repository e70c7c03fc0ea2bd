"""Exercise 03.reconstruction_loss: how far off the reconstruction is."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_sae
from saeedu.course.ch03_autoencoder_forward import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def mean_over_everything(x_hat, x):
    return np.mean((x_hat - x) ** 2)


def sum_over_everything(x_hat, x):
    return np.sum((x_hat - x) ** 2)


def sum_over_the_batch(x_hat, x):
    return np.mean(np.sum((x_hat - x) ** 2, axis=0))


def root_of_the_loss(x_hat, x):
    return np.sqrt(np.mean(np.sum((x_hat - x) ** 2, axis=1)))


def mean_distance(x_hat, x):
    return np.mean(np.linalg.norm(x_hat - x, axis=1))


def absolute_error(x_hat, x):
    return np.mean(np.sum(np.abs(x_hat - x), axis=1))


def not_squared(x_hat, x):
    return np.mean(np.sum(x_hat - x, axis=1))


def squared_after_the_sum(x_hat, x):
    return np.mean(np.sum(x_hat - x, axis=1) ** 2)


def difference_of_squares(x_hat, x):
    return np.mean(np.sum(x_hat**2 - x**2, axis=1))


def halved(x_hat, x):
    return 0.5 * np.mean(np.sum((x_hat - x) ** 2, axis=1))


def one_loss_a_sample(x_hat, x):
    return np.sum((x_hat - x) ** 2, axis=1)


def loss_in_loops(x_hat, x):
    total = 0.0
    for a, b in zip(x_hat, x, strict=True):
        for u, v in zip(a, b, strict=True):
            total += (v - u) ** 2
    return total / len(x)


def loss_by_norm(x_hat, x):
    return np.linalg.norm(x - x_hat) ** 2 / x.shape[0]


def loss_with_einsum_in_float32(x_hat, x):
    error = (x_hat - x).astype(np.float32)
    return np.einsum("bd,bd->b", error, error).mean()


EXERCISE = Exercise(
    id="03.reconstruction_loss",
    title="How far off is the reconstruction?",
    reference=numpy_sae.reconstruction_loss,
    minutes=4,
    difficulty=2,
    hints=(
        "For one sample: the squared distance between two vectors. For a batch: the mean of that. "
        "Which axis is summed, and which is averaged?",
        "Sum over d_in, mean over the batch. A mean over everything would be smaller by the "
        "factor d_in.",
        "`np.sum((x_hat - x) ** 2, axis=...)` should leave one number a sample; average those.",
    ),
    check=Check(draws.pairs, tested="four batches of different shapes, with errors of both signs"),
    mistakes=(
        Mistake(
            mean_over_everything,
            "You averaged over the dimensions as well. The squared distance of a sample is a sum "
            "over d_in; only the batch is averaged. (Some libraries do average both: their λ then "
            "means something else.)",
        ),
        Mistake(
            sum_over_everything,
            "You summed over the batch as well. Then a batch twice as large costs twice as much; "
            "over samples it is a mean.",
        ),
        Mistake(
            sum_over_the_batch,
            "The axes are swapped: you summed over the samples and averaged over the dimensions.",
        ),
        Mistake(
            root_of_the_loss,
            "You took the square root at the end. The loss is the squared distance itself, which "
            "has the friendlier gradient.",
        ),
        Mistake(
            mean_distance,
            "You averaged distances. Asked is the mean of the squared distances.",
        ),
        Mistake(
            absolute_error,
            "You added absolute errors. This loss squares them.",
        ),
        Mistake(
            not_squared,
            "Nothing is squared, so an error of +1 and one of -1 cancel.",
        ),
        Mistake(
            squared_after_the_sum,
            "You squared after the sum over dimensions, so errors of opposite sign cancel first. "
            "Square each entry, then sum.",
        ),
        Mistake(
            difference_of_squares,
            "You took the difference of the squares. The square of the difference is meant.",
        ),
        Mistake(
            halved,
            "There is a factor of one half. It is common in textbooks, but not in this loss.",
        ),
        Mistake(
            one_loss_a_sample,
            "You have one number for each sample. Average them into one for the batch.",
        ),
    ),
    alternatives=(loss_in_loops, loss_by_norm, loss_with_einsum_in_float32),
    why="Its gradient drives everything that is learnt in chapters 04 and 05.",
)
