from __future__ import annotations

from pathlib import Path

import pytest
import torch

from saeedu.language_model import LanguageModel, load_language_model
from saeedu.residual_stream import find_outliers, layer_norm, read_contributions
from saeedu.shapes import ShapeError
from tests.lm_fixtures import make_model_folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder: Path = tmp_path_factory.mktemp("models")
    return load_language_model(str(make_model_folder(folder / "tiny")), device="cpu")


def some_tokens(model: LanguageModel) -> torch.Tensor:
    return torch.randint(model.vocabulary, (3, 9), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_the_stream_at_a_block_is_the_sum_of_all_that_was_written_before(
    model: LanguageModel, layer: int
) -> None:
    tokens = some_tokens(model)
    parts = read_contributions(model, tokens, layer)
    assert parts.shape == (1 + 2 * layer, 3, 9, model.d_model)
    stream = model.residual(tokens, f"blocks.{layer}.hook_resid_pre")
    torch.testing.assert_close(parts.sum(dim=0), stream)


def test_the_embedding_does_not_look_at_other_tokens(model: LanguageModel) -> None:
    tokens = some_tokens(model)
    others = torch.cat([tokens[:, :4].flip(1), tokens[:, 4:]], dim=1)
    here, there = (read_contributions(model, t, 1) for t in (tokens, others))
    torch.testing.assert_close(here[0, :, 4:], there[0, :, 4:])
    assert not torch.allclose(here[1, :, 4:], there[1, :, 4:])  # attention does


def test_layer_norm_is_pytorchs() -> None:
    x = 3 * torch.randn(7, 5, dtype=torch.float64) + 2
    for eps in (1e-5, 0.3):
        torch.testing.assert_close(
            layer_norm(x, eps), torch.nn.functional.layer_norm(x, (5,), eps=eps)
        )


def test_layer_norm_refuses_an_axis_too_many() -> None:
    with pytest.raises(ShapeError, match="n, d_model"):
        layer_norm(torch.zeros(2, 3, 4))


def test_outliers_are_counted_against_the_median_of_all_positions() -> None:
    x = torch.ones(3, 5, 4)  # of length 2
    x[:, 0] = 100.0
    x[1, 3] = 5.1
    expected = torch.zeros(3, 5, dtype=torch.bool)
    expected[:, 0] = expected[1, 3] = True
    assert torch.equal(find_outliers(x, factor=5), expected)
    assert find_outliers(x, factor=5.2).sum() == 3
