"""Exercise 05.adam_step: the optimiser, by hand."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_training
from saeedu.course.ch05_training.draws import draw_adam
from saeedu.grading.exercise import Check, Exercise, Mistake


def _averages(gradient, mean, mean_square):
    return 0.9 * mean + 0.1 * gradient, 0.999 * mean_square + 0.001 * gradient**2


def no_bias_correction(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = _averages(gradient, mean, mean_square)
    return parameter - learning_rate * m / (np.sqrt(v) + 1e-8), m, v


def mean_not_corrected(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = _averages(gradient, mean, mean_square)
    root = np.sqrt(v / (1 - 0.999**step))
    return parameter - learning_rate * m / (root + 1e-8), m, v


def square_not_corrected(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = _averages(gradient, mean, mean_square)
    return parameter - learning_rate * m / (1 - 0.9**step) / (np.sqrt(v) + 1e-8), m, v


def one_step_ahead(parameter, gradient, mean, mean_square, step, learning_rate):
    return numpy_training.adam_step(parameter, gradient, mean, mean_square, step + 1, learning_rate)


def one_step_behind(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = _averages(gradient, mean, mean_square)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(v / (1 - 0.999 ** (step - 1)))
        change = learning_rate * (m / (1 - 0.9 ** (step - 1))) / (root + 1e-8)
    return parameter - change, m, v


def corrections_swapped(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = _averages(gradient, mean, mean_square)
    change = learning_rate * m / (1 - 0.999**step) / (np.sqrt(v / (1 - 0.9**step)) + 1e-8)
    return parameter - change, m, v


def corrected_without_the_step(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = _averages(gradient, mean, mean_square)
    change = learning_rate * (m / (1 - 0.9)) / (np.sqrt(v / (1 - 0.999)) + 1e-8)
    return parameter - change, m, v


def epsilon_inside_the_root(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = _averages(gradient, mean, mean_square)
    root = np.sqrt(v / (1 - 0.999**step) + 1e-8)
    return parameter - learning_rate * m / (1 - 0.9**step) / root, m, v


def forgot_epsilon(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = _averages(gradient, mean, mean_square)
    with np.errstate(invalid="ignore"):
        change = learning_rate * m / (1 - 0.9**step) / np.sqrt(v / (1 - 0.999**step))
    return parameter - change, m, v


def climbed(parameter, gradient, mean, mean_square, step, learning_rate):
    new, m, v = numpy_training.adam_step(
        parameter, gradient, mean, mean_square, step, learning_rate
    )
    return 2 * parameter - new, m, v


def forgot_the_root(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = _averages(gradient, mean, mean_square)
    change = learning_rate * m / (1 - 0.9**step) / (v / (1 - 0.999**step) + 1e-8)
    return parameter - change, m, v


def rates_swapped(parameter, gradient, mean, mean_square, step, learning_rate):
    m = 0.999 * mean + 0.001 * gradient
    v = 0.9 * mean_square + 0.1 * gradient**2
    change = learning_rate * m / (1 - 0.999**step) / (np.sqrt(v / (1 - 0.9**step)) + 1e-8)
    return parameter - change, m, v


def weights_turned_round(parameter, gradient, mean, mean_square, step, learning_rate):
    m = 0.1 * mean + 0.9 * gradient
    v = 0.001 * mean_square + 0.999 * gradient**2
    change = learning_rate * m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return parameter - change, m, v


def gradient_not_weighted(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = 0.9 * mean + gradient, 0.999 * mean_square + gradient**2
    change = learning_rate * m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return parameter - change, m, v


def averages_not_updated(parameter, gradient, mean, mean_square, step, learning_rate):
    new, _, _ = numpy_training.adam_step(
        parameter, gradient, mean, mean_square, step, learning_rate
    )
    return new, mean, mean_square


def stepped_with_the_old_averages(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = _averages(gradient, mean, mean_square)
    root = np.sqrt(mean_square / (1 - 0.999**step))
    return parameter - learning_rate * mean / (1 - 0.9**step) / (root + 1e-8), m, v


def kept_the_corrected_averages(parameter, gradient, mean, mean_square, step, learning_rate):
    new, m, v = numpy_training.adam_step(
        parameter, gradient, mean, mean_square, step, learning_rate
    )
    return new, m / (1 - 0.9**step), v / (1 - 0.999**step)


def squared_the_mean(parameter, gradient, mean, mean_square, step, learning_rate):
    m = 0.9 * mean + 0.1 * gradient
    v = 0.999 * mean_square + 0.001 * m**2
    change = learning_rate * m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return parameter - change, m, v


def stepped_along_the_gradient(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = _averages(gradient, mean, mean_square)
    root = np.sqrt(v / (1 - 0.999**step))
    return parameter - learning_rate * gradient / (root + 1e-8), m, v


def parameter_alone(parameter, gradient, mean, mean_square, step, learning_rate):
    return numpy_training.adam_step(parameter, gradient, mean, mean_square, step, learning_rate)[0]


def another_beta_2(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = 0.9 * mean + 0.1 * gradient, 0.99 * mean_square + 0.01 * gradient**2
    change = learning_rate * m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.99**step)) + 1e-8)
    return parameter - change, m, v


def forgot_the_learning_rate(parameter, gradient, mean, mean_square, step, learning_rate):
    return numpy_training.adam_step(parameter, gradient, mean, mean_square, step, 1.0)


def averages_exchanged(parameter, gradient, mean, mean_square, step, learning_rate):
    new, m, v = numpy_training.adam_step(
        parameter, gradient, mean, mean_square, step, learning_rate
    )
    return new, v, m


def changed_in_place(parameter, gradient, mean, mean_square, step, learning_rate):
    mean *= 0.9
    mean += 0.1 * gradient
    mean_square *= 0.999
    mean_square += 0.001 * gradient**2
    root = np.sqrt(mean_square / (1 - 0.999**step))
    parameter -= learning_rate * mean / (1 - 0.9**step) / (root + 1e-8)
    return parameter, mean, mean_square


def corrections_in_the_rate(parameter, gradient, mean, mean_square, step, learning_rate):
    m, v = _averages(gradient, mean, mean_square)
    scale = np.sqrt(1 - 0.999**step)
    rate = learning_rate * scale / (1 - 0.9**step)
    return parameter - rate * m / (np.sqrt(v) + 1e-8 * scale), m, v


def by_differences(parameter, gradient, mean, mean_square, step, learning_rate):
    m = mean + (gradient - mean) * (1 - 0.9)
    v = mean_square + (gradient * gradient - mean_square) * (1 - 0.999)
    root = (v / (1 - 0.999**step)) ** 0.5
    return [parameter - m / (1 - 0.9**step) * learning_rate / (root + 1e-8), m, v]


def entry_by_entry(parameter, gradient, mean, mean_square, step, learning_rate):
    new, m, v = np.empty_like(parameter), np.empty_like(mean), np.empty_like(mean_square)
    for at in np.ndindex(parameter.shape):
        m[at] = 0.9 * mean[at] + 0.1 * gradient[at]
        v[at] = 0.999 * mean_square[at] + 0.001 * gradient[at] ** 2
        slope = m[at] / (1 - 0.9**step)
        size = np.sqrt(v[at] / (1 - 0.999**step)) + 1e-8
        new[at] = parameter[at] - learning_rate * slope / size
    return new, m, v


def float32(parameter, gradient, mean, mean_square, step, learning_rate):
    p, g, m, v = (a.astype(np.float32) for a in (parameter, gradient, mean, mean_square))
    return numpy_training.adam_step(p, g, m, v, step, learning_rate)


EXERCISE = Exercise(
    id="05.adam_step",
    title="Adam, by hand",
    reference=numpy_training.adam_step,
    minutes=10,
    difficulty=2,
    hints=(
        "Four lines, in the order of the four formulas above: two averages, two corrections. "
        "Then the step. Return three arrays.",
        "The new averages replace the old ones *before* the step uses them. What you return are "
        "the averages as they are, without the correction: that is made anew at each step.",
        "The correction divides by `1 - 0.9**step` and `1 - 0.999**step`. The divisor of the "
        "change is `np.sqrt(unbiased_square) + 1e-8`: the small number stands outside the root.",
        "`change = learning_rate * unbiased_mean / (np.sqrt(unbiased_square) + 1e-8)`, and "
        "`return parameter - change, mean, mean_square`.",
    ),
    check=Check(
        draw=draw_adam,
        tested="the first step and late ones, gradients of 1e-7, and a row without any gradient",
    ),
    mistakes=(
        Mistake(
            no_bias_correction,
            "The bias correction is missing. Both averages start at zero and are too small at "
            "first: divide them by 1 - 0.9**step and 1 - 0.999**step.",
        ),
        Mistake(
            mean_not_corrected,
            "The mean is not corrected. It started at zero as well: divide it by 1 - 0.9**step.",
        ),
        Mistake(
            square_not_corrected,
            "The mean square is not corrected. Divide it by 1 - 0.999**step, before the root.",
        ),
        Mistake(
            one_step_ahead,
            "Your corrections use step + 1. Steps count from 1 here, so the first one divides by "
            "1 - 0.9: use `step` as it is.",
        ),
        Mistake(
            one_step_behind,
            "Your corrections use step - 1. Steps count from 1 here: with step - 1 the first one "
            "divides by 1 - 0.9**0, which is zero.",
        ),
        Mistake(
            corrections_swapped,
            "The averages are right, but their corrections are swapped: divide the mean by "
            "1 - 0.9**step and the mean square by 1 - 0.999**step.",
        ),
        Mistake(
            corrected_without_the_step,
            "You divide by 1 - 0.9 and 1 - 0.999 at every step. Raise β to the power of `step`: "
            "the correction fades as the averages fill up.",
        ),
        Mistake(
            epsilon_inside_the_root,
            "ε stands inside the root. There it acts like 1e-4, and small gradients no longer get "
            "steps of full length: add it after np.sqrt.",
        ),
        Mistake(
            forgot_epsilon,
            "ε is missing. A latent that has never fired has a gradient of exactly zero, and 0/0 "
            "is NaN: add 1e-8 to the root.",
        ),
        Mistake(
            climbed,
            "You added the change. The gradient points uphill: subtract.",
        ),
        Mistake(
            forgot_the_root,
            "You divide by the mean square itself. Its root has the units of a gradient, so that "
            "they cancel and the step's length is the learning rate.",
        ),
        Mistake(
            rates_swapped,
            "β₁ and β₂ are swapped: 0.9 belongs to the mean, 0.999 to the mean square.",
        ),
        Mistake(
            weights_turned_round,
            "The weights are turned round: the old average keeps 0.9 (0.999), and the new gradient "
            "gets the rest.",
        ),
        Mistake(
            gradient_not_weighted,
            "The new gradient enters with weight 1. Give it 0.1 (its square 0.001), or the "
            "averages grow to many times a gradient.",
        ),
        Mistake(
            averages_not_updated,
            "Right parameter, but you returned the old averages. Without the new ones Adam "
            "forgets every gradient but the last.",
        ),
        Mistake(
            stepped_with_the_old_averages,
            "The step uses the averages from before this gradient. Update them first.",
        ),
        Mistake(
            kept_the_corrected_averages,
            "You returned the corrected averages. The correction is for this step alone: keep the "
            "plain ones, or the next step corrects twice.",
        ),
        Mistake(
            squared_the_mean,
            "The second average is of the squared *gradient*. You squared the mean instead.",
        ),
        Mistake(
            stepped_along_the_gradient,
            "You stepped along the gradient itself. Adam steps along its running mean, corrected.",
        ),
        Mistake(
            parameter_alone,
            "You returned the parameter alone. Return the new averages too: "
            "`return parameter, mean, mean_square`.",
        ),
        Mistake(
            another_beta_2,
            "Your β₂ is 0.99. Some use that; here it is 0.999, in the average and in its "
            "correction.",
        ),
        Mistake(
            forgot_the_learning_rate,
            "The learning rate is missing: without it every step has a length of about 1.",
        ),
        Mistake(
            averages_exchanged,
            "Right numbers in the wrong order: return the mean before the mean square.",
        ),
        Mistake(
            changed_in_place,
            "Right numbers, but `*=`, `+=` and `-=` write into the caller's arrays. Make new ones: "
            "`mean = 0.9 * mean + ...`.",
        ),
    ),
    alternatives=(corrections_in_the_rate, by_differences, entry_by_entry, float32),
    why="Most neural networks of the last ten years, and every SAE of this course, were "
    "trained by these five lines.",
    scaffold="# Two averages, two corrections, one step. The first line is given.\n"
    "mean = 0.9 * mean + 0.1 * gradient",
)
