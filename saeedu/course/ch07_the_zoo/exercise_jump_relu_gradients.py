"""Exercise 07.jump_relu_gradients: a derivative where there is none."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu.course.ch07_the_zoo import draws
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.sae import jump_relu


def window(z, t, width):
    return ((z - t).abs() < width / 2).to(z.dtype)


def on(d, z, t):
    return d * (z > t)


def true_derivative(d, z, t, bw):
    return on(d, z, t), torch.zeros_like(t)


def sign_forgotten(d, z, t, bw):
    return on(d, z, t), (t / bw * window(z, t, bw) * d).sum(dim=0)


def height_forgotten(d, z, t, bw):
    return on(d, z, t), (-1 / bw * window(z, t, bw) * d).sum(dim=0)


def not_divided(d, z, t, bw):
    return on(d, z, t), (-t * window(z, t, bw) * d).sum(dim=0)


def window_twice_as_wide(d, z, t, bw):
    return on(d, z, t), (-t / bw * window(z, t, 2 * bw) * d).sum(dim=0)


def upstream_forgotten(d, z, t, bw):
    return on(d, z, t), (-t / bw * window(z, t, bw)).sum(dim=0)


def own_slope_alone(d, z, t, bw):
    return (z > t).to(z.dtype), (-t / bw * window(z, t, bw) * d).sum(dim=0)


def not_summed(d, z, t, bw):
    return on(d, z, t), -t / bw * window(z, t, bw) * d


def averaged(d, z, t, bw):
    return on(d, z, t), (-t / bw * window(z, t, bw) * d).mean(dim=0)


def summed_over_latents(d, z, t, bw):
    return on(d, z, t), (-t / bw * window(z, t, bw) * d).sum(dim=1)


def height_of_the_sample(d, z, t, bw):
    return on(d, z, t), (-z / bw * window(z, t, bw) * d).sum(dim=0)


def relus_mask(d, z, t, bw):
    return on(d, z, torch.zeros_like(t)), (-t / bw * window(z, t, bw) * d).sum(dim=0)


def window_above_alone(d, z, t, bw):
    near = window(z, t, bw) * (z > t)
    return on(d, z, t), (-t / bw * near * d).sum(dim=0)


def pseudo_derivative_for_both(d, z, t, bw):
    per_sample = t / bw * window(z, t, bw) * d
    return on(d, z, t) + per_sample, -per_sample.sum(dim=0)


def swapped(d, z, t, bw):
    return (-t / bw * window(z, t, bw) * d).sum(dim=0), on(d, z, t)


def relative_window(d, z, t, bw):
    near = ((z - t).abs() < bw / 2 * t).to(z.dtype)
    return on(d, z, t), (-t / bw * near * d).sum(dim=0)


def everything_above(d, z, t, bw):
    return on(d, z, t), (-t / bw * (z > t) * d).sum(dim=0)


def window_around_zero(d, z, t, bw):
    return on(d, z, t), (-t / bw * (z.abs() < bw / 2) * d).sum(dim=0)


def straight_through(d, z, t, bw):
    return d.clone(), (-t / bw * window(z, t, bw) * d).sum(dim=0)


def window_for_both(d, z, t, bw):
    near = window(z, t, bw)
    return on(d, z, t) * near, (-t / bw * near * d).sum(dim=0)


def abs_forgotten(d, z, t, bw):
    return on(d, z, t), (-t / bw * (z - t < bw / 2) * d).sum(dim=0)


def value_in_the_slope(d, z, t, bw):
    return on(d, z, t) * z, (-t / bw * window(z, t, bw) * d).sum(dim=0)


def by_einsum(d, z, t, bw):
    near = torch.logical_and(z > t - bw / 2, z < t + bw / 2).to(d.dtype)
    return torch.where(z > t, d, torch.zeros_like(d)), torch.einsum("bs,bs,s->s", near, d, -t / bw)


def summed_first(d, z, t, bw):
    near = ((z - t) / bw).abs().lt(0.5)
    return d * (z - t > 0), -(d * near).sum(0) * t / bw


def in_loops(d, z, t, bw):
    d_z, d_t = torch.zeros_like(z), torch.zeros_like(t)
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            if z[i, j] > t[j]:
                d_z[i, j] = d[i, j]
            if abs(z[i, j] - t[j]) < bw / 2:
                d_t[j] -= t[j] * d[i, j] / bw
    return d_z, d_t


EXERCISE = Exercise(
    id="07.jump_relu_gradients",
    title="A derivative where there is none",
    reference=jump_relu.jump_relu_gradients,
    minutes=15,
    difficulty=3,
    hints=(
        "For the pre-activations it is the derivative that you know from ReLU, with another place "
        "to switch on. For the threshold, which entries of the batch lie close enough to matter?",
        "An entry matters when |z − θ| is less than half a bandwidth. For such an entry the "
        "pseudo-derivative is −θ / bandwidth, and the chain rule multiplies it by `d_latents`.",
        "A threshold is shared by all samples, so its gradient is a sum over the batch: "
        "`-(threshold / bandwidth * near * d_latents).sum(dim=0)`, where near is 0 or 1.",
    ),
    check=Check(
        draws.near_thresholds,
        tested="three batches with entries just inside and just outside the window, on both sides",
        parts=("the gradient for pre_acts", "the gradient for threshold"),
    ),
    mistakes=(
        Mistake(
            true_derivative,
            "This is the true derivative: zero. With it no threshold ever moves. Asked is the "
            "pseudo-derivative, −θ / bandwidth inside the window.",
        ),
        Mistake(
            sign_forgotten,
            "The sign: raising a threshold switches latents off, so their values fall.",
        ),
        Mistake(
            height_forgotten,
            "This is the step function's. A JumpReLU jumps by θ, not by 1: multiply by the "
            "threshold.",
        ),
        Mistake(
            not_divided,
            "You did not divide by the bandwidth. Counting entries in a window gives a density "
            "only after division by its width.",
        ),
        Mistake(
            window_twice_as_wide,
            "Your window reaches a whole bandwidth to each side, so it is two wide. Half of one to "
            "each side.",
        ),
        Mistake(
            upstream_forgotten,
            "`d_latents` has no effect on the threshold's gradient: the chain rule is missing.",
        ),
        Mistake(
            own_slope_alone,
            "`d_latents` has no effect on the gradient for `pre_acts`: the chain rule is missing.",
        ),
        Mistake(
            not_summed,
            "You kept one gradient for each sample. One threshold serves the whole batch, so what "
            "the samples want adds up: [d_sae].",
        ),
        Mistake(
            averaged,
            "You averaged over the batch. Here it is a sum: the loss's own mean is already in "
            "`d_latents`.",
        ),
        Mistake(
            summed_over_latents,
            "You summed over latents. Each latent has its own threshold: sum over the batch.",
        ),
        Mistake(
            height_of_the_sample,
            "You multiplied by the pre-activation. The jump is as high as the threshold, wherever "
            "in the window the sample happens to lie.",
        ),
        Mistake(
            relus_mask,
            "The gradient for the pre-activations passes wherever they are positive. Below its "
            "threshold a latent is off.",
        ),
        Mistake(
            window_above_alone,
            "You count only entries above the threshold. Those just below it would switch on if it "
            "fell: the window has two sides.",
        ),
        Mistake(
            pseudo_derivative_for_both,
            "You sent the pseudo-derivative to the pre-activations too. Some do (Anthropic's "
            "January 2025 update); the paper's gives them the true derivative only.",
        ),
        Mistake(swapped, "The two are exchanged: pre-activations first, then the threshold."),
        Mistake(
            relative_window,
            "Your window grows with the threshold. Its width is the bandwidth for all latents.",
        ),
        Mistake(
            everything_above,
            "You let every active latent move its threshold. One that is far above would not "
            "notice: only the window counts.",
        ),
        Mistake(
            window_around_zero,
            "Your window lies around zero. It lies around the threshold: look at z − θ.",
        ),
        Mistake(
            straight_through,
            "The gradient for the pre-activations passes everywhere. Where a latent is off, its "
            "pre-activation makes no difference.",
        ),
        Mistake(
            window_for_both,
            "You cut the gradient for the pre-activations down to the window. Far above the "
            "threshold a latent follows its pre-activation all the same.",
        ),
        Mistake(
            abs_forgotten,
            "Your window has no lower end: pre-activations far below the threshold count too. Look "
            "at the absolute value of z − θ.",
        ),
        Mistake(
            value_in_the_slope,
            "You multiplied the gradient for the pre-activations by their value. The slope of z is "
            "1, not z.",
        ),
    ),
    alternatives=(by_einsum, summed_first, in_loops),
    why="A gradient of an expectation, estimated from a batch: the same idea trains everything "
    "that has a hard switch in it.",
)
