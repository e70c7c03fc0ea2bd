"""Exercise 07.prefix_losses: a dictionary inside a dictionary inside a dictionary."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import itertools

import torch

from saeedu.course.ch07_the_zoo import draws
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.sae import matryoshka


def error(x_hat, x):
    return ((x_hat - x) ** 2).sum(dim=1).mean()


def each(latents, W_dec, b_dec, x, widths):
    return [error(latents[:, :w] @ W_dec[:w] + b_dec, x) for w in widths]


def slices_apart(latents, W_dec, b_dec, x, widths):
    pairs = itertools.pairwise((0, *widths))
    return torch.stack([error(latents[:, a:b] @ W_dec[a:b] + b_dec, x) for a, b in pairs])


def last_ones(latents, W_dec, b_dec, x, widths):
    return torch.stack([error(latents[:, -w:] @ W_dec[-w:] + b_dec, x) for w in widths])


def bias_forgotten(latents, W_dec, b_dec, x, widths):
    return torch.stack([error(latents[:, :w] @ W_dec[:w], x) for w in widths])


def bias_in_the_last_alone(latents, W_dec, b_dec, x, widths):
    biases = [torch.zeros_like(b_dec)] * (len(widths) - 1) + [b_dec]
    return torch.stack(
        [error(latents[:, :w] @ W_dec[:w] + b, x) for w, b in zip(widths, biases, strict=True)]
    )


def added_up(latents, W_dec, b_dec, x, widths):
    return sum(each(latents, W_dec, b_dec, x, widths))


def averaged(latents, W_dec, b_dec, x, widths):
    return torch.stack(each(latents, W_dec, b_dec, x, widths)).mean()


def mean_over_dimensions(latents, W_dec, b_dec, x, widths):
    return torch.stack(each(latents, W_dec, b_dec, x, widths)) / x.shape[1]


def sum_over_batch(latents, W_dec, b_dec, x, widths):
    return torch.stack(each(latents, W_dec, b_dec, x, widths)) * len(x)


def widths_as_group_sizes(latents, W_dec, b_dec, x, widths):
    ends = itertools.accumulate(widths)
    return torch.stack([error(latents[:, :end] @ W_dec[:end] + b_dec, x) for end in ends])


def one_too_many(latents, W_dec, b_dec, x, widths):
    return torch.stack([error(latents[:, : w + 1] @ W_dec[: w + 1] + b_dec, x) for w in widths])


def one_too_few(latents, W_dec, b_dec, x, widths):
    return torch.stack([error(latents[:, : w - 1] @ W_dec[: w - 1] + b_dec, x) for w in widths])


def whole_alone(latents, W_dec, b_dec, x, widths):
    return torch.stack([error(latents @ W_dec + b_dec, x) for _ in widths])


def earlier_ones_detached(latents, W_dec, b_dec, x, widths):
    losses, so_far = [], b_dec
    for a, b in itertools.pairwise((0, *widths)):
        x_hat = so_far + latents[:, a:b] @ W_dec[a:b]
        losses.append(error(x_hat, x))
        so_far = x_hat.detach()
    return torch.stack(losses)


def made_anew(latents, W_dec, b_dec, x, widths):
    return torch.tensor([loss.item() for loss in each(latents, W_dec, b_dec, x, widths)])


def a_list(latents, W_dec, b_dec, x, widths):
    return each(latents, W_dec, b_dec, x, widths)


def without_the_whole(latents, W_dec, b_dec, x, widths):
    return torch.stack(each(latents, W_dec, b_dec, x, widths)[:-1])


def what_is_left(latents, W_dec, b_dec, x, widths):
    return torch.stack([error(latents[:, w:] @ W_dec[w:] + b_dec, x) for w in widths])


def added_up_so_far(latents, W_dec, b_dec, x, widths):
    return torch.stack(each(latents, W_dec, b_dec, x, widths)).cumsum(dim=0)


def running_sum(latents, W_dec, b_dec, x, widths):
    losses, x_hat = [], b_dec.expand_as(x)
    for a, b in itertools.pairwise((0, *widths)):
        x_hat = x_hat + latents[:, a:b] @ W_dec[a:b]
        losses.append(error(x_hat, x))
    return torch.stack(losses)


def by_masks(latents, W_dec, b_dec, x, widths):
    inside = torch.arange(latents.shape[1])[None, :] < torch.tensor(widths)[:, None]
    x_hat = torch.einsum("bs,ws,sd->wbd", latents, inside.to(latents.dtype), W_dec) + b_dec
    return (x_hat - x).square().sum(dim=2).mean(dim=1)


def filled_in(latents, W_dec, b_dec, x, widths):
    losses = x.new_zeros(len(widths))
    for i, w in enumerate(widths):
        losses[i] = (latents[:, :w] @ W_dec[:w, :] + b_dec - x).pow(2).sum() / x.shape[0]
    return losses


EXERCISE = Exercise(
    id="07.prefix_losses",
    title="Dictionaries inside a dictionary",
    reference=matryoshka.prefix_losses,
    minutes=8,
    difficulty=2,
    hints=(
        "A prefix of width w is an SAE with w latents. Which columns of `latents` and which rows "
        "of `W_dec` belong to it?",
        "`latents[:, :w]` and `W_dec[:w]`. The bias belongs to all of them.",
        "Compute the squared error for each width in a loop, and join the numbers with "
        "`torch.stack`, which keeps their gradients.",
    ),
    check=Check(
        draws.prefixes,
        tested="three dictionaries with two to four prefixes: the losses, and all gradients",
        observe=draws.with_gradients("latents", "W_dec", "b_dec"),
    ),
    mistakes=(
        Mistake(
            slices_apart,
            "Your pieces lie side by side. The prefixes are nested: each starts at latent 0, and "
            "holds all shorter ones.",
        ),
        Mistake(last_ones, "You took the last latents. A prefix is the first ones."),
        Mistake(
            bias_forgotten,
            "`b_dec` is missing. Without it every prefix has to spend latents on the mean.",
        ),
        Mistake(
            bias_in_the_last_alone,
            "Only the last prefix gets `b_dec`. Each is an SAE of its own, with the same bias.",
        ),
        Mistake(
            added_up,
            "You added them up. Return one loss for each width; the caller adds.",
        ),
        Mistake(averaged, "You averaged over the prefixes. Return one loss for each width."),
        Mistake(mean_over_dimensions, "You averaged over d_in. Sum over d_in, as everywhere."),
        Mistake(sum_over_batch, "You summed over the batch. Over samples it is a mean."),
        Mistake(
            widths_as_group_sizes,
            "You added the widths up, as if they were sizes of groups. Each is a prefix's own "
            "width, counted from latent 0; the last is all of d_sae.",
        ),
        Mistake(one_too_many, "One latent too many: `[:w]` holds w of them, from 0 to w − 1."),
        Mistake(one_too_few, "One latent too few: `[:w]` holds w of them, from 0 to w − 1."),
        Mistake(
            whole_alone,
            "Every width gives the loss of the whole dictionary: `widths` has no effect.",
        ),
        Mistake(
            earlier_ones_detached,
            "The values are right, but an early latent gets no gradient from the wider prefixes. "
            "It belongs to all of them, and must serve all of them.",
        ),
        Mistake(
            made_anew,
            "The values are right, but `torch.tensor` and `.item()` make new numbers without a "
            "history, so no gradient comes back. Use `torch.stack`.",
        ),
        Mistake(a_list, "This is a list. Make one tensor of it: `torch.stack(...)`."),
        Mistake(
            without_the_whole,
            "The widest prefix is missing: the whole dictionary is one of them.",
        ),
        Mistake(what_is_left, "`[w:]` is what comes after the prefix. The prefix is `[:w]`."),
        Mistake(
            added_up_so_far,
            "You add each loss to the ones before. The latents add up; the losses stand alone.",
        ),
    ),
    alternatives=(running_sum, by_masks, filled_in),
    why="It is the whole of the Matryoshka idea: what comes early must stand on its own.",
)
