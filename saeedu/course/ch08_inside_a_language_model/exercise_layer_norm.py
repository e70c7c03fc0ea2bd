"""Exercise 08.layer_norm: how a block reads the stream."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np
import torch

from saeedu import residual_stream
from saeedu.course.ch08_inside_a_language_model import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def off_mean(x):
    return x - x.mean(dim=1, keepdim=True)


def variance(x):
    return x.var(dim=1, unbiased=False, keepdim=True)


def variance_with_n_minus_1(x, eps=1e-5):
    return off_mean(x) / (x.var(dim=1, keepdim=True) + eps).sqrt()


def over_the_batch(x, eps=1e-5):
    return (x - x.mean(dim=0)) / (x.var(dim=0, unbiased=False) + eps).sqrt()


def over_everything(x, eps=1e-5):
    return (x - x.mean()) / (x.var(unbiased=False) + eps).sqrt()


def not_centred(x, eps=1e-5):
    return x / ((x**2).mean(dim=1, keepdim=True) + eps).sqrt()


def only_centred(x, eps=1e-5):
    return off_mean(x)


def not_centred_before_dividing(x, eps=1e-5):
    return x / (variance(x) + eps).sqrt()


def mean_square_without_the_mean(x, eps=1e-5):
    return off_mean(x) / ((x**2).mean(dim=1, keepdim=True) + eps).sqrt()


def no_root(x, eps=1e-5):
    return off_mean(x) / (variance(x) + eps)


def sum_for_mean(x, eps=1e-5):
    centred = off_mean(x)
    return centred / ((centred**2).sum(dim=1, keepdim=True) + eps).sqrt()


def eps_outside_the_root(x, eps=1e-5):
    return off_mean(x) / (variance(x).sqrt() + eps)


def no_eps(x, eps=1e-5):
    return off_mean(x) / variance(x).sqrt()


def eps_always_the_same(x, eps=1e-5):
    return off_mean(x) / (variance(x) + 1e-5).sqrt()


def eps_as_a_floor(x, eps=1e-5):
    return off_mean(x) / variance(x).clamp(min=eps).sqrt()


def by_absolute_deviations(x, eps=1e-5):
    centred = off_mean(x)
    return centred / (centred.abs().mean(dim=1, keepdim=True) + eps)


def median_for_mean(x, eps=1e-5):
    return (x - x.median(dim=1, keepdim=True).values) / (variance(x) + eps).sqrt()


def pytorchs_own(x, eps=1e-5):
    return torch.nn.functional.layer_norm(x, x.shape[1:], eps=eps)


def by_moments(x, eps=1e-5):
    mean, square = x.mean(dim=-1), x.square().mean(dim=-1)
    return ((x.T - mean) / torch.sqrt(square - mean**2 + eps)).T


def by_a_projection(x, eps=1e-5):
    d = x.shape[1]
    centring = torch.eye(d, dtype=x.dtype) - 1 / d
    centred = x @ centring
    return centred * torch.rsqrt(torch.einsum("nd,nd->n", centred, centred) / d + eps)[:, None]


def row_by_row(x, eps=1e-5):
    rows = [(row - row.mean()) / np.sqrt(row.numpy().var() + eps) for row in x]
    return torch.stack(rows)


EXERCISE = Exercise(
    id="08.layer_norm",
    title="How a block reads",
    reference=residual_stream.layer_norm,
    minutes=8,
    difficulty=2,
    hints=(
        "Each row is one token, and is treated by itself. Which axis do the mean and the variance "
        "run over? With `keepdim=True` they stay columns, and broadcast.",
        "The variance is the mean of the squared deviations: d_model of them, divided by d_model. "
        "(`x.var()` divides by one less, unless told otherwise.)",
        "Subtract the mean; divide by the root of (variance + eps). eps stands *under* the root.",
    ),
    check=Check(
        draws.rows_to_normalise,
        tested="four batches, each with a row that hardly varies, and three values of eps",
    ),
    mistakes=(
        Mistake(
            variance_with_n_minus_1,
            "Your variance divides by d_model − 1: that is PyTorch's default, for estimating from "
            "a sample. LayerNorm divides by d_model (`unbiased=False`).",
        ),
        Mistake(
            over_the_batch,
            "You normalised each dimension over the batch. A token must not depend on which others "
            "are beside it: normalise each row.",
        ),
        Mistake(
            over_everything,
            "One mean and one variance for all rows. Each token has its own: give an axis.",
        ),
        Mistake(
            not_centred,
            "You did not subtract the mean. That is RMSNorm, which SmolLM2 and Llama use in place "
            "of LayerNorm.",
        ),
        Mistake(
            only_centred,
            "You subtracted the mean and stopped. Divide by the root of (variance + eps).",
        ),
        Mistake(
            not_centred_before_dividing,
            "Your divisor is right, but what you divide still has its mean.",
        ),
        Mistake(
            mean_square_without_the_mean,
            "You divided by the root of the mean square of x itself. The variance is the mean "
            "square of what is left when the mean is taken off.",
        ),
        Mistake(
            no_root,
            "You divided by the variance. Divide by its root: then doubling x changes nothing.",
        ),
        Mistake(
            sum_for_mean,
            "Your rows have length 1. Variance is a *mean* of squares, so they should have length "
            "√d_model.",
        ),
        Mistake(
            eps_outside_the_root,
            "eps is added to the standard deviation. It belongs to the variance, under the root.",
        ),
        Mistake(
            no_eps,
            "eps has no effect. Without it a row that hardly varies is blown up, and a constant "
            "one is 0 / 0.",
        ),
        Mistake(
            eps_always_the_same,
            "You wrote 1e-5 into the formula. Use the argument: models differ in it.",
        ),
        Mistake(
            eps_as_a_floor,
            "You used eps as the least variance allowed. It is added to every row's variance.",
        ),
        Mistake(
            by_absolute_deviations,
            "You divided by the mean absolute deviation. LayerNorm divides by the root of the mean "
            "square.",
        ),
        Mistake(
            median_for_mean,
            "You subtracted the median. LayerNorm subtracts the mean.",
        ),
    ),
    alternatives=(pytorchs_own, by_moments, by_a_projection, row_by_row),
    why="Every block and the last matrix read the stream through this: what it removes, no part of "
    "the model can see.",
)
