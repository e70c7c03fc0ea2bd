"""One contestant of benchmarks.harvest in a process of its own; JSON lines as in sae_step_worker.

Runs in the course's environment and in the peers', and so imports no more than its contestant
needs.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

BATCH = 1016  # activations that training would take at a time: a turn has a whole number of them


class Source:
    """`LanguageModelSource`: text, tokens, model, buffer, batches."""

    def __init__(self, job: dict[str, Any]) -> None:
        from saeedu.language_model_source import LanguageModelSource

        model, stream = open_model(job)
        contexts = job["contexts_per_batch"]
        self.n = job["batches"] * contexts * (job["context"] - 1)
        self.tokens = job["batches"] * contexts * job["context"]
        self.source = LanguageModelSource(model, stream, job["hook"], 2 * self.n, contexts)
        self.step()  # fills the buffer

    def step(self) -> None:
        for _ in range(self.n // BATCH):
            self.source.next_batch(BATCH)


class Collect:
    """`collect_activations`: contexts to one tensor."""

    def __init__(self, job: dict[str, Any]) -> None:
        from saeedu.activations import collect_activations

        self.model, stream = open_model(job)
        self.contexts = stream.next_contexts(job["batches"] * job["contexts_per_batch"])
        self.tokens = self.contexts.numel()
        self.collect, self.job = collect_activations, job
        self.step()

    def step(self) -> None:
        self.collect(self.model, self.contexts, self.job["hook"], self.job["contexts_per_batch"])


class Bare:
    """The floor: embeddings and blocks as transformers has them, and nothing else."""

    def __init__(self, job: dict[str, Any]) -> None:
        from transformers import GPT2Model

        folder = next((Path(job["hub"]) / "models--gpt2" / "snapshots").iterdir())
        self.model = GPT2Model.from_pretrained(folder).eval()
        self.n_blocks = int(job["hook"].split(".")[1])
        generator = torch.Generator().manual_seed(0)
        shape = (job["batches"], job["contexts_per_batch"], job["context"])
        self.contexts = torch.randint(0, 250, shape, generator=generator)
        self.tokens = self.contexts.numel()
        self.step()

    @torch.no_grad()
    def step(self) -> None:
        for batch in self.contexts:
            positions = torch.arange(batch.shape[1])
            stream: Tensor = self.model.wte(batch) + self.model.wpe(positions)
            for block in self.model.h[: self.n_blocks]:
                out = block(stream)
                stream = out if isinstance(out, Tensor) else out[0]


class SAELens:
    """SAELens' ActivationsStore, with the mixing and the model class that it defaults to."""

    def __init__(self, job: dict[str, Any]) -> None:
        from datasets import Dataset
        from sae_lens.load_model import load_model
        from sae_lens.training.activations_store import ActivationsStore

        model = load_model("HookedTransformer", "gpt2", device="cpu")
        documents = json.loads((Path(job["hub"]) / "documents.json").read_text())
        contexts = job["batches"] * job["contexts_per_batch"]
        self.tokens = contexts * job["context"]
        self.store = ActivationsStore(
            model=model,
            dataset=Dataset.from_dict({"text": documents}),
            streaming=False,
            hook_name=job["hook"],
            hook_head_index=None,
            context_size=job["context"],
            d_in=model.cfg.d_model,
            n_batches_in_buffer=2 * contexts,
            total_training_tokens=10**9,
            store_batch_size_prompts=job["contexts_per_batch"],
            train_batch_size_tokens=1024,
            prepend_bos=True,
            normalize_activations="none",
            device=torch.device("cpu"),
            dtype="float32",
        )
        self.step()

    def step(self) -> None:
        for _ in range(self.tokens // 1024):
            self.store.next_batch()


CONTESTANTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "source": Source,
    "collect": Collect,
    "bare": Bare,
    "sae-lens": SAELens,
}


def open_model(job: dict[str, Any]) -> tuple[Any, Any]:
    """The model and an endless stream of its tokens, as a learner would open them."""
    from saeedu.language_model import load_language_model
    from saeedu.text import Text
    from saeedu.token_stream import TokenStream

    model = load_language_model("gpt2", device="cpu")
    documents = json.loads((Path(job["hub"]) / "documents.json").read_text())
    return model, TokenStream(model, Text("documents", tuple(documents)), job["context"])


def answer(contestants: dict[str, Callable[[dict[str, Any]], Any]]) -> None:
    """Be the contestant that the first line of the input asks for, until told to finish."""
    warnings.simplefilter("ignore")
    job = json.loads(sys.stdin.readline())
    os.environ["HF_HUB_CACHE"] = job["hub"]
    torch.set_num_threads(job["threads"])
    answers = sys.stdout
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        contestant = contestants[job["contestant"]](job)
        print(json.dumps({"torch": torch.__version__.split("+")[0]}), file=answers, flush=True)
        for line in sys.stdin:
            if json.loads(line) == "finish":
                print(json.dumps({"tokens": contestant.tokens}), file=answers, flush=True)
                break
            start = time.perf_counter()
            contestant.step()
            print(json.dumps(1000 * (time.perf_counter() - start)), file=answers, flush=True)


if __name__ == "__main__":
    answer(CONTESTANTS)
