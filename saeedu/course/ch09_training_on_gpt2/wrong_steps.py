"""Wrong answers to 09.take_step, named by what they do."""
# ruff: noqa: D103

from __future__ import annotations

import torch


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
    return move(sae, optimizer, terms, config, step)


def begin(sae, optimizer, batch, scale, config, step):
    """The right first half: the loss, and no gradients of an earlier step."""
    optimizer.zero_grad()
    return sae.loss(batch * scale, config.l1_scale(step))


def move(sae, optimizer, terms, config, step):
    """The right end, once the gradients are what they should be."""
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    sae.after_step(terms)
    return terms


def clipped_by(shorten):
    """An answer whose only fault is how it shortens gradients: `shorten(sae, limit or None)`."""

    def answer(sae, optimizer, batch, scale, config, step):
        terms = begin(sae, optimizer, batch, scale, config, step)
        terms.total.backward()
        sae.adjust_gradients()
        shorten(sae, config.max_grad_norm)
        return move(sae, optimizer, terms, config, step)

    answer.__name__ = shorten.__name__
    return answer


def length_of(sae):
    return torch.stack([parameter.grad.norm() for parameter in sae.parameters()]).norm()


def multiply_gradients(sae, factor):
    for parameter in sae.parameters():
        parameter.grad.mul_(factor)


@clipped_by
def not_clipped(sae, limit):
    pass


@clipped_by
def limit_written_as_one(sae, limit):
    if limit is not None:
        torch.nn.utils.clip_grad_norm_(sae.parameters(), 1.0)


@clipped_by
def clipped_without_a_limit(sae, limit):
    torch.nn.utils.clip_grad_norm_(sae.parameters(), limit or 1.0)


@clipped_by
def short_ones_stretched(sae, limit):
    if limit is not None:
        multiply_gradients(sae, limit / length_of(sae))


@clipped_by
def matrices_clipped(sae, limit):
    if limit is not None:
        torch.nn.utils.clip_grad_norm_([sae.W_enc, sae.W_dec], limit)


@clipped_by
def clipped_by_a_sum_of_lengths(sae, limit):
    if limit is not None:
        lengths = sum(parameter.grad.norm() for parameter in sae.parameters())
        multiply_gradients(sae, min(1.0, limit / lengths))


@clipped_by
def each_weight_clipped(sae, limit):
    if limit is not None:
        for parameter in sae.parameters():
            torch.nn.utils.clip_grad_norm_(parameter, limit)


@clipped_by
def entries_clipped(sae, limit):
    if limit is not None:
        torch.nn.utils.clip_grad_value_(sae.parameters(), limit)


def not_cleared(sae, optimizer, batch, scale, config, step):
    terms = sae.loss(batch * scale, config.l1_scale(step))
    return finish(sae, optimizer, terms, config, step)


def never_moved(sae, optimizer, batch, scale, config, step):
    terms = sae.loss(batch * scale, config.l1_scale(step))
    terms.total.backward()
    optimizer.zero_grad()
    return move(sae, optimizer, terms, config, step)


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
    terms = begin(sae, optimizer, batch, scale, config, step)
    return finish(sae, optimizer, terms, config, step + 1)


def step_size_never_set(sae, optimizer, batch, scale, config, step):
    terms = begin(sae, optimizer, batch, scale, config, step)
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
    terms = begin(sae, optimizer, batch, scale, config, step)
    terms.total.backward()
    clip(sae, config)
    return move(sae, optimizer, terms, config, step)


def after_step_forgotten(sae, optimizer, batch, scale, config, step):
    terms = begin(sae, optimizer, batch, scale, config, step)
    terms.total.backward()
    sae.adjust_gradients()
    clip(sae, config)
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    return terms


def after_step_before_it(sae, optimizer, batch, scale, config, step):
    terms = begin(sae, optimizer, batch, scale, config, step)
    terms.total.backward()
    sae.adjust_gradients()
    clip(sae, config)
    set_lr(optimizer, config.lr_at(step))
    sae.after_step(terms)
    optimizer.step()
    return terms


def clipped_before_adjusting(sae, optimizer, batch, scale, config, step):
    terms = begin(sae, optimizer, batch, scale, config, step)
    terms.total.backward()
    clip(sae, config)
    sae.adjust_gradients()
    return move(sae, optimizer, terms, config, step)


def scaled_twice(sae, optimizer, batch, scale, config, step):
    optimizer.zero_grad()
    terms = sae.loss(batch * scale * scale, config.l1_scale(step))
    return finish(sae, optimizer, terms, config, step)


def reconstruction_alone(sae, optimizer, batch, scale, config, step):
    terms = begin(sae, optimizer, batch, scale, config, step)
    terms.reconstruction.backward()
    sae.adjust_gradients()
    clip(sae, config)
    return move(sae, optimizer, terms, config, step)


def not_cleared_and_clipped_early(sae, optimizer, batch, scale, config, step):
    terms = sae.loss(batch * scale, config.l1_scale(step))
    terms.total.backward()
    clip(sae, config)
    sae.adjust_gradients()
    return move(sae, optimizer, terms, config, step)


def a_batch_late(sae, optimizer, batch, scale, config, step):
    terms = sae.loss(batch * scale, config.l1_scale(step))
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    optimizer.zero_grad()
    terms.total.backward()
    sae.adjust_gradients()
    clip(sae, config)
    sae.after_step(terms)
    return terms


def terms_of_the_new_weights(sae, optimizer, batch, scale, config, step):
    terms = begin(sae, optimizer, batch, scale, config, step)
    finish(sae, optimizer, terms, config, step)
    return sae.loss(batch * scale, config.l1_scale(step))


def new_terms_for_after_step(sae, optimizer, batch, scale, config, step):
    terms = begin(sae, optimizer, batch, scale, config, step)
    terms.total.backward()
    sae.adjust_gradients()
    clip(sae, config)
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    sae.after_step(sae.loss(batch * scale, config.l1_scale(step)))
    return terms


def new_terms_throughout(sae, optimizer, batch, scale, config, step):
    terms = begin(sae, optimizer, batch, scale, config, step)
    terms.total.backward()
    sae.adjust_gradients()
    clip(sae, config)
    set_lr(optimizer, config.lr_at(step))
    optimizer.step()
    terms = sae.loss(batch * scale, config.l1_scale(step))
    sae.after_step(terms)
    return terms


def returns_the_total_alone(sae, optimizer, batch, scale, config, step):
    terms = begin(sae, optimizer, batch, scale, config, step)
    return finish(sae, optimizer, terms, config, step).total
