"""Exercise 03.sae_loss: the whole autoencoder, down to one number."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu import numpy_sae
from saeedu.course.ch03_autoencoder_forward import draws
from saeedu.grading.exercise import Call, Check, Exercise, Mistake


def relu(z):
    return np.maximum(z, 0)


def draw_whole_autoencoders(rng: np.random.Generator) -> Iterator[Call]:
    for (batch, d_in, d_sae), l1_coefficient in zip(draws.SIZES, draws.PRICES, strict=True):
        x = draws.samples(rng, batch, d_in)
        b_dec = draws.bias(rng, d_in)
        W_enc, b_enc = draws.encoder(rng, x, d_sae, b_dec)
        W_dec = 0.15 * draws.decoder(rng, d_sae, d_in)  # small, so that the penalty counts too
        axes = {"batch": batch, "d_in": d_in, "d_sae": d_sae}
        yield Call((x, W_enc, b_enc, W_dec, b_dec, l1_coefficient), axes=axes)


def parts(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents = numpy_sae.encode(x, W_enc, b_enc, b_dec)
    x_hat = numpy_sae.decode(latents, W_dec, b_dec)
    return latents, x_hat


def loss_of(x_hat, x, latents, l1_coefficient):
    penalty = numpy_sae.l1_penalty(latents, l1_coefficient)
    return numpy_sae.reconstruction_loss(x_hat, x) + penalty


def no_penalty(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    _, x_hat = parts(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient)
    return numpy_sae.reconstruction_loss(x_hat, x)


def penalty_alone(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents, _ = parts(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient)
    return numpy_sae.l1_penalty(latents, l1_coefficient)


def penalty_subtracted(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents, x_hat = parts(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient)
    return loss_of(x_hat, x, latents, -l1_coefficient)


def coefficient_used_twice(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents, x_hat = parts(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient)
    return loss_of(x_hat, x, latents, l1_coefficient**2)


def coefficient_left_out(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents, x_hat = parts(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient)
    return loss_of(x_hat, x, latents, 1.0)


def decoder_without_its_bias(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents, x_hat = parts(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient)
    return loss_of(x_hat - b_dec, x, latents, l1_coefficient)


def encoder_not_centred(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents = relu(x @ W_enc + b_enc)
    return loss_of(numpy_sae.decode(latents, W_dec, b_dec), x, latents, l1_coefficient)


def encoder_without_its_bias(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents = relu((x - b_dec) @ W_enc)
    return loss_of(numpy_sae.decode(latents, W_dec, b_dec), x, latents, l1_coefficient)


def counted_instead_of_summed(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents, x_hat = parts(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient)
    return numpy_sae.reconstruction_loss(x_hat, x) + l1_coefficient * numpy_sae.l0(latents)


def penalised_before_the_relu(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    _, x_hat = parts(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient)
    return loss_of(x_hat, x, (x - b_dec) @ W_enc + b_enc, l1_coefficient)


def biases_swapped(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents = relu((x - b_enc) @ W_enc + b_dec)
    return loss_of(numpy_sae.decode(latents, W_dec, b_dec), x, latents, l1_coefficient)


def biases_swapped_in_the_reference(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents = numpy_sae.encode(x, W_enc, b_dec, b_enc)
    return loss_of(numpy_sae.decode(latents, W_dec, b_dec), x, latents, l1_coefficient)


def pre_activations_added_up(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    _, x_hat = parts(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient)
    pre_acts = (x - b_dec) @ W_enc + b_enc
    return numpy_sae.reconstruction_loss(x_hat, x) + l1_coefficient * pre_acts.sum(axis=1).mean()


def no_relu(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    pre_acts = (x - b_dec) @ W_enc + b_enc
    return loss_of(numpy_sae.decode(pre_acts, W_dec, b_dec), x, pre_acts, l1_coefficient)


def unexplained_instead_of_error(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents, x_hat = parts(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient)
    share = numpy_sae.fraction_of_variance_unexplained(x_hat, x)
    return share + numpy_sae.l1_penalty(latents, l1_coefficient)


def loss_written_out(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents = relu((x - b_dec) @ W_enc + b_enc)
    error = latents @ W_dec + b_dec - x
    return (error**2).sum(axis=1).mean() + l1_coefficient * latents.sum(axis=1).mean()


def loss_sample_by_sample(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    total = 0.0
    for sample in x:
        latents = relu((sample - b_dec) @ W_enc + b_enc)
        error = sample - (latents @ W_dec + b_dec)
        total += error @ error + l1_coefficient * np.linalg.norm(latents, ord=1)
    return total / len(x)


def loss_with_einsum(x, W_enc, b_enc, W_dec, b_dec, l1_coefficient):
    latents = relu(np.einsum("bd,ds->bs", x - b_dec, W_enc) + b_enc)
    error = np.einsum("bs,sd->bd", latents, W_dec) - (x - b_dec)
    return (np.einsum("bd,bd->", error, error) + l1_coefficient * latents.sum()) / x.shape[0]


EXERCISE = Exercise(
    id="03.sae_loss",
    title="From samples to one number",
    reference=numpy_sae.sae_loss,
    minutes=8,
    difficulty=3,
    hints=(
        "You have written every piece already. Which function needs what another one returns?",
        "Four of your functions, in this order: the code, the reconstruction, what it misses, "
        "what the code costs.",
        "`encode`, then `decode`, then `reconstruction_loss(x_hat, x)` plus `l1_penalty(...)`. "
        "Look at the order of the arguments: `decode` takes no `W_enc`.",
    ),
    check=Check(
        draw_whole_autoencoders,
        tested="four whole autoencoders of different sizes, each with its own λ",
    ),
    mistakes=(
        Mistake(
            no_penalty,
            "The L1 penalty is missing. You have seen what reconstruction alone is content with.",
        ),
        Mistake(
            penalty_alone,
            "This is the penalty alone. Its minimum is to switch every latent off; the "
            "reconstruction loss has to pull the other way.",
        ),
        Mistake(
            penalty_subtracted,
            "The penalty is subtracted, so activity is rewarded. Both terms are costs.",
        ),
        Mistake(
            coefficient_used_twice,
            "λ enters twice. `l1_penalty` multiplies by it already.",
        ),
        Mistake(
            coefficient_left_out,
            "λ has no effect. It sets the price of activity; pass it on.",
        ),
        Mistake(
            decoder_without_its_bias,
            "The reconstruction has lost `b_dec`. The encoder took it away; the decoder has to add "
            "it before you compare with `x`.",
        ),
        Mistake(
            encoder_not_centred,
            "The encoder did not subtract `b_dec`. Your own `encode` does: use it here.",
        ),
        Mistake(
            encoder_without_its_bias,
            "The encoder did not use `b_enc`, so no latent has a threshold.",
        ),
        Mistake(
            counted_instead_of_summed,
            "You charged for the number of active latents (L0). The penalty is on their sum: "
            "a count gives gradient descent nothing to follow.",
        ),
        Mistake(
            penalised_before_the_relu,
            "You penalised the pre-activations. What is negative before the ReLU is silent after "
            "it, and silence is free.",
        ),
        Mistake(
            unexplained_instead_of_error,
            "You added the fraction of variance unexplained. That is for reporting; the loss takes "
            "the error in its own units.",
        ),
        Mistake(
            biases_swapped,
            "The two biases are swapped: `b_dec` has the length of `x`, `b_enc` that of the "
            "latents. The order is `encode(x, W_enc, b_enc, b_dec)`.",
        ),
        Mistake(
            biases_swapped_in_the_reference,
            "`encode` got its two biases in the wrong order. It takes the weights, then `b_enc`, "
            "and `b_dec` last: `encode(x, W_enc, b_enc, b_dec)`.",
        ),
        Mistake(
            pre_activations_added_up,
            "You added up the pre-activations, negative ones too, so a strongly negative one pays "
            "for the others. The price is on what the ReLU lets through.",
        ),
        Mistake(
            no_relu,
            "There is no ReLU between the encoder and the rest, so latents are negative. Your own "
            "`encode` has one: use it here.",
        ),
    ),
    alternatives=(loss_written_out, loss_sample_by_sample, loss_with_einsum),
    why="This is the number that chapter 04 differentiates and chapter 05 makes small.",
)
