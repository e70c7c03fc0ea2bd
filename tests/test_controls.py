"""Controls do what their names say: PCA as scikit-learn has it, least squares, BOS left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch.nn.functional import normalize

from saeedu.controls import best_rows_reconstruction, pca_reconstruction, replace_except_bos
from saeedu.language_model import load_language_model, load_untrained_model
from saeedu.shapes import ShapeError
from tests.lm_fixtures import make_model_folder


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_pca_rebuilds_as_scikit_learn_does() -> None:
    spread = torch.tensor([3.0, 0.2, 1.0, 5.0, 0.6], dtype=torch.float64)
    train, x = draw(40, 5) * spread + 2, draw(7, 5, seed=1) * spread + 2
    for k in (1, 3, 5):
        fitted = PCA(k).fit(train.numpy())
        expected = fitted.inverse_transform(fitted.transform(x.numpy()))
        np.testing.assert_allclose(pca_reconstruction(train, x, k).numpy(), expected, atol=1e-10)


def test_chosen_rows_get_the_weights_of_least_squares() -> None:
    x, mean, rows = draw(9, 6), draw(6, seed=1), normalize(draw(20, 6, seed=2), dim=1)
    rebuilt = best_rows_reconstruction(x, mean, rows, k=3)
    for token, result in zip((x - mean).numpy(), (rebuilt - mean).numpy(), strict=True):
        chosen = rows.numpy()[np.argsort(-np.abs(rows.numpy() @ token))[:3]]
        weights, *_ = np.linalg.lstsq(chosen.T, token, rcond=None)
        np.testing.assert_allclose(result, weights @ chosen, atol=1e-4)


def test_rows_of_either_sign_rebuild_alike() -> None:
    x, rows = draw(700, 6), normalize(draw(20, 6, seed=2), dim=1)  # more than one chunk
    mean = x.mean(dim=0)
    torch.testing.assert_close(
        best_rows_reconstruction(x, mean, rows, 2), best_rows_reconstruction(x, mean, -rows, 2)
    )


def test_as_many_rows_as_dimensions_rebuild_everything() -> None:
    x, rows = draw(5, 4), torch.eye(4, dtype=torch.float64)
    rebuilt = best_rows_reconstruction(x, torch.zeros(4, dtype=torch.float64), rows, 4)
    torch.testing.assert_close(rebuilt, x, atol=1e-5, rtol=0)


def test_bos_keeps_its_activation_wherever_it_stands() -> None:
    tokens = torch.tensor([[0, 5, 0, 7], [0, 3, 4, 6]])
    result = replace_except_bos(torch.ones(2, 4, 3), torch.zeros(2, 4, 3), tokens, bos_token_id=0)
    assert torch.equal(result[..., 0] == 1, tokens == 0)


def test_axes_that_disagree_are_refused() -> None:
    with pytest.raises(ShapeError):
        pca_reconstruction(draw(9, 5), draw(3, 4), 2)
    with pytest.raises(ShapeError):
        replace_except_bos(draw(2, 4, 3), draw(2, 4, 3), torch.zeros(2, 5, dtype=torch.long), 0)


def test_an_untrained_model_is_the_same_architecture_with_weights_of_its_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_model_folder(tmp_path / "tiny")
    trained = load_language_model(str(folder))
    first, again = (load_untrained_model(str(folder), seed=3) for _ in range(2))
    other = load_untrained_model(str(folder), seed=4)
    assert "random weights" in capsys.readouterr().out
    assert first.name == "tiny, untrained"
    assert len({model.fingerprint() for model in (trained, first, again, other)}) == 3
    tokens = torch.tensor([[0, 7, 9, 11]])
    shapes = {tuple(model.logits(tokens).shape) for model in (trained, first)}
    assert shapes == {(1, 4, trained.vocabulary)}
    assert torch.equal(first.logits(tokens), again.logits(tokens))
    assert not torch.allclose(first.logits(tokens), other.logits(tokens))
    assert first.mode == trained.mode
    assert first.token_strings(tokens[0]) == trained.token_strings(tokens[0])
