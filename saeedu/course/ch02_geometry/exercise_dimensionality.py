"""Exercise 02.dimensionality: a feature's share of a hidden dimension."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import toy_geometry
from saeedu.course.ch02_geometry import draws
from saeedu.grading.exercise import Check, Exercise, Mistake

interference = toy_geometry.interference


def squared_norms(W):
    return np.sum(W**2, axis=1)


def ratio(above, below):
    return np.where(below > 1e-12, above / np.where(below > 1e-12, below, 1), 0)


def left_itself_out(W):
    return ratio(squared_norms(W), interference(W))


def as_if_of_length_one(W):
    return np.where(squared_norms(W) > 1e-12, 1 / (1 + interference(W)), 0)


def fourth_power_above(W):
    s = squared_norms(W)
    return ratio(s**2, s + interference(W))


def norm_not_squared(W):
    s = squared_norms(W)
    return ratio(np.sqrt(s), s + interference(W))


def upside_down(W):
    s = squared_norms(W)
    return ratio(s + interference(W), s)


def neither_at_length_one(W):
    dots = W.transpose(0, 2, 1) @ W
    return ratio(squared_norms(W), np.sum(dots**2, axis=2))


def cosines_below(W):
    unit = W / np.maximum(np.linalg.norm(W, axis=1, keepdims=True), 1e-6)
    return ratio(squared_norms(W), np.sum((unit.transpose(0, 2, 1) @ unit) ** 2, axis=2))


def all_at_length_one(W):
    unit = W / np.maximum(np.linalg.norm(W, axis=1, keepdims=True), 1e-6)
    cosines = np.sum((unit.transpose(0, 2, 1) @ unit) ** 2, axis=2)
    return ratio(squared_norms(W) > 1e-12, cosines)


def zero_by_zero(W):
    with np.errstate(all="ignore"):
        return squared_norms(W) / (squared_norms(W) + np.where(interference(W), interference(W), 0))


def root_at_the_end(W):
    s = squared_norms(W)
    return np.sqrt(ratio(s, s + interference(W)))


def one_number_a_model(W):
    return W.shape[1] / np.sum(W**2, axis=(1, 2))


def in_loops(W):
    result = np.zeros((W.shape[0], W.shape[2]))
    for a in range(W.shape[0]):
        for i in range(W.shape[2]):
            column = W[a][:, i]
            norm = np.linalg.norm(column)
            if norm > 1e-6:
                result[a, i] = norm**2 / np.sum((column / norm @ W[a]) ** 2)
    return result


def from_interference(W):
    s = np.linalg.norm(W, axis=1) ** 2
    return s / np.maximum(s + interference(W), 1e-12)


def with_einsum(W):
    frame = np.einsum("ami,aki->amk", W, W)
    through = np.einsum("ami,amk,aki->ai", W, frame, W)
    return squared_norms(W) ** 2 / np.where(through > 0, through, 1)


EXERCISE = Exercise(
    id="02.dimensionality",
    title="A feature's share of a dimension",
    reference=toy_geometry.dimensionality,
    minutes=6,
    difficulty=2,
    hints=(
        "Signal above, signal plus interference below. You have just written one of the parts.",
        "The projection of a feature on its own direction is its norm. So the sum over all j is "
        "the squared norm plus your `interference`.",
        "`squared = np.sum(W**2, axis=1)`; divide it by `squared + interference(W)`. Where "
        "`squared` is 0, divide by 1 instead: `np.where` helps.",
    ),
    check=Check(
        draws.with_a_dropped_feature,
        tested="four stacks of models with features of all lengths, some not represented",
    ),
    mistakes=(
        Mistake(
            left_itself_out,
            "Below you have interference alone. The sum runs over all features, i itself "
            "included: that is what keeps the fraction at most 1.",
        ),
        Mistake(
            as_if_of_length_one,
            "This is 1/(1 + interference): right for features of length one. A feature's signal is "
            "its squared norm, above and below.",
        ),
        Mistake(
            fourth_power_above,
            "Above you have the norm to the power of four. That belongs to the formula in which "
            "W_i does not stand at length one below. Here it does, so the square is enough.",
        ),
        Mistake(norm_not_squared, "The norm above is not squared."),
        Mistake(
            upside_down,
            "This is upside down: it counts how many features share a dimension, not which part "
            "of it each one has.",
        ),
        Mistake(
            neither_at_length_one,
            "This is 1 over signal plus interference: a factor of the squared norm is lost. Either "
            "you wrote 1 above, or direction i below is not at length one.",
        ),
        Mistake(
            cosines_below,
            "Below you squared cosines. Only direction i is at length one; W_j keeps its length.",
        ),
        Mistake(
            all_at_length_one,
            "This depends on the angles alone, as if all features had the same length: either you "
            "brought them all to length one, or you summed over i in place of j. A feature that "
            "is hardly represented must disturb less than a strong one.",
        ),
        Mistake(
            zero_by_zero,
            "For a feature that is not represented this is 0/0. It has no share of anything: 0.",
        ),
        Mistake(root_at_the_end, "You took a root at the end; the measure is the ratio itself."),
        Mistake(
            one_number_a_model,
            "This is one number for a whole model, m over the sum of squared norms. Asked is one "
            "for every feature.",
        ),
    ),
    alternatives=(in_loops, from_interference, with_einsum),
    why="You will see these fractions freeze at simple values, as angles in a crystal do.",
)
