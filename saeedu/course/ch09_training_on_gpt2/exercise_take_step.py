"""Exercise 09.take_step: six calls, and their order matters."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import copy
from typing import Any

import torch

from saeedu import one_step
from saeedu.course.ch09_training_on_gpt2 import draws_training
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.grading.values import kind_of
from saeedu.sae import LossTerms


def two_steps(implementation: Implementation, call: Call) -> dict[str, Any]:
    """The weights after one step and after two, and what was returned.

    One step does not show gradients that were never cleared, nor a step size set too late.
    """
    sae, make_optimizer, batch, scale, config, step = call.args
    sae = copy.deepcopy(sae)
    optimizer = make_optimizer(sae.parameters(), lr=config.lr)
    returned = implementation(sae, optimizer, batch, scale, config, step)
    first = draws_training.weights_of(sae)
    implementation(sae, optimizer, 0.7 * batch.flip(0) + 0.5, scale, config, step + 1)
    return {
        "returned": _readable(returned),
        "after the first step": first,
        "after the second step": draws_training.weights_of(sae),
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


def clip(sae, config):
    if config.max_grad_norm is not None:
        torch.nn.utils.clip_grad_norm_(sae.parameters(), config.max_grad_norm)


def set_lr(optimizer, lr):
    for group in optimizer.param_groups:
        group["lr"] = lr


def finish(sae, optimizer, terms, config, step):
    """The right second half, from the backward pass on."""
    terms.total.backward()
    sae.adjust_gradients()
    clip(sae, config)
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    sae.after_step(terms)
    return terms


def not_cleared(sae, optimizer, batch, scale, config, step):
    terms = sae.loss(batch * scale, config.l1_scale(step))
    return finish(sae, optimizer, terms, config, step)


def never_moved(sae, optimizer, batch, scale, config, step):
    terms = sae.loss(batch * scale, config.l1_scale(step))
    terms.total.backward()
    optimizer.zero_grad()
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    sae.after_step(terms)
    return terms


def scale_forgotten(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    return finish(sae, optimizer, sae.loss(batch, config.l1_scale(step)), config, step)


def divided_by_scale(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    return finish(sae, optimizer, sae.loss(batch / scale, config.l1_scale(step)), config, step)


def no_warm_up(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    return finish(sae, optimizer, sae.loss(batch * scale), config, step)


def price_one_step_ahead(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    return finish(sae, optimizer, sae.loss(batch * scale, config.l1_scale(step + 1)), config, step)


def step_size_one_step_ahead(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale, config.l1_scale(step))
    return finish(sae, optimizer, terms, config, step + 1)


def step_size_never_set(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale, config.l1_scale(step))
    terms.total.backward()
    sae.adjust_gradients()
    clip(sae, config)
    optimizer.step()
    sae.after_step(terms)
    return terms


def step_size_set_too_late(sae, optimizer, batch, scale, config, step):
    terms = step_size_never_set(sae, optimizer, batch, scale, config, step)
    set_lr(optimizer, config.lr_at(step))
    return terms


def price_for_step_size(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale, config.lr_at(step))
    return finish(sae, optimizer, terms, config, step)


def not_adjusted(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale, config.l1_scale(step))
    terms.total.backward()
    clip(sae, config)
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    sae.after_step(terms)
    return terms


def after_step_forgotten(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale, config.l1_scale(step))
    terms.total.backward()
    sae.adjust_gradients()
    clip(sae, config)
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    return terms


def after_step_before_it(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale, config.l1_scale(step))
    terms.total.backward()
    sae.adjust_gradients()
    clip(sae, config)
    set_lr(optimizer, config.lr_at(step))
    sae.after_step(terms)
    optimizer.step()
    return terms


def not_clipped(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale, config.l1_scale(step))
    terms.total.backward()
    sae.adjust_gradients()
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    sae.after_step(terms)
    return terms


def clipped_before_adjusting(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale, config.l1_scale(step))
    terms.total.backward()
    clip(sae, config)
    sae.adjust_gradients()
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    sae.after_step(terms)
    return terms


def each_weight_clipped(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale, config.l1_scale(step))
    terms.total.backward()
    sae.adjust_gradients()
    if config.max_grad_norm is not None:
        for parameter in sae.parameters():
            torch.nn.utils.clip_grad_norm_(parameter, config.max_grad_norm)
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    sae.after_step(terms)
    return terms


def entries_clipped(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale, config.l1_scale(step))
    terms.total.backward()
    sae.adjust_gradients()
    if config.max_grad_norm is not None:
        torch.nn.utils.clip_grad_value_(sae.parameters(), config.max_grad_norm)
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    sae.after_step(terms)
    return terms


def clipped_without_a_limit(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale, config.l1_scale(step))
    terms.total.backward()
    sae.adjust_gradients()
    torch.nn.utils.clip_grad_norm_(sae.parameters(), config.max_grad_norm or 1.0)
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    sae.after_step(terms)
    return terms


def scaled_twice(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale * scale, config.l1_scale(step))
    return finish(sae, optimizer, terms, config, step)


def reconstruction_alone(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale, config.l1_scale(step))
    terms.reconstruction.backward()
    sae.adjust_gradients()
    clip(sae, config)
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    sae.after_step(terms)
    return terms


def returns_the_total_alone(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale, config.l1_scale(step))
    return finish(sae, optimizer, terms, config, step).total


def cleared_afterwards(sae, optimizer, batch, scale, config, step):
    terms = sae.loss(scale * batch, sparsity_scale=config.l1_scale(step))
    finish(sae, optimizer, terms, config, step)
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
    set_lr(optimizer, config.lr_at(step))
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
        "Write the order down first: units, loss, clear, backward, adjust, clip, step size, step, "
        "after. What would each do if it came one place earlier?",
        "The schedules are asked by number: `config.l1_scale(step)` goes into the loss as its "
        "second argument, and `config.lr_at(step)` into every group of `optimizer.param_groups` "
        'under the key `"lr"`, before `optimizer.step()`.',
        "`sae.adjust_gradients()` changes gradients, so it stands after `backward()` and before "
        "the clipping; `sae.after_step(terms)` changes weights, so it comes last. Clip all "
        "parameters together, and only when `config.max_grad_norm` is not None.",
    ),
    check=Check(
        draws_training.steps,
        tested="two SAEs, L1 and TopK, with Adam and without, for two steps each: all weights",
        observe=two_steps,
    ),
    mistakes=(
        Mistake(
            not_cleared,
            "The first step is right and the second is not: gradients add up until somebody "
            "clears them. Call `optimizer.zero_grad()` before `backward()`.",
        ),
        Mistake(
            never_moved,
            "The optimiser moves nothing. Either `optimizer.step()` is missing, or the gradients "
            "are cleared after `backward()`, when there is something to lose.",
        ),
        Mistake(
            scale_forgotten,
            "`scale` has no effect. The SAE works in normalised units, and the batch comes as the "
            "language model made it.",
        ),
        Mistake(divided_by_scale, "You divided by `scale`: multiply the batch by it."),
        Mistake(
            no_warm_up,
            "The penalty is at full strength from the first step. `sae.loss` takes the warm-up's "
            "factor as its second argument: `config.l1_scale(step)`.",
        ),
        Mistake(
            price_one_step_ahead,
            "The warm-up is one step ahead: steps are counted from 0, and so does `l1_scale`.",
        ),
        Mistake(
            step_size_one_step_ahead,
            "The step size is that of the step after this one: `lr_at` counts from 0, as you do.",
        ),
        Mistake(
            step_size_never_set,
            "The optimiser keeps the step size that it was made with. Write `config.lr_at(step)` "
            "into each of its `param_groups`.",
        ),
        Mistake(
            step_size_set_too_late,
            "You set the step size after the step that it was meant for, so each step runs with "
            "that of the one before.",
        ),
        Mistake(
            price_for_step_size,
            "The loss got the step size. Its second argument is the penalty's factor, "
            "`config.l1_scale(step)`.",
        ),
        Mistake(
            not_adjusted,
            "`sae.adjust_gradients()` is missing. For decoder rows of fixed length it takes out "
            "the part of the gradient along the row (chapter 04).",
        ),
        Mistake(
            after_step_forgotten,
            "`sae.after_step(terms)` is missing, so decoder rows lose their length of one.",
        ),
        Mistake(
            after_step_before_it,
            "You called `after_step` before `optimizer.step()`. The rows are brought to length "
            "one, and then the step takes them off it.",
        ),
        Mistake(
            not_clipped,
            "`config.max_grad_norm` has no effect. Gradients longer than it, all weights taken "
            "together, are shortened to it: `torch.nn.utils.clip_grad_norm_`.",
        ),
        Mistake(
            clipped_before_adjusting,
            "You clipped before `adjust_gradients`. Part of the length that you measured is then "
            "thrown away, and the rest is shorter than it had to be.",
        ),
        Mistake(
            each_weight_clipped,
            "You clipped each tensor by itself, which turns the step in another direction. The "
            "length is that of all gradients taken together.",
        ),
        Mistake(
            entries_clipped,
            "You clipped each entry, which turns the step in another direction. It is the length "
            "of the whole gradient that is limited: `clip_grad_norm_`.",
        ),
        Mistake(
            clipped_without_a_limit,
            "You clip even where `config.max_grad_norm` is None, which means: never.",
        ),
        Mistake(scaled_twice, "The batch is scaled twice. Once is enough."),
        Mistake(
            reconstruction_alone,
            "You called `backward()` on the reconstruction: the penalty has no say. Use "
            "`terms.total`.",
        ),
        Mistake(
            returns_the_total_alone,
            "The weights are right. Return all of `terms`, not only its total: the loop also "
            "wants L0 and the reconstruction.",
        ),
    ),
    alternatives=(cleared_afterwards, step_size_set_first, by_autograd_grad),
    why="This is all that training is; everything else in a training library is bookkeeping.",
)
