"""Exercise 01.toy_gradients: both paths, through the ReLU."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import toy_model
from saeedu.course.ch01_superposition import draws
from saeedu.grading.exercise import Check, Exercise, Mistake

grad_outputs = toy_model.grad_outputs


def turned(array):
    return array.transpose(0, 2, 1)


def finish(d_out, x, W):
    dW = turned(x @ turned(W)) @ d_out + turned(d_out @ turned(W)) @ x
    return dW, d_out.sum(axis=1)


def unmasked(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    return finish(grad_outputs(x_hat, x, importance), x, W)


def linear_all_the_way(x, W, b, importance):
    return toy_model.linear_gradients(x, W, b, importance)


def mask_from_x(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    return finish(grad_outputs(x_hat, x, importance) * (x > 0), x, W)


def mask_from_the_error(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    return finish(grad_outputs(x_hat, x, importance) * (x_hat > x), x, W)


def mask_without_the_bias(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    open_ = toy_model.linear_forward(x, W, 0 * b) > 0
    return finish(grad_outputs(x_hat, x, importance) * open_, x, W)


def open_at_the_kink(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    open_ = toy_model.linear_forward(x, W, b) >= 0
    return finish(grad_outputs(x_hat, x, importance) * open_, x, W)


def mask_upside_down(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    return finish(grad_outputs(x_hat, x, importance) * (x_hat <= 0), x, W)


def multiplied_by_the_outputs(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    return finish(grad_outputs(x_hat, x, importance) * x_hat, x, W)


def bias_unmasked(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance)
    return finish(d_out * (x_hat > 0), x, W)[0], d_out.sum(axis=1)


def only_the_bias_masked(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance)
    return finish(d_out, x, W)[0], (d_out * (x_hat > 0)).sum(axis=1)


def way_in_unmasked(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance)
    masked = d_out * (x_hat > 0)
    return turned(x @ turned(W)) @ masked + turned(d_out @ turned(W)) @ x, masked.sum(axis=1)


def way_out_only(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance) * (x_hat > 0)
    return turned(x @ turned(W)) @ d_out, d_out.sum(axis=1)


def way_in_only(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance) * (x_hat > 0)
    return turned(d_out @ turned(W)) @ x, d_out.sum(axis=1)


def two_forgotten(x, W, b, importance):
    dW, db = toy_model.toy_gradients(x, W, b, importance)
    return dW / 2, db / 2


def batch_forgotten(x, W, b, importance):
    dW, db = toy_model.toy_gradients(x, W, b, importance)
    return dW * x.shape[1], db * x.shape[1]


def divided_by_the_instances(x, W, b, importance):
    factor = x.shape[1] / len(x)
    dW, db = toy_model.toy_gradients(x, W, b, importance)
    return dW * factor, db * factor


def importance_forgotten(x, W, b, importance):
    return toy_model.toy_gradients(x, W, b, np.ones(x.shape[2]))


def wrong_sign(x, W, b, importance):
    dW, db = toy_model.toy_gradients(x, W, b, importance)
    return -dW, -db


def bias_averaged(x, W, b, importance):
    dW, db = toy_model.toy_gradients(x, W, b, importance)
    return dW, db / x.shape[1]


def hidden_values_masked(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance) * (x_hat > 0)
    hidden = x @ turned(W)
    d_hidden = (d_out @ turned(W)) * (hidden > 0)
    return turned(hidden) @ d_out + turned(d_hidden) @ x, d_out.sum(axis=1)


def error_before_the_relu(x, W, b, importance):
    # Right too: where the mask is open, the output before the ReLU is the output after it.
    out = toy_model.linear_forward(x, W, b)
    return finish(grad_outputs(out, x, importance) * (out > 0), x, W)


def with_einsum(x, W, b, importance):
    out = np.einsum("kbj,kij,kil->kbl", x, W, W) + b[:, None]
    weight = np.broadcast_to(importance, b.shape)
    d_out = np.where(out > 0, 2 * (out - x), 0) * weight[:, None] / x.shape[1]
    both = np.einsum("kbj,kbl->kjl", x, d_out)
    return W @ (both + turned(both)), d_out.sum(axis=1)


def with_loops(x, W, b, importance):
    dW, db = np.zeros(W.shape), np.zeros(b.shape)
    weight = np.broadcast_to(importance, b.shape)
    for k in range(len(x)):
        for sample in x[k]:
            hidden = W[k] @ sample
            out = W[k].T @ hidden + b[k]
            d = 2 * weight[k] * (np.maximum(out, 0) - sample) * (out > 0) / len(x[k])
            dW[k] += np.outer(hidden, d) + np.outer(W[k] @ d, sample)
            db[k] += d
    return dW, db


def mask_in_place(x, W, b, importance):
    x_hat = toy_model.toy_forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance)
    d_out[x_hat == 0] = 0
    return finish(d_out, x, W)


EXERCISE = Exercise(
    id="01.toy_gradients",
    title="Both paths, through the ReLU",
    reference=toy_model.toy_gradients,
    minutes=8,
    difficulty=3,
    hints=(
        "Take your linear gradients and ask at which line the ReLU comes in. Before it, nothing "
        "else differs; after it, nothing at all.",
        "An output that the ReLU has silenced does not move when its input moves a little. Its "
        "gradient must be zero before it is handed on to W and b.",
        "Multiply what `grad_outputs` returns by a mask: one where the output is above zero. "
        "Take the outputs from your `toy_forward`. Both paths and b use the masked array.",
    ),
    check=Check(
        draws.gradient_calls,
        tested="four stacks of models with silent and speaking outputs, one exactly on the kink",
    ),
    mistakes=(
        Mistake(
            unmasked,
            "The ReLU's mask is missing. A silent output does not react to a small change, so its "
            "error must not push on W or b.",
        ),
        Mistake(
            linear_all_the_way,
            "These are the gradients of the linear model. Use `toy_forward` for the outputs, and "
            "let nothing pass back through an output that is silent.",
        ),
        Mistake(
            mask_from_x,
            "You took the mask from x. What matters is whether the *output* is above zero: an "
            "output can speak although its feature is absent, and that error is interference.",
        ),
        Mistake(
            mask_from_the_error,
            "You let the gradient pass where the output is too large. It passes wherever the "
            "output is above zero, whether too large or too small.",
        ),
        Mistake(
            mask_without_the_bias,
            "You took the mask before the bias was added. The ReLU acts on the sum, bias included.",
        ),
        Mistake(
            open_at_the_kink,
            "The mask is open at exactly zero. By convention, here and in PyTorch, the slope at "
            "the kink is zero: compare with > 0.",
        ),
        Mistake(
            mask_upside_down,
            "The mask is upside down: you let the silent outputs pass and stopped the others.",
        ),
        Mistake(
            multiplied_by_the_outputs,
            "You multiplied by the output itself. The slope of a ReLU is one or zero, however "
            "large its output: multiply by `x_hat > 0`.",
        ),
        Mistake(
            bias_unmasked,
            "dW is right, but b's gradient skipped the mask. The bias stands inside the ReLU too.",
        ),
        Mistake(
            only_the_bias_masked,
            "b's gradient is right, but dW skipped the mask.",
        ),
        Mistake(
            way_in_unmasked,
            "The way out is masked, the way in is not. Mask `d_out` once, before you use it for "
            "either.",
        ),
        Mistake(
            way_out_only,
            "The way in is missing: W also made the hidden values.",
        ),
        Mistake(
            way_in_only,
            "The way out is missing: W also reads the features back.",
        ),
        Mistake(
            two_forgotten,
            "You are off by exactly 2: the derivative of e² is 2e.",
        ),
        Mistake(
            batch_forgotten,
            "The 1/batch is missing. The loss is a mean over the batch.",
        ),
        Mistake(
            divided_by_the_instances,
            "You divided by the number of instances. `len(x)` counts the first axis, and here the "
            "batch is the second: `x.shape[1]`.",
        ),
        Mistake(
            importance_forgotten,
            "The importance has no effect. Hand it on to `grad_outputs`.",
        ),
        Mistake(
            wrong_sign,
            "Everything has the wrong sign: the error is x_hat - x.",
        ),
        Mistake(
            bias_averaged,
            "The gradient of b is divided by the batch twice. `grad_outputs` did it already; sum "
            "here.",
        ),
        Mistake(
            hidden_values_masked,
            "You masked the hidden values as well. They have no ReLU in this model.",
        ),
    ),
    alternatives=(with_einsum, with_loops, mask_in_place, error_before_the_relu),
    why="With these two arrays and a learning rate, features begin to move. A sparse "
    "autoencoder's gradients in chapter 04 are built from the same parts.",
)
