"""Telling one model's weights from another's."""

from __future__ import annotations

import hashlib
from typing import Any

SAMPLES = 64
"""How many numbers of each weight go into the fingerprint, evenly spread."""


def weights_fingerprint(hf_model: Any) -> str:
    """A short hash of a Hugging Face model: its kind, the shapes of its weights, and some of them.

    Files are not hashed: the same weights have one fingerprint whether they lie in one file or in
    several, on any machine.

    **Arguments:** `hf_model`, a `transformers` model with a configuration.
    **Returns:** sixteen hexadecimal digits.
    """
    config = hf_model.config
    digest = hashlib.sha256(f"{config.model_type} {config.num_attention_heads}".encode())
    for weight in hf_model.state_dict().values():
        flat = weight.detach().flatten()
        sample = flat[:: max(1, flat.numel() // SAMPLES)][:SAMPLES]
        digest.update(f"{list(weight.shape)}".encode())
        digest.update(sample.float().cpu().numpy().astype("<f4").tobytes())
    return digest.hexdigest()[:16]
