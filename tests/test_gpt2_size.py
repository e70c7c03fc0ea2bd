"""GPT-2 small's own size, with random weights: what is done to it is what a user's GPT-2 meets."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from saeedu.language_model import load_language_model
from tests.lm_fixtures import make_model_folder
from tests.lm_oracle import hooked


@pytest.mark.slow
def test_gpt2_at_its_full_size(tmp_path: Path) -> None:
    folder = make_model_folder(tmp_path / "gpt2")  # for its tokenizer
    torch.manual_seed(0)
    original = GPT2LMHeadModel(GPT2Config()).eval()
    original.save_pretrained(folder)
    model = load_language_model(str(folder), device="cpu")
    assert (model.name, model.n_layers, model.d_model, model.context) == ("gpt2", 12, 768, 1024)
    assert (model.vocabulary, model.hook_size("blocks.8.mlp.hook_post")) == (50_257, 3_072)
    assert (model.suggested_hook, model.mode) == (
        "blocks.8.hook_resid_pre",
        "compatibility, centred",
    )

    tokens = torch.randint(0, 50_257, (2, 24), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = original(tokens, labels=tokens, output_hidden_states=True)
    raw = expected.hidden_states[8]
    centred = raw - raw.mean(dim=-1, keepdim=True)
    torch.testing.assert_close(
        model.residual(tokens, model.suggested_hook), centred, rtol=1e-4, atol=1e-4
    )
    torch.testing.assert_close(model.loss(tokens).mean(), expected.loss, rtol=1e-4, atol=1e-4)

    with hooked(original.transformer.h[8].mlp, torch.zeros_like), torch.no_grad():
        silenced = original(tokens, labels=tokens).loss
    edits = {"blocks.8.hook_mlp_out": torch.zeros_like}
    torch.testing.assert_close(
        model.loss_with(tokens, edits).mean(), silenced, rtol=1e-4, atol=1e-4
    )
