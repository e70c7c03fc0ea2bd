"""Exercise 04.grad_W_dec: the decoder."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_gradients
from saeedu.course.ch04_gradients.draws import calls_with
from saeedu.grading.exercise import Check, Exercise, Mistake


def forgot_the_2(x_hat, x, latents):
    return latents.T @ (x_hat - x) / len(x)


def forgot_the_batch(x_hat, x, latents):
    return 2 * latents.T @ (x_hat - x)


def factors_missing(x_hat, x, latents):
    return latents.T @ (x_hat - x)


def mean_over_everything(x_hat, x, latents):
    return 2 * latents.T @ (x_hat - x) / x.size


def divided_by_d_sae(x_hat, x, latents):
    return 2 * latents.T @ (x_hat - x) / latents.shape[1]


def wrong_sign(x_hat, x, latents):
    return 2 * latents.T @ (x - x_hat) / len(x)


def transposed(x_hat, x, latents):
    return 2 * (x_hat - x).T @ latents / len(x)


def from_x_hat(x_hat, x, latents):
    return 2 * latents.T @ x_hat / len(x)


def from_x(x_hat, x, latents):
    return 2 * latents.T @ x / len(x)


def product_of_means(x_hat, x, latents):
    return 2 * np.outer(latents.mean(axis=0), (x_hat - x).mean(axis=0))


def batch_twice(x_hat, x, latents):
    return 2 * latents.T @ (x_hat - x) / len(x) ** 2


def only_active(x_hat, x, latents):
    return 2 * (latents > 0).T @ (x_hat - x) / len(x)


def einsum(x_hat, x, latents):
    return np.einsum("sj,si->ji", latents, 2 * (x_hat - x)) / len(x)


def sum_of_outer_products(x_hat, x, latents):
    grad = np.zeros((latents.shape[1], x.shape[1]))
    for z, target, guess in zip(latents, x, x_hat, strict=True):
        grad += np.outer(z, 2 * (guess - target))
    return grad / len(x)


def entry_by_entry(x_hat, x, latents):
    rows = [
        [2 * np.mean(latents[:, j] * (x_hat[:, i] - x[:, i])) for i in range(x.shape[1])]
        for j in range(latents.shape[1])
    ]
    return np.array(rows)


def float32(x_hat, x, latents):
    error = (x_hat - x).astype(np.float32)
    return latents.T.astype(np.float32) @ error * np.float32(2 / len(x))


EXERCISE = Exercise(
    id="04.grad_W_dec",
    title="The decoder",
    reference=numpy_gradients.grad_W_dec,
    minutes=7,
    difficulty=3,
    hints=(
        "What shape must the answer have? Which axis do latents and error share, so that it is the "
        "one to be summed away?",
        "Entry [j, i] is 2 / batch times the sum over samples s of latents[s, j] * error[s, i]. "
        "A matrix product sums the *inner* axes: transpose the factor whose batch axis is not "
        "inside.",
        "[d_sae, batch] @ [batch, d_in]: that is `latents.T @ error`, times 2 / len(x).",
    ),
    check=Check(
        draw=calls_with(lambda m: (m.x_hat, m.x, m.latents)),
        tested="four SAEs of different sizes, batch never 2",
    ),
    mistakes=(
        Mistake(
            forgot_the_2,
            "You are off by exactly 2: the derivative of error² is 2 error.",
        ),
        Mistake(
            forgot_the_batch,
            "You are off by exactly the batch size. `latents.T @ error` sums over samples, and the "
            "loss is a mean over them: divide by len(x).",
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
            "The sign is turned round: the error is x_hat - x. So turned, descent would climb.",
        ),
        Mistake(
            transposed,
            "Transposed. W_dec is [d_sae, d_in], so its gradient is too: latents.T comes first.",
        ),
        Mistake(
            from_x_hat,
            "You used x_hat where the error x_hat - x belongs: a perfect reconstruction must give "
            "a zero gradient.",
        ),
        Mistake(
            from_x,
            "You used x where the error x_hat - x belongs: a perfect reconstruction must give a "
            "zero gradient.",
        ),
        Mistake(
            product_of_means,
            "You averaged latents and error separately and multiplied the means. The mean of a "
            "product is not the product of the means: multiply within each sample, then average.",
        ),
        Mistake(
            batch_twice,
            "You divided by the batch size twice. The loss holds one mean over the batch.",
        ),
        Mistake(
            only_active,
            "You used which latents are on, not how strongly. x_hat moves by latents[s, j] when "
            "W_dec[j, i] moves by one, so the strength itself multiplies the error.",
        ),
    ),
    alternatives=(
        einsum,
        sum_of_outer_products,
        entry_by_entry,
        float32,
    ),
    why="A decoder row moves only through the samples in which its latent is on: chapter 06 "
    "builds its speed on that.",
    scaffold=(
        "error = x_hat - x  # [batch, d_in]\n"
        "# One line is missing. Which of latents and error must be transposed, and which comes "
        "first?"
    ),
)
