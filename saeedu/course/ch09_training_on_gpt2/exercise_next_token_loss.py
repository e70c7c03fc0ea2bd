"""Exercise 09.next_token_loss: what the language model pays for every token."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import math

import torch

from saeedu import language_model
from saeedu.course.ch09_training_on_gpt2 import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def pick(log_probs, tokens):
    return log_probs.gather(-1, tokens[..., None])[..., 0]


def predicts_itself(logits, tokens):
    return -pick(logits[:, :-1].log_softmax(-1), tokens[:, :-1])


def predicts_the_one_before(logits, tokens):
    return -pick(logits[:, 1:].log_softmax(-1), tokens[:, :-1])


def last_logits_kept(logits, tokens):
    return -pick(logits[:, 1:].log_softmax(-1), tokens[:, 1:])


def averaged(logits, tokens):
    return -pick(logits[:, :-1].log_softmax(-1), tokens[:, 1:]).mean()


def logits_not_normalised(logits, tokens):
    return -pick(logits[:, :-1], tokens[:, 1:])


def softmax_over_positions(logits, tokens):
    return -pick(logits[:, :-1].log_softmax(1), tokens[:, 1:])


def log_forgotten(logits, tokens):
    return -pick(logits[:, :-1].softmax(-1), tokens[:, 1:])


def probability(logits, tokens):
    return pick(logits[:, :-1].softmax(-1), tokens[:, 1:])


def reshaped_for_transposed(logits, tokens):
    batch, context, vocabulary = logits[:, :-1].shape
    classes_second = logits[:, :-1].reshape(batch, vocabulary, context)
    return torch.nn.functional.cross_entropy(classes_second, tokens[:, 1:], reduction="none")


def sign_forgotten(logits, tokens):
    return pick(logits[:, :-1].log_softmax(-1), tokens[:, 1:])


def in_bits(logits, tokens):
    return -pick(logits[:, :-1].log_softmax(-1), tokens[:, 1:]) / math.log(2)


def log_of_a_softmax(logits, tokens):
    return -pick(logits[:, :-1].softmax(-1).log(), tokens[:, 1:])


def by_bare_exponentials(logits, tokens):
    exponentials = logits[:, :-1].exp()
    return -pick((exponentials / exponentials.sum(-1, keepdim=True)).log(), tokens[:, 1:])


def log_of_bare_exponentials(logits, tokens):
    return logits[:, :-1].exp().sum(dim=-1).log() - pick(logits[:, :-1], tokens[:, 1:])


def one_long_list(logits, tokens):
    return -pick(logits[:, :-1].log_softmax(-1), tokens[:, 1:]).flatten()


def by_cross_entropy(logits, tokens):
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none"
    )


def by_logsumexp(logits, tokens):
    predicting, predicted = logits[:, :-1], tokens[:, 1:]
    return predicting.logsumexp(dim=-1) - pick(predicting, predicted)


def in_loops(logits, tokens):
    batch, context = tokens.shape
    losses = torch.zeros(batch, context - 1)
    for i in range(batch):
        for t in range(context - 1):
            shifted = logits[i, t] - logits[i, t].max()
            losses[i, t] = torch.log(torch.exp(shifted).sum()) - shifted[tokens[i, t + 1]]
    return losses


EXERCISE = Exercise(
    id="09.next_token_loss",
    title="What the model pays for a token",
    reference=language_model.next_token_loss,
    minutes=10,
    difficulty=2,
    hints=(
        "The logits at position t are a prediction of the token at position t + 1. Which position "
        "of the logits has nothing to predict? Which token was predicted by nobody?",
        "`torch.log_softmax(..., dim=-1)` turns logits into log-probabilities over the vocabulary. "
        "Drop the last position of the logits and the first of the tokens, and they line up.",
        "To pick, at each position, the entry of one token: `log_probs.gather(-1, index)` with an "
        "index of shape [batch, context - 1, 1]; `tokens[:, 1:, None]` has it. Mind the last axis "
        "and the sign.",
    ),
    check=Check(
        draws.predictions,
        tested="four batches of raw logits, one of them of a model that is very sure",
    ),
    mistakes=(
        Mistake(
            predicts_itself,
            "You score each position on its own token, which the model has already seen. The "
            "logits at t predict the token at t + 1.",
        ),
        Mistake(
            predicts_the_one_before,
            "The shift goes the wrong way: you score the logits at t on the token at t − 1.",
        ),
        Mistake(
            last_logits_kept,
            "You dropped the first position of the logits as well as of the tokens, so they are "
            "level again. Of the logits it is the *last* that has nothing to predict.",
        ),
        Mistake(
            averaged,
            "You averaged. Keep one loss per token, [batch, context - 1]: later chapters ask which "
            "tokens an SAE hurts.",
        ),
        Mistake(
            logits_not_normalised,
            "These are logits, not log-probabilities: add the same number to all of them, and "
            "your loss changes. Take `log_softmax` over the vocabulary first.",
        ),
        Mistake(
            softmax_over_positions,
            "The softmax runs over positions. Each position spreads its probability over the "
            "vocabulary: the last axis.",
        ),
        Mistake(
            log_forgotten,
            "This is minus the probability. The loss is minus its logarithm.",
        ),
        Mistake(
            probability,
            "This is the probability of the token that came. The loss is minus its logarithm.",
        ),
        Mistake(
            reshaped_for_transposed,
            "You used `reshape` (or `view`) where axes have to change places: it keeps the numbers "
            "in their order and cuts them elsewhere, so vocabulary and positions are mixed. Use "
            "`.transpose(1, 2)`.",
        ),
        Mistake(
            sign_forgotten,
            "The sign: a log-probability is never above 0, a loss never below.",
        ),
        Mistake(
            in_bits,
            "This is in bits. The course, like PyTorch, counts in nats: the natural logarithm.",
        ),
        Mistake(
            log_of_a_softmax,
            "Right on paper, infinite on a sure model: in float32 a small probability is rounded "
            "to 0, and its logarithm is minus infinity. `log_softmax` takes both steps at once.",
        ),
        Mistake(
            by_bare_exponentials,
            "Right on paper, but exp(300) is infinite in float32, and then infinity is divided by "
            "infinity. `log_softmax` subtracts the largest logit first.",
        ),
        Mistake(
            log_of_bare_exponentials,
            "Right on paper, but exp(300) is infinite in float32, and so is the sum. `logsumexp` "
            "and `log_softmax` subtract the largest logit first.",
        ),
        Mistake(
            one_long_list,
            "The numbers are right, but in one long list. Keep the axes: [batch, context - 1].",
        ),
    ),
    alternatives=(by_cross_entropy, by_logsumexp, in_loops),
    why="It is the yardstick for everything that you will ever do to the inside of a model: "
    "ablations, steering and circuits are all measured in it.",
)
