"""Exercise 01.toy_forward: the same model with a ReLU on its outputs."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import toy_model
from saeedu.course.ch01_superposition import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def relu(z):
    return np.maximum(z, 0)


def no_relu(x, W, b):
    return x @ W.transpose(0, 2, 1) @ W + b[:, None, :]


def relu_on_the_hidden_values(x, W, b):
    return relu(x @ W.transpose(0, 2, 1)) @ W + b[:, None, :]


def relu_twice(x, W, b):
    return relu(relu(x @ W.transpose(0, 2, 1)) @ W + b[:, None, :])


def bias_after_the_relu(x, W, b):
    return relu(x @ W.transpose(0, 2, 1) @ W) + b[:, None, :]


def bias_left_out(x, W, b):
    return relu(x @ W.transpose(0, 2, 1) @ W)


def bias_subtracted(x, W, b):
    return relu(x @ W.transpose(0, 2, 1) @ W - b[:, None, :])


def absolute_value(x, W, b):
    return np.abs(x @ W.transpose(0, 2, 1) @ W + b[:, None, :])


def clipped_at_one(x, W, b):
    return np.clip(x @ W.transpose(0, 2, 1) @ W + b[:, None, :], 0, 1)


def softplus(x, W, b):
    return np.log1p(np.exp(x @ W.transpose(0, 2, 1) @ W + b[:, None, :]))


def kept_the_negative_part(x, W, b):
    return np.minimum(x @ W.transpose(0, 2, 1) @ W + b[:, None, :], 0)


def only_the_mask(x, W, b):
    return (x @ W.transpose(0, 2, 1) @ W + b[:, None, :] > 0).astype(float)


def with_where(x, W, b):
    out = np.einsum("kbj,kij,kil->kbl", x, W, W) + b[:, None]
    return np.where(out > 0, out, 0)


def in_place(x, W, b):
    out = x @ np.swapaxes(W, 1, 2) @ W
    out += b[:, None, :]
    out[out < 0] = 0
    return out


def in_float32_by_instance(x, W, b):
    answers = [xs @ w.T @ w + c for xs, w, c in zip(x, W, b, strict=True)]
    return np.stack(answers).clip(min=0).astype(np.float32)


EXERCISE = Exercise(
    id="01.toy_forward",
    title="Add the ReLU",
    reference=toy_model.toy_forward,
    minutes=3,
    difficulty=1,
    hints=(
        "All but the last step is a function that you have written.",
        "The ReLU acts on what comes out at the very end, the bias included. The hidden values "
        "stay as they are.",
        "`np.maximum(..., 0)` is the ReLU. What you put in its place of dots is one call.",
    ),
    check=Check(
        draws.forward_calls,
        tested="four stacks of models, with outputs of both signs before the ReLU",
    ),
    mistakes=(
        Mistake(
            no_relu,
            "There is no ReLU yet: some of your outputs are negative.",
        ),
        Mistake(
            relu_on_the_hidden_values,
            "The ReLU is on the hidden values. In this model they may be negative; the ReLU acts "
            "on the outputs.",
        ),
        Mistake(
            relu_twice,
            "The outputs have their ReLU, but the hidden values have one too. They must be free to "
            "be negative.",
        ),
        Mistake(
            bias_after_the_relu,
            "The bias is added after the ReLU. It has to be inside, where a negative bias can "
            "silence an output altogether.",
        ),
        Mistake(
            bias_left_out,
            "The bias is missing. In this chapter it does half of the work.",
        ),
        Mistake(
            bias_subtracted,
            "The bias is subtracted. It is added, inside the ReLU.",
        ),
        Mistake(
            absolute_value,
            "You took absolute values: what is negative has become positive. A ReLU makes it zero.",
        ),
        Mistake(
            clipped_at_one,
            "You also cut the outputs at one. A ReLU has no upper end.",
        ),
        Mistake(
            softplus,
            "This is the softplus, a smooth relative of the ReLU. It is never exactly zero.",
        ),
        Mistake(
            kept_the_negative_part,
            "You kept the negative part and threw the positive one away. `np.maximum` with 0 is "
            "the ReLU, `np.minimum` its opposite.",
        ),
        Mistake(
            only_the_mask,
            "This says only whether each output is on. The ReLU passes the value of those that "
            "are.",
        ),
    ),
    alternatives=(with_where, in_place, in_float32_by_instance),
    why="This one ReLU is the difference between a model that keeps m features and one that keeps "
    "more.",
)
