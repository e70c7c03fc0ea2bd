"""Chapter 00: its warm-up functions, and the three faces of a check that it promises to show."""

import numpy as np
import pytest
from sklearn.preprocessing import normalize

from saeedu import warmup
from saeedu.course.ch00_start_here.exercises import EXERCISES
from saeedu.grading import grade
from saeedu.shapes import ShapeError


def test_row_lengths_of_pythagorean_rows():
    np.testing.assert_allclose(warmup.row_lengths(np.array([[3.0, -4.0], [0.0, 2.0]])), [5, 2])


def test_centred_columns_have_mean_zero_and_the_same_differences():
    x = np.random.default_rng(0).standard_normal((9, 4)) + np.array([1, -2, 30, 4])
    centred = warmup.centre(x)
    np.testing.assert_allclose(centred.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(centred, axis=0), np.diff(x, axis=0), atol=1e-12)


def test_unit_rows_agree_with_sklearn():
    x = np.random.default_rng(1).standard_normal((6, 3)) * 5
    np.testing.assert_allclose(warmup.unit_rows(x), normalize(x))


@pytest.mark.parametrize("function", [warmup.row_lengths, warmup.centre, warmup.unit_rows])
def test_a_single_sample_without_a_batch_axis_is_refused(function):
    with pytest.raises(ShapeError, match=r"x has shape \[4\]"):
        function(np.ones(4))


def test_the_second_exercise_ships_a_wrong_answer_that_is_recognised():
    shipping = [exercise for exercise in EXERCISES if exercise.ships]
    assert [exercise.id for exercise in shipping] == ["00.centre"]
    (exercise,) = shipping
    verdict = grade(exercise, exercise.ships)
    assert verdict.status == "wrong"
    assert verdict.mistake == exercise.ships.__name__


def test_the_obvious_first_attempt_at_the_third_exercise_raises():
    def unit_rows(x):
        return x / warmup.row_lengths(x)

    verdict = grade("00.unit_rows", unit_rows)
    assert verdict.status == "raised"
    assert verdict.mistake == "lengths_lined_up_with_columns"
    assert "x / warmup.row_lengths(x)" in verdict.message  # the learner's own line
