"""Exercise 05.l1_warm_up: raise the price slowly."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_training
from saeedu.course.ch05_training.draws import draw_warm_ups
from saeedu.grading.exercise import Check, Exercise, Mistake


def never_stops(step, warm_up_steps, l1_coefficient):
    return l1_coefficient * step / max(1, warm_up_steps)


def always_constant(step, warm_up_steps, l1_coefficient):
    return l1_coefficient


def counted_from_zero(step, warm_up_steps, l1_coefficient):
    if step > warm_up_steps:
        return l1_coefficient
    return l1_coefficient * (step - 1) / warm_up_steps


def jumps_at_the_end(step, warm_up_steps, l1_coefficient):
    return l1_coefficient if step >= warm_up_steps else 0.0


def falls(step, warm_up_steps, l1_coefficient):
    if step >= warm_up_steps:
        return l1_coefficient
    return l1_coefficient * (1 - step / warm_up_steps)


def divides_by_zero(step, warm_up_steps, l1_coefficient):
    return l1_coefficient * min(1, step / warm_up_steps)


def share_alone(step, warm_up_steps, l1_coefficient):
    return 1.0 if step >= warm_up_steps else step / warm_up_steps


def turned_upside_down(step, warm_up_steps, l1_coefficient):
    return l1_coefficient if step >= warm_up_steps else l1_coefficient * warm_up_steps / step


def capped_at_one(step, warm_up_steps, l1_coefficient):
    if warm_up_steps == 0:
        return l1_coefficient
    return min(1.0, l1_coefficient * step / warm_up_steps)


def squared(step, warm_up_steps, l1_coefficient):
    if step >= warm_up_steps:
        return l1_coefficient
    return l1_coefficient * (step / warm_up_steps) ** 2


def nothing_without_warm_up(step, warm_up_steps, l1_coefficient):
    if warm_up_steps == 0:
        return 0.0
    return l1_coefficient * min(1, step / warm_up_steps)


def max_for_min(step, warm_up_steps, l1_coefficient):
    return l1_coefficient * max(1, step / max(1, warm_up_steps))


def forgot_the_last_branch(step, warm_up_steps, l1_coefficient):
    if step < warm_up_steps:
        return l1_coefficient * step / warm_up_steps
    return None


def with_min(step, warm_up_steps, l1_coefficient):
    return l1_coefficient * min(1, step / max(1, warm_up_steps))


def interpolated(step, warm_up_steps, l1_coefficient):
    return np.interp(step, [0, max(1, warm_up_steps)], [0, l1_coefficient])


def clipped(step, warm_up_steps, l1_coefficient):
    if not warm_up_steps:
        return l1_coefficient
    return np.clip(l1_coefficient * step / warm_up_steps, 0, l1_coefficient)


EXERCISE = Exercise(
    id="05.l1_warm_up",
    title="Raise the price slowly",
    reference=numpy_training.l1_warm_up,
    minutes=4,
    difficulty=1,
    hints=(
        "Two cases: during the warm-up, and after it. Write an if.",
        "During the warm-up the share that has passed is step / warm_up_steps. It must reach 1 "
        "exactly when step equals warm_up_steps.",
        "`if step >= warm_up_steps: return l1_coefficient` takes care of the end, and of a warm-up "
        "of 0 steps, before anything is divided. Else: that share of l1_coefficient.",
    ),
    check=Check(draw=draw_warm_ups, tested="before, at and after the end, and no warm-up at all"),
    mistakes=(
        Mistake(
            never_stops, "λ never stops rising. After the warm-up it stays at its final value."
        ),
        Mistake(
            always_constant, "λ is at its final value from the first step: nothing is warmed up."
        ),
        Mistake(
            counted_from_zero,
            "You are one step late: steps count from 1, so the last step of the warm-up has the "
            "full λ.",
        ),
        Mistake(
            jumps_at_the_end,
            "λ is zero and then jumps. It should rise in a straight line.",
        ),
        Mistake(falls, "λ falls during the warm-up: you took the share that is left."),
        Mistake(
            divides_by_zero,
            "With warm_up_steps = 0 you divide by zero. No warm-up means the final λ from the "
            "start: look at that case first.",
        ),
        Mistake(
            nothing_without_warm_up,
            "With warm_up_steps = 0 you return 0. No warm-up means the full price from the first "
            "step, not none at all.",
        ),
        Mistake(
            max_for_min,
            "You took the larger of 1 and the share. λ then starts at its final value and rises "
            "beyond it: take the smaller one, min.",
        ),
        Mistake(share_alone, "This is the share of the warm-up that has passed. Multiply by λ."),
        Mistake(
            turned_upside_down,
            "The fraction is upside down: λ starts far above its final value.",
        ),
        Mistake(
            capped_at_one,
            "You cap λ at 1. The cap is its final value, l1_coefficient.",
        ),
        Mistake(squared, "λ rises as a square. A straight line is asked for."),
        Mistake(
            forgot_the_last_branch,
            "After the warm-up your function returns None: return l1_coefficient there.",
        ),
    ),
    alternatives=(with_min, interpolated, clipped),
    why="Chapter 09 warms λ up in the same way, on a language model.",
)
