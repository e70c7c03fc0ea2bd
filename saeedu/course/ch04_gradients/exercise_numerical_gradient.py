"""Exercise 04.numerical_gradient: the checker that the learner writes before any gradient."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_gradients
from saeedu.course.ch04_gradients.draws import draw_functions
from saeedu.grading.exercise import Check, Exercise, Mistake


def _differences(f, at, up, down, distance):
    """The right loop, with the three numbers that people get wrong left open."""
    at = np.array(at, dtype=np.float64)
    grad = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        original = at[index]
        at[index] = original + up
        above = f(at)
        at[index] = original - down
        below = f(at)
        at[index] = original
        grad[index] = (above - below) / distance
    return grad


def one_sided(f, at, eps=1e-5):
    return _differences(f, at, up=eps, down=0.0, distance=eps)


def one_sided_over_two_eps(f, at, eps=1e-5):
    return _differences(f, at, up=eps, down=0.0, distance=2 * eps)


def divided_by_eps(f, at, eps=1e-5):
    return _differences(f, at, up=eps, down=eps, distance=eps)


def forgot_to_divide(f, at, eps=1e-5):
    return _differences(f, at, up=eps, down=eps, distance=1.0)


def below_minus_above(f, at, eps=1e-5):
    return _differences(f, at, up=eps, down=eps, distance=-2 * eps)


def eps_far_too_large(f, at, eps=0.1):
    return _differences(f, at, up=eps, down=eps, distance=2 * eps)


def eps_far_too_small(f, at, eps=1e-13):
    return _differences(f, at, up=eps, down=eps, distance=2 * eps)


def eps_not_used(f, at, eps=1e-5):
    return _differences(f, at, up=1e-5, down=1e-5, distance=2e-5)


def half_the_nudge(f, at, eps=1e-5):
    return _differences(f, at, up=eps / 2, down=eps / 2, distance=eps)


def four_points(f, at, eps=1e-5):
    near = numpy_gradients.numerical_gradient(f, at, eps)
    far = numpy_gradients.numerical_gradient(f, at, 2 * eps)
    return (4 * near - far) / 3


def left_the_nudge_in(f, at, eps=1e-5):
    at = np.array(at, dtype=np.float64)
    grad = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        at[index] += eps
        above = f(at)
        at[index] -= 2 * eps
        below = f(at)
        grad[index] = (above - below) / (2 * eps)
    return grad


def nudged_all_at_once(f, at, eps=1e-5):
    at = np.array(at, dtype=np.float64)
    return np.full_like(at, (f(at + eps) - f(at - eps)) / (2 * eps))


def one_number_for_all(f, at, eps=1e-5):
    return (f(at + eps) - f(at - eps)) / (2 * eps)


def nudged_whole_rows(f, at, eps=1e-5):
    at = np.array(at, dtype=np.float64)
    grad = np.zeros_like(at)
    for row in range(len(at)):
        nudge = np.zeros_like(at)
        nudge[row] = eps
        grad[row] = (f(at + nudge) - f(at - nudge)) / (2 * eps)
    return grad


def kept_the_integer_dtype(f, at, eps=1e-5):
    at = np.array(at)
    grad = np.zeros(at.shape)
    for index in np.ndindex(at.shape):
        original = at[index]
        at[index] = original + eps
        above = f(at)
        at[index] = original - eps
        below = f(at)
        at[index] = original
        grad[index] = (above - below) / (2 * eps)
    return grad


def nudged_the_callers_array(f, at, eps=1e-5):
    grad = np.zeros(at.shape)
    for index in np.ndindex(at.shape):
        at[index] += eps
        above = f(at)
        at[index] -= 2 * eps
        below = f(at)
        at[index] += eps
        grad[index] = (above - below) / (2 * eps)
    return grad


def stored_in_integers(f, at, eps=1e-5):
    grad = np.zeros_like(at)
    grad[...] = _differences(f, at, up=eps, down=eps, distance=2 * eps)
    return grad


def returned_flat(f, at, eps=1e-5):
    return _differences(f, at, up=eps, down=eps, distance=2 * eps).ravel()


def with_basis_vectors(f, at, eps=1e-4):
    at = np.asarray(at, dtype=float)
    directions = eps * np.eye(at.size).reshape(at.size, *at.shape)
    slopes = [(f(at + step) - f(at - step)) / (2 * eps) for step in directions]
    return np.array(slopes).reshape(at.shape)


def with_a_flat_view(f, at, eps=1e-6):
    work = np.array(at, dtype=np.float64, order="C")
    flat, grad = work.reshape(-1), []
    for position, value in enumerate(flat.copy()):
        heights = []
        for nudged in (value + eps, value - eps):
            flat[position] = nudged
            heights.append(f(work))
        flat[position] = value
        grad.append((heights[0] - heights[1]) / (2 * eps))
    return np.reshape(grad, work.shape)


def with_a_recursion(f, at, eps=1e-5, first=0):
    at = np.array(at, dtype=np.float64)
    if first == at.size:
        return np.zeros(at.shape)
    nudge = np.zeros(at.size)
    nudge[first] = eps
    nudge = nudge.reshape(at.shape)
    grad = with_a_recursion(f, at, eps, first + 1)
    grad.flat[first] = (f(at + nudge) - f(at - nudge)) / eps / 2
    return grad


EXERCISE = Exercise(
    id="04.numerical_gradient",
    title="A checker that needs no calculus",
    reference=numpy_gradients.numerical_gradient,
    minutes=12,
    difficulty=3,
    hints=(
        "One entry at a time: nudge it up, ask f; nudge it down, ask f; put it back. What do the "
        "two answers and the distance between the two points make?",
        "Work on a float64 copy: `at = np.array(at, dtype=np.float64)`. Visit every entry of an "
        "array of any shape with `for index in np.ndindex(at.shape):`.",
        "Remember `original = at[index]`. Set `at[index] = original + eps`, call f; set it to "
        "`original - eps`, call f; then set it to `original` again, before the next entry.",
        "The slope is `(above - below) / (2 * eps)`, written to `grad[index]`, with "
        "`grad = np.zeros_like(at)` made after the copy.",
    ),
    check=Check(
        draw=draw_functions,
        tested="functions of one, two and three axes, a given eps, and an integer array",
        rtol=1e-7,  # a central difference is good to 1e-9 here; a one-sided one to 1e-5
    ),
    mistakes=(
        Mistake(
            one_sided,
            "Your difference is one-sided: (f(at + eps) - f(at)) / eps. Its error shrinks like "
            "eps; step to both sides and the error shrinks like eps squared.",
        ),
        Mistake(
            one_sided_over_two_eps,
            "You step up only, yet divide by 2 * eps, so every slope comes out half as steep. The "
            "two points must be at + eps and at - eps.",
        ),
        Mistake(
            divided_by_eps,
            "Every entry is twice too large. Your two points lie 2 * eps apart, so divide by "
            "2 * eps, not by eps.",
        ),
        Mistake(
            forgot_to_divide,
            "You return a difference of heights. A slope is that difference divided by the "
            "distance between the two points, 2 * eps.",
        ),
        Mistake(
            below_minus_above,
            "Every sign is turned round: subtract the value below from the value above, "
            "f(at + eps) - f(at - eps).",
        ),
        Mistake(
            eps_far_too_large,
            "Your nudge is 0.1, so far that the function bends on the way. The error of a central "
            "difference grows with eps squared: keep the default, 1e-5.",
        ),
        Mistake(
            eps_far_too_small,
            "Your nudge is 1e-13: f hardly changes, and most digits of the difference are rounding "
            "noise. float64 keeps 16 digits, so keep the default, 1e-5.",
        ),
        Mistake(
            eps_not_used,
            "Your nudge is always the same, whatever `eps` is given. The next cells vary it to "
            "see how the error depends on it: use the argument.",
        ),
        Mistake(
            half_the_nudge,
            "You step eps / 2 to each side. That is a central difference too, but here eps is the "
            "distance from `at` to either point, so the two points lie 2 * eps apart.",
        ),
        Mistake(
            four_points,
            "More exact than was asked for: you combine four points. The lesson measures the error "
            "of two, so return (f(at + eps) - f(at - eps)) / (2 * eps).",
        ),
        Mistake(
            left_the_nudge_in,
            "The first slope is right and the rest are slightly off: an entry you have nudged "
            "stays nudged while you measure the next ones. Put the original value back.",
        ),
        Mistake(
            nudged_all_at_once,
            "You moved every entry at once and measured one slope. A partial derivative moves one "
            "entry and holds all others still, so you need two calls of f for each entry.",
        ),
        Mistake(
            one_number_for_all,
            "You moved every entry at once, and returned one number. A gradient has one number for "
            "each entry of `at`: move them one at a time, with two calls of f for each.",
        ),
        Mistake(
            nudged_whole_rows,
            "You moved a whole row at a time: right for a vector, wrong for a matrix. Visit single "
            "entries, with np.ndindex(at.shape).",
        ),
        Mistake(
            kept_the_integer_dtype,
            "Integer input comes out wrong: an integer array cannot hold 3.00001, so the nudge is "
            "rounded away. Copy to floats: np.array(at, dtype=np.float64).",
        ),
        Mistake(
            nudged_the_callers_array,
            "You nudge the caller's own array and add the nudge back: rounding leaves it slightly "
            "changed, and an integer array cannot hold the nudge at all. Begin with a float64 "
            "copy.",
        ),
        Mistake(
            stored_in_integers,
            "Integer input gives slopes without decimals: np.zeros_like(at) inherits the integer "
            "dtype of `at`. Make the copy float64 first, then the result like the copy.",
        ),
        Mistake(
            returned_flat,
            "The numbers are right and the shape is lost. A gradient has the shape of what it is "
            "the gradient of: return an array of the shape of `at`.",
        ),
    ),
    alternatives=(with_basis_vectors, with_a_flat_view, with_a_recursion),
    why="From here on you need trust no formula, mine included: you can measure.",
)
