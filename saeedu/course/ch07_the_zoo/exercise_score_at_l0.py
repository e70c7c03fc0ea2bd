"""Exercise 07.score_at_l0: two methods can be compared only at equal sparsity."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import itertools
import math

import numpy as np

from saeedu import comparison
from saeedu.course.ch07_the_zoo import draws
from saeedu.grading.exercise import Check, Exercise, Mistake

NAN = float("nan")


def in_order(l0, scores):
    order = np.argsort(l0)
    return l0[order], scores[order]


def outside(l0, target):
    return target < l0.min() or target > l0.max()


def not_sorted(l0, scores, target):
    return float(np.interp(target, l0, scores, left=NAN, right=NAN))


def scores_left_behind(l0, scores, target):
    return float(np.interp(target, np.sort(l0), scores, left=NAN, right=NAN))


def both_sorted(l0, scores, target):
    return float(np.interp(target, np.sort(l0), np.sort(scores), left=NAN, right=NAN))


def held_at_the_ends(l0, scores, target):
    rising, along = in_order(l0, scores)
    return float(np.interp(target, rising, along))


def drawn_on(l0, scores, target):
    a, b = in_order(l0, scores)
    i = int(np.clip(np.searchsorted(a, target) - 1, 0, len(a) - 2))
    return float(b[i] + (target - a[i]) / (a[i + 1] - a[i]) * (b[i + 1] - b[i]))


def nearest(l0, scores, target):
    return NAN if outside(l0, target) else float(scores[np.argmin(np.abs(l0 - target))])


def two_nearest(l0, scores, target):
    if outside(l0, target):
        return NAN
    i, j = np.argsort(np.abs(l0 - target))[:2]
    return float(scores[i] + (target - l0[i]) / (l0[j] - l0[i]) * (scores[j] - scores[i]))


def ends_left_out(l0, scores, target):
    rising, along = in_order(l0, scores)
    inside = rising[0] < target < rising[-1]
    return float(np.interp(target, rising, along)) if inside else NAN


def sparser_neighbour(l0, scores, target):
    a, b = in_order(l0, scores)
    return NAN if outside(l0, target) else float(b[np.searchsorted(a, target, "right") - 1])


def middle_of_the_neighbours(l0, scores, target):
    a, b = in_order(l0, scores)
    if outside(l0, target):
        return NAN
    if target in a:
        return float(b[np.flatnonzero(a == target)[0]])
    i = np.searchsorted(a, target)
    return float((b[i - 1] + b[i]) / 2)


def weights_exchanged(l0, scores, target):
    a, b = in_order(l0, scores)
    if outside(l0, target):
        return NAN
    i = int(np.clip(np.searchsorted(a, target), 1, len(a) - 1))
    share = (target - a[i - 1]) / (a[i] - a[i - 1])
    return float(share * b[i - 1] + (1 - share) * b[i])


def one_line_through_all(l0, scores, target):
    return NAN if outside(l0, target) else float(np.polyval(np.polyfit(l0, scores, 1), target))


def in_log_l0(l0, scores, target):
    a, b = in_order(l0, scores)
    return float(np.interp(math.log(target), np.log(a), b, left=NAN, right=NAN))


def mean_of_all(l0, scores, target):
    return NAN if outside(l0, target) else float(scores.mean())


def zero_outside(l0, scores, target):
    rising, along = in_order(l0, scores)
    return float(np.interp(target, rising, along, left=0.0, right=0.0))


def axes_exchanged(l0, scores, target):
    order = np.argsort(scores)
    return float(np.interp(target, scores[order], l0[order], left=NAN, right=NAN))


def only_the_low_end(l0, scores, target):
    rising, along = in_order(l0, scores)
    return float(np.interp(target, rising, along, left=NAN))


def only_the_high_end(l0, scores, target):
    rising, along = in_order(l0, scores)
    return float(np.interp(target, rising, along, right=NAN))


def by_hand(l0, scores, target):
    points = sorted(zip(l0, scores, strict=True))
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x0 <= target <= x1:
            return y0 + (y1 - y0) * (target - x0) / (x1 - x0)
    return math.nan


def with_scipy(l0, scores, target):
    from scipy.interpolate import interp1d  # type: ignore[import-untyped]

    return interp1d(l0, scores, bounds_error=False, fill_value=np.nan)(target)


def from_the_two_sides(l0, scores, target):
    below, above = l0 <= target, l0 >= target
    if not below.any() or not above.any():
        return np.nan
    i = np.flatnonzero(below)[np.argmax(l0[below])]
    j = np.flatnonzero(above)[np.argmin(l0[above])]
    if i == j:
        return scores[i]
    return (scores[i] * (l0[j] - target) + scores[j] * (target - l0[i])) / (l0[j] - l0[i])


EXERCISE = Exercise(
    id="07.score_at_l0",
    title="At equal sparsity",
    reference=comparison.score_at_l0,
    minutes=8,
    difficulty=2,
    hints=(
        "Between which two of the SAEs does the target lie, in L0? How far is it from each?",
        "`np.interp(target, l0, scores)` draws the straight lines, but only if `l0` rises: sort by "
        "L0 first, and the scores along with it.",
        "`order = np.argsort(l0)` sorts both. Beyond the ends `np.interp` repeats the last value: "
        "tell it `left=np.nan, right=np.nan`.",
    ),
    check=Check(
        draws.frontiers,
        tested="nine sweeps in no order, with targets inside, on a point, at both ends, below and "
        "above",
    ),
    mistakes=(
        Mistake(
            not_sorted,
            "You did not sort. `np.interp` wants its points to rise, and does not say so when they "
            "do not.",
        ),
        Mistake(
            scores_left_behind,
            "You sorted the L0 and left the scores as they were: each score now stands beside "
            "another SAE's L0.",
        ),
        Mistake(
            both_sorted,
            "You sorted L0 and scores each by itself. They are pairs: sort by L0, and take the "
            "scores along.",
        ),
        Mistake(
            held_at_the_ends,
            "Outside the measured range you repeat the last score. Nobody has trained an SAE "
            "there: return NaN.",
        ),
        Mistake(
            drawn_on,
            "You draw the line on beyond the last SAE. Nobody has trained one there: return NaN.",
        ),
        Mistake(
            nearest,
            "You took the nearest SAE. It is sparser or denser than the target, which favours one "
            "method or the other: interpolate.",
        ),
        Mistake(
            two_nearest,
            "You took the two nearest SAEs. Both can lie on the same side of the target, and then "
            "you draw the line on. Take one on each side.",
        ),
        Mistake(
            ends_left_out,
            "At the lowest and at the highest L0 that was measured there *is* an SAE: its score is "
            "known. NaN is for what lies beyond.",
        ),
        Mistake(
            sparser_neighbour,
            "You took the next sparser SAE. Then every method is judged too low, each by another "
            "amount: interpolate.",
        ),
        Mistake(
            middle_of_the_neighbours,
            "You took the middle of the two neighbours. The nearer one counts for more.",
        ),
        Mistake(
            weights_exchanged,
            "The weights are exchanged: close to the lower neighbour, the lower one should count.",
        ),
        Mistake(
            one_line_through_all,
            "You fitted one line through all SAEs. A frontier is curved: use the two neighbours.",
        ),
        Mistake(
            in_log_l0,
            "You interpolated in the logarithm of L0. That can be argued for; asked is L0 itself.",
        ),
        Mistake(mean_of_all, "The target has no effect: this is the mean of all scores."),
        Mistake(
            zero_outside,
            "Outside the measured range you return 0, which reads as a terrible score. It is not "
            "known: return NaN.",
        ),
        Mistake(axes_exchanged, "L0 and scores are exchanged: the score is what you look up."),
        Mistake(
            only_the_low_end,
            "Below the measured range you say that nothing is known; above it you repeat the last "
            "score. Both ends need NaN.",
        ),
        Mistake(
            only_the_high_end,
            "Above the measured range you say that nothing is known; below it you repeat the first "
            "score. Both ends need NaN.",
        ),
    ),
    alternatives=(by_hand, with_scipy, from_the_two_sides),
    why="A method that is drawn at another L0 than its rival has been compared with nothing.",
)
