"""Training by hand: Adam, the decoder's sphere, the fused step, and what is said when it fails."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from saeedu.data import SparseFeatures
from saeedu.fit_records import DivergedError, Resampling, Settings, TrainingWarning
from saeedu.numpy_fit import FusedStep, fit
from saeedu.numpy_gradients import numerical_gradient
from saeedu.numpy_sae import sae_loss
from saeedu.numpy_training import (
    Parameters,
    adam_step,
    decoder_step,
    initial_parameters,
    l1_warm_up,
    sae_gradients,
    update_silence,
)
from saeedu.resampling import resample_by_loss
from saeedu.shapes import ShapeError


def some_parameters(rng: np.random.Generator, d_in: int = 5, d_sae: int = 9) -> Parameters:
    start = initial_parameters(d_in, d_sae, rng)
    return start._replace(
        W_enc=start.W_enc + 0.3 * rng.normal(size=(d_in, d_sae)),
        b_enc=0.2 * rng.normal(size=d_sae),
        b_dec=0.2 * rng.normal(size=d_in),
    )


def test_adam_agrees_with_pytorch_over_many_steps() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    theirs = torch.tensor(rng.normal(size=(4, 3)), requires_grad=True)
    optimiser = torch.optim.Adam([theirs], lr=0.01)
    ours = theirs.detach().numpy().copy()
    mean, mean_square = np.zeros_like(ours), np.zeros_like(ours)
    for step in range(1, 60):
        gradient = rng.normal(size=(4, 3)) * 10.0 ** -(step % 9)  # down to where ε counts
        gradient[0] = 0
        theirs.grad = torch.tensor(gradient)
        optimiser.step()
        ours, mean, mean_square = adam_step(ours, gradient, mean, mean_square, step, 0.01)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12)


def test_the_first_step_of_adam_has_the_length_of_the_learning_rate() -> None:
    gradient = np.array([1e-3, -5.0, 700.0])
    new, _, _ = adam_step(np.zeros(3), gradient, np.zeros(3), np.zeros(3), 1, 0.25)
    np.testing.assert_allclose(new, [-0.25, 0.25, -0.25], rtol=1e-4)


def test_all_gradients_agree_with_central_differences() -> None:
    rng = np.random.default_rng(1)
    parameters, x = some_parameters(rng), rng.normal(size=(7, 5))
    gradients = sae_gradients(x, parameters, 0.4)
    for name in Parameters._fields:

        def loss(part: np.ndarray, name: str = name) -> float:
            return sae_loss(x, *parameters._replace(**{name: part}), l1_coefficient=0.4)

        expected = numerical_gradient(loss, getattr(parameters, name))
        error = np.abs(getattr(gradients, name) - expected).max() / np.abs(expected).max()
        assert error < 1e-6, name


def test_all_gradients_agree_with_autograd() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    parameters, x = some_parameters(rng), rng.normal(size=(7, 5))
    parts = [torch.tensor(part, requires_grad=True) for part in parameters]
    W_enc, b_enc, W_dec, b_dec = parts
    data = torch.tensor(x)
    latents = torch.relu((data - b_dec) @ W_enc + b_enc)
    x_hat = latents @ W_dec + b_dec
    loss = ((x_hat - data) ** 2).sum(1).mean() + 0.4 * latents.sum(1).mean()
    loss.backward()
    for ours, theirs in zip(sae_gradients(x, parameters, 0.4), parts, strict=True):
        np.testing.assert_allclose(ours, theirs.grad.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("sizes", [(6, 5, 9), (1, 3, 4), (9, 1, 2)])
def test_the_fused_step_has_the_gradients_of_chapter_04(sizes: tuple[int, int, int]) -> None:
    batch, d_in, d_sae = sizes
    rng = np.random.default_rng(3)
    parameters, x = some_parameters(rng, d_in, d_sae), rng.normal(size=(batch, d_in))
    stepper = FusedStep(parameters, batch, np.float64)
    stepper.compute_gradients(x, 0.3)
    for ours, expected in zip(stepper.gradients, sae_gradients(x, parameters, 0.3), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-12)


def test_fused_steps_are_the_steps_of_the_exercises() -> None:
    rng = np.random.default_rng(4)
    parameters = some_parameters(rng)
    stepper = FusedStep(parameters, 8, np.float64)
    mean = Parameters(*[np.zeros_like(part) for part in parameters])
    mean_square = mean
    for step in range(1, 80):
        x = rng.normal(size=(8, 5))
        stepper.compute_gradients(x, 0.2)
        stepper.update(0.01)
        gradients = sae_gradients(x, parameters, 0.2)
        updated = []
        for name in Parameters._fields:
            take = decoder_step if name == "W_dec" else adam_step
            state = [getattr(a, name) for a in (parameters, gradients, mean, mean_square)]
            updated.append(take(*state, step, 0.01))
        parameters, mean, mean_square = (Parameters(*parts) for parts in zip(*updated, strict=True))
    for ours, expected in zip(stepper.parameters, parameters, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-10)


def test_decoder_rows_stay_at_unit_length_though_the_step_is_long() -> None:
    rng = np.random.default_rng(5)
    W_dec = initial_parameters(4, 7, rng).W_dec
    zeros = np.zeros_like(W_dec)
    new, _, _ = decoder_step(W_dec, rng.normal(size=W_dec.shape), zeros, zeros, 1, 0.5)
    np.testing.assert_allclose(np.linalg.norm(new, axis=1), 1, rtol=1e-12)
    assert np.abs(new - W_dec).max() > 0.1


def test_the_warm_up_meets_the_full_price_at_its_last_step() -> None:
    prices = [l1_warm_up(step, 4, 0.8) for step in range(1, 7)]
    np.testing.assert_allclose(prices, [0.2, 0.4, 0.6, 0.8, 0.8, 0.8])
    assert l1_warm_up(1, 0, 0.8) == 0.8


def test_silence_counts_steps_in_a_row() -> None:
    silence = np.zeros(3)
    for on in ([1, 0, 0], [0, 0, 1], [0, 0, 0]):
        latents = np.zeros((4, 3))
        latents[2] = on
        silence = update_silence(silence, latents)
    np.testing.assert_array_equal(silence, [2, 3, 1])


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(ShapeError, match="d_sae is 4 in latents"):
        update_silence(np.zeros(3), np.zeros((5, 4)))


def test_a_fit_can_be_repeated_and_depends_on_its_seed() -> None:
    def weights(seed: int) -> np.ndarray:
        settings = Settings(8, 0.1, steps=40, batch_size=16, seed=seed)
        return fit(SparseFeatures(6, 4, 0.2, seed=0), settings).parameters.W_dec

    np.testing.assert_array_equal(weights(0), weights(0))
    assert np.abs(weights(0) - weights(1)).max() > 0.1


def test_the_history_holds_the_loss_of_the_settings() -> None:
    settings = Settings(8, 0.1, steps=100, batch_size=64, warm_up=0.0)
    history = fit(SparseFeatures(6, 4, 0.2, seed=0), settings, dtype=np.float64).history
    assert history["step"][0] == 1
    assert history["step"][-1] == 100
    world = SparseFeatures(6, 4, 0.2, seed=0)
    start = initial_parameters(4, 8, np.random.default_rng(0))
    expected = sae_loss(world.sample(64).x, *start, l1_coefficient=0.1)
    np.testing.assert_allclose(history["loss"][0], expected, rtol=1e-12)
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert all(len(values) == len(history["step"]) for values in history.values())


def test_a_diverging_training_stops_with_a_sentence() -> None:
    with pytest.raises(DivergedError, match=r"diverged: at step .* lower learning_rate"):
        fit(SparseFeatures(6, 4, 0.2, seed=0), Settings(8, 0.1, steps=400, learning_rate=1e3))


def test_overflow_is_a_diverging_training_too() -> None:
    with pytest.raises(DivergedError, match="diverged"):
        fit(SparseFeatures(6, 4, 0.2, seed=0), Settings(8, 0.1, steps=50, learning_rate=1e30))


@pytest.mark.parametrize(
    ("world", "settings", "said"),
    [
        ((6, 4, 0.2), {"l1_coefficient": 0.0}, "nothing asks for sparsity"),
        ((6, 4, 0.2), {"batch_size": 1}, "every step follows one sample"),
        ((6, 4, 1.0), {}, "every feature is in every sample"),
        ((1, 4, 0.3), {}, "one latent is enough"),
        ((6, 4, 0.2), {"l1_coefficient": 100.0, "steps": 1500}, "explains next to nothing"),
        (
            (6, 4, 0.2),
            {"encoder_bias": -50.0, "steps": 600},
            "all 8 latents are dead: none has fired",
        ),
    ],
)
def test_a_lost_cause_is_named_in_one_sentence_and_nothing_is_nan(
    world: tuple[int, int, float], settings: dict[str, float], said: str
) -> None:
    chosen = {"d_sae": 8, "l1_coefficient": 0.1, "steps": 60} | settings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trained = fit(SparseFeatures(*world, seed=0), Settings(**chosen))  # type: ignore[arg-type]
    told = [str(w.message) for w in caught]
    assert all(issubclass(w.category, TrainingWarning) for w in caught), told
    assert sum(said in message for message in told) == 1, told
    assert all(np.isfinite(part).all() for part in trained.parameters)
    assert all(np.isfinite(values).all() for values in trained.history.values())


def test_dead_from_the_start_resampling_does_not_stumble() -> None:
    plan = Resampling(resample_by_loss, every=20, until=100, silent_for=10)
    with pytest.warns(TrainingWarning, match="are dead"):
        trained = fit(
            SparseFeatures(6, 4, 0.2, seed=0),
            Settings(8, 0.1, steps=120, encoder_bias=-50.0),
            plan,
        )
    assert trained.history["revived"][-1] == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("d_sae", 0),
        ("steps", 0),
        ("batch_size", -1),
        ("l1_coefficient", -0.1),
        ("l1_coefficient", float("nan")),
        ("learning_rate", 0.0),
        ("learning_rate", float("inf")),
        ("warm_up", 1.5),
        ("cool_down", -0.1),
    ],
)
def test_settings_that_make_no_sense_are_refused(field: str, value: float) -> None:
    good = {"d_sae": 4, "l1_coefficient": 0.1, "steps": 10}
    with pytest.raises(ValueError, match=f"Settings: {field}"):
        Settings(**(good | {field: value}))  # type: ignore[arg-type]


def test_no_training_loop_runs_over_samples_or_latents() -> None:
    """Ten times the latents and samples must not make ten times the Python calls."""
    import sys

    def calls(batch: int, d_sae: int) -> int:
        count = 0

        def trace(frame: object, event: str, argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        world, settings = SparseFeatures(6, 4, 0.2, seed=0), Settings(d_sae, 0.1, 5, batch)
        sys.setprofile(trace)
        try:
            fit(world, settings)
        finally:
            sys.setprofile(None)
        return count

    assert calls(320, 80) <= calls(32, 8) + 5
