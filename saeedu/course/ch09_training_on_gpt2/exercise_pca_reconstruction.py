"""Exercise 09.pca_reconstruction: a rival that also gets k numbers a token."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu import controls
from saeedu.course.ch09_training_on_gpt2 import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def directions_of(x):
    """One a column, variances ascending."""
    centred = x - x.mean(dim=0)
    return torch.linalg.eigh(centred.T @ centred)[1]


def uncentred_directions(x_train, x, k):
    mean = x_train.mean(dim=0)
    top = torch.linalg.eigh(x_train.T @ x_train)[1][:, -k:]
    return mean + (x - mean) @ top @ top.T


def no_mean_at_all(x_train, x, k):
    top = torch.linalg.eigh(x_train.T @ x_train)[1][:, -k:]
    return x @ top @ top.T


def mean_not_subtracted(x_train, x, k):
    top = directions_of(x_train)[:, -k:]
    return x @ top @ top.T


def mean_not_put_back(x_train, x, k):
    top = directions_of(x_train)[:, -k:]
    return (x - x_train.mean(dim=0)) @ top @ top.T


def mean_put_on_top(x_train, x, k):
    top = directions_of(x_train)[:, -k:]
    return x_train.mean(dim=0) + x @ top @ top.T


def smallest(x_train, x, k):
    mean, low = x_train.mean(dim=0), directions_of(x_train)[:, :k]
    return mean + (x - mean) @ low @ low.T


def rows_for_columns(x_train, x, k):
    mean, top = x_train.mean(dim=0), directions_of(x_train)[-k:].T
    return mean + (x - mean) @ top @ top.T


def fitted_on_what_it_rebuilds(x_train, x, k):
    mean, top = x.mean(dim=0), directions_of(x)[:, -k:]
    return mean + (x - mean) @ top @ top.T


def held_out_mean(x_train, x, k):
    mean, top = x.mean(dim=0), directions_of(x_train)[:, -k:]
    return mean + (x - mean) @ top @ top.T


def one_too_few(x_train, x, k):
    mean, top = x_train.mean(dim=0), directions_of(x_train)[:, -k:][:, 1:]
    return mean + (x - mean) @ top @ top.T


def one_too_many(x_train, x, k):
    mean, top = x_train.mean(dim=0), directions_of(x_train)[:, -k - 1 :]
    return mean + (x - mean) @ top @ top.T


def coordinates(x_train, x, k):
    return (x - x_train.mean(dim=0)) @ directions_of(x_train)[:, -k:]


def largest_entries(x_train, x, k):
    mean, directions = x_train.mean(dim=0), directions_of(x_train)
    coefficients = (x - mean) @ directions
    kept = coefficients.abs().topk(k, dim=1).indices
    mask = torch.zeros_like(coefficients).scatter(1, kept, 1.0)
    return mean + (coefficients * mask) @ directions.T


def rebuilds_the_training_set(x_train, x, k):
    mean, top = x_train.mean(dim=0), directions_of(x_train)[:, -k:]
    return mean + (x_train - mean) @ top @ top.T


def standardised(x_train, x, k):
    mean, spread = x_train.mean(dim=0), x_train.std(dim=0)
    top = directions_of((x_train - mean) / spread)[:, -k:]
    return mean + ((x - mean) / spread) @ top @ top.T * spread


def fitted_on_both(x_train, x, k):
    both = torch.cat([x_train, x])
    mean, top = both.mean(dim=0), directions_of(both)[:, -k:]
    return mean + (x - mean) @ top @ top.T


def only_positive(x_train, x, k):
    mean, top = x_train.mean(dim=0), directions_of(x_train)[:, -k:]
    return mean + torch.relu((x - mean) @ top) @ top.T


def columns_of_svd(x_train, x, k):
    mean = x_train.mean(dim=0)
    top = torch.linalg.svd(x_train - mean, full_matrices=False).Vh[:, :k]
    return mean + (x - mean) @ top @ top.T


def mean_of_what_it_rebuilds(x_train, x, k):
    mean = x.mean(dim=0)
    centred = x_train - mean
    top = torch.linalg.eigh(centred.T @ centred)[1][:, -k:]
    return mean + (x - mean) @ top @ top.T


def one_number_for_the_mean(x_train, x, k):
    mean = x_train.mean()
    centred = x_train - mean
    top = torch.linalg.eigh(centred.T @ centred)[1][:, -k:]
    return mean + (x - mean) @ top @ top.T


def by_svd(x_train, x, k):
    mean = x_train.mean(dim=0)
    rows = torch.linalg.svd(x_train - mean, full_matrices=False).Vh[:k]
    return (x - mean) @ rows.T @ rows + mean


def by_taking_away_the_rest(x_train, x, k):
    mean, rest = x_train.mean(dim=0), directions_of(x_train)[:, :-k]
    return x - (x - mean) @ rest @ rest.T


def by_covariance(x_train, x, k):
    _, directions = torch.linalg.eigh(torch.cov(x_train.T))
    top = directions.flip(dims=(1,))[:, :k]
    coordinates = torch.einsum("nd,dk->nk", x - x_train.mean(dim=0), top)
    return torch.einsum("nk,dk->nd", coordinates, top) + x_train.mean(dim=0)


EXERCISE = Exercise(
    id="09.pca_reconstruction",
    title="A rival with k numbers too",
    reference=controls.pca_reconstruction,
    minutes=10,
    difficulty=2,
    hints=(
        "Two things are learnt from `x_train`: a mean, and k directions. `x` is then measured from "
        "that mean, along those directions, and put together again.",
        "`torch.linalg.eigh` of the d_in × d_in matrix of centred products gives the directions as "
        "*columns*, those of least variance first.",
        "With the last k columns as `top` [d_in, k]: centred `x` times `top` gives k coordinates a "
        "token, times `top.T` brings them back to d_in. Then the mean again.",
    ),
    check=Check(
        draws.spread_out,
        tested="three pairs of sets with different means, for 2, 3 and 4 directions",
    ),
    mistakes=(
        Mistake(
            uncentred_directions,
            "The directions come from activations that were not centred. Then the first of them "
            "is little but the mean itself.",
        ),
        Mistake(
            no_mean_at_all,
            "You centred nothing. Then the first direction is spent on the mean.",
        ),
        Mistake(
            mean_not_subtracted,
            "You did not subtract the mean from `x`, so of the mean only the part along your "
            "directions survives.",
        ),
        Mistake(
            mean_not_put_back,
            "The mean is missing at the end. The directions explain the differences from it.",
        ),
        Mistake(
            mean_put_on_top,
            "You added the mean without having subtracted it, so part of it is there twice.",
        ),
        Mistake(
            smallest,
            "You took the directions of *least* variance. `eigh` sorts upwards, so the largest "
            "come last: `[:, -k:]`. `svd` sorts downwards: `Vh[:k]`.",
        ),
        Mistake(
            rows_for_columns,
            "You took rows of the matrix that `eigh` returns. The directions are its columns: "
            "`[:, -k:]`.",
        ),
        Mistake(
            columns_of_svd,
            "You took columns of `Vh`. `svd` returns the directions as its rows, largest first: "
            "`Vh[:k]`.",
        ),
        Mistake(
            mean_of_what_it_rebuilds,
            "The mean is that of `x`, in both places. It belongs to what is learnt: take that of "
            "`x_train`.",
        ),
        Mistake(
            one_number_for_the_mean,
            "`x_train.mean()` is one number for all dimensions. Each has a mean of its own: "
            "`dim=0`.",
        ),
        Mistake(
            fitted_on_what_it_rebuilds,
            "You learnt mean and directions from `x` itself. The SAE has not seen the held-out "
            "tokens either: learn from `x_train`.",
        ),
        Mistake(
            held_out_mean,
            "The mean is that of `x`. It belongs to what is learnt: take that of `x_train`.",
        ),
        Mistake(one_too_few, "You kept one direction too few."),
        Mistake(one_too_many, "You kept one direction too many: that is k + 1 numbers a token."),
        Mistake(
            coordinates,
            "These are the k coordinates. Asked is the reconstruction, [n, d_in]: multiply by the "
            "directions again, and add the mean.",
        ),
        Mistake(
            largest_entries,
            "You chose the k largest coordinates for each token. That is more than PCA may: its k "
            "directions are the same for all.",
        ),
        Mistake(
            rebuilds_the_training_set,
            "You rebuilt `x_train`. The reconstruction that is asked for is that of `x`.",
        ),
        Mistake(
            standardised,
            "You divided each dimension by its spread first. Then the directions explain most of "
            "something else; the SAE is judged in the activations' own units.",
        ),
        Mistake(
            fitted_on_both,
            "You learnt from both sets together. Held-out activations are for judging: learn from "
            "`x_train` alone.",
        ),
        Mistake(
            only_positive,
            "You cut off negative coordinates. A principal direction has no sign of its own: both "
            "sides count.",
        ),
    ),
    alternatives=(by_svd, by_taking_away_the_rest, by_covariance),
    why="A figure without a rival says little, and this rival costs a few lines. Further down you "
    "will see how many directions it needs to match your SAE.",
)
