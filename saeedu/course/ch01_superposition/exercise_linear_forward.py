"""Exercise 01.linear_forward: squeeze the features in and read them back."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import toy_model
from saeedu.course.ch01_superposition import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def bias_left_out(x, W, b):
    return x @ W.transpose(0, 2, 1) @ W


def stopped_half_way(x, W, b):
    return x @ W.transpose(0, 2, 1)


def relu_already(x, W, b):
    return np.maximum(x @ W.transpose(0, 2, 1) @ W + b[:, None, :], 0)


def bias_before_the_squeeze(x, W, b):
    return (x + b[:, None, :]) @ W.transpose(0, 2, 1) @ W


def bias_subtracted(x, W, b):
    return x @ W.transpose(0, 2, 1) @ W - b[:, None, :]


def one_model_for_all(x, W, b):
    return x @ W[0].T @ W[0] + b[:, None, :]


def all_axes_reversed(x, W, b):
    return x @ W.T @ W + b[:, None, :]


def transposed_on_the_way_out(x, W, b):
    return x @ W.transpose(0, 2, 1) @ W.transpose(0, 2, 1) + b[:, None, :]


def bias_lined_up_with_the_batch(x, W, b):
    return x @ W.transpose(0, 2, 1) @ W + b


def bias_as_a_column(x, W, b):
    return x @ W.transpose(0, 2, 1) @ W + b[:, :, None]


def residual_added(x, W, b):
    return x + x @ W.transpose(0, 2, 1) @ W + b[:, None, :]


def with_einsum(x, W, b):
    hidden = np.einsum("kbj,kij->kbi", x, W)
    return np.einsum("kbi,kij->kbj", hidden, W) + np.expand_dims(b, 1)


def overlaps_first(x, W, b):
    return x @ (np.swapaxes(W, 1, 2) @ W) + b[:, np.newaxis]


def with_loops(x, W, b):
    out = np.zeros(x.shape)
    for k in range(len(x)):
        for s in range(x.shape[1]):
            out[k, s] = W[k].T @ (W[k] @ x[k, s]) + b[k]
    return out


EXERCISE = Exercise(
    id="01.linear_forward",
    title="Squeeze in, read back",
    reference=toy_model.linear_forward,
    minutes=5,
    difficulty=1,
    hints=(
        "Write the shape under every factor. The hidden values are [n_instances, batch, m]; you "
        "want [n_instances, batch, n] back. Which array has an m and an n?",
        "On the way in, W stood transposed. On the way out, it stands as it is: "
        "`hidden @ W` multiplies, for each instance, [batch, m] by [m, n].",
        "Then the bias: [n_instances, n] has to line up with [n_instances, batch, n]. "
        "`b[:, None, :]` gives it an axis of length one where the batch is.",
    ),
    check=Check(
        draws.forward_calls,
        tested="four stacks of models of different sizes, every instance with its own weights",
    ),
    mistakes=(
        Mistake(
            bias_left_out,
            "The bias is missing. It is added at the end, to every sample of its instance.",
        ),
        Mistake(
            stopped_half_way,
            "These are the hidden values, [n_instances, batch, m]. The model still has to read the "
            "n features back from them.",
        ),
        Mistake(
            relu_already,
            "There is a ReLU at the end. This model has none; the one that does comes later in the "
            "chapter, and the difference between the two is the point of it.",
        ),
        Mistake(
            bias_before_the_squeeze,
            "You added the bias to x, before the squeeze. It is added to the outputs, after W has "
            "been used both times.",
        ),
        Mistake(
            bias_subtracted,
            "The bias is subtracted. Here it is added to the outputs.",
        ),
        Mistake(
            one_model_for_all,
            "Every instance used the weights of instance 0. `W[0]` picks one model; `x @ W...` on "
            "the whole stack uses each instance's own.",
        ),
        Mistake(
            all_axes_reversed,
            "What stands right after x must be [n, m] for each instance: the last two axes of W "
            "change places, the instances stay first. W as it is has them the other way round, "
            "and `W.T` reverses all three. Use `W.transpose(0, 2, 1)`.",
        ),
        Mistake(
            transposed_on_the_way_out,
            "W is transposed on the way out as well. The hidden values have m entries, so what "
            "follows them must be [m, n]: W as it is.",
        ),
        Mistake(
            bias_lined_up_with_the_batch,
            "NumPy lines shapes up from the right, so `b` as it is puts the instances next to the "
            "batch. Give it an axis: `b[:, None, :]`.",
        ),
        Mistake(
            bias_as_a_column,
            "You put the new axis of b at its end, so the features line up with the batch. It "
            "belongs in the middle, where the batch is.",
        ),
        Mistake(
            residual_added,
            "You added x itself to the answer. Then nothing would have to pass through the hidden "
            "dimensions at all.",
        ),
    ),
    alternatives=(with_einsum, overlaps_first, with_loops),
    why="The residual stream of a language model, the running sum that its layers read and write, "
    "is thought to hold features in this way: as directions, more of them than dimensions.",
    scaffold="hidden = x @ W.transpose(0, 2, 1)  # [n_instances, batch, m]",
)
