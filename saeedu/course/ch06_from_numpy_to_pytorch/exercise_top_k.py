"""Exercise 06.top_k: the k largest of each sample, with gradients through the winners."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from typing import Any

import torch

from saeedu.course.ch06_from_numpy_to_pytorch import draws
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.sae import batch_top_k, top_k


def latents_and_gradient(implementation: Implementation, call: Call) -> dict[str, Any]:
    """The latents, and the gradient that comes back through them."""
    pre_acts, _ = call.args
    latents = implementation(*call.args)
    number = draws.probe(latents) if isinstance(latents, torch.Tensor) else None
    return {"latents": latents} | draws.gradients_of(number, {"pre_acts": pre_acts})


def negative_winners_kept(pre_acts, k):
    values, columns = pre_acts.topk(k, dim=-1)
    return torch.zeros_like(pre_acts).scatter(-1, columns, values)


def largest_in_size(pre_acts, k):
    columns = pre_acts.abs().topk(k, dim=-1).indices
    kept = torch.relu(pre_acts.gather(-1, columns))
    return torch.zeros_like(pre_acts).scatter(-1, columns, kept)


def made_positive_first(pre_acts, k):
    values, columns = pre_acts.abs().topk(k, dim=-1)
    return torch.zeros_like(pre_acts).scatter(-1, columns, values)


def best_samples_of_each_latent(pre_acts, k):
    values, rows = pre_acts.topk(min(k, len(pre_acts)), dim=0)
    return torch.zeros_like(pre_acts).scatter(0, rows, torch.relu(values))


def smallest(pre_acts, k):
    values, columns = pre_acts.topk(k, dim=-1, largest=False)
    return torch.zeros_like(pre_acts).scatter(-1, columns, torch.relu(values))


def values_alone(pre_acts, k):
    return torch.relu(pre_acts.topk(k, dim=-1).values)


def left_in_the_first_columns(pre_acts, k):
    latents = torch.zeros_like(pre_acts)
    latents[:, :k] = torch.relu(pre_acts.topk(k, dim=-1).values)
    return latents


def into_every_sample(pre_acts, k):
    values, columns = pre_acts.topk(k, dim=-1)
    latents = torch.zeros_like(pre_acts)
    latents[:, columns] = torch.relu(values)
    return latents


def into_every_samples_columns(pre_acts, k):
    values, columns = pre_acts.topk(k, dim=-1)
    latents = torch.zeros_like(pre_acts)
    for i in range(len(pre_acts)):
        latents[i, columns] = torch.relu(values[i])
    return latents


def over_the_whole_batch(pre_acts, k):
    return batch_top_k.batch_top_k(pre_acts, k)


def k_in_the_whole_batch(pre_acts, k):
    flat = pre_acts.flatten()
    values, places = flat.topk(k)
    return torch.zeros_like(flat).scatter(0, places, torch.relu(values)).view_as(pre_acts)


def one_too_few(pre_acts, k):
    smallest_winner = pre_acts.topk(k, dim=-1).values[:, -1:]
    return torch.relu(pre_acts) * (pre_acts > smallest_winner)


def one_too_many(pre_acts, k):
    values, columns = pre_acts.topk(k + 1, dim=-1)
    return torch.zeros_like(pre_acts).scatter(-1, columns, torch.relu(values))


def one_too_many_where_there_is_one(pre_acts, k):
    return top_k.top_k(pre_acts, min(k + 1, pre_acts.shape[1]))


def scattered_into_nothing(pre_acts, k):
    values, columns = pre_acts.topk(k, dim=-1)
    latents = torch.zeros_like(pre_acts)
    latents.scatter(-1, columns, torch.relu(values))
    return latents


def ones(pre_acts, k):
    return (top_k.top_k(pre_acts, k) > 0).double()


def all_positive(pre_acts, k):
    return torch.relu(pre_acts)


def no_gradient(pre_acts, k):
    return top_k.top_k(pre_acts.detach(), k)


def gradient_for_everyone(pre_acts, k):
    kept = torch.relu(pre_acts)
    return kept + (top_k.top_k(pre_acts, k) - kept).detach()


def columns_instead_of_values(pre_acts, k):
    columns = pre_acts.topk(k, dim=-1).indices
    return torch.zeros_like(pre_acts).scatter(-1, columns, columns.double())


def scatter_swapped(pre_acts, k):
    values, columns = pre_acts.topk(k, dim=-1)
    return torch.zeros_like(pre_acts).scatter(-1, torch.relu(values), columns)


def zeroed_in_place(pre_acts, k):
    losers = pre_acts.topk(pre_acts.shape[1] - k, dim=-1, largest=False).indices
    pre_acts.scatter_(-1, losers, 0.0)
    return torch.relu(pre_acts)


def by_a_mask(pre_acts, k):
    smallest_winner = pre_acts.topk(k, dim=1).values[:, -1:]
    return pre_acts * ((pre_acts >= smallest_winner) & (pre_acts > 0))


def by_ranks(pre_acts, k):
    ranks = pre_acts.argsort(dim=1, descending=True).argsort(dim=1)
    return torch.where(ranks < k, pre_acts, 0.0).clamp(min=0)


def relu_first(pre_acts, k):
    positive = torch.relu(pre_acts)
    winners = positive.topk(k, dim=1)
    latents = torch.zeros_like(positive)
    latents.scatter_(1, winners.indices, winners.values)
    return latents


def sample_by_sample(pre_acts, k):
    rows = []
    for sample in pre_acts:
        winners = sorted(range(len(sample)), key=lambda j: -sample[j].item())[:k]
        rows.append(
            torch.stack(
                [
                    value if j in winners and value > 0 else 0 * value
                    for j, value in enumerate(sample)
                ]
            )
        )
    return torch.stack(rows)


EXERCISE = Exercise(
    id="06.top_k",
    title="Keep the k largest",
    reference=top_k.top_k,
    minutes=10,
    difficulty=2,
    hints=(
        "`pre_acts.topk(k, dim=...)` gives two tensors [batch, k]: the largest values and the "
        "columns in which they stood. Which axis do the k winners come from?",
        "The answer is [batch, d_sae]. Start from zeros of that shape and put each value back into "
        "its column: `zeros.scatter(dim, columns, values)`.",
        "A sample may have fewer than k positive pre-activations. A negative winner must end as "
        "zero: apply `torch.relu` to the values before they go back.",
    ),
    check=Check(
        draws.pre_acts_and_k,
        tested="k from 1 to d_sae, samples with fewer than k positives, and the gradient",
        observe=latents_and_gradient,
        rtol=draws.RTOL,
    ),
    mistakes=(
        Mistake(
            negative_winners_kept,
            "A sample with fewer than k positive pre-activations keeps negative ones here. A "
            "latent is never negative: apply the ReLU to the winners.",
        ),
        Mistake(
            largest_in_size,
            "You chose by absolute value, so large negative pre-activations take places from "
            "positive ones. Choose the largest, not the largest in size.",
        ),
        Mistake(
            made_positive_first,
            "You took absolute values: a strongly negative pre-activation becomes a strong latent. "
            "Choose by the values themselves.",
        ),
        Mistake(
            best_samples_of_each_latent,
            "You took the k largest of each column. Each *sample* has k latents: choose along the "
            "last axis.",
        ),
        Mistake(
            smallest,
            "You kept the k smallest. `topk` takes the largest unless told otherwise.",
        ),
        Mistake(
            values_alone,
            "You returned the k values and not where they stood. Put them back into a [batch, "
            "d_sae] of zeros.",
        ),
        Mistake(
            left_in_the_first_columns,
            "The winners stand in the first k columns, in order of size. Put each back into the "
            "column that it came from: `topk` returns those as its second result.",
        ),
        Mistake(
            into_every_sample,
            "`latents[:, columns]` means all samples' columns in *every* sample. Each sample has "
            "columns of its own: `scatter` along the last axis keeps them apart.",
        ),
        Mistake(
            into_every_samples_columns,
            "In sample i you wrote into all samples' columns. Its own are `columns[i]`.",
        ),
        Mistake(
            over_the_whole_batch,
            "You kept the batch x k largest of the whole batch. Here every sample gets k of its "
            "own. (Yours comes later in this chapter.)",
        ),
        Mistake(
            k_in_the_whole_batch,
            "You kept k in the whole batch. Every sample gets k of its own: choose along the last "
            "axis, without flattening.",
        ),
        Mistake(
            one_too_few,
            "You keep k - 1 of each sample. The k-th largest belongs to the winners: does your "
            "comparison ask for *larger* than the k-th?",
        ),
        Mistake(
            one_too_many,
            "You asked for k + 1 winners, and where k is d_sae there are not so many. k it is.",
        ),
        Mistake(
            one_too_many_where_there_is_one,
            "You keep k + 1 of each sample. Rows and columns count from 0: the k-th largest of a "
            "sorted row stands at k - 1.",
        ),
        Mistake(
            scattered_into_nothing,
            "Nothing but zeros: `scatter` leaves its tensor as it is and *returns* a new one. "
            "Return that. (`scatter_`, with an underscore, writes into the tensor.)",
        ),
        Mistake(
            ones,
            "You returned ones where the winners are. Their values are wanted.",
        ),
        Mistake(
            all_positive,
            "k has no effect: all positive pre-activations are kept. That is the ReLU of chapter "
            "03.",
        ),
        Mistake(
            no_gradient,
            "The latents are right, but no gradient comes back: something is detached, or was made "
            "anew from plain numbers. Then the encoder cannot learn.",
        ),
        Mistake(
            gradient_for_everyone,
            "The latents are right, but gradients reach latents that did not win. A loser's value "
            "is zero whatever its pre-activation is, so its gradient is zero.",
        ),
        Mistake(
            columns_instead_of_values,
            "You wrote the columns' numbers where their values belong. `topk` returns values "
            "first, then columns.",
        ),
        Mistake(
            scatter_swapped,
            "`scatter` takes the axis, then *where*, then *what*: the columns come before the "
            "values.",
        ),
        Mistake(
            zeroed_in_place,
            "You changed `pre_acts` itself. Autograd refuses that: it needs the old values. Make "
            "new tensors.",
        ),
    ),
    alternatives=(by_a_mask, by_ranks, relu_first, sample_by_sample),
    why="Now you choose how many latents a sample has, and no price pulls their values down.",
)
