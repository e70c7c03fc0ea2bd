"""Exercise 10.token_agreement: do a latent's examples agree on a token?"""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu import reading
from saeedu.course.ch10_reading_features import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def commonest(tokens):
    """[d_sae]: how often the commonest token of each row comes, -1 left out."""
    same = (tokens[:, :, None] == tokens[:, None, :]) & (tokens >= 0)[:, None, :]
    return (same.sum(dim=2) * (tokens >= 0)).amax(dim=1)


def present(tokens):
    return (tokens >= 0).sum(dim=1)


def missing_ones_count(tokens):
    return (tokens[:, :, None] == tokens[:, None, :]).sum(dim=2).amax(dim=1) / tokens.shape[1]


def divided_by_n(tokens):
    return commonest(tokens) / tokens.shape[1]


def share_of_distinct_tokens(tokens):
    distinct = torch.tensor([float(len(set(row) - {-1})) for row in tokens.tolist()])
    return distinct / present(tokens).clamp(min=1)


def one_over_distinct_tokens(tokens):
    distinct = torch.tensor([float(len(set(row) - {-1})) for row in tokens.tolist()])
    return (distinct > 0) / distinct.clamp(min=1)


def compared_with_the_first(tokens):
    same = ((tokens == tokens[:, :1]) & (tokens >= 0)).sum(dim=1)
    return same / present(tokens).clamp(min=1)


def pairs_that_agree(tokens):
    exist = tokens >= 0
    same = (tokens[:, :, None] == tokens[:, None, :]) & exist[:, :, None] & exist[:, None, :]
    return same.sum(dim=(1, 2)) / (present(tokens) ** 2).clamp(min=1)


def disagreement(tokens):
    return 1 - commonest(tokens) / present(tokens).clamp(min=1)


def a_count(tokens):
    return commonest(tokens).float()


def empty_is_nan(tokens):
    return commonest(tokens) / present(tokens)


def empty_is_one(tokens):
    return torch.where(present(tokens) > 0, commonest(tokens) / present(tokens), 1.0)


def commonest_of_all_latents(tokens):
    token = tokens[tokens >= 0].mode().values
    return (tokens == token).sum(dim=1) / present(tokens).clamp(min=1)


def along_the_other_axis(tokens):
    return reading.token_agreement(tokens.T)


def averaged(tokens):
    return reading.token_agreement(tokens).mean()


def in_percent(tokens):
    return 100 * reading.token_agreement(tokens)


def with_mode(tokens):
    result = torch.zeros(len(tokens))
    for latent, row in enumerate(tokens):
        row = row[row != -1]
        if len(row):
            result[latent] = (row == row.mode().values).float().mean()
    return result


def with_unique(tokens):
    shares = []
    for row in tokens:
        counts = row[row >= 0].unique(return_counts=True)[1]
        shares.append(float(counts.max() / counts.sum()) if len(counts) else 0.0)
    return torch.tensor(shares)


def with_pairs(tokens):
    exist = tokens != -1
    same = (tokens[:, :, None] == tokens[:, None, :]) & exist[:, :, None]
    return same.sum(dim=1).amax(dim=1) / exist.sum(dim=1).clamp(min=1)


def with_bincount(tokens):
    shifted = tokens + 1  # 0 for those that are missing
    size = int(shifted.max()) + 1
    table = torch.stack([torch.bincount(row, minlength=size) for row in shifted])[:, 1:]
    return (table.amax(dim=1) / table.sum(dim=1)).nan_to_num(0.0)


EXERCISE = Exercise(
    id="10.token_agreement",
    title="Do the examples agree?",
    reference=reading.token_agreement,
    minutes=8,
    difficulty=2,
    hints=(
        "One latent at a time: a list of token numbers. Which comes most often, and how often?",
        "`collections.Counter` counts; so does `unique(return_counts=True)`. Take the -1 out "
        "before you count: they are no examples.",
        "The share is of the examples that exist, not of n. Where none exists, 0: mind the "
        "division, and that `max` of nothing raises.",
    ),
    check=Check(
        draws.peak_tokens,
        tested="latents that agree wholly, in part, not at all; with examples missing, and with "
        "none",
    ),
    mistakes=(
        Mistake(
            missing_ones_count,
            "You count -1 as a token. A latent with few examples would seem to agree on it.",
        ),
        Mistake(
            divided_by_n,
            "You divide by n. A latent with two examples that agree has an agreement of 1: divide "
            "by how many there are.",
        ),
        Mistake(
            share_of_distinct_tokens,
            "This is the share of *different* tokens, which is large when they disagree.",
        ),
        Mistake(
            one_over_distinct_tokens,
            "This is 1 over the number of different tokens. Nine examples of one token and one of "
            "another would give a half: count how often the commonest comes.",
        ),
        Mistake(
            compared_with_the_first,
            "You compare with the strongest example. It can be the odd one out: look for the "
            "commonest token.",
        ),
        Mistake(
            pairs_that_agree,
            "This is the chance that two examples agree, a fine measure too. Asked is the share "
            "of the commonest token.",
        ),
        Mistake(disagreement, "This is 1 minus the agreement."),
        Mistake(a_count, "This is a count. Divide it by how many examples there are."),
        Mistake(
            empty_is_nan,
            "A latent without examples gives NaN, and every mean over latents after it. It is 0.",
        ),
        Mistake(
            empty_is_one,
            "A latent without examples gets 1, as if it agreed. It is 0.",
        ),
        Mistake(
            commonest_of_all_latents,
            "You look for one token that is commonest over all latents. Each has its own.",
        ),
        Mistake(
            along_the_other_axis,
            "You compare across latents. A row of `tokens` belongs to one latent.",
        ),
        Mistake(averaged, "You averaged. One number for each latent: [d_sae]."),
        Mistake(in_percent, "This is in percent. Give the fraction."),
    ),
    alternatives=(with_mode, with_unique, with_pairs, with_bincount),
    why="It turns an impression into a number, and only a number can be held against a control.",
)
