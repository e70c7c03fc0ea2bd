"""Exercise 02.neuron_gradients: two paths, two gates."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu import toy_model, toy_neurons
from saeedu.course.ch02_geometry import draws
from saeedu.grading.exercise import Call, Check, Exercise, Mistake
from saeedu.toy_model import grad_outputs

NOTE = (
    "in some samples of instance 0 the weights of neuron 0 cancel, and feature 1 has neither "
    "weights nor bias: both stand on the kink"
)


def draw_models(rng: np.random.Generator) -> Iterator[Call]:
    for call, (n_instances, batch, n, m) in enumerate(
        ((3, 8, 5, 2), (2, 7, 4, 3), (4, 9, 6, 5), (5, 11, 3, 2))
    ):
        shape = (n_instances, batch, n)
        x = rng.uniform(0.1, 1.0, shape) * (rng.random(shape) < 0.7)
        W = draws.weights(rng, n_instances, m, n)
        b = rng.uniform(0.1, 0.6, (n_instances, n)) * rng.choice([-1, 1], (n_instances, n))
        importance = rng.uniform(0.3, 2.5, (n_instances, n) if call % 2 else (n,))
        axes = {"n_instances": n_instances, "batch": batch, "n": n, "m": m}
        if call == 3:
            W[:, :, 1] = 0.0
            b[:, 1] = 0.0
            # Halves, so that the sum is zero in whichever order it is taken; output 0 is on.
            x[0, :4, 0] = x[0, :4, 2] = 0.5
            W[0, 0, 2] = -W[0, 0, 0]
            W[0, 1] = np.abs(W[0, 1])
            b[0, 0] = np.abs(b[0, 0])
        yield Call((x, W, b, importance), axes=axes, note=NOTE if call == 3 else "")


def turned(array):
    return array.transpose(0, 2, 1)


def forward(x, W, b):
    neurons = np.maximum(x @ turned(W), 0)
    return neurons, np.maximum(neurons @ W + b[:, None, :], 0)


def finish(neurons, d_out, d_neurons, x):
    return turned(neurons) @ d_out + turned(d_neurons) @ x, d_out.sum(axis=1)


def hidden_layer_without_relu(x, W, b, importance):
    return toy_model.toy_gradients(x, W, b, importance)


def neurons_not_gated(x, W, b, importance):
    neurons, x_hat = forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance) * (x_hat > 0)
    return finish(neurons, d_out, d_out @ turned(W), x)


def outputs_not_gated(x, W, b, importance):
    neurons, x_hat = forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance)
    return finish(neurons, d_out, d_out @ turned(W) * (neurons > 0), x)


def no_gate_at_all(x, W, b, importance):
    neurons, x_hat = forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance)
    return finish(neurons, d_out, d_out @ turned(W), x)


def way_out_only(x, W, b, importance):
    neurons, x_hat = forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance) * (x_hat > 0)
    return turned(neurons) @ d_out, d_out.sum(axis=1)


def way_in_only(x, W, b, importance):
    neurons, x_hat = forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance) * (x_hat > 0)
    return turned(d_out @ turned(W) * (neurons > 0)) @ x, d_out.sum(axis=1)


def way_out_before_the_relu(x, W, b, importance):
    neurons, x_hat = forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance) * (x_hat > 0)
    return finish(x @ turned(W), d_out, d_out @ turned(W) * (neurons > 0), x)


def way_in_not_gated_by_the_outputs(x, W, b, importance):
    neurons, x_hat = forward(x, W, b)
    raw = grad_outputs(x_hat, x, importance)
    return finish(neurons, raw * (x_hat > 0), raw @ turned(W) * (neurons > 0), x)


def multiplied_by_the_neurons(x, W, b, importance):
    neurons, x_hat = forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance) * (x_hat > 0)
    return finish(neurons, d_out, d_out @ turned(W) * neurons, x)


def gate_of_the_gradient(x, W, b, importance):
    neurons, x_hat = forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance) * (x_hat > 0)
    return finish(neurons, d_out, np.maximum(d_out @ turned(W), 0), x)


def neurons_open_at_the_kink(x, W, b, importance):
    neurons, x_hat = forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance) * (x_hat > 0)
    return finish(neurons, d_out, d_out @ turned(W) * (x @ turned(W) >= 0), x)


def outputs_open_at_the_kink(x, W, b, importance):
    neurons, x_hat = forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance) * (neurons @ W + b[:, None, :] >= 0)
    return finish(neurons, d_out, d_out @ turned(W) * (neurons > 0), x)


def bias_not_gated(x, W, b, importance):
    dW, _ = toy_neurons.neuron_gradients(x, W, b, importance)
    return dW, grad_outputs(forward(x, W, b)[1], x, importance).sum(axis=1)


def outputs_of_chapter_01(x, W, b, importance):
    neurons, _ = forward(x, W, b)
    x_hat = toy_model.toy_forward(x, W, b)
    d_out = grad_outputs(x_hat, x, importance) * (x_hat > 0)
    return finish(neurons, d_out, d_out @ turned(W) * (neurons > 0), x)


def open_at_the_kink(x, W, b, importance):
    neurons = np.maximum(x @ turned(W), 0)
    out = neurons @ W + b[:, None, :]
    d_out = grad_outputs(np.maximum(out, 0), x, importance) * (out >= 0)
    return finish(neurons, d_out, d_out @ turned(W) * (x @ turned(W) >= 0), x)


def half_as_large(x, W, b, importance):
    dW, db = toy_neurons.neuron_gradients(x, W, b, importance)
    return dW / 2, db / 2


def batch_forgotten(x, W, b, importance):
    dW, db = toy_neurons.neuron_gradients(x, W, b, importance)
    return dW * x.shape[1], db * x.shape[1]


def importance_forgotten(x, W, b, importance):
    return toy_neurons.neuron_gradients(x, W, b, np.ones(x.shape[2]))


def bias_averaged(x, W, b, importance):
    dW, db = toy_neurons.neuron_gradients(x, W, b, importance)
    return dW, db / x.shape[1]


def with_einsum(x, W, b, importance):
    neurons = np.maximum(np.einsum("abi,aki->abk", x, W), 0)
    out = np.einsum("abk,aki->abi", neurons, W) + b[:, None]
    weight = np.broadcast_to(importance, b.shape)[:, None]
    d_out = np.where(out > 0, 2 * weight * (out - x), 0) / x.shape[1]
    d_neurons = np.where(neurons > 0, np.einsum("abi,aki->abk", d_out, W), 0)
    dW = np.einsum("abk,abi->aki", neurons, d_out) + np.einsum("abk,abi->aki", d_neurons, x)
    return dW, np.einsum("abi->ai", d_out)


def sample_by_sample(x, W, b, importance):
    dW, db = np.zeros(W.shape), np.zeros(b.shape)
    weight = np.broadcast_to(importance, b.shape)
    for a in range(len(x)):
        for sample in x[a]:
            before = W[a] @ sample
            out = W[a].T @ np.maximum(before, 0) + b[a]
            d = 2 * weight[a] * (out - sample) * (out > 0) / x.shape[1]
            dW[a] += np.outer(np.maximum(before, 0), d) + np.outer(
                (W[a] @ d) * (before > 0), sample
            )
            db[a] += d
    return dW, db


def gated_weights(x, W, b, importance):
    # A ReLU is a multiplication by its gate, so each sample sees its own linear model.
    gate = x @ turned(W) > 0
    neurons = x @ turned(W) * gate
    x_hat = np.maximum(neurons @ W + b[:, None, :], 0)
    d_out = grad_outputs(x_hat, x, importance)
    d_out[x_hat == 0] = 0
    return finish(neurons, d_out, (d_out @ turned(W)) * gate, x)


EXERCISE = Exercise(
    id="02.neuron_gradients",
    title="Two paths, two gates",
    reference=toy_neurons.neuron_gradients,
    minutes=14,
    difficulty=4,
    hints=(
        "Take your `toy_gradients` of chapter 01 and mark the places where the hidden values "
        "appear. The forward pass now has one more ReLU. Where must it show on the way back?",
        "W still acts twice. On the way out it multiplies the neurons' values *after* their ReLU. "
        "On the way in it made the values *before* it.",
        "The gradient that reaches the neurons is `d_out @ W.transpose(0, 2, 1)`, and it passes "
        "only where `neurons > 0`. What passes meets `x`.",
    ),
    check=Check(
        draw_models,
        tested="four stacks of models with silent and speaking neurons and outputs, some exactly "
        "on the kink",
    ),
    mistakes=(
        Mistake(
            hidden_layer_without_relu,
            "These are the gradients of chapter 01's model. Its hidden layer has no ReLU; this "
            "one has.",
        ),
        Mistake(
            neurons_not_gated,
            "The forward pass is right, but on the way back nothing stops at a silent neuron. A "
            "neuron at zero does not react to a small change of its weights.",
        ),
        Mistake(
            outputs_not_gated,
            "The neurons are gated, the outputs are not. There are two ReLUs, so two gates.",
        ),
        Mistake(no_gate_at_all, "Both gates are missing: one at the outputs, one at the neurons."),
        Mistake(way_out_only, "The way in is missing: W also made the neurons' values."),
        Mistake(way_in_only, "The way out is missing: W also reads the features back."),
        Mistake(
            way_out_before_the_relu,
            "On the way out you used the hidden values before their ReLU. What W multiplies there "
            "is what the neurons send: the values after it.",
        ),
        Mistake(
            way_in_not_gated_by_the_outputs,
            "On the way in you used the outputs' gradient before its gate. Gate it once, then use "
            "it for both paths.",
        ),
        Mistake(
            multiplied_by_the_neurons,
            "You multiplied by the neurons' values. A ReLU's slope is one or zero, however large "
            "the value: multiply by `neurons > 0`.",
        ),
        Mistake(
            gate_of_the_gradient,
            "You applied a ReLU to the gradient. The gate asks whether the *neuron* was on, not "
            "whether the gradient is positive.",
        ),
        Mistake(
            open_at_the_kink,
            "Your gates are open at exactly zero. By convention the slope there is zero: "
            "compare with > 0.",
        ),
        Mistake(
            neurons_open_at_the_kink,
            "The outputs' gate is right. The neurons' is open at exactly zero: compare the sum "
            "before the ReLU with > 0.",
        ),
        Mistake(
            outputs_open_at_the_kink,
            "The neurons' gate is right. The outputs' is open at exactly zero: compare the sum "
            "before the ReLU with > 0.",
        ),
        Mistake(
            bias_not_gated,
            "dW is right. In db you summed the outputs' gradient before its gate: a silent output "
            "does not react to its bias either.",
        ),
        Mistake(
            outputs_of_chapter_01,
            "Your outputs are those of chapter 01's `toy_forward`, without the ReLU on the hidden "
            "layer. Here they are `neurons @ W + b[:, None, :]`, through a ReLU.",
        ),
        Mistake(half_as_large, "You are off by exactly 2: the derivative of e² is 2e."),
        Mistake(batch_forgotten, "The 1/batch is missing. The loss is a mean over the batch."),
        Mistake(
            importance_forgotten, "The importance has no effect. Hand it on to `grad_outputs`."
        ),
        Mistake(
            bias_averaged,
            "The gradient of b is divided by the batch twice. `grad_outputs` did it already; sum "
            "here.",
        ),
    ),
    alternatives=(with_einsum, sample_by_sample, gated_weights),
    why="A gate at every ReLU, and the sum over all the ways in which a weight acts: these two "
    "rules are all that chapter 04 needs.",
)
