"""Exercise 01.one_at_a_time: what a model says when a single feature is on."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu import toy_model
from saeedu.course.ch01_superposition import draws
from saeedu.grading.exercise import Call, Check, Exercise, Mistake


def draw_models(rng: np.random.Generator) -> Iterator[Call]:
    for problem in draws.problems(rng):
        axes = {name: size for name, size in problem.axes.items() if name != "batch"}
        yield Call((problem.W, problem.b), axes=axes, note=problem.note)


def turned(array):
    return array.transpose(0, 2, 1)


def no_relu(W, b):
    return turned(W) @ W + b[:, None, :]


def no_bias(W, b):
    return np.maximum(turned(W) @ W, 0)


def bias_after_the_relu(W, b):
    return np.maximum(turned(W) @ W, 0) + b[:, None, :]


def outputs_as_rows(W, b):
    return np.maximum(turned(W) @ W + b[:, :, None], 0)


def hidden_overlaps(W, b):
    return np.maximum(W @ turned(W), 0)


def overlaps_alone(W, b):
    return turned(W) @ W


def only_its_own_answer(W, b):
    return np.maximum(np.sum(W**2, axis=1) + b, 0)


def others_only(W, b):
    return np.maximum(turned(W) @ W + b[:, None, :], 0) * (1 - np.eye(W.shape[2]))


def cosines(W, b):
    unit = W / np.maximum(np.linalg.norm(W, axis=1, keepdims=True), 1e-12)
    return np.maximum(turned(unit) @ unit + b[:, None, :], 0)


def all_on_together(W, b):
    everything = np.ones((len(W), 1, W.shape[2]))
    return toy_model.toy_forward(everything, W, b)


def first_model_only(W, b):
    return np.maximum(W[0].T @ W[0] + b[:, None, :], 0)


def through_the_model(W, b):
    identity = np.eye(W.shape[2])
    return toy_model.toy_forward(np.stack([identity] * len(W)), W, b)


def with_einsum(W, b):
    out = np.einsum("kmi,kmj->kij", W, W) + b[:, np.newaxis]
    return out * (out > 0)


def feature_by_feature(W, b):
    k, _, n = W.shape
    out = np.zeros((k, n, n))
    for i in range(n):
        out[:, i] = [np.clip(w.T @ w[:, i] + c, 0, None) for w, c in zip(W, b, strict=True)]
    return out


EXERCISE = Exercise(
    id="01.one_at_a_time",
    title="One feature at a time",
    reference=toy_model.one_at_a_time,
    minutes=5,
    difficulty=2,
    hints=(
        "A sample in which only feature i is on, fully, is a row with a single 1. All such samples "
        "together form a matrix that you know by name.",
        "They are the rows of the identity. You can push `np.eye(n)` through your `toy_forward`, "
        "if you give it an instance axis; or ask what W^T W times the identity is.",
        "Entry [i, j] of W^T W is how much of feature i arrives at output j. Add b[j], for every "
        "row alike, and let the ReLU act.",
    ),
    check=Check(draw_models, tested="four stacks of models, with biases of both signs"),
    mistakes=(
        Mistake(
            no_relu,
            "Some answers are negative: the ReLU is missing.",
        ),
        Mistake(
            no_bias,
            "The bias is missing. It is the same in every row: it does not know which feature is "
            "on.",
        ),
        Mistake(
            bias_after_the_relu,
            "The bias is added after the ReLU. Inside, a negative bias makes a small overlap "
            "vanish; outside, it cannot.",
        ),
        Mistake(
            outputs_as_rows,
            "Rows and columns have changed roles: you added the bias of the feature that is on. "
            "It belongs to the output, the last axis.",
        ),
        Mistake(
            hidden_overlaps,
            "W W^T is [m, m]: how the hidden dimensions overlap. You need the features' overlaps, "
            "[n, n].",
        ),
        Mistake(
            overlaps_alone,
            "These are the overlaps W^T W. The model still adds its bias and applies the ReLU.",
        ),
        Mistake(
            only_its_own_answer,
            "This is the answer of the feature's own output. What the other outputs say is the "
            "interesting part.",
        ),
        Mistake(
            others_only,
            "You set the diagonal to zero. The feature's own answer belongs there.",
        ),
        Mistake(
            cosines,
            "You made the features length one first. The model works with the lengths that it has.",
        ),
        Mistake(
            all_on_together,
            "You switched all features on at once. Switch on one for each row.",
        ),
        Mistake(
            first_model_only,
            "Every instance shows the overlaps of instance 0. Each has weights of its own.",
        ),
    ),
    alternatives=(through_the_model, with_einsum, feature_by_feature),
    why="Off the diagonal stands the price of superposition. Chapter 02 turns it into numbers, and "
    "chapter 03 meets it in an encoder.",
)
