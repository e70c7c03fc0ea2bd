"""Exercise 09.weighted_l1: the price of activity when decoder rows are free."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from saeedu.course.ch09_training_on_gpt2 import draws
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.sae import relu


def value_and_gradients(implementation: Implementation, call: Call) -> dict[str, Any]:
    """The penalty, and the gradients that it sends back: a loss that does not train is wrong.

    Where a latent is zero its gradient is a convention (`abs` has another than none), and the
    ReLU's mask hides it: only active latents are compared.
    """
    value = implementation(*call.args)
    latents, W_dec, _ = call.args
    gradients: tuple[Any, ...] = (None, None)
    if isinstance(value, Tensor) and value.requires_grad:
        d_latents, d_W_dec = torch.autograd.grad(value.sum(), (latents, W_dec), allow_unused=True)
        active = latents.detach() > 0
        gradients = (None if d_latents is None else d_latents * active, d_W_dec)
    return {
        "value": value,
        "gradient for latents": gradients[0],
        "gradient for W_dec": gradients[1],
    }


def rows_not_weighed(latents, W_dec, l1_coefficient):
    return l1_coefficient * latents.sum(dim=1).mean() + 0 * W_dec.sum()


def chapter_03(latents, W_dec, l1_coefficient):
    return l1_coefficient * latents.sum(dim=1).mean()


def times_the_mean_norm(latents, W_dec, l1_coefficient):
    return l1_coefficient * latents.sum(dim=1).mean() * W_dec.norm(dim=1).mean()


def length_of_the_sum(latents, W_dec, l1_coefficient):
    return l1_coefficient * (latents @ W_dec).norm(dim=1).mean()


def norm_of_the_matrix(latents, W_dec, l1_coefficient):
    return l1_coefficient * (latents * W_dec.norm()).sum(dim=1).mean()


def squared_norms(latents, W_dec, l1_coefficient):
    return l1_coefficient * (latents * (W_dec**2).sum(dim=1)).sum(dim=1).mean()


def l1_norms_of_rows(latents, W_dec, l1_coefficient):
    return l1_coefficient * (latents * W_dec.abs().sum(dim=1)).sum(dim=1).mean()


def mean_over_latents(latents, W_dec, l1_coefficient):
    return l1_coefficient * (latents * W_dec.norm(dim=1)).mean()


def sum_over_batch(latents, W_dec, l1_coefficient):
    return l1_coefficient * (latents * W_dec.norm(dim=1)).sum()


def no_coefficient(latents, W_dec, l1_coefficient):
    return (latents * W_dec.norm(dim=1)).sum(dim=1).mean()


def divided_by_norms(latents, W_dec, l1_coefficient):
    return l1_coefficient * (latents / W_dec.norm(dim=1)).sum(dim=1).mean()


def norms_detached(latents, W_dec, l1_coefficient):
    return l1_coefficient * (latents * W_dec.norm(dim=1).detach()).sum(dim=1).mean()


def plain_number(latents, W_dec, l1_coefficient):
    return (l1_coefficient * (latents * W_dec.norm(dim=1)).sum(dim=1).mean()).item()


def one_price_a_sample(latents, W_dec, l1_coefficient):
    return l1_coefficient * (latents * W_dec.norm(dim=1)).sum(dim=1)


def silent_samples_left_out(latents, W_dec, l1_coefficient):
    prices = (latents * W_dec.norm(dim=1)).sum(dim=1)
    return l1_coefficient * prices[prices > 0].mean()


def with_absolute_values(latents, W_dec, l1_coefficient):
    return l1_coefficient * (latents.abs() * W_dec.norm(dim=1)).sum(dim=1).mean()


def as_a_matrix_product(latents, W_dec, l1_coefficient):
    return l1_coefficient * torch.mean(latents @ torch.linalg.vector_norm(W_dec, dim=-1))


def by_einsum(latents, W_dec, l1_coefficient):
    norms = torch.einsum("sd,sd->s", W_dec, W_dec).sqrt()
    return l1_coefficient * torch.einsum("bs,s->", latents, norms) / len(latents)


def in_loops(latents, W_dec, l1_coefficient):
    total = 0
    for sample in latents:
        for value, row in zip(sample, W_dec, strict=True):
            total = total + value * (row @ row) ** 0.5
    return l1_coefficient * total / latents.shape[0]


EXERCISE = Exercise(
    id="09.weighted_l1",
    title="The price of activity, when rows are free",
    reference=relu.weighted_l1,
    minutes=8,
    difficulty=2,
    hints=(
        "How long is what one latent adds to the reconstruction? It adds its value times a row.",
        "You need one number for each latent: the length of its decoder row, of shape [d_sae]. "
        "`.norm(dim=...)` gives it; which axis must go?",
        "Multiply `latents` by those lengths (they broadcast over the batch). Then it is chapter "
        "03's penalty again: sum over latents, mean over the batch, times the coefficient.",
    ),
    check=Check(
        draws.codes_and_decoders,
        tested="three batches with rows of different lengths: the value, and both gradients",
        observe=value_and_gradients,
    ),
    mistakes=(
        Mistake(
            chapter_03,
            "This is chapter 03's penalty; the rows have no effect on it. Then the SAE escapes it: "
            "it halves its latents, doubles its rows, and pays half for the same output.",
        ),
        Mistake(
            times_the_mean_norm,
            "You multiplied by the mean length of all rows. Each latent has its own row: weigh "
            "each with its own length, and then sum.",
        ),
        Mistake(
            length_of_the_sum,
            "You measured the length of the sum of all contributions. In it, two latents that "
            "pull in opposite directions cost nothing. Measure each contribution, then add.",
        ),
        Mistake(
            rows_not_weighed,
            "The rows' lengths have no effect. Then the SAE escapes the penalty: it halves its "
            "latents, doubles its rows, and pays half for the same output.",
        ),
        Mistake(
            norm_of_the_matrix,
            "`W_dec.norm()` without `dim` is one number for the whole matrix. Each latent has its "
            "own row, and so its own length: give an axis.",
        ),
        Mistake(
            squared_norms,
            "These are squared lengths. Doubling a row should double what its latent pays, not "
            "quadruple it: take the root.",
        ),
        Mistake(
            l1_norms_of_rows,
            "You measured the rows by the sum of absolute values. Length here is Euclidean; the "
            "1 in L1 is about the sum over latents.",
        ),
        Mistake(
            mean_over_latents,
            "You averaged over the latents too. Then a larger dictionary pays less for the same "
            "activity. Sum over latents, average over the batch.",
        ),
        Mistake(
            sum_over_batch,
            "You summed over the batch too. Over samples it is a mean, or λ would change its "
            "meaning with the batch size.",
        ),
        Mistake(
            no_coefficient,
            "`l1_coefficient` has no effect. It is the price by which the sum is multiplied.",
        ),
        Mistake(
            divided_by_norms,
            "You divided by the lengths. A longer row makes a latent's contribution larger, so "
            "it has to cost more.",
        ),
        Mistake(
            norms_detached,
            "The value is right, but no gradient reaches `W_dec`: something on its way is "
            "detached. Then nothing stops the rows from growing while the latents shrink.",
        ),
        Mistake(
            plain_number,
            "The value is right, but it is a plain Python number, and gradients cannot flow "
            "through one. Return the tensor: leave out `.item()` or `float(...)`.",
        ),
        Mistake(
            silent_samples_left_out,
            "A sample in which nothing fires pays nothing, and it counts in the mean over the "
            "batch all the same.",
        ),
        Mistake(
            one_price_a_sample,
            "You have one price for each sample. Average them into one for the batch.",
        ),
    ),
    alternatives=(with_absolute_values, as_a_matrix_product, by_einsum, in_loops),
    why="From here on decoder rows are free to grow, and this is what keeps them honest; every "
    "L1 SAE of the later chapters is trained with it.",
)
