"""Exercise 06.sum_by_latent: both weight gradients, without a product."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu.course.ch06_from_numpy_to_pytorch import draws
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.sae import top_k_by_hand


def _weighted(values, vectors):
    return (values[:, :, None] * vectors[:, None, :]).flatten(0, 1)


def _sums(columns, weighted, d_sae):
    return weighted.new_zeros(d_sae, weighted.shape[1]).index_add(0, columns.flatten(), weighted)


def repeats_lost(values, columns, vectors, d_sae):
    sums = vectors.new_zeros(d_sae, vectors.shape[1])
    for row in range(len(values)):  # in this order, as sums[columns] += ... does on one core
        for value, column in zip(values[row], columns[row], strict=True):
            sums[column] = value * vectors[row]
    return sums


def repeats_lost_place_by_place(values, columns, vectors, d_sae):
    sums = vectors.new_zeros(d_sae, vectors.shape[1])
    for i in range(values.shape[1]):
        before = sums.clone()
        for row, column in enumerate(columns[:, i]):  # as sums[columns[:, i]] += ... does
            sums[column] = before[column] + values[row, i] * vectors[row]
    return sums


def added_into_nothing(values, columns, vectors, d_sae):
    sums = vectors.new_zeros(d_sae, vectors.shape[1])
    sums.index_add(0, columns.flatten(), _weighted(values, vectors))
    return sums


def not_weighted(values, columns, vectors, d_sae):
    return _sums(columns, _weighted(torch.ones_like(values), vectors), d_sae)


def averaged(values, columns, vectors, d_sae):
    total = _sums(columns, _weighted(values, vectors), d_sae)
    counts = torch.bincount(columns.flatten(), minlength=d_sae).clamp(min=1)
    return total / counts[:, None]


def averaged_to_nan(values, columns, vectors, d_sae):
    total = _sums(columns, _weighted(values, vectors), d_sae)
    return total / torch.bincount(columns.flatten(), minlength=d_sae)[:, None]


def mean_over_the_batch(values, columns, vectors, d_sae):
    return _sums(columns, _weighted(values, vectors), d_sae) / len(vectors)


def named_latents_alone(values, columns, vectors, d_sae):
    return _sums(columns, _weighted(values, vectors), int(columns.max()) + 1)


def present_rows_alone(values, columns, vectors, d_sae):
    return _sums(columns, _weighted(values, vectors), d_sae)[columns.unique()]


def samples_out_of_step(values, columns, vectors, d_sae):
    repeated = vectors.repeat(values.shape[1], 1)
    return _sums(columns, values.flatten()[:, None] * repeated, d_sae)


def transposed(values, columns, vectors, d_sae):
    return _sums(columns, _weighted(values, vectors), d_sae).T


def first_of_each_sample(values, columns, vectors, d_sae):
    return _sums(columns[:, :1], _weighted(values[:, :1], vectors), d_sae)


def values_added_up(values, columns, vectors, d_sae):
    ones = torch.ones_like(vectors)
    return _sums(columns, _weighted(values, ones), d_sae)


def sizes_of_values(values, columns, vectors, d_sae):
    return _sums(columns, _weighted(values.abs(), vectors), d_sae)


def positive_values_alone(values, columns, vectors, d_sae):
    return _sums(columns, _weighted(torch.relu(values), vectors), d_sae)


def values_squared(values, columns, vectors, d_sae):
    return _sums(columns, _weighted(values**2, vectors), d_sae)


def by_dense_latents(values, columns, vectors, d_sae):
    latents = values.new_zeros(len(values), d_sae).scatter(1, columns, values)
    return latents.T @ vectors


def accumulated_in_place(values, columns, vectors, d_sae):
    sums = torch.zeros(d_sae, vectors.shape[1], dtype=vectors.dtype)
    contributions = values.unsqueeze(2) * vectors.unsqueeze(1)
    return sums.index_put_((columns,), contributions, accumulate=True)


def one_active_latent_at_a_time(values, columns, vectors, d_sae):
    sums = torch.zeros(d_sae, vectors.shape[1], dtype=vectors.dtype)
    for i in range(values.shape[1]):
        sums.index_add_(0, columns[:, i], values[:, i : i + 1] * vectors)
    return sums


def by_a_sparse_matrix(values, columns, vectors, d_sae):
    rows = torch.arange(len(values)).repeat_interleave(values.shape[1])
    places = torch.stack([columns.flatten(), rows])
    matrix = torch.sparse_coo_tensor(
        places, values.flatten(), (d_sae, len(vectors)), check_invariants=True
    )
    return matrix @ vectors


def in_loops(values, columns, vectors, d_sae):
    rows = [torch.zeros_like(vectors[0]) for _ in range(d_sae)]
    for strengths, which, vector in zip(values, columns, vectors, strict=True):
        for value, j in zip(strengths, which.tolist(), strict=True):
            rows[j] = rows[j] + value * vector
    return torch.stack(rows)


EXERCISE = Exercise(
    id="06.sum_by_latent",
    title="Add up by latent",
    reference=top_k_by_hand.sum_by_latent,
    minutes=12,
    difficulty=3,
    hints=(
        "Each of the batch x k active latents contributes one vector: its value times its sample's "
        "vector. Where does it go? Into the row of its latent.",
        "Make the contributions as [batch, k, d] by broadcasting, then flatten the first two axes, "
        "of the contributions and of the columns alike. Now there are two lists in step.",
        "`sums.index_add(0, where, what)` adds every row of `what` to the row `where` of `sums`, "
        "repeats included. Begin with zeros [d_sae, d]. (`sums[columns] += ...` keeps one of "
        "several contributions to the same row.)",
    ),
    check=Check(
        draws.vectors_to_sum,
        tested="latents that many samples name, latents that none does, values of both signs",
        rtol=draws.RTOL,
    ),
    mistakes=(
        Mistake(
            repeats_lost,
            "Where several samples name one latent, you keep one contribution and lose the others. "
            "`sums[columns] += ...` does that, as in NumPy. Use `index_add`.",
        ),
        Mistake(
            repeats_lost_place_by_place,
            "In each round of your loop several samples may name one latent, and `+=` with an "
            "index keeps one of them. Use `index_add` there.",
        ),
        Mistake(
            added_into_nothing,
            "Nothing but zeros: `index_add` leaves `sums` as it is and *returns* a new tensor. "
            "Return that. (`index_add_`, with an underscore, adds into `sums`.)",
        ),
        Mistake(
            not_weighted,
            "The values have no effect. Each vector is to be multiplied by its latent's value.",
        ),
        Mistake(
            averaged,
            "You averaged over a latent's samples. It is a sum: a latent that is on more often has "
            "a larger gradient.",
        ),
        Mistake(
            averaged_to_nan,
            "You divided by how often each latent is on. For latents that are never on that is "
            "0/0, and no mean is wanted: it is a sum.",
        ),
        Mistake(
            mean_over_the_batch,
            "You divided by the batch. What is summed carries its factor already: add, no more.",
        ),
        Mistake(
            named_latents_alone,
            "The last latents are missing: none of the samples names them. They need a row of "
            "zeros, so there are `d_sae` rows.",
        ),
        Mistake(
            present_rows_alone,
            "You left out the rows of latents that no sample names. They need rows of zeros, or "
            "every row behind them belongs to the wrong latent.",
        ),
        Mistake(
            samples_out_of_step,
            "Values and vectors are out of step: `repeat(k, 1)` gives samples 0, 1, 2, ... and "
            "again 0, 1, 2, .... You need 0, 0, 0, 1, 1, 1: `repeat_interleave(k, dim=0)`.",
        ),
        Mistake(
            transposed,
            "It is the transpose of what is asked: one row for each latent, [d_sae, d].",
        ),
        Mistake(
            first_of_each_sample,
            "Only the first active latent of each sample contributes. Add all k.",
        ),
        Mistake(
            values_added_up,
            "The vectors have no effect: you added up the values alone.",
        ),
        Mistake(
            sizes_of_values,
            "The values' signs were lost. A gradient may be negative.",
        ),
        Mistake(
            positive_values_alone,
            "Negative values were left out. For the encoder the values are gradients, and those "
            "may be negative.",
        ),
        Mistake(
            values_squared,
            "Every value was applied twice. Weigh each vector once.",
        ),
    ),
    alternatives=(
        by_dense_latents,
        accumulated_in_place,
        one_active_latent_at_a_time,
        by_a_sparse_matrix,
        in_loops,
    ),
    why="With d_x_hat it is the decoder's gradient, with x - b_dec the encoder's: two products "
    "of chapter 04 for the price of k / d_sae of one.",
)
