"""Exercise 07.step_gradient: how L0 tells a threshold where to go."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu.course.ch07_the_zoo import draws
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.sae import jump_relu


def window(z, t, width):
    return ((z - t).abs() < width / 2).to(z.dtype)


def true_derivative(d, z, t, bw):
    return torch.zeros_like(t)


def sign_forgotten(d, z, t, bw):
    return (window(z, t, bw) / bw * d).sum(dim=0)


def jump_relus(d, z, t, bw):
    return -(t * window(z, t, bw) / bw * d).sum(dim=0)


def not_divided(d, z, t, bw):
    return -(window(z, t, bw) * d).sum(dim=0)


def window_twice_as_wide(d, z, t, bw):
    return -(window(z, t, 2 * bw) / bw * d).sum(dim=0)


def half_the_height(d, z, t, bw):
    return -(window(z, t, bw) / (2 * bw) * d).sum(dim=0)


def upstream_forgotten(d, z, t, bw):
    return -(window(z, t, bw) / bw).sum(dim=0)


def not_summed(d, z, t, bw):
    return -window(z, t, bw) / bw * d


def averaged(d, z, t, bw):
    return -(window(z, t, bw) / bw * d).mean(dim=0)


def window_above_alone(d, z, t, bw):
    return -(window(z, t, bw) * (z > t) / bw * d).sum(dim=0)


def everything_above(d, z, t, bw):
    return -((z > t) / bw * d).sum(dim=0)


def window_around_zero(d, z, t, bw):
    return -((z.abs() < bw / 2) / bw * d).sum(dim=0)


def one_number(d, z, t, bw):
    return -(window(z, t, bw) / bw * d).sum()


def times_the_bandwidth(d, z, t, bw):
    return -(window(z, t, bw) * bw * d).sum(dim=0)


def abs_forgotten(d, z, t, bw):
    return -((z - t < bw / 2) / bw * d).sum(dim=0)


def summed_over_latents(d, z, t, bw):
    return -(window(z, t, bw) / bw * d).sum(dim=1)


def by_einsum(d, z, t, bw):
    inside = torch.logical_and(z > t - bw / 2, z < t + bw / 2).to(d.dtype)
    return torch.einsum("bs,bs->s", inside, d) / -bw


def picked(d, z, t, bw):
    kept = torch.where((z - t).abs() < 0.5 * bw, d, torch.zeros_like(d))
    return -kept.sum(0) / bw


def in_loops(d, z, t, bw):
    result = torch.zeros_like(t)
    for row, upstream in zip(z, d, strict=True):
        for j, value in enumerate(row):
            if -bw / 2 < value - t[j] < bw / 2:
                result[j] -= upstream[j] / bw
    return result


EXERCISE = Exercise(
    id="07.step_gradient",
    title="How L0 moves a threshold",
    reference=jump_relu.step_gradient,
    minutes=6,
    difficulty=2,
    hints=(
        "It is the exercise before, with a step of another height.",
        "The step function jumps from 0 to 1 at the threshold. Where the JumpReLU's "
        "pseudo-derivative has θ, this one has 1.",
        "Entries inside the window count −1 / bandwidth each, times `d_step`; sum over the batch.",
    ),
    check=Check(
        draws.near_thresholds,
        tested="three batches with entries just inside and just outside the window, on both sides",
    ),
    mistakes=(
        Mistake(true_derivative, "This is the true derivative, zero. Asked is the pseudo one."),
        Mistake(
            sign_forgotten,
            "The sign: raising a threshold switches latents off, so L0 falls.",
        ),
        Mistake(
            jump_relus,
            "This is the JumpReLU's, with the height θ. A step is 1 high, whatever the threshold.",
        ),
        Mistake(not_divided, "Divide by the bandwidth, which turns a count into a density."),
        Mistake(
            window_twice_as_wide,
            "Your window is two bandwidths wide: half of one to each side.",
        ),
        Mistake(
            half_the_height,
            "You divided by two bandwidths. The window is one wide: half to each side.",
        ),
        Mistake(upstream_forgotten, "`d_step` has no effect: the chain rule is missing."),
        Mistake(not_summed, "One threshold serves the whole batch: sum over samples, [d_sae]."),
        Mistake(averaged, "You averaged over the batch. The loss's mean is already in `d_step`."),
        Mistake(
            window_above_alone,
            "You count only entries above the threshold: the window has two sides.",
        ),
        Mistake(
            everything_above,
            "You count every active latent. Only those inside the window would switch.",
        ),
        Mistake(window_around_zero, "Your window lies around zero, not around the threshold."),
        Mistake(one_number, "You summed over latents too. Each latent has its own threshold."),
        Mistake(
            times_the_bandwidth,
            "You multiplied by the bandwidth. A wider window holds more entries: divide.",
        ),
        Mistake(
            abs_forgotten,
            "Your window has no lower end: pre-activations far below the threshold count too. Look "
            "at the absolute value of z − θ.",
        ),
        Mistake(
            summed_over_latents,
            "You summed over latents, and have one number for each sample. Sum over the batch.",
        ),
    ),
    alternatives=(by_einsum, picked, in_loops),
    why="With it L0 itself can be paid for, not a stand-in like L1.",
)
