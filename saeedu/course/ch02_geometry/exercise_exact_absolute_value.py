"""Exercise 02.exact_absolute_value: two neurons for every feature."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from saeedu import toy_absolute
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake


def draw_sizes(rng: np.random.Generator) -> Iterator[Call]:
    for n in (3, 1, 5, int(rng.integers(6, 9))):
        yield Call((n,), axes={"n": n, "2n": 2 * n})


def answers(implementation: Implementation, call: Call) -> Any:
    """What the weights compute: their neurons may come in any order and any scale."""
    (n,) = call.args
    result = implementation(n)
    if result is None:
        return None  # the comparison has a sentence for it
    if not isinstance(result, tuple | list) or len(result) != 2:
        kind = f"{len(result)} values" if isinstance(result, tuple | list) else "one value"
        raise ValueError(f"return two arrays, `W_in, W_out`; this returned {kind}")
    W_in, W_out = (np.asarray(weights) for weights in result)
    seen: dict[str, Any] = {
        "shape of W_in": np.array(W_in.shape),
        "shape of W_out": np.array(W_out.shape),
    }
    x = np.random.default_rng(n).uniform(-1, 1, (20, n))
    if W_in.shape == (2 * n, n) and W_out.shape == (n, 2 * n):
        seen["the answers to 20 samples"] = np.maximum(x @ W_in.T, 0) @ W_out.T
    else:
        seen["the answers to 20 samples"] = np.zeros_like(x)
    return seen


def one_neuron_each(n):
    return np.eye(n), np.eye(n)


def both_neurons_alike(n):
    W_in = np.vstack([np.eye(n), np.eye(n)])
    return W_in, W_in.T


def signs_kept_on_the_way_out(n):
    W_in = np.vstack([np.eye(n), -np.eye(n)])
    return W_in, W_in.T


def averaged_the_two(n):
    W_in = np.vstack([np.eye(n), -np.eye(n)])
    return W_in, np.abs(W_in).T / 2


def only_the_negative_side(n):
    W_in = np.vstack([np.eye(n), -np.eye(n)])
    return W_in, np.hstack([np.zeros((n, n)), np.eye(n)])


def only_the_positive_side(n):
    W_in = np.vstack([np.eye(n), -np.eye(n)])
    return W_in, np.hstack([np.eye(n), np.zeros((n, n))])


def not_turned(n):
    W_in = np.vstack([np.eye(n), -np.eye(n)])
    return W_in, np.abs(W_in)


def side_by_side(n):
    W_in = np.hstack([np.eye(n), -np.eye(n)])
    return W_in, np.abs(W_in).T


def every_neuron_to_every_feature(n):
    W_in = np.vstack([np.eye(n), -np.eye(n)])
    return W_in, np.ones((n, 2 * n))


def order_mixed_up(n):
    W_in = np.repeat(np.eye(n), 2, axis=0) * np.tile([1.0, -1.0], n)[:, None]
    return W_in, np.hstack([np.eye(n), np.eye(n)])


def interleaved(n):
    W_in, W_out = np.zeros((2 * n, n)), np.zeros((n, 2 * n))
    for i in range(n):
        W_in[2 * i, i], W_in[2 * i + 1, i] = 1, -1
        W_out[i, 2 * i] = W_out[i, 2 * i + 1] = 1
    return W_in, W_out


def scaled_and_reversed(n):
    W_in = 4 * np.vstack([-np.eye(n), np.eye(n)])
    return W_in, np.hstack([np.eye(n), np.eye(n)]) / 4


def with_kron(n):
    return np.kron(np.eye(n), np.array([[1.0], [-1.0]])), np.kron(np.eye(n), np.ones((1, 2)))


EXERCISE = Exercise(
    id="02.exact_absolute_value",
    title="Compute |x| by hand",
    reference=toy_absolute.exact_absolute_value,
    minutes=6,
    difficulty=3,
    hints=(
        "Begin with one feature and two neurons. Which neuron should be on when x is positive, "
        "and which when it is negative?",
        "relu(x) is x for a positive x and 0 otherwise. What is relu(-x)? Add the two.",
        "Rows of W_in: one identity matrix for the neurons of relu(x), its negative for those of "
        "relu(-x), one above the other. W_out adds the two neurons of each feature; no minus "
        "sign is left.",
    ),
    check=Check(
        draw_sizes,
        tested="what your weights answer to samples of both signs, for one feature and for many",
        observe=answers,
    ),
    mistakes=(
        Mistake(
            one_neuron_each,
            "There is one neuron for each feature. A ReLU keeps one side of zero only: the other "
            "side needs a neuron of its own.",
        ),
        Mistake(
            both_neurons_alike,
            "Both neurons of a feature do the same, so a negative value still gives zero, and a "
            "positive one comes out twice.",
        ),
        Mistake(
            signs_kept_on_the_way_out,
            "This computes x, not |x|: relu(x) - relu(-x). On the way out both neurons count as "
            "positive.",
        ),
        Mistake(
            averaged_the_two,
            "Half of |x| comes out. The two neurons are never on together, so there is nothing to "
            "average: add them.",
        ),
        Mistake(only_the_negative_side, "Only negative values come out; positive ones give zero."),
        Mistake(only_the_positive_side, "Only positive values come out; negative ones give zero."),
        Mistake(
            not_turned,
            "W_out leads from neurons back to features: its shape is [n, 2n]. Turn it.",
        ),
        Mistake(
            side_by_side,
            "Here W_in has shape [n, 2n] and W_out [2n, n]. A neuron is a row of W_in: put the two "
            "blocks one above the other. If you did, you returned the two in the wrong order.",
        ),
        Mistake(
            every_neuron_to_every_feature,
            "Every neuron reaches every feature, so each answer is the sum of all |x|.",
        ),
        Mistake(
            order_mixed_up,
            "W_in and W_out count the neurons in different orders. In one, the two of a feature "
            "are neighbours; in the other they are n apart.",
        ),
    ),
    alternatives=(interleaved, scaled_and_reversed, with_kron),
    why="This is the price without superposition: two neurons a feature. Now see what training "
    "does when there are fewer.",
)
