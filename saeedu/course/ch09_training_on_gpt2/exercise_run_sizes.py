"""Exercise 09.run_sizes: what a run needs, before it is started."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import math
from typing import Any

from saeedu import run_sizes
from saeedu.course.ch09_training_on_gpt2 import draws_training
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.grading.values import kind_of
from saeedu.run_sizes import RunSizes


def fields_of(implementation: Implementation, call: Call) -> Any:
    """The answer's four numbers. The lesson reads them by name and prints them as counts.

    So a bare tuple of the right numbers, or numbers such as 1412.0, would fail in later cells.
    """
    returned = implementation(*call.args)
    if returned is None or not isinstance(returned, (tuple, list)):
        return returned
    if not isinstance(returned, RunSizes):
        raise TypeError(
            f"run_sizes returned {kind_of(returned)}. Return RunSizes(activations, contexts, "
            "data_bytes, training_bytes): the cells below read the four by these names"
        )
    fractions = {name: n for name, n in returned._asdict().items() if isinstance(n, float)}
    if fractions and returned == run_sizes.run_sizes(*call.args):
        name, value = next(iter(fractions.items()))
        raise TypeError(
            f"{name} is {value}, of type float. The number is right; make it a whole number: "
            "math.ceil(...) gives one, np.ceil(...) and a / b do not"
        )
    return tuple(returned)


def up(a, b):
    return math.ceil(a / b)


def number_of_weights(d_in, d_sae):
    return 2 * d_in * d_sae + d_sae + d_in


def sizes(activations, per_context, d_in, d_sae, weights=None, bytes_a_weight=16, bytes_a_number=4):
    weights = number_of_weights(d_in, d_sae) if weights is None else weights
    return RunSizes(
        activations,
        up(activations, per_context),
        bytes_a_number * activations * d_in,
        bytes_a_weight * weights,
    )


def bos_counted(n_steps, batch_size, passes, context, d_in, d_sae):
    return sizes(up(n_steps * batch_size, passes), context, d_in, d_sae)


def rounded(activations_by, contexts_by):
    """An answer that brings its two quotients to whole numbers in these two ways."""

    def answer(n_steps, batch_size, passes, context, d_in, d_sae):
        activations = activations_by(n_steps * batch_size, passes)
        whole = sizes(activations, context - 1, d_in, d_sae)
        return whole._replace(contexts=contexts_by(activations, context - 1))

    return answer


def down(a, b):
    return a // b


def nearest(a, b):
    return round(a / b)


def rounded_down(*run):
    return rounded(down, down)(*run)


def activations_rounded_down(*run):
    return rounded(down, up)(*run)


def contexts_rounded_down(*run):
    return rounded(up, down)(*run)


def rounded_to_the_nearest(*run):
    return rounded(nearest, nearest)(*run)


def activations_to_the_nearest(*run):
    return rounded(nearest, up)(*run)


def contexts_to_the_nearest(*run):
    return rounded(up, nearest)(*run)


def one_more_always(n_steps, batch_size, passes, context, d_in, d_sae):
    activations = n_steps * batch_size // passes + 1
    whole = sizes(activations, context - 1, d_in, d_sae)
    return whole._replace(contexts=activations // (context - 1) + 1)


def not_rounded(n_steps, batch_size, passes, context, d_in, d_sae):
    activations = n_steps * batch_size / passes
    whole = sizes(activations, context - 1, d_in, d_sae)
    return whole._replace(contexts=activations / (context - 1))


def passes_multiplied(n_steps, batch_size, passes, context, d_in, d_sae):
    return sizes(n_steps * batch_size * passes, context - 1, d_in, d_sae)


def passes_forgotten(n_steps, batch_size, passes, context, d_in, d_sae):
    return sizes(n_steps * batch_size, context - 1, d_in, d_sae)


def batches_forgotten(n_steps, batch_size, passes, context, d_in, d_sae):
    return sizes(up(n_steps, passes), context - 1, d_in, d_sae)


def a_context_for_each_batch(n_steps, batch_size, passes, context, d_in, d_sae):
    whole = sizes(up(n_steps * batch_size, passes), context - 1, d_in, d_sae)
    return whole._replace(contexts=up(n_steps, passes))


def double_precision(n_steps, batch_size, passes, context, d_in, d_sae):
    activations = up(n_steps * batch_size, passes)
    return sizes(activations, context - 1, d_in, d_sae, bytes_a_weight=32, bytes_a_number=8)


def numbers_instead_of_bytes(n_steps, batch_size, passes, context, d_in, d_sae):
    activations = up(n_steps * batch_size, passes)
    return sizes(activations, context - 1, d_in, d_sae, bytes_a_weight=4, bytes_a_number=1)


def weights_alone(n_steps, batch_size, passes, context, d_in, d_sae):
    return sizes(up(n_steps * batch_size, passes), context - 1, d_in, d_sae, bytes_a_weight=4)


def gradients_or_an_average_forgotten(n_steps, batch_size, passes, context, d_in, d_sae):
    return sizes(up(n_steps * batch_size, passes), context - 1, d_in, d_sae, bytes_a_weight=12)


def adam_forgotten(n_steps, batch_size, passes, context, d_in, d_sae):
    return sizes(up(n_steps * batch_size, passes), context - 1, d_in, d_sae, bytes_a_weight=8)


def biases_forgotten(n_steps, batch_size, passes, context, d_in, d_sae):
    activations = up(n_steps * batch_size, passes)
    return sizes(activations, context - 1, d_in, d_sae, weights=2 * d_in * d_sae)


def b_dec_forgotten(n_steps, batch_size, passes, context, d_in, d_sae):
    activations = up(n_steps * batch_size, passes)
    return sizes(activations, context - 1, d_in, d_sae, weights=2 * d_in * d_sae + d_sae)


def b_enc_forgotten(n_steps, batch_size, passes, context, d_in, d_sae):
    activations = up(n_steps * batch_size, passes)
    return sizes(activations, context - 1, d_in, d_sae, weights=2 * d_in * d_sae + d_in)


def one_matrix(n_steps, batch_size, passes, context, d_in, d_sae):
    activations = up(n_steps * batch_size, passes)
    return sizes(activations, context - 1, d_in, d_sae, weights=d_in * d_sae + d_sae + d_in)


def biases_exchanged(n_steps, batch_size, passes, context, d_in, d_sae):
    activations = up(n_steps * batch_size, passes)
    return sizes(activations, context - 1, d_in, d_sae, weights=2 * d_in * d_sae + 2 * d_sae)


def as_wide_as_the_dictionary(n_steps, batch_size, passes, context, d_in, d_sae):
    whole = sizes(up(n_steps * batch_size, passes), context - 1, d_in, d_sae)
    return whole._replace(data_bytes=4 * whole.activations * d_sae)


def whole_contexts_in_memory(n_steps, batch_size, passes, context, d_in, d_sae):
    whole = sizes(up(n_steps * batch_size, passes), context - 1, d_in, d_sae)
    return whole._replace(data_bytes=4 * whole.contexts * (context - 1) * d_in)


def with_whole_numbers(n_steps, batch_size, passes, context, d_in, d_sae):
    activations = -(-n_steps * batch_size // passes)
    contexts = -(-activations // (context - 1))
    encoder, decoder = d_in * d_sae + d_sae, d_sae * d_in + d_in
    return RunSizes(activations, contexts, activations * d_in * 4, (encoder + decoder) * 4 * 4)


def counted_up(n_steps, batch_size, passes, context, d_in, d_sae):
    activations = (n_steps * batch_size + passes - 1) // passes
    contexts = 0
    while contexts * (context - 1) < activations:
        contexts += 1
    state = sum(4 * n for n in (d_in * d_sae, d_sae, d_sae * d_in, d_in) for _ in range(4))
    return RunSizes(activations, contexts, 4 * d_in * activations, state)


EXERCISE = Exercise(
    id="09.run_sizes",
    title="Before you start: how much of everything?",
    reference=run_sizes.run_sizes,
    minutes=10,
    difficulty=2,
    hints=(
        "A run uses `n_steps * batch_size` activations. How many *different* ones is that, if each "
        "may be used `passes` times? And how many of a context's tokens give an activation?",
        "BOS gives none: `context - 1` of each context do. For the last number count the entries "
        "of the four tensors of an SAE. For each entry the optimiser keeps further numbers.",
        "`math.ceil(a / b)` rounds up. Each weight needs four numbers of 4 bytes: itself, its "
        "gradient, and Adam's average of gradients and of their squares.",
    ),
    check=Check(
        draws_training.runs,
        tested="three runs in which nothing divides evenly, and one in which everything does",
        observe=fields_of,
        rtol=1e-9,
        parts=RunSizes._fields,
    ),
    mistakes=(
        Mistake(
            bos_counted,
            "You divided by `context`. Its first token is BOS, of which no activation is kept: a "
            "context gives `context - 1`.",
        ),
        Mistake(
            rounded_down,
            "You rounded down twice (`//` and `int` do), and each time something is missing: an "
            "activation, then a context. Round up.",
        ),
        Mistake(
            activations_rounded_down,
            "You rounded the activations down (`//` and `int` do). Then the last pass lacks a few: "
            "round up.",
        ),
        Mistake(
            contexts_rounded_down,
            "You rounded the contexts down (`//` and `int` do). Then they give fewer activations "
            "than you ask for: round up.",
        ),
        Mistake(
            rounded_to_the_nearest,
            "You rounded both to the nearest whole number, which is sometimes too few: round up.",
        ),
        Mistake(
            activations_to_the_nearest,
            "You rounded the activations to the nearest whole number, which is sometimes too few: "
            "round up.",
        ),
        Mistake(
            contexts_to_the_nearest,
            "You rounded the contexts to the nearest whole number, which is sometimes too few: "
            "round up.",
        ),
        Mistake(
            one_more_always,
            "You rounded down and added one. Where a division comes out even, that is one too "
            "many.",
        ),
        Mistake(
            not_rounded,
            "Half a context cannot be read. Give whole numbers, rounded up.",
        ),
        Mistake(
            passes_multiplied,
            "You multiplied by `passes`. The more often each activation is used, the *fewer* "
            "different ones are needed.",
        ),
        Mistake(
            passes_forgotten,
            "`passes` has no effect. If each activation is used several times, fewer different "
            "ones are needed.",
        ),
        Mistake(
            batches_forgotten,
            "You need `batch_size` activations for each step, not one.",
        ),
        Mistake(
            a_context_for_each_batch,
            "You read one context for each batch. Batches and contexts have nothing to do with "
            "each other: divide the activations by what a context gives.",
        ),
        Mistake(
            double_precision,
            "You took 8 bytes for a number, as in NumPy's float64. Here everything is float32: 4.",
        ),
        Mistake(
            numbers_instead_of_bytes,
            "These are counts of numbers. A float32 takes 4 bytes.",
        ),
        Mistake(
            weights_alone,
            "These are the bytes of the weights alone. Training keeps three more numbers for each "
            "of them.",
        ),
        Mistake(
            gradients_or_an_average_forgotten,
            "You have three numbers for each weight, and there are four: the weight, its gradient, "
            "and Adam's *two* averages.",
        ),
        Mistake(
            adam_forgotten,
            "Adam keeps two averages for each weight, as large as the weights: chapter 05 has "
            "them.",
        ),
        Mistake(biases_forgotten, "The two biases are weights too, `b_enc` and `b_dec`."),
        Mistake(
            b_dec_forgotten,
            "One bias is missing: `b_dec`, with `d_in` entries.",
        ),
        Mistake(
            b_enc_forgotten,
            "One bias is missing: `b_enc`, with `d_sae` entries.",
        ),
        Mistake(
            one_matrix,
            "Encoder and decoder begin as transposes of each other, but they are two matrices.",
        ),
        Mistake(
            biases_exchanged,
            "`b_dec` is added to the reconstruction, so it has `d_in` entries, not `d_sae`.",
        ),
        Mistake(
            as_wide_as_the_dictionary,
            "An activation has `d_in` numbers. Latents, of which there are `d_sae`, are made from "
            "it in training, and none are stored.",
        ),
        Mistake(
            whole_contexts_in_memory,
            "Your data bytes are those of whole contexts. The last context may give more than the "
            "run needs: here only the activations that are needed count.",
        ),
    ),
    alternatives=(with_whole_numbers, counted_up),
    why="Most failed runs fail here: out of memory after an hour, or out of text. It takes a "
    "minute to know before.",
)
