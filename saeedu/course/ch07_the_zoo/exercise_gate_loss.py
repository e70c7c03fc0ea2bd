"""Exercise 07.gate_loss: the auxiliary loss through a frozen decoder."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu.course.ch07_the_zoo import draws
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.sae import gated


def error(x_hat, x):
    return ((x_hat - x) ** 2).sum(dim=1).mean()


def nothing_frozen(gates, W_dec, b_dec, x):
    return error(gates @ W_dec + b_dec, x)


def bias_not_frozen(gates, W_dec, b_dec, x):
    return error(gates @ W_dec.detach() + b_dec, x)


def rows_not_frozen(gates, W_dec, b_dec, x):
    return error(gates @ W_dec + b_dec.detach(), x)


def gates_frozen(gates, W_dec, b_dec, x):
    return error(gates.detach() @ W_dec + b_dec, x)


def everything_frozen(gates, W_dec, b_dec, x):
    return error(gates.detach() @ W_dec.detach() + b_dec.detach(), x)


def frozen_for_good(gates, W_dec, b_dec, x):
    W_dec.requires_grad_(False)
    b_dec.requires_grad_(False)
    return error(gates @ W_dec + b_dec, x)


def bias_forgotten(gates, W_dec, b_dec, x):
    return error(gates @ W_dec.detach(), x)


def bias_subtracted_from_the_rebuilt(gates, W_dec, b_dec, x):
    return error(gates @ W_dec.detach() - b_dec.detach(), x)


def sum_over_batch(gates, W_dec, b_dec, x):
    return ((gates @ W_dec.detach() + b_dec.detach() - x) ** 2).sum()


def mean_over_everything(gates, W_dec, b_dec, x):
    return ((gates @ W_dec.detach() + b_dec.detach() - x) ** 2).mean()


def length_not_squared(gates, W_dec, b_dec, x):
    return (gates @ W_dec.detach() + b_dec.detach() - x).norm(dim=1).mean()


def open_or_shut(gates, W_dec, b_dec, x):
    on = (gates > 0).to(gates.dtype) + 0 * gates
    return error(on @ W_dec.detach() + b_dec.detach(), x)


def one_loss_a_sample(gates, W_dec, b_dec, x):
    return ((gates @ W_dec.detach() + b_dec.detach() - x) ** 2).sum(dim=1)


def plain_number(gates, W_dec, b_dec, x):
    return error(gates @ W_dec.detach() + b_dec.detach(), x).item()


def rows_made_unit(gates, W_dec, b_dec, x):
    rows = torch.nn.functional.normalize(W_dec.detach(), dim=1)
    return error(gates @ rows + b_dec.detach(), x)


def bias_counted_twice(gates, W_dec, b_dec, x):
    return error(gates @ W_dec.detach() + b_dec.detach(), x - b_dec.detach())


def against_the_centred(gates, W_dec, b_dec, x):
    missing = (x - b_dec.detach()) - gates @ W_dec.detach()
    return missing.square().sum(-1).mean(0)


def with_data(gates, W_dec, b_dec, x):
    rebuilt = torch.addmm(b_dec.data, gates, W_dec.data)
    return torch.nn.functional.mse_loss(rebuilt, x, reduction="sum") / len(x)


def copied_first(gates, W_dec, b_dec, x):
    with torch.no_grad():
        rows, bias = W_dec.clone(), b_dec.clone()
    return torch.einsum("bs,sd->bd", gates, rows).add(bias).sub(x).pow(2).sum() / x.shape[0]


EXERCISE = Exercise(
    id="07.gate_loss",
    title="Teach the gate, and only the gate",
    reference=gated.gate_loss,
    minutes=8,
    difficulty=2,
    hints=(
        "It is the reconstruction loss that you know, with the gates in the place of the latents. "
        "What must not learn from it?",
        "`tensor.detach()` is the same numbers without a history: a gradient stops there. Two "
        "tensors belong to the decoder.",
        "Rebuild with `W_dec.detach()` and `b_dec.detach()`, square the error, sum over d_in, "
        "average over the batch.",
    ),
    check=Check(
        draws.frozen_decoders,
        tested="three batches: the value, the gradient for the gates, and none for the decoder",
        observe=draws.with_gradients("gates", "W_dec", "b_dec"),
    ),
    mistakes=(
        Mistake(
            nothing_frozen,
            "The value is right, but the decoder gets a gradient. It would learn to rebuild from "
            "gates, which L1 has shrunk: detach `W_dec` and `b_dec`.",
        ),
        Mistake(
            bias_not_frozen,
            "The value is right, but `b_dec` still gets a gradient. It is part of the decoder.",
        ),
        Mistake(
            rows_not_frozen,
            "The value is right, but `W_dec` still gets a gradient: detach it as well.",
        ),
        Mistake(
            gates_frozen,
            "You froze the wrong side: the gates get no gradient, and the decoder does. This loss "
            "is there to teach the gates.",
        ),
        Mistake(
            everything_frozen,
            "Everything is detached, so nothing learns. The gates must stay attached.",
        ),
        Mistake(
            frozen_for_good,
            "You switched the decoder itself off: after `requires_grad_(False)` it never learns "
            "again, from no loss. `detach()` freezes it for this one computation.",
        ),
        Mistake(bias_forgotten, "`b_dec` is missing from the reconstruction."),
        Mistake(bias_subtracted_from_the_rebuilt, "The decoder *adds* `b_dec`; you subtracted it."),
        Mistake(
            sum_over_batch,
            "You summed over the batch too. Over samples it is a mean, as in the other two terms.",
        ),
        Mistake(
            mean_over_everything,
            "You averaged over d_in too. Then this term weighs d_in times less than the "
            "reconstruction beside it. Sum over d_in.",
        ),
        Mistake(length_not_squared, "These are lengths. The reconstruction loss squares them."),
        Mistake(
            open_or_shut,
            "You rebuilt from 0 or 1. A step sends no gradient: use the gates' values.",
        ),
        Mistake(one_loss_a_sample, "You have one loss for each sample. Average over the batch."),
        Mistake(
            plain_number,
            "The value is right, but it is a plain number: no gradient can flow through one. Leave "
            "out `.item()`.",
        ),
        Mistake(
            rows_made_unit,
            "You scaled the rows to unit norm. Use the decoder as it is; another step keeps its "
            "rows in order.",
        ),
        Mistake(
            bias_counted_twice,
            "`b_dec` counts twice: added to what is rebuilt, and taken off x. Do one of the two.",
        ),
    ),
    alternatives=(against_the_centred, with_data, copied_first),
    why="AuxK, too, froze what was to stay as it is: an auxiliary loss should teach one pupil.",
)
