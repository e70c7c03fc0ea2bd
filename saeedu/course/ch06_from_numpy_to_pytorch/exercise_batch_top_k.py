"""Exercise 06.batch_top_k: k a sample on average."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu.course.ch06_from_numpy_to_pytorch import draws
from saeedu.course.ch06_from_numpy_to_pytorch.exercise_top_k import latents_and_gradient
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.sae import batch_top_k, top_k


def each_sample_its_own_k(pre_acts, k):
    return top_k.top_k(pre_acts, k)


def k_in_the_whole_batch(pre_acts, k):
    flat = pre_acts.flatten()
    values, places = flat.topk(k)
    return torch.zeros_like(flat).scatter(0, places, torch.relu(values)).view_as(pre_acts)


def k_for_each_latent(pre_acts, k):
    values, rows = pre_acts.topk(min(k, len(pre_acts)), dim=0)
    return torch.zeros_like(pre_acts).scatter(0, rows, torch.relu(values))


def k_times_the_latents(pre_acts, k):
    flat = pre_acts.flatten()
    values, places = flat.topk(min(k * pre_acts.shape[1], flat.numel()))
    return torch.zeros_like(flat).scatter(0, places, torch.relu(values)).view_as(pre_acts)


def negative_winners_kept(pre_acts, k):
    flat = pre_acts.flatten()
    values, places = flat.topk(len(pre_acts) * k)
    return torch.zeros_like(flat).scatter(0, places, values).view_as(pre_acts)


def largest_in_size(pre_acts, k):
    flat = pre_acts.flatten()
    places = flat.abs().topk(len(pre_acts) * k).indices
    return torch.zeros_like(flat).scatter(0, places, torch.relu(flat[places])).view_as(pre_acts)


def left_flat(pre_acts, k):
    return batch_top_k.batch_top_k(pre_acts, k).flatten()


def winners_alone(pre_acts, k):
    return torch.relu(pre_acts.flatten().topk(len(pre_acts) * k).values)


def winners_in_order_of_size(pre_acts, k):
    values = torch.relu(pre_acts.flatten().topk(len(pre_acts) * k).values)
    padding = values.new_zeros(pre_acts.numel() - len(values))
    return torch.cat([values, padding]).view_as(pre_acts)


def read_by_columns(pre_acts, k):
    latents = batch_top_k.batch_top_k(pre_acts, k)
    return latents.T.reshape(pre_acts.shape)


def one_too_few(pre_acts, k):
    floor = pre_acts.flatten().topk(len(pre_acts) * k).values[-1]
    return torch.relu(pre_acts) * (pre_acts > floor)


def one_too_many(pre_acts, k):
    flat = pre_acts.flatten()
    values, places = flat.topk(len(pre_acts) * k + 1)
    return torch.zeros_like(flat).scatter(0, places, torch.relu(values)).view_as(pre_acts)


def scattered_into_nothing(pre_acts, k):
    flat = pre_acts.flatten()
    values, places = flat.topk(len(pre_acts) * k)
    latents = torch.zeros_like(flat)
    latents.scatter(0, places, torch.relu(values))
    return latents.view_as(pre_acts)


def ones(pre_acts, k):
    return (batch_top_k.batch_top_k(pre_acts, k) > 0).double()


def no_gradient(pre_acts, k):
    return batch_top_k.batch_top_k(pre_acts.detach(), k)


def all_positive(pre_acts, k):
    return torch.relu(pre_acts)


def by_a_floor(pre_acts, k):
    floor = pre_acts.flatten().topk(len(pre_acts) * k).values[-1]
    return pre_acts * (pre_acts >= floor.clamp(min=0)) * (pre_acts > 0)


def by_sorting(pre_acts, k):
    order = pre_acts.reshape(-1).argsort(descending=True)[: pre_acts.shape[0] * k]
    mask = torch.zeros(pre_acts.numel(), dtype=torch.bool)
    mask[order] = True
    return torch.where(mask.view_as(pre_acts), pre_acts, 0.0).relu()


def as_one_long_sample(pre_acts, k):
    latents = top_k.top_k(pre_acts.reshape(1, -1), k * len(pre_acts))
    return latents.reshape(pre_acts.shape)


def by_the_kth_value(pre_acts, k):
    n = pre_acts.numel()
    floor = torch.kthvalue(pre_acts.flatten().detach(), n - len(pre_acts) * k + 1).values
    return torch.relu(torch.where(pre_acts >= floor, pre_acts, torch.zeros_like(pre_acts)))


EXERCISE = Exercise(
    id="06.batch_top_k",
    title="k a sample, on average",
    reference=batch_top_k.batch_top_k,
    minutes=8,
    difficulty=2,
    hints=(
        "It is your `top_k` with one change: the contest is no longer among the latents of one "
        "sample, but among all entries of the batch. How many winners are there?",
        "`pre_acts.flatten()` puts all entries in one row. Of these, `len(pre_acts) * k` win. In "
        "the end the shape has to come back.",
        "Choose with `topk`, `scatter` the ReLU of the values into zeros like the flat tensor, and "
        "`.view_as(pre_acts)`.",
    ),
    check=Check(
        draws.uneven_batches,
        tested="samples with many winners and with none, few positives, and the gradient",
        observe=latents_and_gradient,
        rtol=draws.RTOL,
    ),
    mistakes=(
        Mistake(
            each_sample_its_own_k,
            "Every sample gets k of its own: that is TopK. Here a sample may have more and another "
            "fewer, as long as the batch has batch x k.",
        ),
        Mistake(
            k_in_the_whole_batch,
            "You kept k in the whole batch. It is k a sample on average: batch x k winners.",
        ),
        Mistake(
            k_for_each_latent,
            "You kept the k largest of each column. All entries of the batch compete with each "
            "other.",
        ),
        Mistake(
            k_times_the_latents,
            "You kept d_sae x k. It is k for each *sample*: batch x k winners.",
        ),
        Mistake(
            negative_winners_kept,
            "When there are fewer positive entries than winners, negative ones win too. They must "
            "end as zero: apply the ReLU.",
        ),
        Mistake(
            largest_in_size,
            "You chose by absolute value, so large negative entries take places from positive "
            "ones.",
        ),
        Mistake(
            left_flat,
            "The latents are right, but still in one row. Bring back [batch, d_sae].",
        ),
        Mistake(
            winners_alone,
            "You returned the winners and not where they stood. Put them back into a [batch, "
            "d_sae] of zeros.",
        ),
        Mistake(
            winners_in_order_of_size,
            "The winners stand in order of size from the first entry on. Put each back where it "
            "came from: `topk` returns the places as its second result.",
        ),
        Mistake(
            read_by_columns,
            "The shape is right, but rows and columns got mixed up on the way back: flatten and "
            "unflatten in the same order.",
        ),
        Mistake(
            one_too_few,
            "One winner is missing: you keep batch x k - 1. Does your comparison ask for *larger* "
            "than the last winner?",
        ),
        Mistake(
            one_too_many,
            "You keep one winner too many, batch x k + 1. In a sorted list the last winner stands "
            "at batch x k - 1.",
        ),
        Mistake(
            scattered_into_nothing,
            "Nothing but zeros: `scatter` leaves its tensor as it is and *returns* a new one.",
        ),
        Mistake(
            ones,
            "You returned ones where the winners are. Their values are wanted.",
        ),
        Mistake(
            no_gradient,
            "The latents are right, but no gradient comes back: something is detached.",
        ),
        Mistake(
            all_positive,
            "k has no effect: all positive entries are kept.",
        ),
    ),
    alternatives=(by_a_floor, by_sorting, as_one_long_sample, by_the_kth_value),
    why="A rich sample gets many latents and a poor one few, for the same k on average.",
)
