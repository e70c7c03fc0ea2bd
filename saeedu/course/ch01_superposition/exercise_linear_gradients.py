"""Exercise 01.linear_gradients: one matrix, two paths."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import toy_model
from saeedu.course.ch01_superposition import draws
from saeedu.grading.exercise import Check, Exercise, Mistake

grad_outputs = toy_model.grad_outputs


def turned(array):
    return array.transpose(0, 2, 1)


def paths(x, W, b, importance):
    """The gradient with respect to the outputs, and the two paths of W."""
    d_out = grad_outputs(toy_model.linear_forward(x, W, b), x, importance)
    return d_out, turned(x @ turned(W)) @ d_out, turned(d_out @ turned(W)) @ x


def reading_path_only(x, W, b, importance):
    d_out, reading, _ = paths(x, W, b, importance)
    return reading, d_out.sum(axis=1)


def writing_path_only(x, W, b, importance):
    d_out, _, writing = paths(x, W, b, importance)
    return writing, d_out.sum(axis=1)


def reading_path_twice(x, W, b, importance):
    d_out, reading, _ = paths(x, W, b, importance)
    return 2 * reading, d_out.sum(axis=1)


def writing_path_subtracted(x, W, b, importance):
    d_out, reading, writing = paths(x, W, b, importance)
    return reading - writing, d_out.sum(axis=1)


def paths_averaged(x, W, b, importance):
    d_out, reading, writing = paths(x, W, b, importance)
    return (reading + writing) / 2, d_out.sum(axis=1)


def bias_averaged(x, W, b, importance):
    d_out, reading, writing = paths(x, W, b, importance)
    return reading + writing, d_out.mean(axis=1)


def bias_not_summed(x, W, b, importance):
    d_out, reading, writing = paths(x, W, b, importance)
    return reading + writing, d_out


def order_swapped(x, W, b, importance):
    d_out, reading, writing = paths(x, W, b, importance)
    return d_out.sum(axis=1), reading + writing


def importance_forgotten(x, W, b, importance):
    d_out, reading, writing = paths(x, W, b, np.ones(x.shape[2]))
    return reading + writing, d_out.sum(axis=1)


def batch_divided_twice(x, W, b, importance):
    d_out, reading, writing = paths(x, W, b, importance)
    return (reading + writing) / x.shape[1], d_out.sum(axis=1)


def hidden_gradient_uses_x(x, W, b, importance):
    d_out, reading, _ = paths(x, W, b, importance)
    return reading + turned(x @ turned(W)) @ x, d_out.sum(axis=1)


def mask_too_soon(x, W, b, importance):
    return toy_model.toy_gradients(x, W, b, importance)


def returned_transposed(x, W, b, importance):
    d_out, reading, writing = paths(x, W, b, importance)
    return turned(reading + writing), d_out.sum(axis=1)


def with_einsum(x, W, b, importance):
    d_out = grad_outputs(toy_model.linear_forward(x, W, b), x, importance)
    both = np.einsum("kbj,kbl->kjl", x, d_out)
    return np.einsum("kij,kjl->kil", W, both + turned(both)), np.einsum("kbn->kn", d_out)


def with_loops(x, W, b, importance):
    d_out = grad_outputs(toy_model.linear_forward(x, W, b), x, importance)
    dW = np.zeros(W.shape)
    for k in range(len(x)):
        for sample, d in zip(x[k], d_out[k], strict=True):
            dW[k] += np.outer(W[k] @ sample, d) + np.outer(W[k] @ d, sample)
    return dW, np.array([d.sum(axis=0) for d in d_out])


def as_a_list_in_float32(x, W, b, importance):
    x, W, b = (array.astype(np.float32) for array in (x, W, b))
    d_out, reading, writing = paths(x, W, b, importance.astype(np.float32))
    return [reading + writing, d_out.sum(axis=1)]


EXERCISE = Exercise(
    id="01.linear_gradients",
    title="One matrix, two paths",
    reference=toy_model.linear_gradients,
    minutes=10,
    difficulty=3,
    hints=(
        "W is used twice, so it collects two gradients, and they add. The scaffold has the one "
        "for the way out. The way in is `hidden = x @ W^T`: which array plays the part of the "
        "input there, and which is the gradient with respect to its result?",
        "First go back from the outputs to the hidden values: `d_hidden` must be "
        "[n_instances, batch, m]. Only one product of `d_out` with a form of W has that shape.",
        "Now `d_hidden` [batch, m] and `x` [batch, n] share the batch axis, and you want [m, n]. "
        "Contract the batch, as in `reading`.",
        "`b` is added to every sample of its instance, so its gradient is the sum of `d_out` over "
        "the batch, axis 1. The 1/batch is in `d_out` already.",
    ),
    check=Check(
        draws.gradient_calls,
        tested="four stacks of models, both paths at work, importance by feature and by instance",
    ),
    mistakes=(
        Mistake(
            reading_path_only,
            "The way in is missing. W also made the hidden values, so moving W moves them too: a "
            "second path, which is added to the first.",
        ),
        Mistake(
            writing_path_only,
            "The way out is missing. W also reads the features back from the hidden values: that "
            "path is `reading`, and both are added.",
        ),
        Mistake(
            reading_path_twice,
            "You counted the way out twice. The two paths look alike but are not equal: one pairs "
            "`hidden` with `d_out`, the other `d_hidden` with `x`.",
        ),
        Mistake(
            writing_path_subtracted,
            "You subtracted the way in. Both uses of W have a plus sign, so both gradients do. (In "
            "chapter 04 you will meet a path with a minus.)",
        ),
        Mistake(
            paths_averaged,
            "You took the mean of the two paths. Where a parameter is used twice, its gradients "
            "add up.",
        ),
        Mistake(
            bias_averaged,
            "The gradient of b is divided by the batch twice. `grad_outputs` did it already; sum "
            "here.",
        ),
        Mistake(
            bias_not_summed,
            "The gradient of b still has a batch axis. One b serves all samples of its instance: "
            "sum over axis 1.",
        ),
        Mistake(
            order_swapped,
            "You returned (db, dW). The docstring promises (dW, db).",
        ),
        Mistake(
            importance_forgotten,
            "The importance has no effect. Hand it on to `grad_outputs`.",
        ),
        Mistake(
            batch_divided_twice,
            "dW is divided by the batch twice. `grad_outputs` did it already.",
        ),
        Mistake(
            hidden_gradient_uses_x,
            "For the way in you paired the hidden *values* with x. It is their *gradient* that is "
            "paired with x: `d_hidden`, which comes from `d_out`.",
        ),
        Mistake(
            mask_too_soon,
            "These are the gradients of the model with a ReLU. The linear model has no mask.",
        ),
        Mistake(
            returned_transposed,
            "dW is turned round: [n, m]. A gradient has the shape of what it is the gradient of.",
        ),
    ),
    alternatives=(with_einsum, with_loops, as_a_list_in_float32),
    why="A parameter that is used twice collects a gradient from each use. Chapter 04 meets the "
    "same rule in b_dec.",
    scaffold="""
d_out = grad_outputs(linear_forward(x, W, b), x, importance)  # [n_instances, batch, n]
hidden = x @ W.transpose(0, 2, 1)  # [n_instances, batch, m]
reading = hidden.transpose(0, 2, 1) @ d_out  # W as the way out of the hidden space
d_hidden = ...  # how the loss changes with the hidden values
writing = ...  # W as the way in
""",
)
