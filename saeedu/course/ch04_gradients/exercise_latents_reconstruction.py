"""Exercise 04.grad_latents_reconstruction: back through the decoder."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_gradients
from saeedu.course.ch04_gradients.draws import calls_with
from saeedu.grading.exercise import Check, Exercise, Mistake


def forgot_the_2(x_hat, x, W_dec):
    return (x_hat - x) @ W_dec.T / len(x)


def forgot_the_batch(x_hat, x, W_dec):
    return 2 * (x_hat - x) @ W_dec.T


def factors_missing(x_hat, x, W_dec):
    return (x_hat - x) @ W_dec.T


def mean_over_everything(x_hat, x, W_dec):
    return 2 * (x_hat - x) @ W_dec.T / x.size


def divided_by_d_sae(x_hat, x, W_dec):
    return 2 * (x_hat - x) @ W_dec.T / len(W_dec)


def wrong_sign(x_hat, x, W_dec):
    return 2 * (x - x_hat) @ W_dec.T / len(x)


def transposed(x_hat, x, W_dec):
    return 2 * W_dec @ (x_hat - x).T / len(x)


def unit_rows(x_hat, x, W_dec):
    unit = W_dec / np.linalg.norm(W_dec, axis=1, keepdims=True)
    return 2 * (x_hat - x) @ unit.T / len(x)


def from_x_hat(x_hat, x, W_dec):
    return 2 * x_hat @ W_dec.T / len(x)


def switched_off_negative(x_hat, x, W_dec):
    return np.maximum(2 * (x_hat - x) @ W_dec.T / len(x), 0)


def pseudo_inverse(x_hat, x, W_dec):
    return 2 * (x_hat - x) @ np.linalg.pinv(W_dec) / len(x)


def einsum(x_hat, x, W_dec):
    return np.einsum("si,ji->sj", x_hat - x, W_dec) * 2 / len(x)


def loop(x_hat, x, W_dec):
    grad = np.zeros((len(x), len(W_dec)))
    for s in range(len(x)):
        for j, row in enumerate(W_dec):
            grad[s, j] = 2 * np.dot(x_hat[s] - x[s], row) / len(x)
    return grad


def by_the_chain(x_hat, x, W_dec):
    d_x_hat = 2 * (x_hat - x) / len(x)
    return (W_dec @ d_x_hat.T).T


def float32(x_hat, x, W_dec):
    error = (x_hat - x).astype(np.float32)
    return error @ W_dec.T.astype(np.float32) * np.float32(2 / len(x))


EXERCISE = Exercise(
    id="04.grad_latents_reconstruction",
    title="Back through the decoder",
    reference=numpy_gradients.grad_latents_reconstruction,
    minutes=6,
    difficulty=2,
    hints=(
        "Move latents[s, j] a little. Which entries of x_hat move, and by how much each?",
        "All d_in entries of row s move, entry i by W_dec[j, i]. Add up the effect on the loss "
        "over i: the gradient with respect to x_hat[s, i] times W_dec[j, i].",
        "A sum over i, shared by [batch, d_in] and [d_sae, d_in]: `(x_hat - x) @ W_dec.T`, times "
        "2 / len(x).",
    ),
    check=Check(
        draw=calls_with(lambda m: (m.x_hat, m.x, m.W_dec)),
        tested="four SAEs of different sizes, decoder rows of many lengths",
    ),
    mistakes=(
        Mistake(
            forgot_the_2,
            "You are off by exactly 2: the derivative of error² is 2 error.",
        ),
        Mistake(
            forgot_the_batch,
            "You are off by exactly the batch size. The sum here runs over d_in, but the loss "
            "still averages over samples: each carries 1/batch.",
        ),
        Mistake(
            factors_missing,
            "The product is right and both factors are missing: 2 from the square, 1/batch from "
            "the mean.",
        ),
        Mistake(
            mean_over_everything,
            "You divide by batch times d_in. The squared error is summed over d_in, and averaged "
            "over the batch only.",
        ),
        Mistake(
            divided_by_d_sae,
            "You divide by d_sae. The only mean in the loss is over samples: divide by len(x).",
        ),
        Mistake(
            wrong_sign,
            "The sign is turned round: the error is x_hat - x, the guess minus the target.",
        ),
        Mistake(
            transposed,
            "Transposed. latents is [batch, d_sae], so its gradient is too: the error comes "
            "first, then W_dec.T.",
        ),
        Mistake(
            unit_rows,
            "You normalised the decoder's rows first. The forward pass uses W_dec as it is, so a "
            "long row passes back more gradient than a short one.",
        ),
        Mistake(
            from_x_hat,
            "You used x_hat where the error x_hat - x belongs: a perfect reconstruction must give "
            "a zero gradient.",
        ),
        Mistake(
            switched_off_negative,
            "You set the negative entries to zero. The ReLU acts on values in the forward pass, "
            "never on gradients; its mask comes later, and looks at the pre-activations.",
        ),
        Mistake(
            pseudo_inverse,
            "You pulled the error back with an inverse of W_dec. The chain rule multiplies by the "
            "derivatives themselves: the transpose, W_dec.T.",
        ),
    ),
    alternatives=(einsum, loop, by_the_chain, float32),
    why="Row s, column j says how well decoder row j lines up with the error of sample s.",
)
