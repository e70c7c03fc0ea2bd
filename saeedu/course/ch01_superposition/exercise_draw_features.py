"""Exercise 01.draw_features: a world of sparse features."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from saeedu import toy_model
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.shapes import Array

BATCH = 40_000
NEAR = 0.045
"""A statistic this near to what theory says, relative to the largest of its kind, is taken for it:
at least five standard deviations of a right answer's."""
NEAR_ZERO = 0.12
"""The same for what is zero in a wrong answer, whose noise is larger."""


def draw_settings(rng: np.random.Generator) -> Iterator[Call]:
    """Two instances of one density, so that sharing the draw between them is seen."""
    for density, n in ((np.array([0.9, 0.4, 0.4, 0.15]), 3), (0.6, 4)):
        source = np.random.default_rng(rng.integers(2**32))
        n_instances = np.size(density) + (np.ndim(density) == 0)
        axes = {"n_instances": n_instances, "batch": BATCH, "n": n}
        yield Call((source, n_instances, BATCH, n, density), axes=axes)


def observe_statistics(implementation: Implementation, call: Call) -> Any:
    """What a draw looks like: no two right answers draw the same numbers."""
    rng, n_instances, batch, n, density = call.args
    x = implementation(copy.deepcopy(rng), n_instances, batch, n, copy.copy(density))
    if not isinstance(x, np.ndarray) or x.shape != (n_instances, batch, n):
        return x  # the comparison will say that this is not what was asked for
    found = statistics(x)
    theory = expected_statistics(np.broadcast_to(density, n_instances), n)
    for name, value in theory.items():
        away, scale = np.abs(found[name] - value), np.abs(value).max()
        found[name] = np.where(away <= NEAR * scale, value, found[name])
        # Strengths of both signs: so that their noise does not hide which mistake it is.
        nothing = (np.abs(found[name]) <= NEAR_ZERO * scale) & (away > NEAR * scale)
        found[name] = np.where(nothing, 0.0, found[name])
    return found | what_rng_decides(implementation, call)


def what_rng_decides(implementation: Implementation, call: Call) -> dict[str, float]:
    """Whether the samples depend on `rng`, and on nothing else. A few samples show it."""
    rng, n_instances, _, n, density = call.args

    def draw(source: np.random.Generator) -> Any:
        return implementation(source, n_instances, 20, n, copy.copy(density))

    one, same, other = copy.deepcopy(rng), copy.deepcopy(rng), np.random.default_rng([1, n])
    first, later = draw(one), draw(one)
    return {
        "a copy of rng draws the same": float(np.array_equal(first, draw(same))),
        "rng draws the same twice": float(np.array_equal(first, later)),
        "another rng draws the same": float(np.array_equal(first, draw(other))),
    }


def statistics(x: Array) -> dict[str, Array]:
    present = x != 0
    count = np.maximum(present.sum(axis=(1, 2)), 1)
    n = x.shape[2]
    each_with_itself = np.mean(x**2, axis=1).sum(axis=1)
    two_features = (np.mean(x.sum(axis=2) ** 2, axis=1) - each_with_itself) / (n * (n - 1))
    two_instances = np.einsum("jbn,kbn->jk", x, x) / x[0].size
    return {
        "share present, by instance": present.mean(axis=(1, 2)),
        "share present, by feature": present.mean(axis=(0, 1)),
        "mean of those present": x.sum(axis=(1, 2)) / count,
        "mean square of those present": (x**2).sum(axis=(1, 2)) / count,
        # Cut off, because the extremes of a Gaussian are a matter of luck.
        "smallest and largest": np.clip([x.min(), x.max()], -1.5, 1.5),
        # Whatever shares a coin or a strength has a mean product that is too large.
        "mean product of two features": two_features,
        "mean product of two instances": two_instances * (1 - np.eye(len(x))),
        "mean product of neighbouring samples": np.mean(x[:, 1:] * x[:, :-1], axis=(1, 2)),
    }


def expected_statistics(density: Array, n: int) -> dict[str, Array]:
    k = len(density)
    square = density**2 / 4
    return {
        "share present, by instance": density,
        "share present, by feature": np.full(n, density.mean()),
        "mean of those present": np.full(k, 1 / 2),
        "mean square of those present": np.full(k, 1 / 3),
        "smallest and largest": np.array([0.0, 1.0]),
        "mean product of two features": square,
        "mean product of two instances": np.outer(density, density) / 4 * (1 - np.eye(k)),
        "mean product of neighbouring samples": square,
    }


