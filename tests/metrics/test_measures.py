"""Each measure's formula, against scikit-learn, SciPy, numbers by hand, or its meaning."""

from __future__ import annotations

import pytest
import torch
from scipy.optimize import minimize_scalar
from sklearn.metrics import explained_variance_score, r2_score
from torch import Tensor

from saeedu import metrics, numpy_sae
from saeedu.shapes import ShapeError

Pair = tuple[Tensor, Tensor]


@pytest.fixture
def pair() -> Pair:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(50, 7, generator=generator, dtype=torch.float64) * torch.arange(1, 8) + 3
    return x + 0.8 * torch.randn(50, 7, generator=generator, dtype=torch.float64) + 0.3, x


def test_explained_variance_is_sklearns_variance_weighted_r2(pair: Pair) -> None:
    x_hat, x = pair
    expected = r2_score(x.numpy(), x_hat.numpy(), multioutput="variance_weighted")
    assert metrics.explained_variance(x_hat, x).item() == pytest.approx(expected)
    fvu = numpy_sae.fraction_of_variance_unexplained(x_hat.numpy(), x.numpy())
    assert metrics.explained_variance(x_hat, x).item() == pytest.approx(1 - fvu)


def test_explained_variance_at_its_landmarks(pair: Pair) -> None:
    _, x = pair
    assert metrics.explained_variance(x, x).item() == 1
    mean = x.mean(dim=0).expand_as(x)
    assert metrics.explained_variance(mean, x).item() == pytest.approx(0)
    assert metrics.explained_variance(-x, x).item() < 0
    with pytest.raises(ShapeError):
        metrics.explained_variance(x[:, 1:], x)


def test_dictionary_learnings_explained_variance_is_sklearns(pair: Pair) -> None:
    x_hat, x = pair
    got = metrics.explained_variance_dictionary_learning(x_hat, x).item()
    expected = explained_variance_score(x.numpy(), x_hat.numpy(), multioutput="variance_weighted")
    assert got == pytest.approx(expected)
    assert got > metrics.explained_variance(x_hat, x).item()
    shifted = metrics.explained_variance_dictionary_learning(x + 100, x).item()
    assert shifted == pytest.approx(1)  # a constant error is forgiven


def test_saelens_old_explained_variance_is_an_average_of_r2_by_token(pair: Pair) -> None:
    x_hat, x = pair
    mean = x.mean(dim=0)
    by_token = [
        1 - ((a - b) ** 2).sum() / ((b - mean) ** 2).sum() for a, b in zip(x_hat, x, strict=True)
    ]
    got = metrics.explained_variance_saelens_legacy(x_hat, x).item()
    assert got == pytest.approx(sum(by_token).item() / 50)


def test_three_explained_variances_of_one_reconstruction_by_hand() -> None:
    """Two tokens at distance 1 from the mean and two at distance 3, all off by (0, 1)."""
    x = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [3.0, 0.0], [-3.0, 0.0]])
    x_hat = x + torch.tensor([0.0, 1.0])
    assert metrics.explained_variance(x_hat, x).item() == pytest.approx(1 - 4 / 20)
    assert metrics.explained_variance_dictionary_learning(x_hat, x).item() == 1
    legacy = metrics.explained_variance_saelens_legacy(x_hat, x).item()
    assert legacy == pytest.approx((0 + 0 + 8 / 9 + 8 / 9) / 4)


def test_l0_counts_what_is_above_zero_and_l1_adds_it_up() -> None:
    latents = torch.tensor([[0.0, 2.0, 1e-9], [0.0, 0.0, 3.0]])
    assert metrics.l0(latents).item() == 1.5
    assert metrics.l1(latents).item() == 2.5


def test_relative_bias_is_the_divisor_that_makes_the_error_least(pair: Pair) -> None:
    x_hat, x = 0.6 * pair[0], pair[1]
    best = minimize_scalar(
        lambda gamma: ((x_hat / gamma - x) ** 2).sum().item(), bracket=(0.3, 1), tol=1e-10
    )
    got = metrics.relative_reconstruction_bias(x_hat, x).item()
    assert got == pytest.approx(best.x, rel=1e-5)
    assert metrics.relative_reconstruction_bias(0.7 * x, x).item() == pytest.approx(0.7)
