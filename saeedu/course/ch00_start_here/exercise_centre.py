"""Exercise 00.centre: subtract the mean sample."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import warmup
from saeedu.course.ch00_start_here.draws import draw_samples
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.shapes import Array


def one_mean_for_everything(x: Array) -> Array:
    return x - x.mean()


def mean_of_each_sample(x):
    return x - x.mean(axis=1, keepdims=True)


def added_the_mean(x):
    return x + x.mean(axis=0)


def only_the_mean(x):
    return x.mean(axis=0)


def standardised(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def divided_by_the_mean(x):
    return x / x.mean(axis=0)


def median_instead(x):
    return x - np.median(x, axis=0)


def first_sample_as_origin(x):
    return x - x[0]


def mean_of_each_sample_lined_up_with_columns(x):
    return x - x.mean(axis=1)


def centre_with_a_loop(x):
    mean = sum(x) / len(x)
    return np.array([row - mean for row in x])


def centre_with_a_matrix(x):
    n = len(x)
    return (np.eye(n) - np.ones((n, n)) / n) @ x


def centre_a_copy_in_place(x):
    out = x.astype(np.float32)
    out -= out.mean(axis=0, keepdims=True)
    return out


EXERCISE = Exercise(
    id="00.centre",
    title="Centre the batch",
    reference=warmup.centre,
    minutes=4,
    difficulty=1,
    hints=(
        "Run the check first and read what it says. Then: the mean of a batch of vectors is "
        "itself a vector. How long is it?",
        "You want one mean for each column, taken over the samples. Which axis counts samples?",
        "`x.mean(axis=0)` has shape [d], and [batch, d] minus [d] works row by row.",
    ),
    check=Check(
        draw_samples,
        tested="three batches whose columns have different means, some of them negative",
    ),
    mistakes=(
        Mistake(
            one_mean_for_everything,
            "`x.mean()` without an axis is a single number, the mean of all entries of all "
            "columns. Each column has its own mean; subtract from each column its own.",
        ),
        Mistake(
            mean_of_each_sample,
            "You took a mean along each row, so every sample now sums to zero. To shift the whole "
            "cloud to the origin, take the mean over the samples, once for each column.",
        ),
        Mistake(
            added_the_mean,
            "The sign is wrong: the cloud moved away from the origin, to twice its mean.",
        ),
        Mistake(
            only_the_mean,
            "You returned the mean itself. The function promises the samples with that mean "
            "taken away.",
        ),
        Mistake(
            standardised,
            "You also divided by the standard deviation. Centring moves the cloud and leaves its "
            "shape as it is.",
        ),
        Mistake(
            divided_by_the_mean,
            "You divided by the mean. Centring is a shift: subtract it.",
        ),
        Mistake(
            median_instead,
            "You subtracted the median. The columns of your answer do not average to zero; "
            "those of a centred batch do.",
        ),
        Mistake(
            first_sample_as_origin,
            "You measured everything from the first sample. The new origin has to be the mean of "
            "all samples.",
        ),
        Mistake(
            mean_of_each_sample_lined_up_with_columns,
            "`x.mean(axis=1)` is one mean for each sample, and NumPy cannot line those up with the "
            "columns. You want one mean for each column: which axis is averaged away?",
        ),
    ),
    alternatives=(centre_with_a_loop, centre_with_a_matrix, centre_a_copy_in_place),
    why="Principal components, explained variance and the autoencoder's own bias all start "
    "by moving the data to the origin.",
    ships=one_mean_for_everything,
)
