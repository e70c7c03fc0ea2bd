"""Exercise 01.importance_loss: an error that counts where it matters."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import toy_model
from saeedu.course.ch01_superposition import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def importance_left_out(x_hat, x, importance):
    return np.mean(np.sum((x_hat - x) ** 2, axis=2), axis=1)


def importance_squared(x_hat, x, importance):
    return np.mean(np.sum((importance[..., None, :] * (x_hat - x)) ** 2, axis=2), axis=1)


def mean_over_features_too(x_hat, x, importance):
    return np.mean(importance[..., None, :] * (x_hat - x) ** 2, axis=(1, 2))


def summed_over_the_batch(x_hat, x, importance):
    return np.sum(importance[..., None, :] * (x_hat - x) ** 2, axis=(1, 2))


def mean_and_sum_swapped(x_hat, x, importance):
    return np.sum(np.mean(importance[..., None, :] * (x_hat - x) ** 2, axis=2), axis=1)


def one_number_for_all_instances(x_hat, x, importance):
    return np.mean(np.sum(importance[..., None, :] * (x_hat - x) ** 2, axis=2))


def not_squared(x_hat, x, importance):
    return np.mean(np.sum(importance[..., None, :] * np.abs(x_hat - x), axis=2), axis=1)


def square_root_taken(x_hat, x, importance):
    return np.sqrt(np.mean(np.sum(importance[..., None, :] * (x_hat - x) ** 2, axis=2), axis=1))


def weighted_mean(x_hat, x, importance):
    weight = importance[..., None, :] / importance.sum(axis=-1)[..., None, None]
    return np.mean(np.sum(weight * (x_hat - x) ** 2, axis=2), axis=1)


def summed_before_squaring(x_hat, x, importance):
    return np.mean(np.sum(importance[..., None, :] * (x_hat - x), axis=2) ** 2, axis=1)


def halved(x_hat, x, importance):
    return 0.5 * np.mean(np.sum(importance[..., None, :] * (x_hat - x) ** 2, axis=2), axis=1)


def one_number_for_each_sample(x_hat, x, importance):
    return np.sum(importance[..., None, :] * (x_hat - x) ** 2, axis=2)


def batch_axis_forgotten(x_hat, x, importance):
    return np.mean(np.sum(importance * (x_hat - x) ** 2, axis=2), axis=1)


def mean_first(x_hat, x, importance):
    return np.sum(importance * np.mean((x_hat - x) ** 2, axis=1), axis=-1)


def with_einsum(x_hat, x, importance):
    weight = np.broadcast_to(importance, (len(x), x.shape[2]))
    return np.einsum("kn,kbn,kbn->k", weight, x - x_hat, x - x_hat) / x.shape[1]


def with_loops(x_hat, x, importance):
    weight = np.broadcast_to(importance, (x.shape[0], x.shape[2]))
    answer = []
    for guess, target, w in zip(x_hat, x, weight, strict=True):
        answer.append(
            sum(float(w @ (g - t) ** 2) for g, t in zip(guess, target, strict=True)) / len(target)
        )
    return np.array(answer)


EXERCISE = Exercise(
    id="01.importance_loss",
    title="An error that counts where it matters",
    reference=toy_model.importance_loss,
    minutes=5,
    difficulty=2,
    hints=(
        "One number for each instance has to remain of [n_instances, batch, n]. Two axes go: "
        "which of them by a sum, which by a mean?",
        "Square the difference first, then multiply by the weight. What you square is the error "
        "alone.",
        "`np.sum(..., axis=2)` adds up the features and leaves [n_instances, batch]. "
        "A mean over axis 1 is the rest.",
    ),
    check=Check(
        draws.outputs,
        tested="four stacks of outputs, with one importance for all instances and with one each",
    ),
    mistakes=(
        Mistake(
            importance_left_out,
            "The importance has no effect: every feature counts the same. Multiply the squared "
            "error by it.",
        ),
        Mistake(
            importance_squared,
            "The importance went into the square, so it counts twice. Square the error alone, then "
            "weight it.",
        ),
        Mistake(
            mean_over_features_too,
            "You took the mean over the features as well, so you are off by the factor n. Sum over "
            "features, average over the batch. (The code of Elhage et al. does as you did.)",
        ),
        Mistake(
            summed_over_the_batch,
            "You summed over the batch. Then a larger batch means a larger loss; take the mean.",
        ),
        Mistake(
            mean_and_sum_swapped,
            "Sum and mean have changed places: average over the batch (axis 1), add up over the "
            "features (axis 2).",
        ),
        Mistake(
            one_number_for_all_instances,
            "You mixed all instances into one number. They are separate models; each has a loss of "
            "its own.",
        ),
        Mistake(
            not_squared,
            "You took the size of the error. The loss takes its square.",
        ),
        Mistake(
            square_root_taken,
            "There is a square root too many. The loss stays in squared units.",
        ),
        Mistake(
            weighted_mean,
            "You divided by the sum of the importances. Leave them as they are: a model in which "
            "everything matters more has a larger loss.",
        ),
        Mistake(
            summed_before_squaring,
            "You added the errors up before squaring, so that errors of opposite sign cancel. "
            "Square each one first.",
        ),
        Mistake(
            halved,
            "There is a factor 1/2. Some books have it, to save the 2 in the gradient; this loss "
            "does not.",
        ),
        Mistake(
            one_number_for_each_sample,
            "You stopped before the mean over the batch: this has a number for every sample.",
        ),
        Mistake(
            batch_axis_forgotten,
            "`importance` by itself fits only while it is [n]. As [n_instances, n] it would line "
            "up with the batch. Use `weight`, which has an axis of length one there.",
        ),
    ),
    alternatives=(mean_first, with_einsum, with_loops),
    why="Importance is how the model chooses which features are worth a direction of their own.",
    scaffold="weight = importance[..., None, :]  # fits [n_instances, batch, n] in both cases",
)
