"""Exercise 02.selectivity: how far a neuron belongs to one feature."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import toy_neurons
from saeedu.course.ch02_geometry import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def share(part, whole):
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), 0)


def columns_for_rows(W):
    return share((W**2).max(axis=1), (W**2).sum(axis=1))


def not_squared(W):
    return share(np.abs(W).max(axis=2), np.abs(W).sum(axis=2))


def largest_positive_weight(W):
    return share(np.maximum(W.max(axis=2), 0) ** 2, (W**2).sum(axis=2))


def share_of_the_length(W):
    return share(np.abs(W).max(axis=2), np.linalg.norm(W, axis=2))


def not_divided(W):
    return (W**2).max(axis=2)


def summed_then_squared(W):
    return share((W**2).max(axis=2), W.sum(axis=2) ** 2)


def which_feature(W):
    return np.argmax(W**2, axis=2)


def zero_by_zero(W):
    with np.errstate(all="ignore"):
        return (W**2).max(axis=2) / (W**2).sum(axis=2)


def smallest_weight(W):
    return share((W**2).min(axis=2), (W**2).sum(axis=2))


def part_of_the_whole_layer(W):
    return share((W**2).max(axis=2), (W**2).sum(axis=(1, 2))[:, np.newaxis])


def one_for_the_dead(W):
    return np.where((W**2).sum(axis=2) > 0, share((W**2).max(axis=2), (W**2).sum(axis=2)), 1)


def in_loops(W):
    result = np.zeros(W.shape[:2])
    for place in np.ndindex(*W.shape[:2]):
        squares = sorted(float(w) ** 2 for w in W[place])
        if squares[-1] > 0:
            result[place] = squares[-1] / sum(squares)
    return result


def through_the_unit_row(W):
    length = np.linalg.norm(W, axis=2, keepdims=True)
    unit = np.divide(W, length, out=np.zeros_like(W), where=length > 0)
    return np.abs(unit).max(axis=-1) ** 2


def nan_to_num(W):
    with np.errstate(all="ignore"):
        return np.nan_to_num(np.square(W).max(-1) / np.square(W).sum(-1))


EXERCISE = Exercise(
    id="02.selectivity",
    title="Does this neuron belong to one feature?",
    reference=toy_neurons.selectivity,
    minutes=5,
    difficulty=2,
    hints=(
        "A neuron is a row of W, and its weights run along the features. Which axis of "
        "[n_instances, m, n] is that?",
        "Square all weights first: a strong negative weight is as strong as a positive one. Then "
        "you need a maximum and a sum, both over the features.",
        "`squared.max(axis=2)` over `squared.sum(axis=2)`; where the sum is 0 put 1 in its place, "
        "so that a dead neuron gets 0 and not NaN.",
    ),
    check=Check(
        draws.with_a_dead_neuron,
        tested="four stacks of layers with strong weights of both signs, and dead neurons",
    ),
    mistakes=(
        Mistake(
            columns_for_rows,
            "You went along the neurons, axis 1. That asks how far a feature belongs to one "
            "neuron; asked is how far a neuron belongs to one feature.",
        ),
        Mistake(
            not_squared,
            "You compared the weights' sizes, not their squares.",
        ),
        Mistake(
            largest_positive_weight,
            "You looked for the largest weight, so a strong negative one is passed over. Square "
            "first, then take the maximum.",
        ),
        Mistake(
            share_of_the_length,
            "This is the largest weight as a part of the row's length: the root of what is asked.",
        ),
        Mistake(not_divided, "You did not divide by the sum of the squares: this is no share yet."),
        Mistake(
            summed_then_squared,
            "Below you squared the sum, in which opposite weights cancel. Sum the squares.",
        ),
        Mistake(
            which_feature,
            "This says which feature is the strongest; asked is how much of the neuron it has.",
        ),
        Mistake(
            zero_by_zero,
            "A neuron without weights gives 0/0. It belongs to no feature: its entry is 0.",
        ),
        Mistake(smallest_weight, "This is the share of the weakest feature."),
        Mistake(
            part_of_the_whole_layer,
            "You divided by the weights of the whole layer. Each neuron is judged by its own row.",
        ),
        Mistake(
            one_for_the_dead,
            "A neuron without weights gets 1 here. It is not devoted to a feature, it is dead: 0.",
        ),
    ),
    alternatives=(in_loops, through_the_unit_row, nan_to_num),
    why="It tells a monosemantic neuron from a polysemantic one by one number; chapter 10 asks "
    "the same of a language model, where nobody hands you the features.",
)
