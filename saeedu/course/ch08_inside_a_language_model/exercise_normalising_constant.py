"""Exercise 08.normalising_constant: one number that brings any layer to one scale."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import math

import torch

from saeedu import activations
from saeedu.course.ch08_inside_a_language_model import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def root_mean_square(x):
    return math.sqrt(x.shape[1] / (x**2).sum(dim=1).mean().item())


def upside_down(x):
    return x.norm(dim=1).mean().item() / math.sqrt(x.shape[1])


def the_mean_length(x):
    return x.norm(dim=1).mean().item()


def no_root_of_d(x):
    return x.shape[1] / x.norm(dim=1).mean().item()


def to_length_one(x):
    return 1 / x.norm(dim=1).mean().item()


def one_a_token(x):
    return math.sqrt(x.shape[1]) / x.norm(dim=1)


def mean_of_the_inverses(x):
    return math.sqrt(x.shape[1]) * (1 / x.norm(dim=1)).mean().item()


def length_of_the_mean(x):
    return math.sqrt(x.shape[1]) / x.mean(dim=0).norm().item()


def centred_first(x):
    return math.sqrt(x.shape[1]) / (x - x.mean(dim=0)).norm(dim=1).mean().item()


def by_the_batch(x):
    return math.sqrt(len(x)) / x.norm(dim=1).mean().item()


def over_dimensions(x):
    return math.sqrt(x.shape[1]) / x.norm(dim=0).mean().item()


def norm_of_the_matrix(x):
    return math.sqrt(x.shape[1]) / x.norm().item()


def one_over_the_spread(x):
    return 1 / x.std().item()


def median_length(x):
    return math.sqrt(x.shape[1]) / x.norm(dim=1).median().item()


def mean_square_length(x):
    return math.sqrt(x.shape[1]) / (x**2).sum(dim=1).mean().item()


def sums_of_absolute_values(x):
    return math.sqrt(x.shape[1]) / x.abs().sum(dim=1).mean().item()


def scaled_activations(x):
    return x * activations.normalising_constant(x)


def as_a_tensor(x):
    return x.shape[1] ** 0.5 / torch.linalg.vector_norm(x, dim=-1).mean()


def total_by_total(x):
    return float(len(x) * x.shape[1] ** 0.5 / sum(float(row.norm()) for row in x))


def by_hypot(x):
    lengths = [math.hypot(*row) for row in x.tolist()]
    return math.sqrt(len(x[0])) / (math.fsum(lengths) / len(lengths))


EXERCISE = Exercise(
    id="08.normalising_constant",
    title="One number for any layer",
    reference=activations.normalising_constant,
    minutes=6,
    difficulty=1,
    hints=(
        "You want: mean length of (constant · x) = √d_in. A constant comes out of a length as it "
        "is.",
        "So: constant · (mean length of x) = √d_in. Solve for the constant.",
        "A token's length is its row's norm, `x.norm(dim=1)`. Average those, then divide √d_in by "
        "the average. (What to do with zeros and infinities is not tested.)",
    ),
    check=Check(
        draws.activations,
        tested="three batches around a mean far from the origin, rows of very different lengths",
    ),
    mistakes=(
        Mistake(
            root_mean_square,
            "You averaged *squared* lengths and took the root: then it is the mean square that "
            "becomes d_in. That is in use too, and gives less when lengths differ. Here: the mean "
            "length.",
        ),
        Mistake(
            upside_down,
            "This is the inverse: with it, activations that are too long get longer.",
        ),
        Mistake(
            the_mean_length,
            "This is the mean length itself. By what must it be multiplied to become √d_in?",
        ),
        Mistake(
            no_root_of_d,
            "You bring the mean length to d_in. It should be √d_in: then each coordinate is about "
            "1 in size.",
        ),
        Mistake(
            to_length_one,
            "You bring the mean length to 1. It should be √d_in: then each coordinate is about 1 "
            "in size.",
        ),
        Mistake(
            one_a_token,
            "You have a number for each token. That would make all tokens equally long and throw "
            "their lengths away: one constant for all.",
        ),
        Mistake(
            mean_of_the_inverses,
            "You averaged the inverses of the lengths, and the shortest tokens decide. Average the "
            "lengths, then invert.",
        ),
        Mistake(
            length_of_the_mean,
            "You took the length of the mean activation. Tokens that point in opposite ways cancel "
            "in it: take the mean of the lengths.",
        ),
        Mistake(
            centred_first,
            "You subtracted the mean first. The constant is for the activations as they are; their "
            "mean is the work of b_dec.",
        ),
        Mistake(
            by_the_batch,
            "You took the root of the number of tokens. It is √d_in: the constant must not grow "
            "with the data.",
        ),
        Mistake(
            over_dimensions,
            "You measured columns. A token is a row: its length runs over dim 1.",
        ),
        Mistake(
            norm_of_the_matrix,
            "`x.norm()` without an axis is one number for the whole matrix, and it grows with the "
            "data.",
        ),
        Mistake(
            one_over_the_spread,
            "You divided by the standard deviation of all numbers, which leaves the mean out. Use "
            "lengths.",
        ),
        Mistake(
            median_length,
            "You took the median of the lengths. The definition takes their mean.",
        ),
        Mistake(
            mean_square_length,
            "You divided by the mean of the *squared* lengths. Doubling x must halve the constant.",
        ),
        Mistake(
            sums_of_absolute_values,
            "You summed absolute values. Length is Euclidean: `.norm(dim=1)`.",
        ),
        Mistake(
            scaled_activations,
            "You returned the scaled activations. Return the constant.",
        ),
    ),
    alternatives=(as_a_tensor, total_by_total, by_hypot),
    why="With it one λ and one learning rate mean about the same on any layer of any model; "
    "`train` uses it and folds it into the weights at the end.",
)
