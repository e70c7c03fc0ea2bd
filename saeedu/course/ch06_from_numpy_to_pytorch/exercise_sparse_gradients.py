"""Exercise 06.sparse_gradients: a whole backward pass that touches k latents a sample."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu.course.ch06_from_numpy_to_pytorch import draws
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.numpy_training import Parameters
from saeedu.sae.top_k_by_hand import grad_values, sparse_gradients, sum_by_latent


def _from_d_values(d_values, d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    """All four gradients, from a gradient for the values that may be wrong."""
    d_sae = len(W_dec)
    d_W_enc = sum_by_latent(d_values, columns, x - b_dec, d_sae).T
    d_b_enc = sum_by_latent(d_values, columns, torch.ones_like(x[:, :1]), d_sae)[:, 0]
    d_W_dec = sum_by_latent(values, columns, d_x_hat, d_sae)
    return d_W_enc, d_b_enc, d_W_dec, d_x_hat.sum(dim=0) - W_enc @ d_b_enc


def no_mask(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_values = grad_values(d_x_hat, columns, W_dec)
    return _from_d_values(d_values, d_x_hat, x, W_enc, W_dec, b_dec, values, columns)


def times_the_values(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_values = grad_values(d_x_hat, columns, W_dec) * values
    return _from_d_values(d_values, d_x_hat, x, W_enc, W_dec, b_dec, values, columns)


def masked_by_the_gradient(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_values = torch.relu(grad_values(d_x_hat, columns, W_dec)) * (values > 0)
    return _from_d_values(d_values, d_x_hat, x, W_enc, W_dec, b_dec, values, columns)


def two_over_batch_again(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    scaled = 2 / len(x) * d_x_hat
    return sparse_gradients(scaled, x, W_enc, W_dec, b_dec, values, columns)


def one_path_of_b_dec(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_W_enc, d_b_enc, d_W_dec, _ = sparse_gradients(
        d_x_hat, x, W_enc, W_dec, b_dec, values, columns
    )
    return d_W_enc, d_b_enc, d_W_dec, d_x_hat.sum(dim=0)


def encoder_path_added(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_W_enc, d_b_enc, d_W_dec, _ = sparse_gradients(
        d_x_hat, x, W_enc, W_dec, b_dec, values, columns
    )
    return d_W_enc, d_b_enc, d_W_dec, d_x_hat.sum(dim=0) + W_enc @ d_b_enc


def encoder_path_through_the_decoder(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_W_enc, d_b_enc, d_W_dec, _ = sparse_gradients(
        d_x_hat, x, W_enc, W_dec, b_dec, values, columns
    )
    return d_W_enc, d_b_enc, d_W_dec, d_x_hat.sum(dim=0) - d_b_enc @ W_dec


def b_dec_averaged(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_W_enc, d_b_enc, d_W_dec, _ = sparse_gradients(
        d_x_hat, x, W_enc, W_dec, b_dec, values, columns
    )
    return d_W_enc, d_b_enc, d_W_dec, d_x_hat.mean(dim=0) - W_enc @ d_b_enc


def x_not_centred(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_values = grad_values(d_x_hat, columns, W_dec) * (values > 0)
    right = sparse_gradients(d_x_hat, x, W_enc, W_dec, b_dec, values, columns)
    return (sum_by_latent(d_values, columns, x, len(W_dec)).T, *right[1:])


def encoder_from_the_values(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    right = sparse_gradients(d_x_hat, x, W_enc, W_dec, b_dec, values, columns)
    return (sum_by_latent(values, columns, x - b_dec, len(W_dec)).T, *right[1:])


def encoder_not_transposed(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    right = sparse_gradients(d_x_hat, x, W_enc, W_dec, b_dec, values, columns)
    return (right[0].T, *right[1:])


def decoder_from_the_gradients(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_values = grad_values(d_x_hat, columns, W_dec) * (values > 0)
    d_W_enc, d_b_enc, _, d_b_dec = sparse_gradients(
        d_x_hat, x, W_enc, W_dec, b_dec, values, columns
    )
    return d_W_enc, d_b_enc, sum_by_latent(d_values, columns, d_x_hat, len(W_dec)), d_b_dec


def decoder_from_x(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_W_enc, d_b_enc, _, d_b_dec = sparse_gradients(
        d_x_hat, x, W_enc, W_dec, b_dec, values, columns
    )
    return d_W_enc, d_b_enc, sum_by_latent(values, columns, x - b_dec, len(W_dec)), d_b_dec


def b_enc_counted(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_W_enc, _, d_W_dec, _ = sparse_gradients(d_x_hat, x, W_enc, W_dec, b_dec, values, columns)
    active = (values > 0).to(values)
    counts = sum_by_latent(active, columns, torch.ones_like(x[:, :1]), len(W_dec))[:, 0]
    return d_W_enc, counts, d_W_dec, d_x_hat.sum(dim=0) - W_enc @ counts


def b_enc_from_the_values(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_W_enc, _, d_W_dec, _ = sparse_gradients(d_x_hat, x, W_enc, W_dec, b_dec, values, columns)
    sums = sum_by_latent(values, columns, torch.ones_like(x[:, :1]), len(W_dec))[:, 0]
    return d_W_enc, sums, d_W_dec, d_x_hat.sum(dim=0) - W_enc @ sums


def b_enc_repeats_lost(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_W_enc, _, d_W_dec, _ = sparse_gradients(d_x_hat, x, W_enc, W_dec, b_dec, values, columns)
    d_values = grad_values(d_x_hat, columns, W_dec) * (values > 0)
    d_b_enc = torch.zeros(len(W_dec)).to(x)
    for column, gradient in zip(columns.flatten(), d_values.flatten(), strict=True):
        d_b_enc[column] = gradient  # as d_b_enc[columns] += ... does
    return d_W_enc, d_b_enc, d_W_dec, d_x_hat.sum(dim=0) - W_enc @ d_b_enc


def encoder_path_alone(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_W_enc, d_b_enc, d_W_dec, _ = sparse_gradients(
        d_x_hat, x, W_enc, W_dec, b_dec, values, columns
    )
    return d_W_enc, d_b_enc, d_W_dec, -(W_enc @ d_b_enc)


def weights_before_biases(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_W_enc, d_b_enc, d_W_dec, d_b_dec = sparse_gradients(
        d_x_hat, x, W_enc, W_dec, b_dec, values, columns
    )
    return d_W_enc, d_W_dec, d_b_enc, d_b_dec


def weights_swapped(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_W_enc, d_b_enc, d_W_dec, d_b_dec = sparse_gradients(
        d_x_hat, x, W_enc, W_dec, b_dec, values, columns
    )
    return d_W_dec, d_b_enc, d_W_enc, d_b_dec


def biases_swapped(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_W_enc, d_b_enc, d_W_dec, d_b_dec = sparse_gradients(
        d_x_hat, x, W_enc, W_dec, b_dec, values, columns
    )
    return d_W_enc, d_b_dec, d_W_dec, d_b_enc


def decoder_first(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    d_W_enc, d_b_enc, d_W_dec, d_b_dec = sparse_gradients(
        d_x_hat, x, W_enc, W_dec, b_dec, values, columns
    )
    return d_W_dec, d_b_dec, d_W_enc, d_b_enc


def densely(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    latents = torch.zeros(len(x), len(W_dec), dtype=x.dtype).scatter(1, columns, values)
    d_pre_acts = d_x_hat @ W_dec.T * (latents > 0)
    through_encoder = (d_pre_acts @ W_enc.T).sum(dim=0)
    return (
        (x - b_dec).T @ d_pre_acts,
        d_pre_acts.sum(dim=0),
        latents.T @ d_x_hat,
        d_x_hat.sum(dim=0) - through_encoder,
    )


def with_index_add(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    where = columns.flatten()
    d_values = (W_dec[columns] * d_x_hat[:, None]).sum(-1) * (values > 0)
    d_rows = (d_values[..., None] * (x - b_dec)[:, None]).flatten(0, 1)
    rows = (values[..., None] * d_x_hat[:, None]).flatten(0, 1)
    d_b_enc = torch.zeros(len(W_dec), dtype=x.dtype).index_add_(0, where, d_values.flatten())
    return [
        torch.zeros_like(W_dec).index_add_(0, where, d_rows).T,
        d_b_enc,
        torch.zeros_like(W_dec).index_add_(0, where, rows),
        d_x_hat.sum(0) - d_b_enc @ W_enc.T,
    ]


def by_autograd(d_x_hat, x, W_enc, W_dec, b_dec, values, columns):
    leaves = [t.clone().requires_grad_() for t in (W_enc, torch.zeros(len(W_dec)).to(x), W_dec)]
    bias = b_dec.clone().requires_grad_()
    pre_acts = ((x - bias) @ leaves[0] + leaves[1]).gather(1, columns)
    tied = torch.where(values > 0, values.detach() + pre_acts - pre_acts.detach(), 0.0)
    x_hat = torch.einsum("bk,bkd->bd", tied, leaves[2][columns]) + bias
    return torch.autograd.grad(x_hat, (*leaves, bias), d_x_hat)


EXERCISE = Exercise(
    id="06.sparse_gradients",
    title="The whole way back, on k latents",
    reference=sparse_gradients,
    minutes=20,
    difficulty=4,
    hints=(
        "Follow chapter 05's `sae_gradients`: first the latents' gradient, then the ReLU's mask, "
        "then one gradient for each parameter. Every dense product becomes one of your last two "
        "functions.",
        "`grad_values`, times `(values > 0)`, is the gradient for the active pre-activations. "
        "`sum_by_latent` with `values` and `d_x_hat` gives the decoder's; with the gradients and "
        "`x - b_dec` it gives the encoder's, transposed.",
        "b_enc's gradient is the sum of the pre-activations' gradients by latent: `sum_by_latent` "
        "with vectors of length one, all 1. b_dec has two paths: `d_x_hat.sum(dim=0)`, minus "
        "`W_enc @` the gradient of b_enc.",
    ),
    check=Check(
        draws.steps_to_take_back,
        tested="four batches, with negative winners and latents that no sample names",
        parts=Parameters._fields,
        rtol=draws.RTOL,
    ),
    mistakes=(
        Mistake(
            no_mask,
            "A winner whose value is zero was negative before the ReLU: no gradient passes. "
            "Multiply the values' gradient by `(values > 0)`.",
        ),
        Mistake(
            times_the_values,
            "You multiplied the gradient by the values. The ReLU's derivative is 1 where a value "
            "is above zero: `(values > 0)`.",
        ),
        Mistake(
            masked_by_the_gradient,
            "Negative gradients were cut off. The mask asks whether the *value* is above zero.",
        ),
        Mistake(
            two_over_batch_again,
            "Everything is off by 2 / batch. `d_x_hat` carries that factor already.",
        ),
        Mistake(
            one_path_of_b_dec,
            "b_dec's gradient lacks its second path: the encoder sees x - b_dec.",
        ),
        Mistake(
            encoder_path_added,
            "b_dec's second path has the wrong sign: b_dec is *subtracted* before the encoder.",
        ),
        Mistake(
            encoder_path_through_the_decoder,
            "b_dec's second path leads through the encoder. You used the decoder's rows: it is "
            "`W_enc @` the gradient of b_enc.",
        ),
        Mistake(
            b_dec_averaged,
            "b_dec's first path is averaged over the batch. It is a sum: the factor 1 / batch is "
            "in `d_x_hat`.",
        ),
        Mistake(
            x_not_centred,
            "The encoder's gradient uses x. The encoder saw x - b_dec.",
        ),
        Mistake(
            encoder_from_the_values,
            "The encoder's gradient is weighted by the latents' values. It is weighted by their "
            "*gradients*; the values belong to the decoder's.",
        ),
        Mistake(
            encoder_not_transposed,
            "All four are right, but the encoder's is transposed: `sum_by_latent` gives one row "
            "for each latent, and W_enc has one column.",
        ),
        Mistake(
            decoder_from_the_gradients,
            "The decoder's gradient is weighted by the latents' gradients. It is weighted by their "
            "*values*.",
        ),
        Mistake(
            decoder_from_x,
            "The decoder's gradient sums x - b_dec. It sums `d_x_hat`, weighted by the values.",
        ),
        Mistake(
            b_enc_counted,
            "For b_enc you counted how often each latent is active. Sum the pre-activations' "
            "gradients by latent.",
        ),
        Mistake(
            b_enc_from_the_values,
            "For b_enc you summed the latents' values. Sum their *gradients*, `d_values`: values "
            "belong to the decoder's gradient alone.",
        ),
        Mistake(
            b_enc_repeats_lost,
            "In b_enc's gradient, of several samples that name one latent a single one counts: "
            "`+=` with an index loses repeats. `sum_by_latent` does not.",
        ),
        Mistake(
            encoder_path_alone,
            "b_dec's gradient lacks its first path: b_dec is also added after the decoder, so the "
            "sum of `d_x_hat` over samples belongs to it.",
        ),
        Mistake(
            weights_before_biases,
            "The gradients are right, but in another order: W_enc, b_enc, W_dec, b_dec.",
        ),
        Mistake(
            weights_swapped,
            "The two matrices' gradients have changed places: W_enc's comes first, W_dec's third.",
        ),
        Mistake(
            biases_swapped,
            "The two biases' gradients have changed places: b_enc's comes second, b_dec's last.",
        ),
        Mistake(
            decoder_first,
            "The gradients are right, but the decoder's come first. The order is W_enc, b_enc, "
            "W_dec, b_dec.",
        ),
    ),
    alternatives=(densely, with_index_add, by_autograd),
    why="Every SAE that you train with `saeedu` from here on goes back this way.",
    scaffold="# Five lines in chapter 05's order; the first is given.\n"
    "d_values = grad_values(d_x_hat, columns, W_dec) * (values > 0)",
)
