"""Exercise 06.grad_top_k: what comes back through the selection, by hand."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu.course.ch06_from_numpy_to_pytorch import draws
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.sae import batch_top_k, top_k, top_k_by_hand


def _winners(pre_acts, k):
    columns = pre_acts.topk(k, dim=1).indices
    return torch.zeros_like(pre_acts).scatter(1, columns, 1.0)


def negative_winners_too(d_latents, pre_acts, k):
    return d_latents * _winners(pre_acts, k)


def relu_alone(d_latents, pre_acts, k):
    return d_latents * (pre_acts > 0)


def largest_gradients(d_latents, pre_acts, k):
    return d_latents * (top_k.top_k(d_latents, k) > 0)


def largest_positive_gradients(d_latents, pre_acts, k):
    return top_k.top_k(d_latents * (pre_acts > 0), k)


def times_the_latents(d_latents, pre_acts, k):
    return d_latents * top_k.top_k(pre_acts, k)


def mask_alone(d_latents, pre_acts, k):
    return (top_k.top_k(pre_acts, k) > 0).double()


def latents_themselves(d_latents, pre_acts, k):
    return top_k.top_k(pre_acts, k)


def everyone(d_latents, pre_acts, k):
    return d_latents * (top_k.top_k(pre_acts, k) >= 0)


def losers(d_latents, pre_acts, k):
    return d_latents * (top_k.top_k(pre_acts, k) == 0)


def negative_gradients_cut(d_latents, pre_acts, k):
    return torch.relu(d_latents) * (top_k.top_k(pre_acts, k) > 0)


def winners_of_the_batch(d_latents, pre_acts, k):
    return d_latents * (batch_top_k.batch_top_k(pre_acts, k) > 0)


def winners_of_each_column(d_latents, pre_acts, k):
    return d_latents * (top_k.top_k(pre_acts.T, min(k, len(pre_acts))).T > 0)


def shared_among_winners(d_latents, pre_acts, k):
    return d_latents * (top_k.top_k(pre_acts, k) > 0) / k


def gathered(d_latents, pre_acts, k):
    values, columns = pre_acts.topk(k, dim=1)
    return d_latents.gather(1, columns) * (values > 0)


def by_autograd(d_latents, pre_acts, k):
    leaf = pre_acts.clone().requires_grad_()
    return torch.autograd.grad(top_k.top_k(leaf, k), leaf, d_latents)[0]


def by_scatter(d_latents, pre_acts, k):
    values, columns = pre_acts.topk(k, dim=1, sorted=False)
    kept = d_latents.gather(1, columns) * (values > 0)
    return torch.zeros_like(d_latents).scatter(1, columns, kept)


def entry_by_entry(d_latents, pre_acts, k):
    result = torch.zeros_like(d_latents)
    for i, sample in enumerate(pre_acts):
        floor = sorted(sample.tolist())[-k]
        for j, value in enumerate(sample):
            if value >= floor and value > 0:
                result[i, j] = d_latents[i, j]
    return result


def with_numpy(d_latents, pre_acts, k):
    values = pre_acts.numpy().copy()
    floor = -(-values).copy()
    floor.sort(axis=1)
    mask = (values >= floor[:, -k][:, None]) & (values > 0)
    return torch.where(torch.from_numpy(mask), d_latents, torch.zeros_like(d_latents))


EXERCISE = Exercise(
    id="06.grad_top_k",
    title="The gradient of a selection",
    reference=top_k_by_hand.grad_top_k,
    minutes=8,
    difficulty=2,
    hints=(
        "Nudge a winner's pre-activation a little: its latent moves by the same amount. Nudge a "
        "loser's: nothing moves. What is the derivative in each case?",
        "It is chapter 04's ReLU mask with another mask. Which entries of `top_k(pre_acts, k)` "
        "tell you who is active?",
        "A winner that is negative ends at zero and stays there: it gets no gradient. So the mask "
        "asks whether the *latent* is above zero, and `d_latents` is multiplied by it.",
    ),
    check=Check(
        draws.masked_gradients,
        tested="k from 1 to d_sae, with negative winners, and gradients of both signs",
        rtol=draws.RTOL,
    ),
    mistakes=(
        Mistake(
            negative_winners_too,
            "You let gradients through to all k winners. A negative winner became zero in the "
            "ReLU, and a small nudge does not change that: its gradient is zero.",
        ),
        Mistake(
            relu_alone,
            "This is the ReLU's mask of chapter 04. A positive pre-activation that did not win "
            "gave a latent of zero: its gradient is zero too.",
        ),
        Mistake(
            largest_gradients,
            "You chose the k largest *gradients*. The backward pass chooses nothing: who is active "
            "was decided in the forward pass, by the pre-activations.",
        ),
        Mistake(
            largest_positive_gradients,
            "You masked by the ReLU and then applied top_k to the gradient. Who won was decided in "
            "the forward pass, by the pre-activations.",
        ),
        Mistake(
            times_the_latents,
            "You multiplied by the latents. For a winner the latent *is* the pre-activation, so "
            "the derivative is 1, not its value.",
        ),
        Mistake(
            mask_alone,
            "You returned the mask. It has to be multiplied by `d_latents`.",
        ),
        Mistake(
            latents_themselves,
            "You returned the latents. The gradient passes where they are above zero.",
        ),
        Mistake(
            everyone,
            "Every gradient passes: latents are never negative, so `>= 0` is true everywhere. Ask "
            "for `> 0`.",
        ),
        Mistake(
            losers,
            "The mask is turned round: gradients reach those that are off, and not those that are "
            "on.",
        ),
        Mistake(
            negative_gradients_cut,
            "The right places, but negative gradients are cut off. The ReLU's mask looks at "
            "pre-activations; a gradient may have either sign.",
        ),
        Mistake(
            winners_of_the_batch,
            "Your winners are those of the whole batch. Here every sample has k of its own.",
        ),
        Mistake(
            winners_of_each_column,
            "Your winners are the k largest of each column. Every sample has k winners.",
        ),
        Mistake(
            shared_among_winners,
            "You divided by k. Nothing was averaged: each winner's derivative is 1.",
        ),
        Mistake(
            gathered,
            "You returned the gradients of the winners alone, [batch, k]. The answer has the shape "
            "of the pre-activations, with zeros for the rest.",
        ),
    ),
    alternatives=(by_autograd, by_scatter, entry_by_entry, with_numpy),
    why="Everything that follows rests on these zeros: what is not active needs no gradient.",
)
