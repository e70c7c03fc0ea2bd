"""Exercise 10.matching_thresholds: a control as rare as the latent."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from saeedu import random_directions
from saeedu.course.ch10_reading_features import draws
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake


def how_many_are_active(implementation: Implementation, call: Call) -> Any:
    """What the thresholds do: any that lets the right number through is right."""
    thresholds = implementation(*call.args)
    projections, densities = call.args
    if thresholds is None:
        return None
    if not isinstance(thresholds, Tensor) or thresholds.shape != densities.shape:
        return {"entries above the thresholds": thresholds}
    if thresholds.isnan().any():
        return {"entries above the thresholds": thresholds}
    return {"entries above the thresholds": (projections > thresholds).sum(dim=0).double()}


def counts_of(projections, densities):
    return (densities * len(projections)).round().long()


def taken_at(projections, counts):
    falling = projections.sort(dim=0, descending=True).values
    return falling.gather(0, counts.clamp(0, len(projections) - 1)[None])[0]


def one_too_few(projections, densities):
    return taken_at(projections, counts_of(projections, densities) - 1)


def other_tail(projections, densities):
    rising = projections.sort(dim=0).values
    rows = counts_of(projections, densities).clamp(max=len(projections) - 1)
    return rising.gather(0, rows[None])[0]


def one_for_all(projections, densities):
    everything = projections.flatten().sort(descending=True).values
    return everything[(densities * len(everything)).round().long().clamp(max=len(everything) - 1)]


def along_the_other_axis(projections, densities):
    return random_directions.matching_thresholds(projections.T, densities)


def by_size(projections, densities):
    return taken_at(projections.abs(), counts_of(projections, densities))


def by_size_and_minus_infinity(projections, densities):
    return random_directions.matching_thresholds(projections.abs(), densities)


def with_quantile(projections, densities):
    pairs = zip(projections.T, 1 - densities, strict=True)
    return torch.stack([torch.quantile(column, level) for column, level in pairs])


def rounded_down(projections, densities):
    counts = (densities * len(projections)).long()
    falling = projections.sort(dim=0, descending=True).values
    lowest = torch.full_like(falling[:1], -torch.inf)
    return torch.cat([falling, lowest]).gather(0, counts[None])[0]


def rounded_up(projections, densities):
    counts = (densities * len(projections)).ceil().long()
    falling = projections.sort(dim=0, descending=True).values
    lowest = torch.full_like(falling[:1], -torch.inf)
    return torch.cat([falling, lowest]).gather(0, counts[None])[0]


def as_if_normal(projections, densities):
    normal = torch.distributions.Normal(0.0, 1.0)
    z = normal.icdf((1 - densities).clamp(1e-6, 1 - 1e-6))
    return projections.mean(dim=0) + projections.std(dim=0) * z


def all_active_forgotten(projections, densities):
    return taken_at(projections, counts_of(projections, densities))


def share_of_the_range(projections, densities):
    low, high = projections.amin(dim=0), projections.amax(dim=0)
    return high - densities * (high - low)


def mean_density_for_all(projections, densities):
    return random_directions.matching_thresholds(
        projections, densities.mean().expand(len(densities))
    )


def the_densities_themselves(projections, densities):
    return densities


def half_way_between(projections, densities):
    n, m = projections.shape
    thresholds = torch.zeros(m, dtype=projections.dtype)
    for j in range(m):
        column, _ = projections[:, j].sort(descending=True)
        count = round(n * float(densities[j]))
        above = column[count - 1] if count else column[0] + 2
        below = column[count] if count < n else column[-1] - 2
        thresholds[j] = (above + below) / 2
    return thresholds


def with_kthvalue(projections, densities):
    n = len(projections)
    thresholds = []
    for column, density in zip(projections.T, densities.tolist(), strict=True):
        silent = n - int(np.rint(n * density))
        thresholds.append(column.kthvalue(silent).values if silent else column.min() - 1)
    return torch.stack(thresholds)


def with_numpy(projections, densities):
    columns = np.sort(projections.numpy(), axis=0)[::-1]
    columns = np.concatenate([columns, columns[-1:] - 1.0])
    counts = np.rint(densities.numpy() * len(projections)).astype(int)
    return torch.from_numpy(columns[counts, np.arange(len(counts))].copy())


EXERCISE = Exercise(
    id="10.matching_thresholds",
    title="A control as rare as the latent",
    reference=random_directions.matching_thresholds,
    minutes=9,
    difficulty=3,
    hints=(
        "One direction at a time: sort its n projections, the largest first. If c of them are to "
        "be above the threshold, between which two must it lie?",
        "Counted from 0, the entry number c of the falling list is the largest one that is *not* "
        "above. c is n times the density, rounded to a whole number.",
        "When c is n there is no such entry: anything below the smallest will do, such as "
        "`-torch.inf`. `gather` picks a row for each column, or write a loop over columns.",
    ),
    check=Check(
        draws.projections,
        tested="how many tokens lie above each threshold, densities 0 and 1 included",
        observe=how_many_are_active,
    ),
    mistakes=(
        Mistake(
            one_too_few,
            "One too few is above: you return the smallest entry that should be active. It is not "
            "above itself.",
        ),
        Mistake(
            other_tail,
            "You sorted upwards. Active are the *largest* projections.",
        ),
        Mistake(
            one_for_all,
            "You rank the projections of all directions together. A direction along which all "
            "tokens lie far out would be active all the time: each has its own ranking.",
        ),
        Mistake(
            along_the_other_axis,
            "You sort along the directions. Each direction's column holds its n tokens: axis 0.",
        ),
        Mistake(
            by_size,
            "You rank by size without sign. A latent is one-sided: far in the negative is silent.",
        ),
        Mistake(
            by_size_and_minus_infinity,
            "`.abs()` makes the far negative active too. A latent is one-sided: keep the signs "
            "when you sort.",
        ),
        Mistake(
            with_quantile,
            "`torch.quantile` counts n - 1 steps between n entries and interpolates, so that some "
            "directions get one entry too many or too few. Count entries in the sorted column.",
        ),
        Mistake(
            rounded_down,
            "n times the density is rounded down. Rare latents then lose most: round to the "
            "nearest.",
        ),
        Mistake(rounded_up, "n times the density is rounded up. Round to the nearest."),
        Mistake(
            as_if_normal,
            "You take the projections for a bell curve. Those of a language model have long "
            "tails, and it is the tail that counts: rank them.",
        ),
        Mistake(
            all_active_forgotten,
            "With a density of 1 one token stays silent: nothing lies below the smallest entry, "
            "so its threshold has to be lower than all.",
        ),
        Mistake(
            share_of_the_range,
            "You cut the *range* by the density. The fraction of tokens is asked for, and they "
            "crowd in the middle.",
        ),
        Mistake(
            mean_density_for_all,
            "Every direction has the mean density. Match latent by latent: rare ones look cleaner "
            "than frequent ones.",
        ),
        Mistake(
            the_densities_themselves,
            "These are the densities. A threshold has the unit of the projections.",
        ),
    ),
    alternatives=(half_way_between, with_kthvalue, with_numpy),
    why="A control that fires a hundred times as often as the latents proves nothing. Yours does "
    "not.",
)
