"""Exercise 09.relative_reconstruction_bias: by how much are reconstructions too short?"""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu import metrics
from saeedu.course.ch09_training_on_gpt2 import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def best_factor(x_hat, x):
    return (x * x_hat).sum() / (x_hat**2).sum()


def fitted_the_other_way(x_hat, x):
    return (x * x_hat).sum() / (x**2).sum()


def its_inverse(x_hat, x):
    return (x**2).sum() / (x * x_hat).sum()


def ratio_of_squares(x_hat, x):
    return (x_hat**2).sum() / (x**2).sum()


def ratio_of_lengths(x_hat, x):
    return x_hat.norm() / x.norm()


def ratio_of_mean_lengths(x_hat, x):
    return (x_hat.norm(dim=1) / x.norm(dim=1)).mean()


def token_by_token(x_hat, x):
    return ((x_hat**2).sum(dim=1) / (x * x_hat).sum(dim=1)).mean()


def one_a_token(x_hat, x):
    return (x_hat**2).sum(dim=1) / (x * x_hat).sum(dim=1)


def dimension_by_dimension(x_hat, x):
    return ((x_hat**2).sum(dim=0) / (x * x_hat).sum(dim=0)).mean()


def centred(x_hat, x):
    x_hat, x = x_hat - x_hat.mean(dim=0), x - x.mean(dim=0)
    return (x_hat**2).sum() / (x * x_hat).sum()


def cosine(x_hat, x):
    return (x * x_hat).sum() / (x.norm() * x_hat.norm())


def root(x_hat, x):
    return ((x_hat**2).sum() / (x * x_hat).sum()).sqrt()


def what_is_missing(x_hat, x):
    return 1 - (x_hat**2).sum() / (x * x_hat).sum()


def by_norms(x_hat, x):
    return x_hat.norm() ** 2 / torch.tensordot(x_hat, x, dims=2)


def by_least_squares(x_hat, x):
    factor = torch.linalg.lstsq(x_hat.reshape(-1, 1), x.reshape(-1, 1)).solution
    return 1 / factor.squeeze()


def in_loops(x_hat, x):
    above = sum(given @ given for given in x_hat)
    return above / sum(given @ wanted for given, wanted in zip(x_hat, x, strict=True))


EXERCISE = Exercise(
    id="09.relative_reconstruction_bias",
    title="How much too short?",
    reference=metrics.relative_reconstruction_bias,
    minutes=8,
    difficulty=3,
    hints=(
        "Divide all reconstructions by one number g and ask for the squared error. It is a "
        "parabola in 1/g: where is its lowest point?",
        "Write a for 1/g. The error is a² Σ x_hat² − 2a Σ x·x_hat + Σ x². Set its derivative by a "
        "to zero.",
        "a = Σ x·x_hat / Σ x_hat², and g is one over it. Both sums run over the batch and over "
        "d_in, each once, and then there is one division.",
    ),
    check=Check(draws.pairs, tested="five batches, one of them with a poor reconstruction"),
    mistakes=(
        Mistake(
            best_factor,
            "This is what reconstructions should be *multiplied* by. Asked is what to divide by: "
            "below 1 when they are too short.",
        ),
        Mistake(
            fitted_the_other_way,
            "You asked what x must be multiplied by to come near x_hat. It is x_hat that is to be "
            "corrected.",
        ),
        Mistake(
            its_inverse,
            "You have fitted x_hat to x from the wrong side, and then turned it over. The squares "
            "that you need are those of x_hat.",
        ),
        Mistake(
            ratio_of_squares,
            "You compared squared lengths. An error that is at right angles to x makes x_hat "
            "longer without making any of it better: minimise the error instead.",
        ),
        Mistake(
            ratio_of_lengths,
            "You compared lengths. An error that is at right angles to x makes x_hat longer "
            "without making any of it better: minimise the error instead.",
        ),
        Mistake(
            ratio_of_mean_lengths,
            "You compared the lengths of each token and averaged. Asked is the one number for all "
            "tokens that makes the error least.",
        ),
        Mistake(
            token_by_token,
            "You fitted each token by itself and averaged. One number serves all tokens: two sums, "
            "then one division.",
        ),
        Mistake(one_a_token, "You have a number for each token. One number serves all."),
        Mistake(
            dimension_by_dimension,
            "You fitted each dimension by itself. One number serves all of x_hat.",
        ),
        Mistake(
            centred,
            "You removed the means first. That can be wanted, but then the caller does it: here "
            "the tensors are taken as they come.",
        ),
        Mistake(
            cosine,
            "This is a cosine: it says how well the directions agree, whatever the lengths.",
        ),
        Mistake(root, "Both sums are squares of lengths already; there is no root to take."),
        Mistake(what_is_missing, "This is what is missing to 1. Give the number itself."),
    ),
    alternatives=(by_norms, by_least_squares, in_loops),
    why="It is how shrinkage is measured: L1 SAEs lie below 1, and the architectures of chapter 07 "
    "were made to bring it back.",
)
