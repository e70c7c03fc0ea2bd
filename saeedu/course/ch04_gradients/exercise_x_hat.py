"""Exercise 04.grad_x_hat: from the loss to the reconstruction."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_gradients
from saeedu.course.ch04_gradients.draws import calls_with
from saeedu.grading.exercise import Check, Exercise, Mistake


def forgot_the_2(x_hat, x):
    return (x_hat - x) / len(x)


def forgot_the_batch(x_hat, x):
    return 2 * (x_hat - x)


def error_alone(x_hat, x):
    return x_hat - x


def mean_over_everything(x_hat, x):
    return 2 * (x_hat - x) / x.size


def divided_by_d_in(x_hat, x):
    return 2 * (x_hat - x) / x.shape[1]


def wrong_sign(x_hat, x):
    return 2 * (x - x_hat) / len(x)


def transposed(x_hat, x):
    return (2 * (x_hat - x) / len(x)).T


def kept_the_square(x_hat, x):
    return 2 * (x_hat - x) ** 2 / len(x)


def of_the_length(x_hat, x):
    return 2 * np.abs(x_hat - x) / len(x)


def averaged(x_hat, x):
    return 2 * (x_hat - x).mean(axis=0)


def loop(x_hat, x):
    grad = np.zeros_like(x_hat)
    for s in range(len(x)):
        for i in range(x.shape[1]):
            grad[s, i] = 2 * (x_hat[s, i] - x[s, i]) / len(x)
    return grad


def float32(x_hat, x):
    error = (x_hat - x).astype(np.float32)
    return 2 / np.float32(len(x)) * error


def in_place(x_hat, x):
    grad = x_hat.copy()
    grad -= x
    grad *= 2
    grad /= x.shape[0]
    return grad


EXERCISE = Exercise(
    id="04.grad_x_hat",
    title="From the loss to the reconstruction",
    reference=numpy_gradients.grad_x_hat,
    minutes=3,
    difficulty=1,
    hints=(
        "The boxed formula above has one factor from the square, one from the mean, and the error.",
        "The mean is over samples, and x has one sample a row: what is len(x)?",
        "`return 2 * error / len(x)`, with `error = x_hat - x`.",
    ),
    check=Check(
        draw=calls_with(lambda m: (m.x_hat, m.x)),
        tested="four SAEs of different sizes, batch never 2",
    ),
    mistakes=(
        Mistake(
            forgot_the_2,
            "You are off by exactly 2. The derivative of (x_hat - x)² is 2 (x_hat - x): the "
            "exponent comes down.",
        ),
        Mistake(
            forgot_the_batch,
            "You are off by exactly the batch size. The loss is a mean over the batch, so each "
            "sample's share of it carries 1/batch.",
        ),
        Mistake(
            error_alone,
            "This is the error, without the 2 from the square and without the 1/batch from the "
            "mean. In a batch of two they cancel, as in the example; otherwise they do not.",
        ),
        Mistake(
            mean_over_everything,
            "You divide by batch times d_in. This loss sums over d_in and averages over the batch "
            "only.",
        ),
        Mistake(
            divided_by_d_in,
            "You divide by d_in, the number of columns. The mean is over samples, which are rows: "
            "divide by len(x).",
        ),
        Mistake(
            wrong_sign,
            "The sign is turned round. The loss holds (x_hat - x), so where x_hat is too large, "
            "raising it further must raise the loss.",
        ),
        Mistake(
            transposed,
            "Transposed. A gradient has the shape of what it is the gradient of: [batch, d_in], "
            "like x_hat.",
        ),
        Mistake(
            kept_the_square,
            "You kept the square. Differentiating takes the exponent down: (x_hat - x)² becomes "
            "2 (x_hat - x).",
        ),
        Mistake(
            of_the_length,
            "You lost the sign of the error: where x_hat is too small the gradient is negative. "
            "No absolute value belongs here.",
        ),
        Mistake(
            averaged,
            "You averaged over the batch and lost its axis. The loss averages; its gradient keeps "
            "one row per sample, each scaled by 1/batch.",
        ),
    ),
    alternatives=(loop, float32, in_place),
    why="Every other gradient of the reconstruction starts from this one.",
    scaffold=(
        "error = x_hat - x  # [batch, d_in]\n"
        "# Replace the last line by `return`, with the boxed formula written in terms of error."
    ),
)
