"""Exercise 01.top_m_loss: what the linear model cannot do better than."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu import toy_model
from saeedu.grading.exercise import Call, Check, Exercise, Mistake


def draw_worlds(rng: np.random.Generator) -> Iterator[Call]:
    for n_instances, n, m in ((4, 6, 2), (3, 5, 4), (2, 7, 1), (6, 3, 3), (5, 4, 0)):
        density = rng.uniform(0.05, 1.0, n_instances)
        importance = np.sort(rng.uniform(0.2, 3.0, n))
        importance = np.roll(importance, 1)  # neither rising nor falling, the largest one first
        note = {n: "m = n: there is room for every feature", 0: "m = 0: no room at all"}.get(m, "")
        yield Call((density, importance, m), axes={"n_instances": n_instances, "n": n}, note=note)


def variance(density):
    return density / 3 - density**2 / 4


def gave_up_the_most_important(density, importance, m):
    return variance(density) * np.sort(importance)[m:].sum()


def kept_the_first_m(density, importance, m):
    return variance(density) * importance[m:].sum()


def mean_square_instead(density, importance, m):
    return density / 3 * np.sort(importance)[: len(importance) - m].sum()


def variance_of_a_feature_never_off(density, importance, m):
    return np.ones_like(density) / 12 * np.sort(importance)[: len(importance) - m].sum()


def variance_of_the_coin(density, importance, m):
    return density * (1 - density) * np.sort(importance)[: len(importance) - m].sum()


def scaled_uniform_variance(density, importance, m):
    return density / 12 * np.sort(importance)[: len(importance) - m].sum()


def cost_of_what_is_kept(density, importance, m):
    return variance(density) * np.sort(importance)[len(importance) - m :].sum()


def importance_left_out(density, importance, m):
    return variance(density) * (len(importance) - m)


def averaged_over_features(density, importance, m):
    return variance(density) * np.sort(importance)[: len(importance) - m].sum() / len(importance)


def nothing_kept(density, importance, m):
    return variance(density) * importance.sum()


def cut_off_from_the_end(density, importance, m):
    return variance(density) * np.sort(importance)[:-m].sum()


def standard_deviation(density, importance, m):
    return np.sqrt(variance(density)) * np.sort(importance)[: len(importance) - m].sum()


def sorted_down(density, importance, m):
    dropped = sorted(importance, reverse=True)[m:]
    return density * (1 / 3 - density / 4) * sum(dropped)


def with_partition(density, importance, m):
    kept = np.argsort(-importance)[:m]
    return (density / 3 - (density / 2) ** 2) * (importance.sum() - importance[kept].sum())


def conditional_variance(density, importance, m):
    # Within the present ones 1/12, plus how far presence itself moves the value.
    total = density / 12 + density * (1 - density) / 4
    order = np.argsort(importance)
    return np.array([t * importance[order[: len(order) - m]].sum() for t in total])


EXERCISE = Exercise(
    id="01.top_m_loss",
    title="The best that a linear model can do",
    reference=toy_model.top_m_loss,
    minutes=7,
    difficulty=2,
    hints=(
        "Two steps: what does one feature cost that is answered with its mean? And which of the "
        "features are given up?",
        "The cost of answering with the mean is the variance, E[x²] - E[x]². For a number that is "
        "uniform between 0 and 1, E[x] = 1/2 and E[x²] = 1/3; present with probability p, both "
        "are multiplied by p. Then square the first.",
        "The features given up are the n - m least important ones: sort, and slice off the "
        "beginning. `np.sort` sorts upwards.",
        "`density / 3 - density**2 / 4`, times the sum of the n - m smallest importances.",
    ),
    check=Check(
        draw_worlds,
        tested="four worlds with importances in no order, one of them with room for everything "
        "and one with room for nothing",
    ),
    mistakes=(
        Mistake(
            gave_up_the_most_important,
            "You gave up the most important features. `np.sort` sorts upwards: the ones to give up "
            "are at its beginning, and there are n - m of them.",
        ),
        Mistake(
            kept_the_first_m,
            "You kept the first m features, as if they were sorted by importance. Here they are "
            "not.",
        ),
        Mistake(
            mean_square_instead,
            "You used the mean square: that is the cost of answering zero. The bias can answer the "
            "mean, which costs only the variance.",
        ),
        Mistake(
            variance_of_a_feature_never_off,
            "1/12 is the variance of a feature that is always on. Being sometimes absent changes "
            "it; your answer does not depend on the density.",
        ),
        Mistake(
            variance_of_the_coin,
            "p(1 - p) is the variance of being present or not, all strengths being 1. Here the "
            "strengths are uniform.",
        ),
        Mistake(
            scaled_uniform_variance,
            "This is p/12. Either you scaled the variance 1/12 by the density, or you took p/4 for "
            "the square of the mean. The mean of a feature, zeros included, is p/2; its square is "
            "p²/4.",
        ),
        Mistake(
            cost_of_what_is_kept,
            "You added up the importances of the features that are kept. They cost nothing; the "
            "others do.",
        ),
        Mistake(
            importance_left_out,
            "You counted the features given up. Each counts by its importance.",
        ),
        Mistake(
            averaged_over_features,
            "You divided by n. The loss of this chapter is a sum over features.",
        ),
        Mistake(
            nothing_kept,
            "This is the cost of answering every feature with its mean. The m most important ones "
            "come through exactly.",
        ),
        Mistake(
            cut_off_from_the_end,
            "With m = 0 nothing is kept, but `[:-m]` is then `[:0]` and drops nothing. Count from "
            "the beginning: `[: len(importance) - m]`.",
        ),
        Mistake(
            standard_deviation,
            "You used the standard deviation. The loss is in squared units: the variance.",
        ),
    ),
    alternatives=(sorted_down, with_partition, conditional_variance),
    why="A number that you can compute before you train tells you whether training worked. "
    "Chapter 02 does the same for the model with a ReLU.",
)