def present_with_the_sparsity(rng, n_instances, batch, n, density):
    threshold = np.reshape(density, (-1, 1, 1))
    shape = (n_instances, batch, n)
    return np.where(rng.random(shape) > threshold, rng.random(shape), 0.0)


def all_or_nothing(rng, n_instances, batch, n, density):
    threshold = np.reshape(density, (-1, 1, 1))
    return (rng.random((n_instances, batch, n)) < threshold).astype(float)


def always_one_half(rng, n_instances, batch, n, density):
    return all_or_nothing(rng, n_instances, batch, n, density) / 2


def one_draw_kept_above(rng, n_instances, batch, n, density):
    threshold = np.reshape(density, (-1, 1, 1))
    u = rng.random((n_instances, batch, n))
    return np.where(u > threshold, u, 0.0)


def one_draw_kept_above_and_rescaled(rng, n_instances, batch, n, density):
    return one_draw_kept_above(rng, n_instances, batch, n, density) / np.reshape(
        density, (-1, 1, 1)
    )


def strength_squared(rng, n_instances, batch, n, density):
    present = rng.random((n_instances, batch, n)) < np.reshape(density, (-1, 1, 1))
    return present * rng.random((n_instances, batch, n)) ** 2


def own_generator(rng, n_instances, batch, n, density):
    return toy_model.draw_features(np.random.default_rng(0), n_instances, batch, n, density)


def rng_left_unused(rng, n_instances, batch, n, density):
    return toy_model.draw_features(np.random.default_rng(), n_instances, batch, n, density)


def never_absent(rng, n_instances, batch, n, density):
    return rng.random((n_instances, batch, n))


def strength_below_the_density(rng, n_instances, batch, n, density):
    threshold = np.reshape(density, (-1, 1, 1))
    u = rng.random((n_instances, batch, n))
    return np.where(u < threshold, u, 0.0)


def one_coin_for_all_features(rng, n_instances, batch, n, density):
    threshold = np.reshape(density, (-1, 1, 1))
    present = rng.random((n_instances, batch, 1)) < threshold
    return present * rng.random((n_instances, batch, n))


def one_strength_for_all_features(rng, n_instances, batch, n, density):
    threshold = np.reshape(density, (-1, 1, 1))
    present = rng.random((n_instances, batch, n)) < threshold
    return present * rng.random((n_instances, batch, 1))


def same_samples_for_all_instances(rng, n_instances, batch, n, density):
    threshold = np.reshape(density, (-1, 1, 1))
    present = rng.random((batch, n)) < threshold
    return np.broadcast_to(present * rng.random((batch, n)), (n_instances, batch, n))


def same_draw_for_all_instances(rng, n_instances, batch, n, density):
    threshold = np.reshape(density, (-1, 1, 1))
    u = rng.random((batch, n))
    shape = (n_instances, batch, n)
    return np.broadcast_to(np.where(u < threshold, u / threshold, 0.0), shape)


def one_coin_for_all_samples(rng, n_instances, batch, n, density):
    threshold = np.reshape(density, (-1, 1, 1))
    present = rng.random((n_instances, 1, n)) < threshold
    return present * rng.random((n_instances, batch, n))


def gaussian_strength(rng, n_instances, batch, n, density):
    threshold = np.reshape(density, (-1, 1, 1))
    shape = (n_instances, batch, n)
    return np.where(rng.random(shape) < threshold, rng.standard_normal(shape), 0.0)


def strength_of_both_signs(rng, n_instances, batch, n, density):
    threshold = np.reshape(density, (-1, 1, 1))
    shape = (n_instances, batch, n)
    return np.where(rng.random(shape) < threshold, rng.uniform(-1, 1, shape), 0.0)


def first_density_for_all(rng, n_instances, batch, n, density):
    shape = (n_instances, batch, n)
    return np.where(rng.random(shape) < np.ravel(density)[0], rng.random(shape), 0.0)


def scaled_by_the_density(rng, n_instances, batch, n, density):
    return rng.random((n_instances, batch, n)) * np.reshape(density, (-1, 1, 1))


def two_coins(rng, n_instances, batch, n, density):
    shape = (n_instances, batch, n)
    present = rng.random(shape) < np.asarray(density).reshape(-1, 1, 1)
    return present * rng.uniform(0, 1, shape)


def by_instance(rng, n_instances, batch, n, density):
    x = np.zeros((n_instances, batch, n))
    for k, p in enumerate(np.broadcast_to(density, n_instances)):
        strength = 1 - rng.random((batch, n))
        x[k] = rng.binomial(1, p, size=(batch, n)) * strength
    return x


