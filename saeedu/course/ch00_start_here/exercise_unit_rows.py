"""Exercise 00.unit_rows: scale every sample to length one."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import warmup
from saeedu.course.ch00_start_here.draws import draw_rows
from saeedu.grading.exercise import Check, Exercise, Mistake


def unit_columns(x):
    return x / np.linalg.norm(x, axis=0)


def unit_array(x):
    return x / np.linalg.norm(x)


def divided_by_squared_length(x):
    return x / np.sum(x**2, axis=1, keepdims=True)


def divided_by_sum(x):
    return x / np.sum(x, axis=1, keepdims=True)


def divided_by_sum_of_sizes(x):
    return x / np.sum(np.abs(x), axis=1, keepdims=True)


def divided_by_largest(x):
    return x / np.max(np.abs(x), axis=1, keepdims=True)


def multiplied_by_length(x):
    return x * np.linalg.norm(x, axis=1, keepdims=True)


def returned_transposed(x):
    return x.T / np.linalg.norm(x, axis=1)


def lengths_lined_up_with_columns(x):
    return x / np.linalg.norm(x, axis=1)


def short_rows_left_alone(x):
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1)


def unit_rows_with_none(x):
    lengths = np.sqrt((x * x).sum(axis=1))
    return x / lengths[:, None]


def unit_rows_with_a_loop(x):
    return np.stack([row / np.sqrt(np.dot(row, row)) for row in x])


def unit_rows_transposed_twice(x):
    return (x.T / np.linalg.norm(x, axis=1)).T


EXERCISE = Exercise(
    id="00.unit_rows",
    title="Scale every sample to length one",
    reference=warmup.unit_rows,
    minutes=5,
    difficulty=2,
    hints=(
        "Divide every row by its own length. You wrote a function for the lengths a moment ago.",
        "[batch, d] divided by [batch] fails: NumPy lines shapes up from the right, so it puts "
        "the lengths next to the columns. What shape would line up with the rows?",
        "[batch, d] divided by [batch, 1] divides each row by its own number. "
        "`keepdims=True` or `[:, None]` makes that shape.",
    ),
    check=Check(draw_rows, tested="three batches, rows longer and shorter than one"),
    mistakes=(
        Mistake(
            unit_columns,
            "Each column now has length one. A sample is a row: its length is taken along axis 1.",
        ),
        Mistake(
            unit_array,
            "You divided everything by one number, the length of the whole array, so the rows "
            "still differ in length. Every row needs its own.",
        ),
        Mistake(
            divided_by_squared_length,
            "You divided by the squared length: a row of length 2 now has length one half. "
            "A square root is missing.",
        ),
        Mistake(
            divided_by_sum,
            "You divided by the sum of the entries, which can even be negative. Divide by the "
            "length of the row.",
        ),
        Mistake(
            divided_by_sum_of_sizes,
            "Each row's absolute values now add up to one. That is another norm (L1). Here the "
            "squares have to add up to one.",
        ),
        Mistake(
            divided_by_largest,
            "The largest entry of each row is now one in size, so the rows are still too long. "
            "Divide by the length, not by the largest entry.",
        ),
        Mistake(
            multiplied_by_length,
            "You multiplied by the length. A row of length 2 now has length 4; it should have "
            "length one.",
        ),
        Mistake(
            returned_transposed,
            "The numbers are right but the array is turned round: samples have become columns. "
            "Return it with samples as rows.",
        ),
        Mistake(
            lengths_lined_up_with_columns,
            "The lengths are right, but they have shape [batch]. NumPy lines shapes up from the "
            "right, so it set them against the columns. They need a second axis, of size one.",
        ),
        Mistake(
            short_rows_left_alone,
            "Rows that are shorter than one come out as they went in. They have to grow to length "
            "one, as the long ones have to shrink: divide by the length, whatever it is.",
        ),
    ),
    alternatives=(unit_rows_with_none, unit_rows_with_a_loop, unit_rows_transposed_twice),
    why="A direction is a vector of length one, and the decoder of a sparse autoencoder is a "
    "stack of directions.",
)
