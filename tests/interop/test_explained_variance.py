"""SAELens' own calculator is the oracle; see test_saelens.py for where these tests run."""

from __future__ import annotations

import warnings

import pytest
import torch

from saeedu.metrics import RunningReconstruction

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # whatever SAELens' own dependencies have to say
    evals = pytest.importorskip(
        "sae_lens.evals", reason="sae-lens is not installed here: run `make interop`"
    )


def test_ours_is_what_saelens_reports() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(300, 6, generator=generator) * torch.arange(1, 7) + 20
    x_hat = x + 0.7 * torch.randn(300, 6, generator=generator) + 0.2
    theirs, ours = evals.ExplainedVarianceCalculator(), RunningReconstruction(6, 2)
    for batch, batch_hat in zip(x.split(70), x_hat.split(70), strict=True):
        theirs.add_batch(sae_output=batch_hat, hidden_acts=batch)
        ours.update(batch, batch_hat, torch.zeros(len(batch), 2))
    assert ours.result().explained_variance == pytest.approx(theirs.compute(), rel=1e-6)
