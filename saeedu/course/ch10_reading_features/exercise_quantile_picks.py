"""Exercise 10.quantile_picks: examples from the whole range."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np
import torch

from saeedu import reading
from saeedu.course.ch10_reading_features import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def falling(values):
    order = values.argsort(descending=True, stable=True)
    return order[values[order] > 0]


def strongest_only(values, n):
    return falling(values)[:n]


def missing_ones_too(values, n):
    order = values.argsort(descending=True, stable=True)
    if len(order) <= n:
        return order
    return order[(2 * torch.arange(n) + 1) * len(order) // (2 * n)]


def missing_ones_from_the_back(values, n):
    order = values.argsort(stable=True).flip(0)
    if len(order) <= n:
        return order
    return order[(2 * torch.arange(n) + 1) * len(order) // (2 * n)]


def missing_ones_dropped_at_the_end(values, n):
    picks = missing_ones_too(values, n)
    return picks[values[picks] > 0]


def first_of_each_part(values, n):
    order = falling(values)
    return order if len(order) <= n else order[torch.arange(n) * len(order) // n]


def last_of_each_part(values, n):
    order = falling(values)
    return order if len(order) <= n else order[(torch.arange(n) + 1) * len(order) // n - 1]


def from_end_to_end(values, n):
    order = falling(values)
    if len(order) <= n:
        return order
    return order[torch.arange(n) * (len(order) - 1) // (n - 1)]


def weakest_first(values, n):
    return reading.quantile_picks(values, n).flip(0)


def values_instead(values, n):
    return values[reading.quantile_picks(values, n)]


def ranks_instead(values, n):
    m = len(falling(values))
    return torch.arange(m) if m <= n else (2 * torch.arange(n) + 1) * m // (2 * n)


def equal_steps_of_activation(values, n):
    order = falling(values)
    if len(order) <= n:
        return order
    high, low = values[order[0]], values[order[-1]]
    targets = high - (torch.arange(n) + 0.5) / n * (high - low)
    return torch.stack([order[(values[order] - t).abs().argmin()] for t in targets])


def in_order_of_the_list(values, n):
    existing = (values > 0).nonzero()[:, 0]
    m = len(existing)
    return existing if m <= n else existing[(2 * torch.arange(n) + 1) * m // (2 * n)]


def few_are_repeated(values, n):
    order = falling(values)
    return order[(2 * torch.arange(n) + 1) * len(order) // (2 * n)]


def step_rounded_down(values, n):
    order = falling(values)
    if len(order) <= n:
        return order
    step = len(order) // n
    return order[torch.arange(n) * step + step // 2]


def indices_among_those_that_exist(values, n):
    return reading.quantile_picks(values[values > 0], n)


def in_a_loop(values, n):
    rows = sorted((i for i in range(len(values)) if values[i] > 0), key=lambda i: -float(values[i]))
    if len(rows) > n:
        rows = [rows[int((i + 0.5) * len(rows) / n + 1e-9)] for i in range(n)]
    return torch.tensor(rows)


def with_numpy(values, n):
    activations = values.numpy()
    order = np.argsort(-activations, kind="stable")[: np.count_nonzero(activations > 0)]
    if order.size > n:
        order = order[np.floor((np.arange(n) + 0.5) * order.size / n).astype(int)]
    return torch.from_numpy(order)


def with_topk(values, n):
    exist = int((values > 0).sum())
    order = values.topk(exist).indices
    return order if exist <= n else order[[(2 * i + 1) * exist // (2 * n) for i in range(n)]]


EXERCISE = Exercise(
    id="10.quantile_picks",
    title="From the strongest to the weakest",
    reference=reading.quantile_picks,
    minutes=8,
    difficulty=2,
    hints=(
        "Sort the examples that exist, the strongest first. With 20 of them and n = 4, at which "
        "ranks are the middles of the four quarters?",
        "At ranks 2, 7, 12, 17: (i + 1/2) times 20 / 4, rounded down, for i = 0 to 3. Then look "
        "up which example has that rank.",
        "`order = values.argsort(descending=True)`, cut to those above 0, maps a rank to an index. "
        "In whole numbers the rank is (2 i + 1) m // (2 n). With n or fewer, return all of "
        "`order`.",
    ),
    check=Check(
        draws.activations_of_examples,
        tested="skewed activations in no order, with gaps, and fewer than were asked for",
    ),
    mistakes=(
        Mistake(
            strongest_only,
            "These are the n strongest. That is the reading which the exercise is against.",
        ),
        Mistake(
            missing_ones_too,
            "You count places that hold no example, where the value is 0. Leave them out first.",
        ),
        Mistake(
            missing_ones_from_the_back,
            "Values of 0 are counted: the n parts reach down into places that hold no example. Cut "
            "the list to those above 0 first.",
        ),
        Mistake(
            missing_ones_dropped_at_the_end,
            "You cut the range with the missing examples in it, and drop them afterwards: fewer "
            "than n are left. Leave them out before you cut.",
        ),
        Mistake(
            first_of_each_part,
            "You take the first of each part, so that the strongest of all is always in. Take the "
            "middle.",
        ),
        Mistake(last_of_each_part, "You take the last of each part. Take the middle."),
        Mistake(
            from_end_to_end,
            "You step from the very strongest to the very weakest. The two extremes are the least "
            "typical: take the middle of each of n equal parts.",
        ),
        Mistake(weakest_first, "The right ones, the weakest first. Begin with the strongest."),
        Mistake(values_instead, "These are activations. Return indices into `values`."),
        Mistake(
            ranks_instead,
            "These are ranks. Look up which example has that rank: `order[rank]`.",
        ),
        Mistake(
            equal_steps_of_activation,
            "You step evenly through the *activation*. Most examples are weak, so equal steps of "
            "activation favour the strong ones: cut by number.",
        ),
        Mistake(
            in_order_of_the_list,
            "You did not sort. Parts of the list are not parts of the range.",
        ),
        Mistake(
            few_are_repeated,
            "With fewer than n examples you repeat some. Return each that exists once.",
        ),
        Mistake(
            step_rounded_down,
            "You rounded the step down, so that the weakest are never reached. Round only at the "
            "end: (i + 1/2) m / n.",
        ),
        Mistake(
            indices_among_those_that_exist,
            "You count only among examples that exist. Asked are indices into `values`.",
        ),
    ),
    alternatives=(in_a_loop, with_numpy, with_topk),
    why="Whoever reads from the top alone explains a tenth of a latent and names the whole.",
)