def shift_and_clip(rng, n_instances, batch, n, density):
    p = np.broadcast_to(density, n_instances)[:, None, None]
    return np.clip(1 - rng.random((n_instances, batch, n), dtype=np.float32) / p, 0, None)


EXERCISE = Exercise(
    id="01.draw_features",
    title="A world of sparse features",
    reference=toy_model.draw_features,
    minutes=7,
    difficulty=2,
    hints=(
        "Two questions for every number: is the feature present, and if so, how strongly? "
        "`rng.random(shape)` draws numbers that are uniform between 0 and 1. It can answer both.",
        "A uniform number is below p with probability p. So `rng.random(shape) < threshold` is "
        "True with the right probability for each instance.",
        "Draw a second array of the same shape for the strengths. A product of the two, or "
        "`np.where(present, strength, 0.0)`, is the answer.",
    ),
    check=Check(
        draw_settings,
        tested="40,000 samples for each of four densities and for one number: how many features "
        "are present, how strongly, whether features, samples and instances are independent, and "
        "whether rng decides",
        observe=observe_statistics,
        rtol=0.03,
    ),
    mistakes=(
        Mistake(
            present_with_the_sparsity,
            "Features are present with probability 1 - density. The density is how often a feature "
            "is there; the sparsity S of Elhage et al. is how often it is not.",
        ),
        Mistake(
            all_or_nothing,
            "A feature that is present always has the strength 1. It should be uniform between 0 "
            "and 1.",
        ),
        Mistake(
            always_one_half,
            "A feature that is present always has the strength 1/2. That is only the mean: draw "
            "each strength, uniform between 0 and 1.",
        ),
        Mistake(
            one_draw_kept_above,
            "You kept the uniform numbers above the density. So features are present with "
            "probability 1 - density, and never weakly. Keep what is below, and rescale it.",
        ),
        Mistake(
            one_draw_kept_above_and_rescaled,
            "You kept the uniform numbers above the density and divided by it, so strengths are "
            "larger than 1. The comparison is the wrong way round: u is below the density with "
            "probability density.",
        ),
        Mistake(
            strength_squared,
            "The strengths are uniform numbers squared, so small ones are too common. Use the "
            "number as it is.",
        ),
        Mistake(
            own_generator,
            "You made a new generator inside; every call gives the same samples. Draw from the "
            "`rng` that you are given.",
        ),
        Mistake(
            rng_left_unused,
            "The samples do not come from `rng`: a copy of it draws others. Call `rng.random`, "
            "not `np.random.random` and not a generator of your own, so that a seed fixes the "
            "experiment.",
        ),
        Mistake(
            never_absent,
            "Every feature is present in every sample. Most should be zero: present only with "
            "probability density.",
        ),
        Mistake(
            strength_below_the_density,
            "You used one uniform number for both questions. Given that it is below the density, "
            "it is uniform between 0 and the *density*, so your strengths are too small. Rescale "
            "it, or draw a second one.",
        ),
        Mistake(
            one_coin_for_all_features,
            "All features of a sample are present together or absent together. Each one needs a "
            "draw of its own: shape [n_instances, batch, n].",
        ),
        Mistake(
            one_strength_for_all_features,
            "All features present in a sample have the same strength. Each one needs a draw of its "
            "own.",
        ),
        Mistake(
            same_samples_for_all_instances,
            "All instances see the same random numbers. Draw the instance axis too.",
        ),
        Mistake(
            same_draw_for_all_instances,
            "One draw is compared with every instance's density, so all instances see the same "
            "random numbers. Draw the instance axis too.",
        ),
        Mistake(
            one_coin_for_all_samples,
            "A feature is present in all samples of an instance or in none. Whether it is there "
            "has to be drawn anew for each sample.",
        ),
        Mistake(
            gaussian_strength,
            "The strengths are Gaussian, so they can be negative and larger than one. They should "
            "be uniform between 0 and 1.",
        ),
        Mistake(
            strength_of_both_signs,
            "The strengths lie between -1 and 1. Features are never negative here: draw between 0 "
            "and 1.",
        ),
        Mistake(
            first_density_for_all,
            "Every instance uses the first density. Line `density` up with the instance axis: "
            "[n_instances, 1, 1].",
        ),
        Mistake(
            scaled_by_the_density,
            "You scaled the strengths by the density. Nothing is ever absent that way: the density "
            "is a probability, not a strength.",
        ),
    ),
    alternatives=(two_coins, by_instance, shift_and_clip),
    why="Sparsity is the one knob of this chapter: everything else stays as it is while it turns.",
    scaffold="threshold = np.reshape(density, (-1, 1, 1))  # [n_instances, 1, 1], or [1, 1, 1]",
)
