"""Exercise 02.best_arrangement: the phase diagram from three formulas."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import toy_phase
from saeedu.course.ch02_geometry import draws
from saeedu.grading.exercise import Check, Exercise, Mistake

antipodal_loss, dropped_loss = toy_phase.antipodal_loss, toy_phase.dropped_loss


def three(density, importance_1, importance_2):
    losses = (
        dropped_loss(density, importance_2),
        dropped_loss(density, importance_1),
        antipodal_loss(density, importance_1, importance_2),
    )
    return np.stack(np.broadcast_arrays(*losses))


def charged_the_kept_feature(density, importance_1, importance_2):
    return np.argmin(three(density, importance_2, importance_1), axis=0)


def picked_the_worst(density, importance_1, importance_2):
    return np.argmax(three(density, importance_1, importance_2), axis=0)


def never_shares(density, importance_1, importance_2):
    return np.argmin(three(density, importance_1, importance_2)[:2], axis=0)


def never_drops_the_first(density, importance_1, importance_2):
    losses = three(density, importance_1, importance_2)
    return np.where(losses[0] < losses[2], 0, 2)


def dropped_without_a_bias(density, importance_1, importance_2):
    p = np.asarray(density)
    losses = three(density, importance_1, importance_2)
    for k, importance in enumerate((importance_2, importance_1)):
        losses[k] = importance * p / 3
    return np.argmin(losses, axis=0)


def importance_forgotten_when_sharing(density, importance_1, importance_2):
    losses = three(density, importance_1, importance_2)
    losses[2] = antipodal_loss(density, 1.0, 1.0)
    return np.argmin(losses, axis=0)


def the_loss_itself(density, importance_1, importance_2):
    return three(density, importance_1, importance_2).min(axis=0)


def numbered_from_one(density, importance_1, importance_2):
    return np.argmin(three(density, importance_1, importance_2), axis=0) + 1


def one_winner_for_all(density, importance_1, importance_2):
    return np.argmin(three(density, importance_1, importance_2))


def whether_to_share(density, importance_1, importance_2):
    return np.argmin(three(density, importance_1, importance_2), axis=0) == 2


def stacked_without_broadcasting(density, importance_1, importance_2):
    first, second = dropped_loss(density, importance_2), dropped_loss(density, importance_1)
    return np.argmin(
        np.stack([first, second, antipodal_loss(density, importance_1, importance_2)]), axis=0
    )


def a_list_without_broadcasting(density, importance_1, importance_2):
    first, second = dropped_loss(density, importance_2), dropped_loss(density, importance_1)
    return np.argmin([first, second, antipodal_loss(density, importance_1, importance_2)], axis=0)


def one_number_at_a_time(density, importance_1, importance_2):
    first, second = dropped_loss(density, importance_2), dropped_loss(density, importance_1)
    shared = antipodal_loss(density, importance_1, importance_2)
    if shared < first and shared < second:
        return np.int64(2)
    return np.int64(0) if first <= second else np.int64(1)


def both_charged_for_a_drop(density, importance_1, importance_2):
    losses = three(density, importance_1, importance_2)
    losses[:2] = dropped_loss(density, np.add(importance_1, importance_2))
    return np.argmin(losses, axis=0)


def by_the_boundary(density, importance_1, importance_2):
    low, high = np.minimum(importance_1, importance_2), np.maximum(importance_1, importance_2)
    # (low + high) p / 6 against low (1/3 - p/4), both divided by p.
    shared = np.asarray(density) * (low + high) / 6 < low * (1 / 3 - np.asarray(density) / 4)
    return np.where(shared, 2, np.where(np.asarray(importance_1) >= importance_2, 0, 1))


def with_where(density, importance_1, importance_2):
    first, second, shared = three(density, importance_1, importance_2)
    best = np.where(second < first, 1, 0)
    return np.where(shared < np.minimum(first, second), 2, best)


def with_select(density, importance_1, importance_2):
    losses = three(density, importance_1, importance_2)
    least = losses.min(axis=0)
    return np.select([losses[0] == least, losses[1] == least], [0, 1], default=2)


EXERCISE = Exercise(
    id="02.best_arrangement",
    title="Draw the map",
    reference=toy_phase.best_arrangement,
    minutes=6,
    difficulty=3,
    hints=(
        "Write down the three losses, each in one call of a function that you have. When feature "
        "1 keeps the dimension, whose importance is paid?",
        "Put the three in one array of shape [3, ...]. They may have different shapes, such as "
        "[1, k] and [j, 1]: `np.broadcast_arrays` makes them equal.",
        "`np.argmin(..., axis=0)` says which of the three is smallest, place by place. Order: "
        "drop 2, drop 1, share.",
    ),
    check=Check(
        draws.two_features,
        tested="single numbers, lists and a whole grid on which all three arrangements win "
        "somewhere",
    ),
    mistakes=(
        Mistake(
            charged_the_kept_feature,
            "You charged the feature that is kept. If the dimension goes to feature 1, the loss "
            "is that of dropping feature 2.",
        ),
        Mistake(
            both_charged_for_a_drop,
            "You charged both features for each drop. The one that has the dimension to itself "
            "costs nothing: only the other one's importance is paid.",
        ),
        Mistake(
            stacked_without_broadcasting,
            "`np.stack` wants equal shapes, and the three losses need not have them: on a grid "
            "they are [1, k], [j, 1] or [j, k]. Put `np.broadcast_arrays(...)` around the three.",
        ),
        Mistake(
            a_list_without_broadcasting,
            "A list of losses becomes one array only if all have one shape. On a grid they do not: "
            "put `np.broadcast_arrays(...)` around the three.",
        ),
        Mistake(
            one_number_at_a_time,
            "`if` asks one question, but with arrays there are as many as places. Compare place by "
            "place: `np.argmin(..., axis=0)` of the three losses.",
        ),
        Mistake(picked_the_worst, "You picked the largest loss."),
        Mistake(
            never_shares,
            "The antipodal pair never wins here. It has to be among the three that you compare.",
        ),
        Mistake(
            never_drops_the_first,
            "Feature 1 is never dropped here. When feature 2 is much more important, it should be.",
        ),
        Mistake(
            dropped_without_a_bias,
            "You answer the dropped feature with zero. The bias can do better: it answers with "
            "the mean, and only the variance is lost. `dropped_loss` has it.",
        ),
        Mistake(
            importance_forgotten_when_sharing,
            "The importances do not reach the antipodal loss.",
        ),
        Mistake(
            the_loss_itself,
            "These are the least losses. Asked is which arrangement has them: 0, 1 or 2.",
        ),
        Mistake(numbered_from_one, "You counted from 1. The arrangements are 0, 1 and 2."),
        Mistake(
            one_winner_for_all,
            "You found one winner over all places together. Compare place by place: along axis 0.",
        ),
        Mistake(
            whether_to_share,
            "You only said whether to share. Where not, say who keeps the dimension: 0 or 1.",
        ),
    ),
    alternatives=(by_the_boundary, with_where, with_select),
    why="This is a phase diagram: sharp boundaries from smooth losses. Training will be held "
    "against it in a moment.",
)
