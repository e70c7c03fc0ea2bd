from __future__ import annotations

import pytest
import torch

from saeedu.next_token import next_token_kl, next_token_loss
from saeedu.shapes import ShapeError


def test_next_token_loss_is_torchs_cross_entropy() -> None:
    logits, tokens = torch.randn(2, 5, 7), torch.randint(0, 7, (2, 5))
    expected = torch.nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, 7), tokens[:, 1:].reshape(-1), reduction="none"
    )
    torch.testing.assert_close(next_token_loss(logits, tokens).flatten(), expected)
    with pytest.raises(ShapeError, match="context"):
        next_token_loss(logits, tokens[:, 1:])


def test_next_token_kl_is_torchs_kl_divergence() -> None:
    p, q = 3 * torch.randn(2, 5, 7), 3 * torch.randn(2, 5, 7)
    expected = torch.distributions.kl_divergence(
        torch.distributions.Categorical(logits=p), torch.distributions.Categorical(logits=q)
    )
    torch.testing.assert_close(next_token_kl(p, q), expected)
    torch.testing.assert_close(next_token_kl(p, p + 4), torch.zeros(2, 5), atol=1e-6, rtol=0)


def test_next_token_kl_of_two_coins_by_hand() -> None:
    """A fair coin, told by one who says 1/4 : 3/4: ln 2 - (ln 3) / 2."""
    fair, other = torch.tensor([[[0.5, 0.5]]]).log(), torch.tensor([[[0.25, 0.75]]]).log()
    assert next_token_kl(fair, other).item() == pytest.approx(0.143841, abs=1e-6)
