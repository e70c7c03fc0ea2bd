"""Exercise 06.decode_sparse: the decoder as a sum of k rows."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch
from torch import nn

from saeedu.course.ch06_from_numpy_to_pytorch import draws
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.sae import top_k_by_hand


def no_bias(values, columns, W_dec, b_dec):
    return (values[:, :, None] * W_dec[columns]).sum(dim=1)


def bias_with_every_row(values, columns, W_dec, b_dec):
    return (values[:, :, None] * W_dec[columns] + b_dec).sum(dim=1)


def bias_inside_the_row(values, columns, W_dec, b_dec):
    return (values[:, :, None] * (W_dec[columns] + b_dec)).sum(dim=1)


def rows_not_weighted(values, columns, W_dec, b_dec):
    return W_dec[columns].sum(dim=1) + b_dec


def mean_of_rows(values, columns, W_dec, b_dec):
    return (values[:, :, None] * W_dec[columns]).mean(dim=1) + b_dec


def mean_of_unweighted_rows(values, columns, W_dec, b_dec):
    return nn.functional.embedding_bag(columns, W_dec, mode="mean") + b_dec


def bag_in_its_default_mode(values, columns, W_dec, b_dec):
    return nn.functional.embedding_bag(columns, W_dec, per_sample_weights=values) + b_dec


def first_k_rows(values, columns, W_dec, b_dec):
    return values @ W_dec[: values.shape[1]] + b_dec


def first_samples_columns(values, columns, W_dec, b_dec):
    return values @ W_dec[columns[0]] + b_dec


def strongest_alone(values, columns, W_dec, b_dec):
    best = values.argmax(dim=1, keepdim=True)
    row = W_dec[columns.gather(1, best)[:, 0]]
    return values.gather(1, best) * row + b_dec


def last_alone(values, columns, W_dec, b_dec):
    result = torch.zeros(len(values), W_dec.shape[1], dtype=W_dec.dtype)
    for i in range(values.shape[1]):
        result = values[:, i : i + 1] * W_dec[columns[:, i]]
    return result + b_dec


def rows_of_unit_length(values, columns, W_dec, b_dec):
    unit = W_dec / W_dec.norm(dim=1, keepdim=True)
    return (values[:, :, None] * unit[columns]).sum(dim=1) + b_dec


def columns_sorted(values, columns, W_dec, b_dec):
    return (values[:, :, None] * W_dec[columns.sort(dim=1).values]).sum(dim=1) + b_dec


def rows_not_added_up(values, columns, W_dec, b_dec):
    return values[:, :, None] * W_dec[columns] + b_dec


def summed_over_the_wrong_axis(values, columns, W_dec, b_dec):
    return (values[:, :, None] * W_dec[columns]).sum(dim=2)


def weights_not_broadcast(values, columns, W_dec, b_dec):
    return (values * W_dec[columns]).sum(dim=1) + b_dec


def gathered_and_summed(values, columns, W_dec, b_dec):
    return (values.unsqueeze(-1) * W_dec[columns]).sum(1) + b_dec


def by_einsum(values, columns, W_dec, b_dec):
    return torch.einsum("bk,bkd->bd", values, W_dec[columns]) + b_dec


def by_a_sparse_matrix(values, columns, W_dec, b_dec):
    rows = torch.arange(len(values)).repeat_interleave(values.shape[1])
    places = torch.stack([rows, columns.flatten()])
    latents = torch.sparse_coo_tensor(
        places, values.flatten(), (len(values), len(W_dec)), check_invariants=True
    )
    return latents @ W_dec + b_dec


def by_way_of_dense_latents(values, columns, W_dec, b_dec):
    latents = torch.zeros(len(values), len(W_dec), dtype=values.dtype)
    return latents.scatter(1, columns, values) @ W_dec + b_dec


def in_loops(values, columns, W_dec, b_dec):
    return torch.stack(
        [
            b_dec + sum(value * W_dec[j] for value, j in zip(strengths, which, strict=True))
            for strengths, which in zip(values, columns, strict=True)
        ]
    )


EXERCISE = Exercise(
    id="06.decode_sparse",
    title="Decode from k rows",
    reference=top_k_by_hand.decode_sparse,
    minutes=10,
    difficulty=2,
    hints=(
        "For one sample: x_hat is b_dec plus k rows of W_dec, each times its value. For a batch, "
        "`W_dec[columns]` has all those rows. What is its shape?",
        "It is [batch, k, d_in]. The values are [batch, k]: give them a third axis, "
        "`values[:, :, None]`, so that they broadcast. Which axis is summed away?",
        "Or in one call: `nn.functional.embedding_bag(columns, W_dec, per_sample_weights=..., "
        'mode="sum")` makes the weighted sums without the [batch, k, d_in] in between. The bias '
        "is added once, at the end.",
    ),
    check=Check(
        draws.codes_to_decode,
        tested="batches with k from 1 to 6, columns in no order, and values of zero",
        rtol=draws.RTOL,
    ),
    mistakes=(
        Mistake(no_bias, "b_dec is missing."),
        Mistake(
            bias_with_every_row,
            "b_dec is added k times, once with every row. It comes once in a sample.",
        ),
        Mistake(
            bias_inside_the_row,
            "b_dec is added to every row before it is weighed. It comes once, after the sum.",
        ),
        Mistake(
            rows_not_weighted,
            "The values have no effect: you added the rows as they are. Multiply each by its "
            "value.",
        ),
        Mistake(
            mean_of_rows,
            "You took the mean of the k weighted rows. It is a sum.",
        ),
        Mistake(
            mean_of_unweighted_rows,
            "You took the mean of the rows, without their values. It is the sum of each value "
            'times its row: `per_sample_weights=values`, `mode="sum"`.',
        ),
        Mistake(
            bag_in_its_default_mode,
            "`embedding_bag` takes the mean unless told otherwise, and then it takes no weights: "
            'pass `mode="sum"`.',
        ),
        Mistake(
            first_k_rows,
            "You used the first k rows of W_dec for every sample. `columns` says which rows.",
        ),
        Mistake(
            first_samples_columns,
            "You used the first sample's columns for all. Every sample has its own rows: "
            "`W_dec[columns]` is [batch, k, d_in].",
        ),
        Mistake(
            strongest_alone,
            "Only the strongest latent of each sample is decoded. Add all k.",
        ),
        Mistake(
            last_alone,
            "Only the last latent of each sample is decoded: does your loop overwrite its result "
            "instead of adding to it?",
        ),
        Mistake(
            rows_of_unit_length,
            "You divided the rows by their lengths. Decode with the rows as they are.",
        ),
        Mistake(
            columns_sorted,
            "The columns were sorted and the values were not, so each value meets another's row.",
        ),
        Mistake(
            rows_not_added_up,
            "These are the k contributions of each sample. Add them up over k; then the bias.",
        ),
        Mistake(
            summed_over_the_wrong_axis,
            "You summed over d_in. Sum over k, so that [batch, d_in] is left.",
        ),
        Mistake(
            weights_not_broadcast,
            "[batch, k] does not broadcast against [batch, k, d_in]: give the values a third axis, "
            "`values[:, :, None]`.",
        ),
    ),
    alternatives=(
        gathered_and_summed,
        by_einsum,
        by_a_sparse_matrix,
        by_way_of_dense_latents,
        in_loops,
    ),
    why="The dense product multiplies d_sae rows for each sample; this one reads k.",
)
