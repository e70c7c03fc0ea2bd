"""Exercise 05.resampling_probabilities: where is help needed most?"""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import resampling
from saeedu.course.ch05_training.draws import draw_losses
from saeedu.grading.exercise import Check, Exercise, Mistake


def forgot_the_square(losses):
    return losses / losses.sum()


def not_normalised(losses):
    return losses**2


def squared_last(losses):
    return (losses / losses.sum()) ** 2


def softmax(losses):
    powers = np.exp(losses - losses.max())
    return powers / powers.sum()


def softmax_of_squares(losses):
    powers = np.exp(losses**2 - np.max(losses**2))
    return powers / powers.sum()


def divided_by_the_largest(losses):
    return losses**2 / np.max(losses**2)


def divided_by_the_length(losses):
    return losses / np.linalg.norm(losses)


def divided_by_the_sum_of_losses(losses):
    return losses**2 / losses.sum()


def divided_by_the_squared_sum_under_a_root(losses):
    return losses**2 / np.sqrt(np.sum(losses**2))


def divided_by_the_count(losses):
    return losses**2 / len(losses)


def everyone_alike(losses):
    return np.full(len(losses), 1 / len(losses))


def root_instead(losses):
    return np.sqrt(losses) / np.sqrt(losses).sum()


def only_the_worst(losses):
    return (losses == losses.max()).astype(float)


def running_total(losses):
    return np.cumsum(losses**2) / np.sum(losses**2)


def with_a_dot_product(losses):
    return losses * losses / (losses @ losses)


def scaled_first(losses):
    relative = losses / losses.max()  # squares cannot overflow then
    return relative**2 / np.sum(relative**2)


def one_by_one(losses):
    total = sum(loss**2 for loss in losses)
    return np.array([loss**2 / total for loss in losses])


EXERCISE = Exercise(
    id="05.resampling_probabilities",
    title="Where is help needed most?",
    reference=resampling.resampling_probabilities,
    minutes=4,
    difficulty=1,
    hints=(
        "Two conditions: in proportion to the squares of the losses, and a sum of one.",
        "Square each loss. What must you divide by, so that the sum becomes one?",
        "By the sum of the squares: np.sum(losses**2).",
    ),
    check=Check(draw=draw_losses, tested="losses of many sizes, one of them zero"),
    mistakes=(
        Mistake(forgot_the_square, "In proportion to the losses. Their *squares* are asked for."),
        Mistake(not_normalised, "These do not sum to 1: divide by their sum."),
        Mistake(
            squared_last,
            "You normalised and then squared, so they no longer sum to 1. Square first.",
        ),
        Mistake(
            softmax,
            "This is a softmax. Even an input without any loss would be drawn.",
        ),
        Mistake(
            softmax_of_squares,
            "A softmax of the squares: the exponential is not asked for.",
        ),
        Mistake(
            divided_by_the_largest,
            "You divided by the largest square. Probabilities sum to 1: divide by the sum.",
        ),
        Mistake(
            divided_by_the_length,
            "You divided the losses by their length as a vector. The *squares* of what you have "
            "sum to 1.",
        ),
        Mistake(
            divided_by_the_sum_of_losses,
            "You divided squares by the sum of the losses. Divide by the sum of the squares.",
        ),
        Mistake(
            divided_by_the_squared_sum_under_a_root,
            "The root of the sum is too much: these sum to the vector's length, not to 1.",
        ),
        Mistake(divided_by_the_count, "You divided by how many there are. Divide by their sum."),
        Mistake(everyone_alike, "Every input has the same chance here. The losses must matter."),
        Mistake(root_instead, "You took roots. Squares make the worst inputs *more* likely."),
        Mistake(
            only_the_worst,
            "Always the worst input: then all dead latents would get the same direction.",
        ),
        Mistake(
            running_total,
            "These are running totals, which NumPy's choice makes for itself. Give each input its "
            "own share.",
        ),
    ),
    alternatives=(with_a_dot_product, scaled_first, one_by_one),
    why="Squaring lets the worst-explained inputs speak loudest, without silencing the rest.",
)
