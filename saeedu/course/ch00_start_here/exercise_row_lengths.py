"""Exercise 00.row_lengths: the length of every sample."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import warmup
from saeedu.course.ch00_start_here.draws import draw_rows
from saeedu.grading.exercise import Check, Exercise, Mistake


def lengths_of_columns(x):
    return np.sqrt(np.sum(x**2, axis=0))


def length_of_everything(x):
    return np.linalg.norm(x)


def squared_lengths(x):
    return np.sum(x**2, axis=1)


def sums_of_sizes(x):
    return np.sum(np.abs(x), axis=1)


def root_mean_square(x):
    return np.sqrt(np.mean(x**2, axis=1))


def kept_as_a_column(x):
    return np.linalg.norm(x, axis=1, keepdims=True)


def lengths_with_norm(x):
    return np.linalg.norm(x, axis=1)


def lengths_with_a_loop(x):
    return np.array([sum(float(value) ** 2 for value in row) ** 0.5 for row in x])


def lengths_with_einsum(x):
    return np.einsum("bd,bd->b", x, x) ** 0.5


EXERCISE = Exercise(
    id="00.row_lengths",
    title="The length of every sample",
    reference=warmup.row_lengths,
    minutes=3,
    difficulty=1,
    hints=(
        "Each sample is a row. How many numbers should come out of a batch of six samples?",
        "Square every entry, add up along each row, take the square root. "
        "`axis=1` is the axis that runs along a row.",
        "`np.sum(..., axis=1)` turns [batch, d] into [batch]. What goes in the dots, and what "
        "must still happen to the sum?",
    ),
    check=Check(draw_rows, tested="three batches of different shapes, entries of both signs"),
    mistakes=(
        Mistake(
            lengths_of_columns,
            "You measured the columns. A sample is a row: the sum has to run along the row, so "
            "that one number is left for each sample.",
        ),
        Mistake(
            length_of_everything,
            "This is one length for the whole array, as if all samples were a single long vector. "
            "Say along which axis to add up, so that every sample keeps its own.",
        ),
        Mistake(
            squared_lengths,
            "These are the squared lengths. Pythagoras has one more step.",
        ),
        Mistake(
            sums_of_sizes,
            "You added up absolute values. That is a length too (the L1 norm, you will meet it in "
            "chapter 03), but the Euclidean one adds up squares.",
        ),
        Mistake(
            root_mean_square,
            "You averaged the squares along each row. The length is made from their sum, so your "
            "answer is too small by the square root of d.",
        ),
        Mistake(
            kept_as_a_column,
            "The numbers are right, but they stand in a column of shape [batch, 1]. "
            "The docstring promises [batch]: leave `keepdims` out here.",
        ),
    ),
    alternatives=(lengths_with_norm, lengths_with_a_loop, lengths_with_einsum),
    why="Every chapter asks how long a vector is: errors, features and decoder rows are all "
    "measured this way.",
)
