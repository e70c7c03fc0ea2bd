"""Exercise 02.interference: what else is read along a feature's direction."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import toy_geometry
from saeedu.course.ch02_geometry import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def parts(W):
    norms = np.linalg.norm(W, axis=1, keepdims=True)
    unit = np.where(norms > 1e-6, W / np.maximum(norms, 1e-6), 0)
    return unit.transpose(0, 2, 1), 1 - np.eye(W.shape[2])


def counted_the_feature_itself(W):
    unit, _ = parts(W)
    return np.sum((unit @ W) ** 2, axis=2)


def both_at_length_one(W):
    unit, others = parts(W)
    return np.sum(others * (unit @ unit.transpose(0, 2, 1)) ** 2, axis=2)


def neither_at_length_one(W):
    _, others = parts(W)
    return np.sum(others * (W.transpose(0, 2, 1) @ W) ** 2, axis=2)


def what_it_does_to_the_others(W):
    unit, others = parts(W)
    return np.sum(others * (unit @ W) ** 2, axis=1)


def forgot_to_square(W):
    unit, others = parts(W)
    return np.sum(others * (unit @ W), axis=2)


def absolute_instead_of_squared(W):
    unit, others = parts(W)
    return np.sum(others * np.abs(unit @ W), axis=2)


def squared_the_sum(W):
    unit, others = parts(W)
    return np.sum(others * (unit @ W), axis=2) ** 2


def mean_over_the_others(W):
    unit, others = parts(W)
    return np.sum(others * (unit @ W) ** 2, axis=2) / (W.shape[2] - 1)


def took_the_root(W):
    unit, others = parts(W)
    return np.sqrt(np.sum(others * (unit @ W) ** 2, axis=2))


def divided_by_zero(W):
    with np.errstate(all="ignore"):
        unit = (W / np.linalg.norm(W, axis=1, keepdims=True)).transpose(0, 2, 1)
        return np.sum(parts(W)[1] * (unit @ W) ** 2, axis=2)


def only_the_negative_overlaps(W):
    unit, others = parts(W)
    return np.sum(others * np.minimum(unit @ W, 0) ** 2, axis=2)


def neurons_for_features(W):
    rows = W / np.maximum(np.linalg.norm(W, axis=2, keepdims=True), 1e-6)
    off = 1 - np.eye(W.shape[1])
    return np.sum(off * (rows @ W.transpose(0, 2, 1)) ** 2, axis=2)


def in_loops(W):
    result = np.zeros((W.shape[0], W.shape[2]))
    for a, instance in enumerate(W):
        for i, column in enumerate(instance.T):
            norm = np.sqrt(column @ column)
            if norm > 1e-6:
                result[a, i] = sum(
                    (column @ instance[:, j] / norm) ** 2 for j in range(W.shape[2]) if j != i
                )
    return result


def all_minus_itself(W):
    dots = np.einsum("ami,amj->aij", W, W)
    squared_norms = np.einsum("aii->ai", dots)
    everything = np.sum(dots**2, axis=2) / np.where(squared_norms > 1e-12, squared_norms, np.inf)
    return everything - squared_norms


def through_the_frame_operator(W):
    frame = W @ W.transpose(0, 2, 1)  # sum over the features of W_j times its transpose
    through = np.sum(W * (frame @ W), axis=1)
    squared_norms = np.sum(W**2, axis=1)
    return through / np.maximum(squared_norms, 1e-12) - squared_norms


EXERCISE = Exercise(
    id="02.interference",
    title="What else is read along a feature's direction",
    reference=toy_geometry.interference,
    minutes=7,
    difficulty=2,
    scaffold="""\
norms = np.linalg.norm(W, axis=1, keepdims=True)  # [n_instances, 1, n]
unit = np.where(norms > 1e-6, W / np.maximum(norms, 1e-6), 0)  # W at length one; zeros stay zeros
others = 1 - np.eye(W.shape[2])  # [n, n]: 0 for a feature with itself, 1 for the rest""",
    hints=(
        "You need one number for every pair (i, j): how much of feature j is read along feature "
        "i's direction. Which of the two is at length one, and which keeps its own length?",
        "All pairs at once are a matrix product of shape [n_instances, n, n]. Its first factor "
        "is `unit` with its last two axes exchanged: `unit.transpose(0, 2, 1)`.",
        "Square the product, multiply by `others`, and sum over j: the axis that does not stand "
        "for i, so the last one.",
    ),
    check=Check(
        draws.with_a_dropped_feature,
        tested="four stacks of models with features of all lengths, some not represented",
    ),
    mistakes=(
        Mistake(
            counted_the_feature_itself,
            "Your sum includes feature i itself. What is read of it along its own direction is "
            "the signal; interference is the rest.",
        ),
        Mistake(
            both_at_length_one,
            "Both directions are at length one, so these are cosines. A long feature j disturbs "
            "more than a short one: only direction i is at length one, W_j keeps its length.",
        ),
        Mistake(
            neither_at_length_one,
            "Neither direction is at length one. Feature i only says along which line to read: "
            "bring it to length one.",
        ),
        Mistake(
            what_it_does_to_the_others,
            "You summed over the other axis. That is what feature i does to the others, on their "
            "directions; asked is what the others do to it.",
        ),
        Mistake(
            forgot_to_square,
            "The projections are not squared, so positive and negative ones cancel.",
        ),
        Mistake(
            absolute_instead_of_squared,
            "You added absolute values. The definition squares, as the loss does.",
        ),
        Mistake(
            squared_the_sum,
            "You squared the sum. Then opposite overlaps cancel; square each before you add.",
        ),
        Mistake(
            mean_over_the_others,
            "This is the mean over the other features. Each new neighbour adds its own "
            "disturbance: take the sum.",
        ),
        Mistake(
            took_the_root,
            "You took a root at the end. The measure is the sum of squares itself.",
        ),
        Mistake(
            divided_by_zero,
            "A feature that is not represented has length 0, and 0/0 is NaN. It has no direction "
            "along which anything could be read: its entry is 0.",
        ),
        Mistake(
            only_the_negative_overlaps,
            "You counted the negative overlaps only. The ReLU forgives many of those in the end, "
            "but this is a measure of the geometry: both signs count.",
        ),
        Mistake(
            neurons_for_features,
            "You compared rows. A row of W is a hidden dimension; feature i is the column "
            "`W[:, :, i]`.",
        ),
    ),
    alternatives=(in_loops, all_minus_itself, through_the_frame_operator),
    why="It is the price of superposition. Next you divide the signal by signal plus price, and "
    "out come simple fractions.",
)
