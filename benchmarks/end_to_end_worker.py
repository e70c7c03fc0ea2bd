"""One contestant of benchmarks.end_to_end in a process of its own; see harvest_worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harvest_worker import answer, open_model  # beside this file, whatever the environment

BATCH = 1024
D_SAE = 4096
K = 32


def n_steps(job: dict[str, Any]) -> int:
    """Steps of a run: as many activations as the turn's contexts have tokens."""
    return job["batches"] * job["contexts_per_batch"] * job["context"] // BATCH


class Saeedu:
    """`train` on a `LanguageModelSource`."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job, self.tokens = job, n_steps(job) * BATCH
        self.model, self.stream = open_model(job)

    def step(self) -> None:
        from saeedu.language_model_source import LanguageModelSource
        from saeedu.sae import build_sae
        from saeedu.train_config import TrainConfig
        from saeedu.training import train

        contexts = self.job["contexts_per_batch"]
        buffer = 2 * contexts * self.job["context"]
        source = LanguageModelSource(self.model, self.stream, self.job["hook"], buffer, contexts)
        sae = build_sae(d_in=self.model.d_model, d_sae=D_SAE, sparsity="top_k", k=K)
        steps = n_steps(self.job)
        train(sae, source, TrainConfig(steps, BATCH, l1_warmup_steps=0, lr_decay_steps=0))


class SAELens:
    """SAELens' `LanguageModelSAETrainingRunner`."""

    def __init__(self, job: dict[str, Any]) -> None:
        from datasets import Dataset
        from sae_lens.load_model import load_model

        self.job, self.tokens = job, n_steps(job) * BATCH
        self.model = load_model("HookedTransformer", "gpt2", device="cpu")
        documents = json.loads((Path(job["hub"]) / "documents.json").read_text())
        self.dataset = Dataset.from_dict({"text": documents})

    def step(self) -> None:
        from sae_lens import (
            LanguageModelSAERunnerConfig,
            LanguageModelSAETrainingRunner,
            LoggingConfig,
            TopKTrainingSAEConfig,
        )

        config = LanguageModelSAERunnerConfig(
            sae=TopKTrainingSAEConfig(d_in=self.model.cfg.d_model, d_sae=D_SAE, k=K),
            model_name="gpt2",
            hook_name=self.job["hook"],
            is_dataset_tokenized=False,
            streaming=False,
            context_size=self.job["context"],
            training_tokens=self.tokens,
            n_batches_in_buffer=2 * self.job["contexts_per_batch"],
            store_batch_size_prompts=self.job["contexts_per_batch"],
            train_batch_size_tokens=BATCH,
            logger=LoggingConfig(log_to_wandb=False),
            checkpoint_path=None,
            output_path=None,
            verbose=False,
        )
        LanguageModelSAETrainingRunner(
            config, override_dataset=self.dataset, override_model=self.model
        ).run()


if __name__ == "__main__":
    answer({"saeedu": Saeedu, "sae-lens": SAELens})
