"""Exercise 02.selectivity: how far a neuron belongs to one feature."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import toy_neurons
from saeedu.course.ch02_geometry import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def share(part, whole):
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), 0)


def positive(W):
    return np.maximum(W, 0)


def negative_weights_counted(W):
    return share((W**2).max(axis=2), (W**2).sum(axis=2))


def negative_weights_counted_below(W):
    return share((positive(W) ** 2).max(axis=2), (W**2).sum(axis=2))


def squared_before_the_cut(W):
    return share(np.maximum(W**2, 0).max(axis=2), (positive(W) ** 2).sum(axis=2))


def columns_for_rows(W):
    return share((positive(W) ** 2).max(axis=1), (positive(W) ** 2).sum(axis=1))


def not_squared(W):
    return share(positive(W).max(axis=2), positive(W).sum(axis=2))


def squared_the_maximum_alone(W):
    return share(positive(W).max(axis=2) ** 2, positive(W).sum(axis=2))


def share_of_the_length(W):
    return share(positive(W).max(axis=2), np.linalg.norm(positive(W), axis=2))


def not_divided(W):
    return (positive(W) ** 2).max(axis=2)


def summed_then_squared(W):
    return share((positive(W) ** 2).max(axis=2), positive(W).sum(axis=2) ** 2)


def which_feature(W):
    return np.argmax(W, axis=2)


def zero_by_zero(W):
    with np.errstate(all="ignore"):
        return (positive(W) ** 2).max(axis=2) / (positive(W) ** 2).sum(axis=2)


def smallest_weight(W):
    return share((positive(W) ** 2).min(axis=2), (positive(W) ** 2).sum(axis=2))


def part_of_the_whole_layer(W):
    return share((positive(W) ** 2).max(axis=2), (positive(W) ** 2).sum(axis=(1, 2))[:, None])


def one_for_the_dead(W):
    total = (positive(W) ** 2).sum(axis=2)
    return np.where(total > 0, share((positive(W) ** 2).max(axis=2), total), 1)


def in_loops(W):
    result = np.zeros(W.shape[:2])
    for place in np.ndindex(*W.shape[:2]):
        squares = sorted(float(w) ** 2 for w in W[place] if w > 0)
        if squares:
            result[place] = squares[-1] / sum(squares)
    return result


def maximum_first(W):
    largest = positive(W.max(axis=2))
    total = np.sum(W**2, axis=2, where=W > 0)
    return largest**2 / np.where(total > 0, total, 1)


def nan_to_num(W):
    squared = np.square(W * (W > 0))
    with np.errstate(all="ignore"):
        return np.nan_to_num(squared.max(-1) / squared.sum(-1))


EXERCISE = Exercise(
    id="02.selectivity",
    title="Does this neuron belong to one feature?",
    reference=toy_neurons.selectivity,
    minutes=5,
    difficulty=2,
    hints=(
        "A neuron is a row of W, and its weights run along the features. Which axis of "
        "[n_instances, m, n] is that?",
        "A feature is never negative, so a negative weight never turns a neuron on. Put 0 in its "
        "place, then square. You need a maximum and a sum, both over the features.",
        "With `squared = np.maximum(W, 0) ** 2`: `squared.max(axis=2)` over `squared.sum(axis=2)`; "
        "where the sum is 0 put 1 in its place, so that a neuron that is never on gets 0, not NaN.",
    ),
    check=Check(
        draws.with_a_dead_neuron,
        tested="four stacks of layers with strong weights of both signs, and neurons that nothing "
        "turns on",
    ),
    mistakes=(
        Mistake(
            negative_weights_counted,
            "You counted the negative weights. A feature with a negative weight can only silence "
            "the neuron: `np.maximum(W, 0)` first, then square.",
        ),
        Mistake(
            negative_weights_counted_below,
            "Above you have what turns the neuron on, but the sum below counts the negative "
            "weights too. Leave them out of both.",
        ),
        Mistake(
            squared_before_the_cut,
            "The sum below leaves the negative weights out, but above you squared first. After "
            "the square every weight looks positive.",
        ),
        Mistake(
            columns_for_rows,
            "You went along the neurons, axis 1. That asks how far a feature belongs to one "
            "neuron; asked is how far a neuron belongs to one feature.",
        ),
        Mistake(
            not_squared,
            "You compared the weights themselves, not their squares.",
        ),
        Mistake(
            squared_the_maximum_alone,
            "You squared the largest weight, but below you summed the weights without a square. "
            "Square above and below.",
        ),
        Mistake(
            share_of_the_length,
            "This is the largest weight as a part of the row's length: the root of what is asked.",
        ),
        Mistake(not_divided, "You did not divide by the sum of the squares: this is no share yet."),
        Mistake(
            summed_then_squared,
            "Below you squared the sum. Sum the squares.",
        ),
        Mistake(
            which_feature,
            "This says which feature is the strongest; asked is how much of the neuron it has.",
        ),
        Mistake(
            zero_by_zero,
            "A neuron without a positive weight gives 0/0. It belongs to no feature: its entry is "
            "0.",
        ),
        Mistake(smallest_weight, "This is the share of the weakest feature."),
        Mistake(
            part_of_the_whole_layer,
            "You divided by the weights of the whole layer. Each neuron is judged by its own row.",
        ),
        Mistake(
            one_for_the_dead,
            "A neuron that nothing turns on gets 1 here. It is not devoted to a feature: its entry "
            "is 0.",
        ),
    ),
    alternatives=(in_loops, maximum_first, nan_to_num),
    why="It tells a monosemantic neuron from a polysemantic one by one number; chapter 10 asks "
    "the same of a language model, where nobody hands you the features.",
)
