"""Chapter 04: what its exercises must catch by name, its draws, its pictures, its story."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from saeedu import gradient_plots, numpy_gradients
from saeedu.builder.course import COURSE_FOLDER
from saeedu.course.ch04_gradients.draws import SIZES, draw_around_the_kink, draw_functions
from saeedu.course.ch04_gradients.exercises import EXERCISES
from saeedu.grading import grade

LESSON = (COURSE_FOLDER / "ch04_gradients" / "lesson.md").read_text(encoding="utf-8")


def central(f, at, eps):
    at = at.astype(float)
    grad = np.empty(at.shape)
    for i in np.ndindex(at.shape):
        step = np.zeros(at.shape)
        step[i] = eps
        grad[i] = (f(at + step) - f(at - step)) / (2 * eps)
    return grad


def forward(f, at, eps):
    at = at.astype(float)
    grad = np.empty(at.shape)
    for i in np.ndindex(at.shape):
        step = np.zeros(at.shape)
        step[i] = eps
        grad[i] = (f(at + step) - f(at)) / eps
    return grad


@pytest.mark.parametrize(
    ("exercise_id", "attempt", "mistake"),
    [
        ("04.grad_x_hat", lambda p, x: (p - x) / x.shape[0], "forgot_the_2"),
        ("04.grad_x_hat", lambda p, x: np.mean(2 * (p - x), axis=0), "averaged"),
        ("04.grad_W_dec", lambda p, x, z: 2 * (z.T @ (p - x)), "forgot_the_batch"),
        ("04.grad_W_dec", lambda p, x, z: (2 / len(x) * z.T @ (p - x)).T, "transposed"),
        (
            "04.grad_latents_reconstruction",
            lambda p, x, W: 2 * (p - x) @ W.T / (p - x).size,
            "mean_over_everything",
        ),
        ("04.grad_latents_l1", lambda z, k: k * np.ones(z.shape) / len(z), "on_all_latents"),
        ("04.grad_pre_acts", lambda d, p: np.where(d > 0, d, 0), "mask_from_d_latents"),
        ("04.grad_pre_acts", lambda d, p: np.where(p >= 0, d, 0), "open_at_zero"),
        (
            "04.grad_pre_acts",
            lambda d, p: d * np.where(p > 0, p, 0),
            "latents_instead_of_the_mask",
        ),
        ("04.grad_W_enc", lambda x, b, d: np.einsum("si,sj->ij", x, d), "forgot_to_centre"),
        ("04.grad_W_enc", lambda x, b, d: (x + b).T @ d, "added_b_dec"),
        ("04.grad_b_enc", lambda d: np.mean(d, 0), "mean_over_the_batch"),
        (
            "04.grad_b_dec",
            lambda p, x, d, W: np.mean(2 * (p - x), axis=0),
            "only_the_decoder_path",
        ),
        (
            "04.grad_b_dec",
            lambda p, x, d, W: np.sum(2 / len(x) * (p - x) + d @ W.T, axis=0),
            "encoder_path_added",
        ),
        (
            "04.grad_b_dec",
            lambda p, x, d, W: np.mean(2 / len(x) * (p - x) - np.einsum("sj,ij->si", d, W), 0),
            "both_paths_averaged",
        ),
        (
            "04.project_off_rows",
            lambda g, W: g - np.diag(g @ W.T)[:, None] * W,
            "rows_not_normalised",
        ),
        ("04.numerical_gradient", lambda f, at, eps=1e-5: forward(f, at, eps), "one_sided"),
    ],
)
def test_the_classic_slips_are_named_however_they_are_written(exercise_id, attempt, mistake):
    verdict = grade(exercise_id, attempt)
    assert verdict.status == "wrong"
    assert verdict.mistake == mistake


@pytest.mark.parametrize("default", [1e-4, 1e-5, 1e-6])
def test_a_central_difference_passes_and_a_one_sided_one_fails_whatever_the_default(default):
    assert grade("04.numerical_gradient", lambda f, at, eps=default: central(f, at, eps)).passed
    verdict = grade("04.numerical_gradient", lambda f, at, eps=default: forward(f, at, eps))
    assert verdict.status == "wrong"


@pytest.mark.parametrize("default", [1e-2, 1e-11])
def test_a_default_nudge_far_too_large_or_too_small_fails(default):
    verdict = grade("04.numerical_gradient", lambda f, at, eps=default: central(f, at, eps))
    assert verdict.status == "wrong"


@pytest.mark.parametrize("eps", [1e-4, 1e-5, 1e-6])
def test_an_eps_of_the_callers_is_not_to_be_ignored(eps):
    verdict = grade("04.numerical_gradient", lambda f, at, _=0: central(f, at, eps))
    assert verdict.status == "wrong"
    assert verdict.mistake == "eps_not_used"


@pytest.mark.parametrize(
    ("attempt", "mistake"),
    [
        (lambda g, W: g - (g * W / np.linalg.norm(W, axis=1)).sum(1), "norm_without_keepdims"),
        (lambda g, W: g - (g * W).sum(1) * W / (W * W).sum(), "sum_without_keepdims"),
    ],
)
def test_a_lost_axis_in_the_projection_is_named_although_numpy_raises(attempt, mistake):
    verdict = grade("04.project_off_rows", attempt)
    assert verdict.status == "raised"
    assert verdict.mistake == mistake
    assert "keepdims=True" in verdict.message


def test_a_flattened_call_of_f_is_explained():
    verdict = grade("04.numerical_gradient", lambda f, at, eps=1e-5: f(at.ravel()))
    assert verdict.status == "raised"
    assert "was called with an array of shape" in verdict.message


@pytest.mark.parametrize("seed", range(5))
def test_the_checker_is_checked_against_calculus(seed):
    for call in draw_functions(np.random.default_rng(seed)):
        f, at, *eps = call.args
        exact = f.exact_gradient(at)
        for wide in eps:  # of sin 2v a central difference makes cos 2v sin 2ε / ε, not 2 cos 2v
            exact = exact + np.cos(2 * at) * (np.sin(2 * wide) / wide - 2)
        measured = numpy_gradients.numerical_gradient(*call.args)
        assert np.abs(measured - exact).max() < 1e-7 * np.abs(exact).max()


@pytest.mark.parametrize("seed", range(5))
def test_the_kink_is_met_by_gradients_of_both_signs(seed):
    for call in draw_around_the_kink(np.random.default_rng(seed)):
        d_latents, pre_acts = call.args
        at_the_kink = d_latents[pre_acts == 0]
        assert (at_the_kink > 0).any()
        assert (at_the_kink < 0).any()
        assert (pre_acts > 0).any()
        assert (pre_acts < 0).any()


def test_no_batch_of_two_and_no_two_axes_alike():
    assert all(batch != 2 for batch, _, _ in SIZES)
    assert all(len(set(sizes)) == 3 for sizes in SIZES)


def test_no_message_is_without_a_reason():
    for exercise in EXERCISES:
        for mistake in exercise.mistakes:
            assert len(mistake.message.split()) >= 10, f"{exercise.id} {mistake.name}"


def test_the_lesson_computes_no_gradient_for_the_learner():
    code = "\n".join(re.findall(r"```\{code-cell\}.*?```", LESSON, flags=re.S))
    assert "numpy_gradients" not in code
    assert "torch" not in code


FIGURES = {
    "slope_by_differences": lambda: gradient_plots.slope_by_differences(np.cos, 0.4, 0.3),
    "difference_errors": lambda: gradient_plots.difference_errors(
        np.array([1e-6, 1e-4]), np.array([1e-6, 1e-4]), np.array([1e-12, 1e-8])
    ),
    "relu_gate": lambda: gradient_plots.relu_gate(np.eye(2) - 0.5, np.ones((2, 2))),
    "step_on_the_circle": lambda: gradient_plots.step_on_the_circle(
        np.array([0.6, 0.8]), np.array([1.0, 2.0]), 0.2
    ),
    "norm_drift": lambda: gradient_plots.norm_drift([0, 1], {"a": [1, 1.5], "b": [1, 1.001]}),
    "descents": lambda: gradient_plots.descents([0, 1], {"a": {"loss": [2, 1], "mmcs": [0.6, 1]}}),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_panel_has_axis_labels_with_units_and_no_figure_is_left_open(name):
    figure = FIGURES[name]()
    for axes in figure.axes:
        for label in (axes.get_xlabel(), axes.get_ylabel()):
            assert re.search(r"\(.+\)", label), label
    assert plt.get_fignums() == []


def test_the_graph_shows_two_paths_out_of_b_dec():
    figure = gradient_plots.computation_graph()
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert any("path 1" in text for text in texts)
    assert any("path 2" in text for text in texts)
    assert plt.get_fignums() == []


def test_the_gate_lets_a_gradient_through_only_where_pre_acts_are_positive():
    pre_acts, d_latents = np.array([[2.0, -1.0, 0.0]]), np.array([[-3.0, 4.0, 5.0]])
    figure = gradient_plots.relu_gate(pre_acts, d_latents)
    shown = [text.get_text() for text in figure.axes[-1].texts]
    assert shown == ["-3.0", "0", "0"]
