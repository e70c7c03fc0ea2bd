"""Exercise 05.sae_gradients: chapter 04 in one pass."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from saeedu import numpy_gradients as g
from saeedu import numpy_training
from saeedu.course.ch05_training.draws import draw_batches
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.numpy_training import Parameters


def gradients_by_name(implementation: Implementation, call: Call) -> Any:
    """The four gradients, and whether they can be asked for by name: the next cell does so."""
    result = implementation(*call.args)
    if result is None:
        return None  # the comparison has a sentence for it
    if isinstance(result, Mapping) or not isinstance(result, tuple | list) or len(result) != 4:
        raise ValueError(
            "return four arrays: Parameters(W_enc=..., b_enc=..., W_dec=..., b_dec=...)"
        )
    named = getattr(result, "_fields", None) == Parameters._fields
    seen = {f"gradient of {name}": part for name, part in zip(Parameters._fields, result)}  # noqa: B905
    return seen | {"is a Parameters (1 for yes)": int(named)}


def _gradients(x, parameters, d_latents_of, b_enc_weight=1.0, centre=True, b_dec_weight=1.0):
    """The whole pass, with the slip that a wrong answer makes in its forward half."""
    W_enc, b_enc, W_dec, b_dec = parameters
    pre_acts = (x - centre * b_dec) @ W_enc + b_enc_weight * b_enc
    latents = np.maximum(pre_acts, 0)
    x_hat = latents @ W_dec + b_dec_weight * b_dec
    d_reconstruction = g.grad_latents_reconstruction(x_hat, x, W_dec)
    d_pre_acts = g.grad_pre_acts(d_latents_of(d_reconstruction, latents), pre_acts)
    return Parameters(
        g.grad_W_enc(x, b_dec, d_pre_acts),
        g.grad_b_enc(d_pre_acts),
        g.grad_W_dec(x_hat, x, latents),
        g.grad_b_dec(x_hat, x, d_pre_acts, W_enc),
    )


def _both(l1_coefficient):
    return lambda d, latents: d + g.grad_latents_l1(latents, l1_coefficient)


def forgot_l1(x, parameters, l1_coefficient):
    return _gradients(x, parameters, lambda d, latents: d)


def l1_alone(x, parameters, l1_coefficient):
    return _gradients(x, parameters, lambda d, z: g.grad_latents_l1(z, l1_coefficient))


def subtracted_l1(x, parameters, l1_coefficient):
    return _gradients(x, parameters, lambda d, z: d - g.grad_latents_l1(z, l1_coefficient))


def forgot_the_gate(x, parameters, l1_coefficient):
    W_enc, b_enc, W_dec, b_dec = parameters
    latents = np.maximum((x - b_dec) @ W_enc + b_enc, 0)
    x_hat = latents @ W_dec + b_dec
    d_latents = _both(l1_coefficient)(g.grad_latents_reconstruction(x_hat, x, W_dec), latents)
    return Parameters(
        g.grad_W_enc(x, b_dec, d_latents),
        g.grad_b_enc(d_latents),
        g.grad_W_dec(x_hat, x, latents),
        g.grad_b_dec(x_hat, x, d_latents, W_enc),
    )


def forgot_the_relu(x, parameters, l1_coefficient):
    W_enc, b_enc, W_dec, b_dec = parameters
    pre_acts = (x - b_dec) @ W_enc + b_enc
    x_hat = pre_acts @ W_dec + b_dec
    d_latents = _both(l1_coefficient)(g.grad_latents_reconstruction(x_hat, x, W_dec), pre_acts)
    d_pre_acts = g.grad_pre_acts(d_latents, pre_acts)
    return Parameters(
        g.grad_W_enc(x, b_dec, d_pre_acts),
        g.grad_b_enc(d_pre_acts),
        g.grad_W_dec(x_hat, x, pre_acts),
        g.grad_b_dec(x_hat, x, d_pre_acts, W_enc),
    )


def forgot_to_centre(x, parameters, l1_coefficient):
    return _gradients(x, parameters, _both(l1_coefficient), centre=False)


def forgot_b_enc(x, parameters, l1_coefficient):
    return _gradients(x, parameters, _both(l1_coefficient), b_enc_weight=0.0)


def forgot_b_dec_in_x_hat(x, parameters, l1_coefficient):
    return _gradients(x, parameters, _both(l1_coefficient), b_dec_weight=0.0)


def gated_before_l1(x, parameters, l1_coefficient):
    # The price is then paid by silent latents as well.
    W_enc, b_enc, W_dec, b_dec = parameters
    pre_acts = (x - b_dec) @ W_enc + b_enc
    latents = np.maximum(pre_acts, 0)
    x_hat = latents @ W_dec + b_dec
    d_pre_acts = g.grad_pre_acts(g.grad_latents_reconstruction(x_hat, x, W_dec), pre_acts)
    d_pre_acts = d_pre_acts + l1_coefficient / len(x)
    return Parameters(
        g.grad_W_enc(x, b_dec, d_pre_acts),
        g.grad_b_enc(d_pre_acts),
        g.grad_W_dec(x_hat, x, latents),
        g.grad_b_dec(x_hat, x, d_pre_acts, W_enc),
    )


def projected_already(x, parameters, l1_coefficient):
    gradients = numpy_training.sae_gradients(x, parameters, l1_coefficient)
    return gradients._replace(W_dec=g.project_off_rows(gradients.W_dec, parameters.W_dec))


def arguments_of_the_error_swapped(x, parameters, l1_coefficient):
    W_enc, b_enc, W_dec, b_dec = parameters
    pre_acts = (x - b_dec) @ W_enc + b_enc
    latents = np.maximum(pre_acts, 0)
    x_hat = latents @ W_dec + b_dec
    d_latents = _both(l1_coefficient)(g.grad_latents_reconstruction(x, x_hat, W_dec), latents)
    d_pre_acts = g.grad_pre_acts(d_latents, pre_acts)
    return Parameters(
        g.grad_W_enc(x, b_dec, d_pre_acts),
        g.grad_b_enc(d_pre_acts),
        g.grad_W_dec(x, x_hat, latents),
        g.grad_b_dec(x, x_hat, d_pre_acts, W_enc),
    )


def b_dec_through_the_decoder_only(x, parameters, l1_coefficient):
    gradients = numpy_training.sae_gradients(x, parameters, l1_coefficient)
    # What the encoder's path adds is -W_enc @ d_b_enc: take it away again.
    return gradients._replace(b_dec=gradients.b_dec + parameters.W_enc @ gradients.b_enc)


def wrong_order(x, parameters, l1_coefficient):
    W_enc, b_enc, W_dec, b_dec = numpy_training.sae_gradients(x, parameters, l1_coefficient)
    return Parameters(W_enc, W_dec, b_enc, b_dec)


def tuple_in_the_wrong_order(x, parameters, l1_coefficient):
    return tuple(wrong_order(x, parameters, l1_coefficient))


def plain_tuple(x, parameters, l1_coefficient):
    return tuple(numpy_training.sae_gradients(x, parameters, l1_coefficient))


def gate_from_latents(x, parameters, l1_coefficient):
    W_enc, b_enc, W_dec, b_dec = parameters
    centred = x - b_dec
    latents = np.maximum(centred @ W_enc + b_enc, 0)
    error = 2 / len(x) * (latents @ W_dec - centred)
    d = (error @ W_dec.T + l1_coefficient / len(x)) * (latents > 0)
    d_b_enc = d.sum(axis=0)
    return Parameters(
        centred.T @ d, d_b_enc, latents.T @ error, error.sum(axis=0) - W_enc @ d_b_enc
    )


def sample_by_sample(x, parameters, l1_coefficient):
    parts = [numpy_training.sae_gradients(row[None], parameters, l1_coefficient) for row in x]
    return Parameters(*[np.mean(part, axis=0) for part in zip(*parts, strict=True)])


def float32(x, parameters, l1_coefficient):
    small = Parameters(*[part.astype(np.float32) for part in parameters])
    return numpy_training.sae_gradients(x.astype(np.float32), small, l1_coefficient)


EXERCISE = Exercise(
    id="05.sae_gradients",
    title="Chapter 04 in one pass",
    reference=numpy_training.sae_gradients,
    minutes=8,
    difficulty=2,
    hints=(
        "First forward, keeping what the way back needs: pre_acts, latents, x_hat. Then backward, "
        "one function of chapter 04 after another.",
        "Two things depend on the latents: the reconstruction and the penalty. Their gradients "
        "with respect to the latents add up, before the ReLU's gate.",
        "`d_latents = grad_latents_reconstruction(x_hat, x, W_dec) + grad_latents_l1(latents, "
        "l1_coefficient)`, then `grad_pre_acts(d_latents, pre_acts)` feeds the other three.",
    ),
    check=Check(
        draw=draw_batches,
        tested="four SAEs of different sizes, no bias at zero, the penalty felt",
        observe=gradients_by_name,
    ),
    mistakes=(
        Mistake(
            forgot_l1,
            "The penalty does not pull at all: add grad_latents_l1 to the latents' gradient, or λ "
            "changes nothing.",
        ),
        Mistake(
            l1_alone,
            "Only the penalty reaches the encoder. Add the reconstruction's gradient to it.",
        ),
        Mistake(
            subtracted_l1,
            "You subtracted the penalty's gradient: this SAE would be paid for being active.",
        ),
        Mistake(
            forgot_the_gate,
            "The gradient with respect to the latents goes straight into the encoder. The ReLU "
            "stands between them: pass it through grad_pre_acts.",
        ),
        Mistake(
            forgot_the_relu,
            "Your latents are the pre-activations. The forward pass needs np.maximum(pre_acts, 0).",
        ),
        Mistake(
            forgot_to_centre,
            "The encoder reads x - b_dec, and your pre-activations read x.",
        ),
        Mistake(
            forgot_b_enc,
            "b_enc is missing from your pre-activations.",
        ),
        Mistake(
            forgot_b_dec_in_x_hat,
            "b_dec is missing from x_hat: the decoder adds it back.",
        ),
        Mistake(
            gated_before_l1,
            "You added λ / batch after the gate, so that silent latents are pushed too. A latent "
            "that is off pays nothing: add the two gradients first, then gate the sum.",
        ),
        Mistake(
            projected_already,
            "Right, but you projected the decoder's gradient as well. That is decoder_step's job; "
            "here the gradient is wanted as it is.",
        ),
        Mistake(
            arguments_of_the_error_swapped,
            "x_hat and x are swapped: every function of chapter 04 takes x_hat first.",
        ),
        Mistake(
            b_dec_through_the_decoder_only,
            "b_dec has lost its path through the encoder. grad_b_dec needs d_pre_acts and W_enc "
            "for it.",
        ),
        Mistake(
            wrong_order,
            "Right gradients in the wrong order. Name them: "
            "`Parameters(W_enc=..., b_enc=..., W_dec=..., b_dec=...)`.",
        ),
        Mistake(
            tuple_in_the_wrong_order,
            "Right gradients in the wrong order, and without names. Return "
            "`Parameters(W_enc=..., b_enc=..., W_dec=..., b_dec=...)`.",
        ),
        Mistake(
            plain_tuple,
            "Right gradients, but in a plain tuple, and the next cells ask for them by name. "
            "Return `Parameters(W_enc=..., b_enc=..., W_dec=..., b_dec=...)`.",
        ),
    ),
    alternatives=(gate_from_latents, sample_by_sample, float32),
    why="From here on nothing about training is a black box: these are all the derivatives that "
    "there are.",
    scaffold=(
        "W_enc, b_enc, W_dec, b_dec = parameters\n"
        "pre_acts = (x - b_dec) @ W_enc + b_enc\n"
        "# Go on forwards to x_hat, then backwards. At the end:\n"
        "# return Parameters(W_enc=..., b_enc=..., W_dec=..., b_dec=...)"
    ),
)
