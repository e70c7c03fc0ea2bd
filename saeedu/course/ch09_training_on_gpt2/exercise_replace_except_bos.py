"""Exercise 09.replace_except_bos: a reconstruction put into the model's stream."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu import controls
from saeedu.course.ch09_training_on_gpt2 import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def everywhere(activation, replacement, tokens, bos_token_id):
    return replacement.clone()


def nowhere(activation, replacement, tokens, bos_token_id):
    return activation.clone()


def at_bos_alone(activation, replacement, tokens, bos_token_id):
    return torch.where((tokens == bos_token_id)[..., None], replacement, activation)


def except_the_first_position(activation, replacement, tokens, bos_token_id):
    result = replacement.clone()
    result[:, 0] = activation[:, 0]
    return result


def except_the_last_position(activation, replacement, tokens, bos_token_id):
    result = replacement.clone()
    result[:, -1] = activation[:, -1]
    return result


def except_the_first_context(activation, replacement, tokens, bos_token_id):
    result = replacement.clone()
    result[0] = activation[0]
    return result


def except_token_zero(activation, replacement, tokens, bos_token_id):
    return torch.where((tokens == 0)[..., None], activation, replacement)


def whatever_stands_first(activation, replacement, tokens, bos_token_id):
    return torch.where((tokens == tokens[0, 0])[..., None], activation, replacement)


def first_of_each_context(activation, replacement, tokens, bos_token_id):
    return torch.where((tokens == tokens[:, :1])[..., None], activation, replacement)


def zeros_at_bos(activation, replacement, tokens, bos_token_id):
    return replacement * (tokens != bos_token_id)[..., None]


def in_place(activation, replacement, tokens, bos_token_id):
    text = tokens != bos_token_id
    activation[text] = replacement[text]
    return activation


def in_place_of_the_replacement(activation, replacement, tokens, bos_token_id):
    bos = tokens == bos_token_id
    replacement[bos] = activation[bos]
    return replacement


def added(activation, replacement, tokens, bos_token_id):
    return activation + replacement * (tokens != bos_token_id)[..., None]


def only_the_text(activation, replacement, tokens, bos_token_id):
    return replacement[tokens != bos_token_id]


def bos_and_all_after_it(activation, replacement, tokens, bos_token_id):
    """Everything from a second BOS on is taken for BOS."""
    later = (tokens == bos_token_id).cumsum(dim=1) > 1
    keep = later | (tokens == bos_token_id)
    return torch.where(keep[..., None], activation, replacement)


def from_a_copy(activation, replacement, tokens, bos_token_id):
    result = activation.clone()
    text = tokens != bos_token_id
    result[text] = replacement[text]
    return result


def as_a_weighted_sum(activation, replacement, tokens, bos_token_id):
    bos = (tokens == bos_token_id).to(activation.dtype).unsqueeze(-1)
    return bos * activation + (1 - bos) * replacement


def in_loops(activation, replacement, tokens, bos_token_id):
    result = replacement.clone()
    for i, context in enumerate(tokens.tolist()):
        for t, token in enumerate(context):
            if token == bos_token_id:
                result[i, t] = activation[i, t]
    return result


EXERCISE = Exercise(
    id="09.replace_except_bos",
    title="Put it into the stream",
    reference=controls.replace_except_bos,
    minutes=6,
    difficulty=2,
    hints=(
        "Which positions must stay as they are? Packed contexts have a BOS in front, and one "
        "between any two documents.",
        "`tokens == bos_token_id` is [batch, context]. To choose between tensors with one axis "
        "more, it needs an axis of size 1 at its end.",
        "`torch.where(condition, a, b)` takes from `a` where the condition holds and from `b` "
        "elsewhere, and makes a new tensor. `mask[..., None]` adds the axis.",
    ),
    check=Check(
        draws.spliced,
        tested="four batches with BOS in front, in the middle or nowhere, under four numbers",
    ),
    mistakes=(
        Mistake(
            everywhere,
            "You replaced BOS too. No SAE of yours has seen BOS: what it makes of it would be "
            "judged, and often cost more than all the rest.",
        ),
        Mistake(nowhere, "Nothing was replaced: this is the activation as it came."),
        Mistake(
            at_bos_alone,
            "The other way round: you replaced BOS, and left the text as it was.",
        ),
        Mistake(
            except_the_first_position,
            "You left out position 0 alone. Where documents are packed, BOS also stands between "
            "them: look at the tokens.",
        ),
        Mistake(
            except_the_last_position,
            "You left out the last position. BOS stands at the beginning.",
        ),
        Mistake(
            except_the_first_context,
            "`[0]` is the whole first context. Positions are the second axis.",
        ),
        Mistake(
            except_token_zero,
            "You took token 0 for BOS. Its number differs from model to model: use `bos_token_id`.",
        ),
        Mistake(
            whatever_stands_first,
            "You took the first token of all for BOS. Text can be cut elsewhere too: compare with "
            "`bos_token_id`.",
        ),
        Mistake(
            first_of_each_context,
            "You took each context's first token for BOS. Not every piece of text begins with it: "
            "compare with `bos_token_id`.",
        ),
        Mistake(
            zeros_at_bos,
            "BOS became zero. It keeps its own activation.",
        ),
        Mistake(
            in_place,
            "The values are right, but you wrote into the model's own activation, which a later "
            "run may still need.",
        ),
        Mistake(
            in_place_of_the_replacement,
            "The values are right, but the caller's replacement is no longer what it was.",
        ),
        Mistake(
            added,
            "You added the replacement to the activation. It takes its place.",
        ),
        Mistake(
            only_the_text,
            "These are the replaced rows alone. The model needs the whole tensor, of the same "
            "shape as before.",
        ),
        Mistake(
            bos_and_all_after_it,
            "From a second BOS on nothing is replaced any more. What follows it is text again.",
        ),
    ),
    alternatives=(from_a_copy, as_a_weighted_sum, in_loops),
    why="Ablation, steering and patching are all this: take a stream, change part of it, let the "
    "model go on.",
)
