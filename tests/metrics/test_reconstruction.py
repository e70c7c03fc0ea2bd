from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score
from torch import Tensor

from saeedu import metrics, numpy_sae
from saeedu.metrics import RunningReconstruction, evaluate_reconstruction
from saeedu.sae import ReLUSAE
from saeedu.shapes import ShapeError

FIGURES = (
    "l0",
    "l1",
    "explained_variance",
    "explained_variance_dictionary_learning",
    "explained_variance_saelens_legacy",
    "relative_bias",
)


def stream(n: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Activations with a mean far larger than their spread, reconstructions, latents."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 5, generator=generator) * torch.arange(1, 6) + 100
    x_hat = 0.999 * x + 0.5 * torch.randn(n, 5, generator=generator)
    return x, x_hat, torch.relu(torch.randn(n, 9, generator=generator) - 0.5)


def at_once(x: Tensor, x_hat: Tensor, latents: Tensor) -> dict[str, float]:
    """The oracle: each formula over the whole data, in float64."""
    x, x_hat, latents = x.double(), x_hat.double(), latents.double()
    return {
        "l0": metrics.l0(latents).item(),
        "l1": metrics.l1(latents).item(),
        "explained_variance": metrics.explained_variance(x_hat, x).item(),
        "explained_variance_dictionary_learning": (
            metrics.explained_variance_dictionary_learning(x_hat, x).item()
        ),
        "explained_variance_saelens_legacy": (
            metrics.explained_variance_saelens_legacy(x_hat, x).item()
        ),
        "relative_bias": metrics.relative_reconstruction_bias(x_hat, x).item(),
    }


def running(data: tuple[Tensor, ...], sizes: list[int], **options: Any) -> Any:
    measure = RunningReconstruction(5, 9, mean=data[0].double().mean(dim=0), **options)
    for batch in zip(*(part.split(sizes) for part in data), strict=True):
        measure.update(*batch)
    return measure.result()


@settings(deadline=None)
@given(sizes=st.lists(st.integers(0, 60), min_size=1, max_size=10).filter(lambda s: sum(s) > 2))
def test_measured_in_any_batches_it_is_as_if_measured_at_once(sizes: list[int]) -> None:
    data = stream(sum(sizes))
    result = running(data, sizes, block=7)
    for name, expected in at_once(*data).items():
        assert getattr(result, name) == pytest.approx(expected, rel=1e-6, abs=1e-6), name
    density = (data[2] > 0).double().mean(dim=0)
    np.testing.assert_allclose(result.density.numpy(), density.numpy(), rtol=1e-6)
    if sum(sizes) >= 140:  # twenty blocks: the spread of a few is whatever the first batch makes it
        once = running(data, [sum(sizes)], block=7)
        for name, error in result.standard_errors.items():
            assert error == pytest.approx(once.standard_errors[name], rel=0.3), name
    assert result.n_tokens == sum(sizes)
    assert result.fvu == 1 - result.explained_variance


@pytest.mark.parametrize("name", FIGURES)
def test_standard_errors_are_what_repeating_the_measurement_shows(name: str) -> None:
    """300 streams of 400 tokens: the spread of each figure, against the errors reported."""
    results = [running(stream(400, seed), [100] * 4, block=5) for seed in range(300)]
    spread = np.std([getattr(result, name) for result in results])
    reported = np.mean([result.standard_errors[name] for result in results])
    assert reported == pytest.approx(spread, rel=0.2)


def test_the_old_explained_variance_of_saelens_needs_the_mean_beforehand() -> None:
    x, x_hat, latents = stream(30)
    measure = RunningReconstruction(5, 9)
    measure.update(x, x_hat, latents)
    result = measure.result()
    assert result.explained_variance_saelens_legacy is None
    assert "explained_variance_saelens_legacy" not in result.standard_errors
    expected = metrics.explained_variance(x_hat.double(), x.double()).item()
    assert result.explained_variance == pytest.approx(expected, rel=1e-6)


def test_memory_does_not_grow_with_the_number_of_tokens() -> None:
    measure = RunningReconstruction(5, 9, mean=torch.zeros(5))

    def numbers_held() -> int:
        parts = (measure._x, measure._error, measure._sums)
        tensors = [value for part in parts for value in vars(part).values()]
        return sum(value.numel() for value in tensors if isinstance(value, Tensor))

    measure.update(*stream(50))
    before = numbers_held()
    for seed in range(60):
        measure.update(*stream(50, seed))
    assert numbers_held() == before


def test_what_does_not_fit_is_refused() -> None:
    x, x_hat, latents = stream(10)
    measure = RunningReconstruction(5, 9)
    with pytest.raises(ShapeError, match="batch"):
        measure.update(x, x_hat[1:], latents)
    with pytest.raises(ShapeError, match=r"\(5, 8\), but this was made for \(5, 9\)"):
        measure.update(x, x_hat, latents[:, 1:])
    with pytest.raises(ValueError, match="no token was taken in"):
        measure.result()


def test_an_sae_is_measured_in_batches_as_at_once() -> None:
    generator = torch.Generator().manual_seed(2)
    x = 5 * torch.randn(101, 6, generator=generator) + 2
    sae = ReLUSAE(6, 9, seed=1)
    sae.start_from_mean(x)
    with torch.no_grad():
        sae.b_enc[4] = -1e6  # never fires
        sae.b_enc[5] = 1e6  # always does
    result = evaluate_reconstruction(sae, x, batch_size=13)
    latents, x_hat = sae.encode(x).detach(), sae(x).detach()
    assert result.l0 == pytest.approx(numpy_sae.l0(latents.numpy()), rel=1e-5)
    expected = r2_score(x.numpy(), x_hat.numpy(), multioutput="variance_weighted")
    assert result.explained_variance == pytest.approx(expected, rel=1e-4)
    legacy = metrics.explained_variance_saelens_legacy(x_hat, x).item()
    assert result.explained_variance_saelens_legacy == pytest.approx(legacy, rel=1e-4)
    density = (latents > 0).double().mean(dim=0)
    np.testing.assert_allclose(result.density.numpy(), density.numpy(), rtol=1e-5)
    assert result.dead == pytest.approx(1 / 9)
    assert result.dense == pytest.approx((density > 0.1).double().mean().item())
    assert result.density_histogram().dead == 1


def test_shrinkage_shows_in_the_relative_bias() -> None:
    """An SAE that returns 0.8 of every activation is off by exactly that."""
    sae = ReLUSAE(3, 6)
    both = torch.cat([torch.eye(3), -torch.eye(3)])
    with torch.no_grad():
        sae.W_enc.copy_(both.T)
        sae.W_dec.copy_(0.8 * both)
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    result = evaluate_reconstruction(sae, x)
    assert result.relative_bias == pytest.approx(0.8)
    assert result.standard_errors["relative_bias"] == pytest.approx(0, abs=1e-6) or math.isnan(
        result.standard_errors["relative_bias"]
    )
