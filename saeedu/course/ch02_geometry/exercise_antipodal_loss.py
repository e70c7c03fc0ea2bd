"""Exercise 02.antipodal_loss: what it costs to share one dimension."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import toy_phase
from saeedu.course.ch02_geometry import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def squared_the_mean(density, importance_1, importance_2):
    return (importance_1 + importance_2) * np.asarray(density) ** 2 / 9


def lost_the_whole_value(density, importance_1, importance_2):
    return (importance_1 + importance_2) * np.asarray(density) ** 2 / 3


def larger_of_the_two(density, importance_1, importance_2):
    return (importance_1 + importance_2) * np.asarray(density) ** 2 / 2


def always_both(density, importance_1, importance_2):
    return (importance_1 + importance_2) / 6 + 0 * np.asarray(density)


def one_of_them_present(density, importance_1, importance_2):
    return (importance_1 + importance_2) * np.asarray(density) / 6


def exactly_one_present(density, importance_1, importance_2):
    p = np.asarray(density)
    return (importance_1 + importance_2) * 2 * p * (1 - p) / 6


def only_one_feature_off(density, importance_1, importance_2):
    return (importance_1 + importance_2) * np.asarray(density) ** 2 / 12


def only_the_first_importance(density, importance_1, importance_2):
    return (importance_1 + 0 * importance_2) * np.asarray(density) ** 2 / 6


def only_the_second_importance(density, importance_1, importance_2):
    return (importance_2 + 0 * importance_1) * np.asarray(density) ** 2 / 6


def importances_multiplied(density, importance_1, importance_2):
    return importance_1 * importance_2 * np.asarray(density) ** 2 / 6


def no_relu(density, importance_1, importance_2):
    p = np.asarray(density)
    # Without the ReLU feature 1 is answered with x_1 - x_2: the error is x_2, with E[x_2²] = p/3.
    return (importance_1 + importance_2) * p / 3


def by_integration(density, importance_1, importance_2):
    nodes, weights = np.polynomial.legendre.leggauss(3)
    u, weights = (nodes + 1) / 2, weights / 2
    # P(smaller > u) = (1 - u)², so its density is 2 (1 - u).
    mean_square = np.sum(weights * u**2 * 2 * (1 - u))
    return np.asarray(density) ** 2 * mean_square * importance_1 + (
        np.asarray(density) ** 2 * mean_square * importance_2
    )


def as_two_thirds_less_a_half(density, importance_1, importance_2):
    both = np.multiply(density, density)
    return both * (2 / 3 - 2 / 4) * np.add(importance_1, importance_2)


def through_the_exact_loss(density, importance_1, importance_2):
    W, b = np.array([[1.0, -1.0]]), np.zeros(2)
    return toy_phase.exact_loss(W, b, density, importance_1, importance_2)


EXERCISE = Exercise(
    id="02.antipodal_loss",
    title="What it costs to share one dimension",
    reference=toy_phase.antipodal_loss,
    minutes=10,
    difficulty=3,
    hints=(
        "Take the three cases one by one: no feature present, one, or both. In which of them is "
        "the answer wrong at all, and how likely is that case?",
        "Both present, say 0.7 and 0.3: the answers are 0.4 and 0. How far off is each? Try "
        "0.7 and 0.1. The error is the same for both features: the smaller of the two values.",
        "You need the mean square of the smaller of two uniform numbers. The smaller exceeds u "
        "with probability (1 - u)², so its density is 2(1 - u): integrate u² · 2(1 - u) from 0 "
        "to 1. Then multiply by the probability that both are present, and by both importances.",
    ),
    check=Check(
        draws.two_features,
        tested="single numbers, lists and a whole grid of densities and importances",
    ),
    mistakes=(
        Mistake(
            squared_the_mean,
            "You squared the mean of the smaller value, 1/3. The loss needs the mean of its "
            "square, which is larger.",
        ),
        Mistake(
            lost_the_whole_value,
            "You are too large by exactly 2. 1/3 is the mean square of a whole feature, or the "
            "mean of the smaller one without its square. What is lost is only the smaller of the "
            "two, squared: 1/6. And both are present with probability p², not 2p².",
        ),
        Mistake(
            larger_of_the_two,
            "1/2 is the mean square of the larger value. With 0.7 and 0.3 the answer for the "
            "larger is 0.4: off by 0.3, the smaller.",
        ),
        Mistake(
            always_both,
            "The density has no effect. Nothing is lost unless both features are present.",
        ),
        Mistake(
            one_of_them_present,
            "You multiplied by the probability that one feature is present. Both have to be, and "
            "they are independent.",
        ),
        Mistake(
            exactly_one_present,
            "This weighs the samples with exactly one feature. Those are answered without error: "
            "x_1 alone gives relu(x_1) and relu(-x_1).",
        ),
        Mistake(
            only_one_feature_off,
            "You are too small by exactly 2. When both are present, both answers are wrong, by the "
            "same amount: the larger is too small, the smaller is lost.",
        ),
        Mistake(
            only_the_first_importance,
            "importance_2 has no effect. Both answers are wrong when both features are present.",
        ),
        Mistake(
            only_the_second_importance,
            "importance_1 has no effect. Both answers are wrong when both features are present.",
        ),
        Mistake(
            importances_multiplied,
            "You multiplied the importances. The loss adds the two features' errors up, each with "
            "its own importance.",
        ),
        Mistake(
            no_relu,
            "You left out the ReLU. Without it x_2 alone makes the answer to feature 1 negative; "
            "the ReLU turns that into the right answer, 0.",
        ),
    ),
    alternatives=(by_integration, as_two_thirds_less_a_half, through_the_exact_loss),
    why="One factor decides everything: p². As features grow rare, the price of sharing falls "
    "faster than the price of dropping one, which goes with p.",
)
