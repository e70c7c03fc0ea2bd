"""Exercise 04.grad_pre_acts: the ReLU's mask and its kink."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_gradients
from saeedu.course.ch04_gradients.draws import draw_around_the_kink
from saeedu.grading.exercise import Check, Exercise, Mistake


def mask_from_d_latents(d_latents, pre_acts):
    return d_latents * (d_latents > 0)


def latents_instead_of_the_mask(d_latents, pre_acts):
    return d_latents * np.maximum(pre_acts, 0)


def multiplied_by_pre_acts(d_latents, pre_acts):
    return d_latents * pre_acts


def open_at_zero(d_latents, pre_acts):
    return d_latents * (pre_acts >= 0)


def half_open_at_zero(d_latents, pre_acts):
    return d_latents * np.heaviside(pre_acts, 0.5)


def no_mask(d_latents, pre_acts):
    return d_latents.copy()


def mask_alone(d_latents, pre_acts):
    return (pre_acts > 0).astype(float)


def mask_upside_down(d_latents, pre_acts):
    return d_latents * (pre_acts < 0)


def masked_twice(d_latents, pre_acts):
    return np.maximum(d_latents, 0) * (pre_acts > 0)


def forward_again(d_latents, pre_acts):
    return np.maximum(pre_acts, 0)


def batch_again(d_latents, pre_acts):
    return d_latents * (pre_acts > 0) / len(pre_acts)


def sign_instead_of_the_mask(d_latents, pre_acts):
    return d_latents * np.sign(pre_acts)


def barely_open_gates_shut(d_latents, pre_acts):
    return d_latents * (pre_acts > 1e-8)


def where(d_latents, pre_acts):
    return np.where(pre_acts > 0, d_latents, 0)


def overwrite_a_copy(d_latents, pre_acts):
    grad = d_latents.copy()
    grad[pre_acts <= 0] = 0
    return grad


def heaviside(d_latents, pre_acts):
    return np.heaviside(pre_acts, 0.0) * d_latents


def loop_float32(d_latents, pre_acts):
    grad = np.zeros(pre_acts.shape, dtype=np.float32)
    for index, pre_act in np.ndenumerate(pre_acts):
        if pre_act > 0:
            grad[index] = d_latents[index]
    return grad


EXERCISE = Exercise(
    id="04.grad_pre_acts",
    title="The mask and its kink",
    reference=numpy_gradients.grad_pre_acts,
    minutes=5,
    difficulty=1,
    hints=(
        "The ReLU acts on each entry alone, so its derivative does too: nothing is summed. What is "
        "the slope of max(p, 0) left of zero, and right of it?",
        "Slope 0 on the left, 1 on the right, and 0 at exactly zero, by convention. Which array "
        "tells you on which side you were in the forward pass?",
        "`mask = pre_acts > 0` is that slope. The chain rule multiplies it by d_latents, entry by "
        "entry.",
    ),
    check=Check(
        draw=draw_around_the_kink,
        tested="pre-activations below, above, barely above and at zero, gradients of both signs",
    ),
    mistakes=(
        Mistake(
            mask_from_d_latents,
            "You masked by the sign of d_latents. Whether the gate is open was settled in the "
            "forward pass, by pre_acts; a negative gradient passes an open gate unharmed.",
        ),
        Mistake(
            latents_instead_of_the_mask,
            "You multiplied by the latents, max(pre_acts, 0), rather than by the slope. The slope "
            "of the ReLU is 1 where it is on, however large the value.",
        ),
        Mistake(
            multiplied_by_pre_acts,
            "You multiplied by pre_acts themselves. The chain rule asks for the ReLU's slope: 1 "
            "where pre_acts > 0, else 0.",
        ),
        Mistake(
            open_at_zero,
            "Right everywhere but at a pre-activation of exactly zero, where your gate is open. "
            "The convention of this course, PyTorch and JAX is a slope of 0 there: use >, not >=.",
        ),
        Mistake(
            half_open_at_zero,
            "Right everywhere but at exactly zero, where you pass half, as a central difference "
            "would. It is one of the slopes that the kink allows, but the convention is 0.",
        ),
        Mistake(
            no_mask,
            "You passed every gradient on. A latent that is off does not react when its "
            "pre-activation moves a little, so nothing may flow back through it.",
        ),
        Mistake(
            mask_alone,
            "This is the ReLU's own slope. The chain rule multiplies it by what came from behind: "
            "d_latents.",
        ),
        Mistake(
            mask_upside_down,
            "The mask is upside down: the gradient must pass where pre_acts is above zero and stop "
            "where it is below.",
        ),
        Mistake(
            masked_twice,
            "You also removed the negative gradients. Only pre_acts decides; a negative gradient, "
            "which asks for a stronger latent, must get through.",
        ),
        Mistake(
            forward_again,
            "This is the forward pass: the latents. The backward pass sends d_latents through, "
            "where pre_acts is above zero.",
        ),
        Mistake(
            batch_again,
            "You divided by the batch size again. d_latents carries the loss's 1/batch already; a "
            "mask adds no factor.",
        ),
        Mistake(
            sign_instead_of_the_mask,
            "np.sign gives -1 below zero, so you turn round gradients that should stop. The slope "
            "of the ReLU there is 0.",
        ),
        Mistake(
            barely_open_gates_shut,
            "A gate that is barely open is shut in your mask. The slope of the ReLU is 1 for "
            "every pre-activation above zero, however small: compare with zero itself.",
        ),
    ),
    alternatives=(where, overwrite_a_copy, heaviside, loop_float32),
    why="A latent whose gate is shut for every sample gets no gradient at all: that is a dead "
    "latent, and chapter 05 is about reviving it.",
)
