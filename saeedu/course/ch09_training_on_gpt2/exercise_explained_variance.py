"""Exercise 09.explained_variance: how much of the activations comes back."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu import metrics
from saeedu.course.ch09_training_on_gpt2 import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def unexplained_instead(x_hat, x):
    return ((x - x_hat) ** 2).sum() / ((x - x.mean(dim=0)) ** 2).sum()


def not_centred(x_hat, x):
    return 1 - ((x - x_hat) ** 2).sum() / (x**2).sum()


def one_mean_for_everything(x_hat, x):
    return 1 - ((x - x_hat) ** 2).sum() / ((x - x.mean()) ** 2).sum()


def mean_of_each_token(x_hat, x):
    return 1 - ((x - x_hat) ** 2).sum() / ((x - x.mean(dim=1, keepdim=True)) ** 2).sum()


def error_centred_too(x_hat, x):
    return 1 - (x - x_hat).var(dim=0).sum() / x.var(dim=0).sum()


def mean_of_dimensions(x_hat, x):
    return (1 - ((x - x_hat) ** 2).sum(dim=0) / ((x - x.mean(dim=0)) ** 2).sum(dim=0)).mean()


def mean_of_tokens(x_hat, x):
    return (1 - ((x - x_hat) ** 2).sum(dim=1) / ((x - x.mean(dim=0)) ** 2).sum(dim=1)).mean()


def n_above_and_n_minus_one_below(x_hat, x):
    return 1 - ((x - x_hat) ** 2).mean(dim=0).sum() / x.var(dim=0).sum()


def variance_of_the_reconstruction(x_hat, x):
    return 1 - ((x - x_hat) ** 2).sum() / ((x_hat - x_hat.mean(dim=0)) ** 2).sum()


def never_below_zero(x_hat, x):
    ratio = ((x - x_hat) ** 2).sum() / ((x - x.mean(dim=0)) ** 2).sum()
    return (1 - ratio).clamp(min=0)


def norms_not_squared(x_hat, x):
    return 1 - (x - x_hat).norm() / (x - x.mean(dim=0)).norm()


def lengths_of_tokens(x_hat, x):
    return 1 - (x - x_hat).norm(dim=1).sum() / (x - x.mean(dim=0)).norm(dim=1).sum()


def one_variance_for_everything(x_hat, x):
    return 1 - ((x - x_hat) ** 2).mean() / x.var()


def two_variances_for_everything(x_hat, x):
    return 1 - (x - x_hat).var() / x.var()


def centred_on_the_reconstruction(x_hat, x):
    return 1 - ((x - x_hat) ** 2).sum() / ((x - x_hat.mean(dim=0)) ** 2).sum()


def as_a_plain_number(x_hat, x):
    return (1 - ((x - x_hat) ** 2).sum() / ((x - x.mean(dim=0)) ** 2).sum()).item()


def share_of_the_spread(x_hat, x):
    return x_hat.var(dim=0).sum() / x.var(dim=0).sum()


def with_population_variances(x_hat, x):
    return 1 - ((x_hat - x) ** 2).mean(dim=0).sum() / x.var(dim=0, correction=0).sum()


def by_norms(x_hat, x):
    left, all_of_it = torch.linalg.norm(x_hat - x), torch.linalg.norm(x - x.mean(0))
    return (all_of_it**2 - left**2) / all_of_it**2


def in_loops(x_hat, x):
    mean = sum(x) / len(x)
    missed = sum((a - b) @ (a - b) for a, b in zip(x_hat, x, strict=True))
    return 1 - missed / sum((b - mean) @ (b - mean) for b in x)


EXERCISE = Exercise(
    id="09.explained_variance",
    title="How much comes back?",
    reference=metrics.explained_variance,
    minutes=6,
    difficulty=2,
    hints=(
        "You wrote its other half in chapter 03: the fraction of variance unexplained.",
        "Above the line the squared error, summed over everything. Below it the squared distance "
        "of the activations from their own mean, summed too. That mean has shape [d_in].",
        "`x.mean(dim=0)` is the mean activation. Divide once, at the end, and subtract from 1.",
    ),
    check=Check(
        draws.pairs,
        tested="four batches whose mean is far from zero and whose error has a mean of its own",
    ),
    mistakes=(
        Mistake(
            unexplained_instead,
            "This is the fraction that is *not* explained. A perfect reconstruction should give 1.",
        ),
        Mistake(
            not_centred,
            "The variance below the line is not centred. A language model's activations lie far "
            "from the origin, so predicting their mean alone would score very well.",
        ),
        Mistake(
            one_mean_for_everything,
            "`x.mean()` is one number for all dimensions. Each dimension has a mean of its own.",
        ),
        Mistake(
            mean_of_each_token,
            "You subtracted from each token the mean of its own entries. Variance is measured "
            "from the mean over tokens: the batch axis has to go.",
        ),
        Mistake(
            error_centred_too,
            "You took the variance of the error, which forgives an error that is the same for "
            "every token. A constant shift is an error too: sum the squares as they are. (The "
            "library dictionary_learning does report this one.)",
        ),
        Mistake(
            mean_of_dimensions,
            "You took a fraction for each dimension and averaged them: a dimension in which "
            "nothing happens then counts as much as the largest. Add up first, divide once.",
        ),
        Mistake(
            mean_of_tokens,
            "You took a fraction for each token and averaged them: a token close to the mean then "
            "counts enormously. Add up first, divide once.",
        ),
        Mistake(
            n_above_and_n_minus_one_below,
            "Above the line you divide by n, and below it `.var()` divides by n − 1. In a small "
            "batch that shows. Use sums in both places, or `correction=0`.",
        ),
        Mistake(
            variance_of_the_reconstruction,
            "The variance below the line is that of the reconstruction. It has to be that of the "
            "activations; the order of arguments is (x_hat, x).",
        ),
        Mistake(
            never_below_zero,
            "You clip at zero. A reconstruction that is worse than the mean explains less than "
            "nothing, and the number should say how much less.",
        ),
        Mistake(
            norms_not_squared,
            "You divided lengths. Variance is made of *squared* lengths: square above and below "
            "the line.",
        ),
        Mistake(
            lengths_of_tokens,
            "You added up the tokens' lengths. Variance is made of *squared* lengths: square each "
            "before you add.",
        ),
        Mistake(
            one_variance_for_everything,
            "`x.var()` measures from one mean for all dimensions. Each dimension has a mean of its "
            "own: `dim=0`, then add up the dimensions.",
        ),
        Mistake(
            two_variances_for_everything,
            "Both `.var()` lack `dim=0`: each measures from one mean for all dimensions. And the "
            "error counts as it is, its own mean included: take its squares.",
        ),
        Mistake(
            centred_on_the_reconstruction,
            "You measured from the mean of the reconstruction. The variance of the activations is "
            "measured from their own mean: `x.mean(dim=0)`.",
        ),
        Mistake(
            share_of_the_spread,
            "You compared how much the two vary, not whether they vary together: a reconstruction "
            "of the right spread in the wrong places would score 1.",
        ),
    ),
    alternatives=(with_population_variances, by_norms, in_loops, as_a_plain_number),
    why="It is the first number anyone asks of an SAE, and at least four formulas go by its name: "
    "now you know which one you report.",
)
