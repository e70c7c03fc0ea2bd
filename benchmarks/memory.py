"""Memory while activations stream by: after one million of them, and after twenty.

python -m benchmarks.memory: text goes through tokens, a language model, the shuffle buffer and a
training step, then from a disk cache through its window and the same step. The language model is a
table of embeddings, so that twenty million tokens take seconds; all else is what a real run uses.
Printed is the resident set (RSS) at both marks; it should stay within 5%.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import psutil
import torch
from torch import Tensor

from saeedu.activation_sources import ActivationSource
from saeedu.cache_writing import cache_activations
from saeedu.cached_source import CachedSource
from saeedu.language_model import LanguageModel
from saeedu.language_model_source import LanguageModelSource
from saeedu.sae import TopKSAE
from saeedu.text import Text
from saeedu.token_stream import TokenStream

D_IN = 8
BATCH = 16_384
HOOK = "blocks.0.hook_resid_pre"


class Embedding:
    """What the pipeline asks of a `LanguageModel`; a token is a byte, its activation a row."""

    name, mode, context, bos_token_id = "embedding", "none", 128, 0

    def __init__(self) -> None:
        self.rows = torch.randn(256, D_IN, generator=torch.Generator().manual_seed(0))

    def tokenize(self, text: str) -> Tensor:
        return torch.frombuffer(bytearray(text, "ascii"), dtype=torch.uint8).long()

    def activations(self, tokens: Tensor, hooks: Sequence[str]) -> dict[str, Tensor]:
        return dict.fromkeys(hooks, self.rows[tokens])

    def hook_size(self, hook: str) -> int:
        return D_IN

    def fingerprint(self) -> str:
        return "0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--marks", type=int, nargs=2, default=[1_000_000, 20_000_000])
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        model = cast(LanguageModel, Embedding())
        streaming = LanguageModelSource(model, stream(model), HOOK, contexts_per_batch=64)
        results = {"streaming": measure(streaming, options.marks)}
        del streaming
        cache = cache_activations(model, stream(model), HOOK, Path(folder) / "cache", 2_000_000, 64)
        results["cached"] = measure(CachedSource(cache, seed=0), options.marks)
    print(json.dumps(results, indent=1))


def stream(model: LanguageModel) -> TokenStream:
    """Five hundred texts of different lengths, without end."""
    texts = tuple(f"Text {i}. " + "All work and no play. " * (i % 97 + 10) for i in range(500))
    return TokenStream(model, Text("texts", texts), 128)


def measure(source: ActivationSource, marks: Sequence[int]) -> dict[str, Any]:
    """Train on so many activations, and note the memory at each mark.

    **Arguments:** `source`; `marks`, numbers of activations, increasing.
    **Returns:** `mib`, the resident set at each mark, and `ratio`, the last over the first.
    """
    sae = TopKSAE(D_IN, 32, 4)
    optimizer = torch.optim.Adam(sae.parameters(), lr=1e-4)
    seen, mib = 0, []
    for mark in marks:
        while seen < mark:
            optimizer.zero_grad()
            sae.loss(source.next_batch(BATCH)).total.backward()
            optimizer.step()
            seen += BATCH
        gc.collect()
        mib.append(round(psutil.Process().memory_info().rss / 2**20, 1))
    return {"activations": list(marks), "mib": mib, "ratio": round(mib[-1] / mib[0], 3)}


if __name__ == "__main__":
    main()
