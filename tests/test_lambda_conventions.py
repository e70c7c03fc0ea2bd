"""Each row of the λ table: against the library's own words in PyTorch, and against our loss."""

from __future__ import annotations

import numpy as np
import pytest

from saeedu.lambda_conventions import CONVENTIONS, Convention, course_loss, to_course_lambda
from saeedu.numpy_sae import l1_penalty, reconstruction_loss


@pytest.fixture
def batch() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(7, 5))
    x *= 3 / np.linalg.norm(x, axis=1, keepdims=True)  # one length, as OpenAI's row needs
    x_hat = x + 0.4 * rng.normal(size=(7, 5))
    latents = np.maximum(rng.normal(size=(7, 11)), 0)
    W_dec = rng.normal(size=(11, 5))
    return x, x_hat, latents, W_dec / np.linalg.norm(W_dec, axis=1, keepdims=True)


def find(library: str) -> Convention:
    return next(c for c in CONVENTIONS if c.library == library)


def test_the_course_loss_is_the_one_of_chapter_03(batch) -> None:
    x, x_hat, latents, W_dec = batch
    expected = reconstruction_loss(x_hat, x) + l1_penalty(latents, 0.3)
    assert course_loss(x, x_hat, latents, W_dec, 0.3) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda c: c.library)
def test_the_conversion_keeps_the_optimum(convention: Convention, batch) -> None:
    x, x_hat, latents, W_dec = batch
    if convention.coefficient_factor is None or convention.loss_factor is None:
        with pytest.raises(ValueError, match="has no factor"):
            to_course_lambda(convention, 0.2, x)
        return
    ours = course_loss(x, x_hat, latents, W_dec, to_course_lambda(convention, 0.2, x))
    theirs = convention.loss(x, x_hat, latents, W_dec, 0.2)
    assert ours == pytest.approx(convention.loss_factor(x) * theirs, rel=1e-12)


def test_the_factors_are_what_the_words_say(batch) -> None:
    x = batch[0]
    assert to_course_lambda(find("ARENA 3.0"), 0.2, x) == pytest.approx(0.2 * 5)
    assert to_course_lambda(find("1L-Sparse-Autoencoder (2023)"), 0.2, x) == pytest.approx(0.2 * 7)
    assert to_course_lambda(find("OpenAI (2024)"), 0.2, x) == pytest.approx(0.2 * 3)
    assert to_course_lambda(find("SAELens 6"), 0.2, x) == pytest.approx(0.2)


def test_openai_has_no_factor_when_lengths_differ(batch) -> None:
    x = batch[0].copy()
    x[0] *= 2
    with pytest.raises(ValueError, match="range from 3 to 6, so no single λ"):
        to_course_lambda(find("OpenAI (2024)"), 0.2, x)


def test_each_loss_is_the_published_formula_in_pytorch(batch) -> None:
    torch = pytest.importorskip("torch")
    x, x_hat, z, W = (torch.tensor(array) for array in batch)
    c = 0.2
    published = {
        "SAELens 6": ((x_hat - x) ** 2).sum(-1).mean()
        + (c * (z * W.norm(dim=1)).norm(p=1, dim=-1)).mean(),
        "ARENA 3.0": ((x_hat - x).pow(2).mean(-1) + c * z.abs().sum(-1)).mean(0),
        "1L-Sparse-Autoencoder (2023)": (x_hat - x).pow(2).sum(-1).mean(0) + c * z.abs().sum(),
        "OpenAI (2024)": (torch.nn.functional.mse_loss(x_hat, x, reduction="none").mean(1)
                   / (x**2).mean(1)).mean() + c * (z.norm(p=1, dim=1) / x.norm(dim=1)).mean(),
        "dictionary_learning, early": torch.linalg.norm(x - x_hat, dim=-1).mean()
        + c * z.norm(p=1, dim=-1).mean(),
        "dictionary_learning, later": (x - x_hat).pow(2).sum(dim=-1).mean()
        + c * z.norm(p=1, dim=-1).mean(),
    }  # fmt: skip
    assert published.keys() | {"this course"} == {convention.library for convention in CONVENTIONS}
    for library, expected in published.items():
        ours = find(library).loss(*batch, c)
        assert ours == pytest.approx(expected.item(), rel=1e-12), library


def test_saelens_differs_once_rows_are_not_unit(batch) -> None:
    x, x_hat, latents, W_dec = batch
    longer = find("SAELens 6").loss(x, x_hat, latents, 2 * W_dec, 0.2)
    assert longer == pytest.approx(course_loss(x, x_hat, latents, W_dec, 0.4), rel=1e-12)
