"""Exercise 09.take_step: a few calls, and their order matters."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import copy
from typing import Any

import torch

from saeedu import one_step
from saeedu.course.ch09_training_on_gpt2 import draws_training, wrong_steps
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.grading.values import kind_of
from saeedu.sae import LossTerms


def two_steps(implementation: Implementation, call: Call) -> dict[str, Any]:
    """The weights after one step and after two, what was returned, what `after_step` was given.

    One step does not show gradients that were never cleared, nor a step size set too late.
    """
    sae, make_optimizer, batch, scale, config, step = call.args
    sae, handed_over = copy.deepcopy(sae), []
    after_step = sae.after_step

    def noted(terms: LossTerms, samples: int | None = None) -> None:
        handed_over.append(terms.total.detach().clone())
        after_step(terms, samples)

    sae.after_step = noted
    optimizer = make_optimizer(sae.parameters(), lr=config.lr)
    returned = implementation(sae, optimizer, batch, scale, config, step)
    first = draws_training.weights_of(sae)
    implementation(sae, optimizer, 0.7 * batch.flip(0) + 0.5, scale, config, step + 1)
    return {
        "returned": _readable(returned),
        "after the first step": first,
        "after the second step": draws_training.weights_of(sae),
        "the totals that after_step was given": handed_over,
    }


def _readable(returned: Any) -> Any:
    if returned is None:
        return None
    if not isinstance(returned, LossTerms):
        raise TypeError(
            f"take_step must return the LossTerms that sae.loss gave, and it returned "
            f"{kind_of(returned)}"
        )
    return {"total": returned.total, "reconstruction": returned.reconstruction}


def cleared_afterwards(sae, optimizer, batch, scale, config, step):
    terms = sae.loss(scale * batch, sparsity_scale=config.l1_scale(step))
    wrong_steps.finish(sae, optimizer, terms, config, step)
    optimizer.zero_grad(set_to_none=False)
    return terms


def step_size_set_first(sae, optimizer, batch, scale, config, step):
    optimizer.param_groups[0]["lr"] = config.lr_at(step)
    sae.zero_grad()
    terms = sae.loss(batch.mul(scale), config.l1_scale(step))
    terms.total.backward()
    sae.adjust_gradients()
    torch.nn.utils.clip_grad_norm_(sae.parameters(), config.max_grad_norm or float("inf"))
    optimizer.step()
    sae.after_step(terms, len(batch))
    return terms


def by_autograd_grad(sae, optimizer, batch, scale, config, step):
    terms = sae.loss(batch * scale, config.l1_scale(step))
    parameters = list(sae.parameters())
    gradients = torch.autograd.grad(terms.total, parameters)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    sae.adjust_gradients()
    length = torch.stack([parameter.grad.norm() for parameter in parameters]).norm()
    if config.max_grad_norm is not None and length > config.max_grad_norm:
        for parameter in parameters:
            parameter.grad.mul_(config.max_grad_norm / length)
    wrong_steps.set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    sae.after_step(terms)
    return terms


EXERCISE = Exercise(
    id="09.take_step",
    title="One step",
    reference=one_step.take_step,
    minutes=15,
    difficulty=3,
    hints=(
        "For each of the three calls of the table ask what it changes, gradients or weights, and "
        "who uses that next. A length is measured of the gradient that the step will take.",
        "The schedules are asked by number: `config.l1_scale(step)` goes into the loss as its "
        "second argument, and `config.lr_at(step)` into every group of `optimizer.param_groups` "
        'under the key `"lr"`, before `optimizer.step()`.',
        "Units, loss, clear, backward, adjust, clip, step size, step, after. Clip all parameters "
        "together, and only when `config.max_grad_norm` is not None.",
    ),
    check=Check(
        draws_training.steps,
        tested="two SAEs, L1 and TopK, with Adam and without, gradients longer and shorter than "
        "the limit, for two steps each: all weights",
        observe=two_steps,
    ),
    mistakes=(
        Mistake(
            wrong_steps.not_cleared,
            "The first step is right and the second is not: gradients add up until somebody "
            "clears them. Call `optimizer.zero_grad()` before `backward()`.",
        ),
        Mistake(
            wrong_steps.never_moved,
            "The optimiser moves nothing. Either `optimizer.step()` is missing, or it comes before "
            "`backward()`, when there are no gradients yet, or they are cleared between the two.",
        ),
        Mistake(
            wrong_steps.scale_forgotten,
            "`scale` has no effect. The SAE works in normalised units, and the batch comes as the "
            "language model made it.",
        ),
        Mistake(wrong_steps.divided_by_scale, "You divided by `scale`: multiply the batch by it."),
        Mistake(
            wrong_steps.no_warm_up,
            "The penalty is at full strength from the first step. `sae.loss` takes the warm-up's "
            "factor as its second argument: `config.l1_scale(step)`.",
        ),
        Mistake(
            wrong_steps.price_one_step_ahead,
            "The warm-up is one step ahead: steps are counted from 0, and so does `l1_scale`.",
        ),
        Mistake(
            wrong_steps.step_size_one_step_ahead,
            "The step size is that of the step after this one: `lr_at` counts from 0, as you do.",
        ),
        Mistake(
            wrong_steps.step_size_never_set,
            "The optimiser keeps the step size that it was made with. Write `config.lr_at(step)` "
            "into each of its `param_groups`.",
        ),
        Mistake(
            wrong_steps.step_size_set_too_late,
            "You set the step size after the step that it was meant for, so each step runs with "
            "that of the one before.",
        ),
        Mistake(
            wrong_steps.price_for_step_size,
            "The loss got the step size. Its second argument is the penalty's factor, "
            "`config.l1_scale(step)`.",
        ),
        Mistake(
            wrong_steps.not_adjusted,
            "`sae.adjust_gradients()` has no effect: it is missing, or in the wrong place. Before "
            "`backward()` there is no gradient to adjust, and after `optimizer.step()` it has been "
            "used. It takes out the part along each decoder row (chapter 04).",
        ),
        Mistake(
            wrong_steps.after_step_forgotten,
            "`sae.after_step(terms)` is missing, so decoder rows lose their length of one.",
        ),
        Mistake(
            wrong_steps.after_step_before_it,
            "You called `after_step` before `optimizer.step()`. The rows are brought to length "
            "one, and then the step takes them off it.",
        ),
        Mistake(
            wrong_steps.not_clipped,
            "`config.max_grad_norm` has no effect. Gradients longer than it, all weights taken "
            "together, are shortened to it: `torch.nn.utils.clip_grad_norm_`.",
        ),
        Mistake(
            wrong_steps.clipped_before_adjusting,
            "You clipped before `adjust_gradients`. Part of the length that you measured is then "
            "thrown away, and the rest is shorter than it had to be.",
        ),
        Mistake(
            wrong_steps.each_weight_clipped,
            "You clipped each tensor by itself, which turns the step in another direction. The "
            "length is that of all gradients taken together.",
        ),
        Mistake(
            wrong_steps.entries_clipped,
            "You clipped each entry, which turns the step in another direction. It is the length "
            "of the whole gradient that is limited: `clip_grad_norm_`.",
        ),
        Mistake(
            wrong_steps.limit_written_as_one,
            "You clip to a length of 1, whatever `config.max_grad_norm` says.",
        ),
        Mistake(
            wrong_steps.short_ones_stretched,
            "You bring every gradient to a length of `max_grad_norm`, short ones too. It is a "
            "limit: a gradient that is shorter stays as it is.",
        ),
        Mistake(
            wrong_steps.matrices_clipped,
            "You clip the two matrices and leave out the biases. One length is taken over the "
            "gradients of all tensors: `sae.parameters()`.",
        ),
        Mistake(
            wrong_steps.clipped_by_a_sum_of_lengths,
            "You added the tensors' lengths. All gradients are one long vector: its length is the "
            "root of the sum of the *squared* lengths.",
        ),
        Mistake(
            wrong_steps.not_cleared_and_clipped_early,
            "Two things at once. Gradients add up from step to step: call `optimizer.zero_grad()` "
            "before `backward()`. And the clipping has to come after `adjust_gradients`.",
        ),
        Mistake(
            wrong_steps.a_batch_late,
            "You call `optimizer.step()` before `backward()`, so each step is taken with the "
            "gradients of the batch before. First backward, then step.",
        ),
        Mistake(
            wrong_steps.terms_of_the_new_weights,
            "The weights are right. Return the loss that you computed at the beginning: the terms "
            "as they were *before* the step.",
        ),
        Mistake(
            wrong_steps.new_terms_for_after_step,
            "You compute the loss again for `after_step`. It counts which latents this step's "
            "batch made active: hand it the terms from before the step.",
        ),
        Mistake(
            wrong_steps.new_terms_throughout,
            "You compute the loss again after the step. `after_step` and the caller both want the "
            "terms as they were *before* it: keep the first ones.",
        ),
        Mistake(
            wrong_steps.clipped_without_a_limit,
            "You clip even where `config.max_grad_norm` is None, which means: never.",
        ),
        Mistake(wrong_steps.scaled_twice, "The batch is scaled twice. Once is enough."),
        Mistake(
            wrong_steps.reconstruction_alone,
            "You called `backward()` on the reconstruction: the penalty has no say. Use "
            "`terms.total`.",
        ),
        Mistake(
            wrong_steps.returns_the_total_alone,
            "The weights are right. Return all of `terms`, not only its total: the loop also "
            "wants L0 and the reconstruction.",
        ),
    ),
    alternatives=(cleared_afterwards, step_size_set_first, by_autograd_grad),
    why="This is all that training is; everything else in a training library is bookkeeping.",
)
