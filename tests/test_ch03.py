"""Chapter 03: what its exercises must catch by name, and what its story rests on."""

import numpy as np
import pytest

from saeedu import numpy_sae
from saeedu.course.ch03_autoencoder_forward.exercises import EXERCISES
from saeedu.data import SparseFeatures
from saeedu.grading import grade


def relu(z):
    return z * (z > 0)


@pytest.mark.parametrize(
    ("exercise_id", "attempt", "mistake"),
    [
        ("03.encode", lambda x, W, b, c: relu(x @ W + b), "not_centred"),
        ("03.encode", lambda x, W, b, c: relu((x - c) @ W), "no_encoder_bias"),
        ("03.encode", lambda x, W, b, c: (x - c) @ W + b, "no_relu"),
        ("03.decode", lambda z, W, b: z @ W, "no_output_bias"),
        ("03.reconstruction_loss", lambda p, x: ((p - x) ** 2).mean(), "mean_over_everything"),
        ("03.reconstruction_loss", lambda p, x: ((p - x) ** 2).sum(), "sum_over_everything"),
        ("03.l1_penalty", lambda z, k: k * z.mean(), "l1_mean_over_everything"),
        ("03.l0", lambda z: (z > 0).mean(), "fraction_active"),
        (
            "03.fraction_of_variance_unexplained",
            lambda p, x: ((p - x) ** 2).mean() / x.var(),
            "one_mean_for_everything",
        ),
        ("03.mmcs", lambda F, D: numpy_sae.mmcs(D, F), "averaged_over_the_dictionary"),
    ],
)
def test_the_classic_slips_are_named_however_they_are_written(exercise_id, attempt, mistake):
    verdict = grade(exercise_id, attempt)
    assert verdict.status == "wrong"
    assert verdict.mistake == mistake


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_diagnoses_do_not_depend_on_the_draw(exercise, seed):
    for mistake in exercise.mistakes:
        assert grade(exercise, mistake.wrong, seed).mistake == mistake.name
    for alternative in exercise.alternatives:
        verdict = grade(exercise, alternative, seed)
        assert verdict.passed, verdict.message


def test_components_of_either_sign_pass_and_a_swapped_pair_does_not():
    def negated(x, n_components):
        return -numpy_sae.principal_components(x, n_components)

    def upside_down(x, n_components):
        return numpy_sae.principal_components(x, n_components)[::-1]

    assert grade("03.principal_components", negated).passed
    assert grade("03.principal_components", upside_down).status == "wrong"


@pytest.mark.parametrize(
    "answer", [None, "three", 3.0, np.zeros((2, 3), dtype=int), np.array([["a"]]), [[1, 2], [3]]]
)
def test_components_of_a_wrong_kind_get_a_verdict_and_not_a_crash(answer):
    assert grade("03.principal_components", lambda x, n_components: answer).status == "wrong"


def test_covariance_cannot_tell_a_mixed_dictionary_from_the_true_one():
    # The chapter's argument against PCA: F and R F have the same covariance for orthogonal R.
    rng = np.random.default_rng(0)
    features = SparseFeatures(9, 4, 0.1, seed=0).directions
    rotation, _ = np.linalg.qr(rng.standard_normal((9, 9)))
    mixed = rotation @ features
    np.testing.assert_allclose(mixed.T @ mixed, features.T @ features, atol=1e-12)
    assert numpy_sae.mmcs(features, mixed) < 0.95


def test_one_step_of_ista_from_zero_is_the_tied_encoder():
    # The chapter's first extension: step 1/2 from z = 0 gives a bias of -λ/2.
    world = SparseFeatures(12, 6, 0.2, seed=1)
    x, D, price, step = world.sample(20).x, world.directions, 0.3, 0.5
    z = np.zeros((20, 12))
    one_step = np.maximum(z + 2 * step * (x - z @ D) @ D.T - step * price, 0)
    encoded = numpy_sae.encode(x, D.T, np.full(12, -price / 2), np.zeros(6))
    np.testing.assert_allclose(one_step, encoded, atol=1e-12)


def test_the_extension_with_more_steps_beats_the_oracle():
    # So that the chapter does not send a learner after something that is not there.
    world = SparseFeatures(32, 16, 0.05, seed=0)
    x, D, price = world.sample(500).x, world.directions, 0.05
    step = 0.5 / np.linalg.eigvalsh(D @ D.T).max()
    z = np.zeros((500, 32))
    for _ in range(200):
        z = np.maximum(z + 2 * step * (x - z @ D) @ D.T - step * price, 0)
    assert numpy_sae.fraction_of_variance_unexplained(z @ D, x) < 0.02
    assert numpy_sae.l0(z) < 3
