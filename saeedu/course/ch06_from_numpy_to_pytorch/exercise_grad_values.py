"""Exercise 06.grad_values: the latents' gradient, at the active ones alone."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch
from torch import nn

from saeedu.course.ch06_from_numpy_to_pytorch import draws
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.sae import top_k_by_hand


def every_latent(d_x_hat, columns, W_dec):
    return d_x_hat @ W_dec.T


def every_latent_masked(d_x_hat, columns, W_dec):
    mask = torch.zeros(len(columns), len(W_dec), dtype=W_dec.dtype).scatter(1, columns, 1.0)
    return d_x_hat @ W_dec.T * mask


def columns_in_rising_order(d_x_hat, columns, W_dec):
    return (d_x_hat @ W_dec.T).gather(1, columns.sort(dim=1).values)


def first_k_columns(d_x_hat, columns, W_dec):
    return d_x_hat @ W_dec[: columns.shape[1]].T


def first_samples_columns(d_x_hat, columns, W_dec):
    return d_x_hat @ W_dec[columns[0]].T


def every_samples_columns(d_x_hat, columns, W_dec):
    return (d_x_hat @ W_dec.T)[:, columns]


def samples_out_of_step(d_x_hat, columns, W_dec):
    repeated = d_x_hat.repeat(columns.shape[1], 1)
    return (repeated * W_dec[columns.flatten()]).sum(dim=1).view(columns.shape)


def not_summed(d_x_hat, columns, W_dec):
    return d_x_hat[:, None, :] * W_dec[columns]


def rows_alone(d_x_hat, columns, W_dec):
    return W_dec[columns].sum(dim=2)


def rows_times_the_total(d_x_hat, columns, W_dec):
    return d_x_hat.sum(dim=1, keepdim=True) * W_dec[columns].sum(dim=2)


def mean_over_dimensions(d_x_hat, columns, W_dec):
    return (d_x_hat[:, None, :] * W_dec[columns]).mean(dim=2)


def averaged_over_the_batch_again(d_x_hat, columns, W_dec):
    return torch.einsum("bd,bkd->bk", d_x_hat, W_dec[columns]) / len(d_x_hat)


def two_over_batch_again(d_x_hat, columns, W_dec):
    return 2 / len(d_x_hat) * torch.einsum("bd,bkd->bk", d_x_hat, W_dec[columns])


def rows_of_unit_length(d_x_hat, columns, W_dec):
    unit = W_dec / W_dec.norm(dim=1, keepdim=True)
    return torch.einsum("bd,bkd->bk", d_x_hat, unit[columns])


def one_gradient_a_sample(d_x_hat, columns, W_dec):
    return torch.einsum("bd,bkd->b", d_x_hat, W_dec[columns])


def summed_over_k(d_x_hat, columns, W_dec):
    return (d_x_hat[:, None, :] * W_dec[columns]).sum(dim=1)


def third_axis_forgotten(d_x_hat, columns, W_dec):
    return (d_x_hat * W_dec[columns]).sum(dim=2)


def negative_ones_cut(d_x_hat, columns, W_dec):
    return torch.relu(torch.einsum("bd,bkd->bk", d_x_hat, W_dec[columns]))


def gathered_from_the_dense_product(d_x_hat, columns, W_dec):
    return (d_x_hat @ W_dec.T).gather(1, columns)


def broadcast_and_summed(d_x_hat, columns, W_dec):
    return (W_dec[columns] * d_x_hat[:, None]).sum(-1)


def by_matrix_products(d_x_hat, columns, W_dec):
    return torch.bmm(W_dec[columns], d_x_hat.unsqueeze(2)).squeeze(2)


def by_the_gradient_of_a_bag(d_x_hat, columns, W_dec):
    weights = torch.ones(columns.shape, dtype=W_dec.dtype, requires_grad=True)
    sums = nn.functional.embedding_bag(columns, W_dec, per_sample_weights=weights, mode="sum")
    return torch.autograd.grad(sums, weights, d_x_hat)[0]


def in_loops(d_x_hat, columns, W_dec):
    return torch.stack(
        [
            torch.stack([gradient @ W_dec[j] for j in which])
            for gradient, which in zip(d_x_hat, columns, strict=True)
        ]
    )


EXERCISE = Exercise(
    id="06.grad_values",
    title="The gradient of k latents",
    reference=top_k_by_hand.grad_values,
    minutes=10,
    difficulty=3,
    hints=(
        "Chapter 04: a latent's gradient is the scalar product of `d_x_hat` with its decoder row. "
        "In a sample only k of them are wanted: which rows are those?",
        "`W_dec[columns]` is [batch, k, d_in]: for each sample, its k rows. `d_x_hat` is [batch, "
        "d_in]. Multiply so that every row of a sample meets that sample's gradient.",
        "Give `d_x_hat` an axis for k, `d_x_hat[:, None, :]`, multiply, and sum over the last "
        'axis. Or name the axes: `torch.einsum("bd,bkd->bk", ...)`.',
    ),
    check=Check(
        draws.gradients_at_columns,
        tested="batches with k from 1 to 6, columns in no order, rows of many lengths",
        rtol=draws.RTOL,
    ),
    mistakes=(
        Mistake(
            every_latent,
            "This is the dense gradient of chapter 04, [batch, d_sae]: nearly all of it is work "
            "for nothing. Compute the entries at `columns` alone.",
        ),
        Mistake(
            every_latent_masked,
            "You computed every latent's gradient and set most to zero. Wanted are the k numbers "
            "at `columns`, as [batch, k], in the order of `columns`.",
        ),
        Mistake(
            columns_in_rising_order,
            "The numbers are right but stand in the order of rising columns. Keep the order of "
            "`columns`, so that they match `values`.",
        ),
        Mistake(
            first_k_columns,
            "You used the first k rows of W_dec. `columns` says which rows.",
        ),
        Mistake(
            first_samples_columns,
            "You used the first sample's columns for all samples. Each has its own: "
            "`W_dec[columns]` is [batch, k, d_in].",
        ),
        Mistake(
            every_samples_columns,
            "`[:, columns]` picks every sample's columns for every sample. To pick each sample's "
            "own there is `gather(1, columns)`; but then the whole product was computed.",
        ),
        Mistake(
            samples_out_of_step,
            "Gradients and rows are out of step: `repeat(k, 1)` gives samples 0, 1, 2, ... and "
            "again 0, 1, 2, .... You need each sample k times in a row: `repeat_interleave(k, "
            "dim=0)`.",
        ),
        Mistake(
            not_summed,
            "You have the products, one for each dimension. A scalar product is their sum over "
            "d_in.",
        ),
        Mistake(
            rows_alone,
            "`d_x_hat` has no effect. Each row has to be multiplied by its sample's gradient.",
        ),
        Mistake(
            rows_times_the_total,
            "You summed both over d_in and multiplied the sums. Multiply dimension by dimension, "
            "and then sum.",
        ),
        Mistake(
            mean_over_dimensions,
            "You took a mean over d_in. A scalar product is a sum.",
        ),
        Mistake(
            averaged_over_the_batch_again,
            "You divided by the batch. `d_x_hat` is the gradient of a mean already: the factor is "
            "in it.",
        ),
        Mistake(
            two_over_batch_again,
            "You multiplied by 2 / batch. `d_x_hat` is the gradient 2 (x_hat - x) / batch already: "
            "the factor is in it.",
        ),
        Mistake(
            rows_of_unit_length,
            "You divided the rows by their lengths. The forward pass used them as they are.",
        ),
        Mistake(
            one_gradient_a_sample,
            "You have one number for each sample: the k latents were added up. Keep them apart.",
        ),
        Mistake(
            summed_over_k,
            "You summed over k and kept d_in. It is the other way round: sum over d_in.",
        ),
        Mistake(
            third_axis_forgotten,
            "[batch, d_in] does not broadcast against [batch, k, d_in]: give `d_x_hat` an axis for "
            "k, `d_x_hat[:, None, :]`.",
        ),
        Mistake(
            negative_ones_cut,
            "Negative gradients were set to zero. A gradient may have either sign; the ReLU's mask "
            "comes later, and it looks at the values.",
        ),
    ),
    alternatives=(
        gathered_from_the_dense_product,
        broadcast_and_summed,
        by_matrix_products,
        by_the_gradient_of_a_bag,
        in_loops,
    ),
    why="Of the dense product d_x_hat @ W_dec.T, this is the k / d_sae that is used.",
)
