"""Exercise 08.find_outliers: which tokens are much longer than the usual one."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from saeedu import residual_stream
from saeedu.course.ch08_inside_a_language_model import draws
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.grading.values import dtype_name


def mask_and_dtype(implementation: Implementation, call: Call) -> dict[str, Any]:
    """The mask, and what it is made of: ones and zeros pick rows 1 and 0, where booleans mask."""
    mask = implementation(*call.args)
    return {"mask": mask, "dtype": dtype_name(mask)}


def mean_for_median(x, factor):
    lengths = x.norm(dim=-1)
    return lengths > factor * lengths.mean()


def median_of_each_position(x, factor):
    lengths = x.norm(dim=-1)
    return lengths > factor * lengths.median(dim=0).values


def median_of_each_context(x, factor):
    lengths = x.norm(dim=-1)
    return lengths > factor * lengths.median(dim=1, keepdim=True).values


def median_without_the_first_position(x, factor):
    lengths = x.norm(dim=-1)
    return lengths > factor * lengths[:, 1:].median()


def at_least(x, factor):
    lengths = x.norm(dim=-1)
    return lengths >= factor * lengths.median()


def ten_medians_always(x, factor):
    lengths = x.norm(dim=-1)
    return lengths > 10 * lengths.median()


def factor_medians_above_the_median(x, factor):
    lengths = x.norm(dim=-1)
    return lengths - lengths.median() > factor * lengths.median()


def one_long_list(x, factor):
    return residual_stream.find_outliers(x, factor).flatten()


def smaller(x, factor):
    lengths = x.norm(dim=-1)
    return lengths < factor * lengths.median()


def factor_ignored(x, factor):
    lengths = x.norm(dim=-1)
    return lengths > lengths.median()


def divided_by_factor(x, factor):
    lengths = x.norm(dim=-1)
    return lengths > lengths.median() / factor


def factor_as_a_length(x, factor):
    return x.norm(dim=-1) > factor


def factor_added(x, factor):
    lengths = x.norm(dim=-1)
    return lengths > lengths.median() + factor


def standard_deviations(x, factor):
    lengths = x.norm(dim=-1)
    return lengths > lengths.mean() + factor * lengths.std()


def squared_lengths(x, factor):
    lengths = (x**2).sum(dim=-1)
    return lengths > factor * lengths.median()


def largest_coordinate(x, factor):
    largest = x.abs().amax(dim=-1)
    return largest > factor * largest.median()


def sums_of_coordinates(x, factor):
    sums = x.sum(dim=-1)
    return sums > factor * sums.median()


def absolute_values_summed(x, factor):
    lengths = x.abs().sum(dim=-1)
    return lengths > factor * lengths.median()


def single_coordinates(x, factor):
    return x.abs() > factor * x.abs().median()


def first_position(x, factor):
    mask = torch.zeros(x.shape[:2], dtype=torch.bool)
    mask[:, 0] = True
    return mask


def first_position_left_out(x, factor):
    mask = residual_stream.find_outliers(x, factor)
    mask[:, 0] = False
    return mask


def places(x, factor):
    return residual_stream.find_outliers(x, factor).nonzero()


def ones_and_zeros(x, factor):
    return residual_stream.find_outliers(x, factor).long()


def by_quantile(x, factor):
    lengths = torch.linalg.vector_norm(x, dim=2)
    return lengths / torch.quantile(lengths.flatten(), 0.5) > factor


def in_loops(x, factor):
    lengths = [[float((token @ token) ** 0.5) for token in context] for context in x]
    usual = float(np.median(lengths))
    return torch.tensor([[length > factor * usual for length in row] for row in lengths])


def in_squares(x, factor):
    squares = (x * x).sum(-1)
    return squares > factor**2 * squares.flatten().sort().values[squares.numel() // 2]


EXERCISE = Exercise(
    id="08.find_outliers",
    title="Who is too long",
    reference=residual_stream.find_outliers,
    minutes=6,
    difficulty=1,
    hints=(
        "First the length of every token's vector: [n_contexts, context]. Which axis goes?",
        "Usual is the median of *all* those lengths, one number. `.median()` without an axis.",
        "Compare each length with factor times that number: `>` gives booleans of the same shape.",
    ),
    check=Check(
        draws.streams_with_outliers,
        tested="streams with outliers at the first position, in the middle, and in most of a "
        "context, and tokens with all their length in one coordinate",
        observe=mask_and_dtype,
    ),
    mistakes=(
        Mistake(
            mean_for_median,
            "You compared with the mean, and the longest tokens have pulled it up: shorter "
            "outliers hide behind them. The median stays where it is.",
        ),
        Mistake(
            median_of_each_position,
            "You took a median for each position. At the first one every context may have an "
            "outlier, and then none stands out. Take one over all positions.",
        ),
        Mistake(
            median_of_each_context,
            "You took a median for each context. Where most of a context is too long, none of it "
            "stands out. Take one over all contexts.",
        ),
        Mistake(
            median_without_the_first_position,
            "Your median leaves the first position out. Take it over all positions: a median "
            "stays where it is, and nobody told you where the outliers are.",
        ),
        Mistake(
            at_least,
            "A token of exactly `factor` medians counts as an outlier with you. It must be longer: "
            "`>`.",
        ),
        Mistake(
            ten_medians_always,
            "`factor` has no effect: 10 is written into your code.",
        ),
        Mistake(
            factor_medians_above_the_median,
            "You subtracted the median and compared what is left. An outlier's *whole* length is "
            "above `factor` medians.",
        ),
        Mistake(
            one_long_list,
            "The marks are right, and stand in one long list. Keep x's first two axes: "
            "[n_contexts, context].",
        ),
        Mistake(
            smaller,
            "Your mask is True for the usual ones. Outliers are *longer* than the threshold.",
        ),
        Mistake(
            factor_ignored,
            "`factor` has no effect: half of all tokens are above the median.",
        ),
        Mistake(
            divided_by_factor,
            "You divided by `factor`. An outlier is longer than factor *times* the median.",
        ),
        Mistake(
            factor_as_a_length,
            "You took `factor` for a length. It is a number of medians.",
        ),
        Mistake(
            factor_added,
            "You added `factor` to the median. It multiplies: then the units of x do not matter.",
        ),
        Mistake(
            standard_deviations,
            "You counted in standard deviations above the mean. Both are made large by the very "
            "outliers that you look for.",
        ),
        Mistake(
            squared_lengths,
            "You compared squared lengths. Squared, a token of √factor medians counts as an "
            "outlier.",
        ),
        Mistake(
            largest_coordinate,
            "You compared the largest coordinates. (So do Sun et al., who ask another question.) "
            "Here it is the whole vector's length.",
        ),
        Mistake(
            sums_of_coordinates,
            "You summed the coordinates, and they have both signs. Length is `.norm(dim=-1)`.",
        ),
        Mistake(
            absolute_values_summed,
            "You summed absolute values. Length is Euclidean, `.norm(dim=-1)`: a token with one "
            "huge coordinate is longer than such a sum makes it look.",
        ),
        Mistake(
            single_coordinates,
            "Your mask has one entry a coordinate. One a token is wanted: [n_contexts, context].",
        ),
        Mistake(
            first_position,
            "You marked the first position and never looked at x. Outliers can be anywhere.",
        ),
        Mistake(
            first_position_left_out,
            "The first position is never an outlier with you. It usually is the worst.",
        ),
        Mistake(
            places,
            "You returned where the outliers are. Return a mask, [n_contexts, context].",
        ),
        Mistake(
            ones_and_zeros,
            "The numbers are right, but they are integers. `x[mask]` would then pick rows 0 and 1 "
            "instead of masking: keep the booleans of the comparison.",
        ),
    ),
    alternatives=(by_quantile, in_loops, in_squares),
    why="Look before you train: one glance at the lengths tells you what a loss that squares will "
    "care about.",
)
