"""The contestants of benchmarks.sae_step: each takes the step that its library trains with.

Imported in the course's environment and in the peers', so each imports its library by itself.

What was taken from each library, so that its step is the one that it trains with:

- sae-lens: `SAETrainer.step`, which holds the forward pass, the counts of firing and dead latents,
  the backward pass, gradient clipping, Adam and the schedulers. "sae-lens sparse" is the same with
  its option `use_sparse_activations`, which is off by default, and without
  `rescale_acts_by_decoder_norm`, with which sparse activations have no backward pass on a CPU.
- dictionary_learning: `TopKTrainer.update` and `StandardTrainerAprilUpdate.update`, numbered as
  from step 2,000, when the warm-ups and the one-off geometric median are over and the running
  threshold is on.
- saeedu: the step of `saeedu.training.train`, its records included.
- plain: nn.Linear, autograd and torch.optim.Adam, and nothing else: no bookkeeping, no constraint.

In none does a latent count as dead within the steps that are timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

TINY_LR = 1e-12  # so that the state that is timed stays what it was set to
LATER_STEP = 2_000
MANY_STEPS = 1_000_000
NEVER_DEAD = 10**9
L1_COEFFICIENT = 1.0


def rows_in_blocks(d_in: int, d_sae: int, norm: float) -> Iterator[tuple[slice, Tensor]]:
    """The rows that every contestant starts with, few at a time so that they leave no peak."""
    generator = torch.Generator().manual_seed(0)
    for start in range(0, d_sae, 512):
        block = torch.randn(min(512, d_sae - start), d_in, generator=generator)
        yield slice(start, start + len(block)), block.mul_(norm / block.norm(dim=1, keepdim=True))


@torch.no_grad()
def set_state(job: dict[str, Any], W_enc: Tensor, W_dec: Tensor, b_enc: Tensor) -> None:
    """Give all contestants the same weights, in whatever layout each keeps them.

    **Arguments:** `W_enc` [d_in, d_sae], `W_dec` [d_sae, d_in], `b_enc` [d_sae].
    """
    for place, rows in rows_in_blocks(job["d_in"], job["d_sae"], job["row_norm"]):
        W_dec[place] = rows
        W_enc[:, place] = rows.T
    b_enc.fill_(job["b_enc"])


class Saeedu:
    """This package's trainer, on batches that are handed to it."""

    def __init__(self, job: dict[str, Any]) -> None:
        from saeedu.run_state import RunState
        from saeedu.sae import ReLUSAE, TopKSAE
        from saeedu.train_config import TrainConfig
        from saeedu.training import _take_step

        size = job["d_in"], job["d_sae"]
        self.sae: Any = (
            TopKSAE(*size, job["k"], dead_after=NEVER_DEAD)
            if job["k"]
            else ReLUSAE(*size, L1_COEFFICIENT)
        )
        set_state(job, self.sae.W_enc, self.sae.W_dec, self.sae.b_enc)
        config = TrainConfig(
            n_steps=MANY_STEPS,
            batch_size=job["batch"],
            lr=TINY_LR,
            l1_warmup_steps=0,
            lr_decay_steps=0,
            dead_after=NEVER_DEAD,
        )
        self.source: Any = SimpleNamespace()
        self.state = RunState(self.sae, self.source, config)
        self.take_step = _take_step

    def step(self, x: Tensor) -> None:
        self.source.next_batch = lambda batch_size: x
        self.take_step(self.state)

    def encode(self, x: Tensor) -> Tensor:
        return self.sae.encode(x)


class SAELens:
    """sae-lens' trainer, on batches that are handed to it."""

    sparse = False

    def __init__(self, job: dict[str, Any]) -> None:
        from sae_lens import (
            StandardTrainingSAE,
            StandardTrainingSAEConfig,
            TopKTrainingSAE,
            TopKTrainingSAEConfig,
        )
        from sae_lens.config import SAETrainerConfig
        from sae_lens.training.sae_trainer import SAETrainer

        size = {"d_in": job["d_in"], "d_sae": job["d_sae"]}
        sae: Any
        if job["k"]:
            sae = TopKTrainingSAE(
                TopKTrainingSAEConfig(
                    **size,
                    k=job["k"],
                    use_sparse_activations=self.sparse,
                    rescale_acts_by_decoder_norm=not self.sparse,
                )
            )
        else:
            sae = StandardTrainingSAE(
                StandardTrainingSAEConfig(**size, l1_coefficient=L1_COEFFICIENT)
            )
        set_state(job, sae.W_enc, sae.W_dec, sae.b_enc)
        config = SAETrainerConfig(
            total_training_samples=MANY_STEPS * job["batch"],
            train_batch_size_samples=job["batch"],
            lr=TINY_LR,
            lr_end=TINY_LR,
        )
        self.trainer: Any = SAETrainer(config, sae, data_provider=iter(()))

    def step(self, x: Tensor) -> None:
        self.trainer.step(x)
        self.trainer.n_training_steps += 1

    def encode(self, x: Tensor) -> Tensor:
        latents = self.trainer.sae.encode(x)
        return latents.to_dense() if latents.is_sparse else latents


class SAELensSparse(SAELens):
    """The same with its sparse activations switched on (TopK only)."""

    sparse = True


class DictionaryLearning:
    """dictionary_learning's trainers."""

    def __init__(self, job: dict[str, Any]) -> None:
        from dictionary_learning.trainers.standard import StandardTrainerAprilUpdate
        from dictionary_learning.trainers.top_k import TopKTrainer

        settings = {
            "steps": MANY_STEPS,
            "activation_dim": job["d_in"],
            "dict_size": job["d_sae"],
            "layer": 0,
            "lm_name": "none",
            "lr": TINY_LR,
            "device": "cpu",
        }
        self.trainer: Any = (
            TopKTrainer(k=job["k"], **settings)
            if job["k"]
            else StandardTrainerAprilUpdate(l1_penalty=L1_COEFFICIENT, **settings)
        )
        ae = self.trainer.ae
        set_state(job, ae.encoder.weight.T, ae.decoder.weight.T, ae.encoder.bias)
        self.n_steps = LATER_STEP

    def step(self, x: Tensor) -> None:
        self.trainer.update(self.n_steps, x)
        self.n_steps += 1

    def encode(self, x: Tensor) -> Tensor:
        return self.trainer.ae.encode(x)


class Plain:
    """What one would write first."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.k = job["k"]
        self.encoder = nn.Linear(job["d_in"], job["d_sae"])
        self.decoder = nn.Linear(job["d_sae"], job["d_in"])
        nn.init.zeros_(self.decoder.bias)
        set_state(job, self.encoder.weight.T, self.decoder.weight.T, self.encoder.bias)
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=TINY_LR)

    def encode(self, x: Tensor) -> Tensor:
        latents = torch.relu(self.encoder(x - self.decoder.bias))
        if not self.k:
            return latents
        values, columns = latents.topk(self.k, dim=1)
        return torch.zeros_like(latents).scatter(1, columns, values)

    def step(self, x: Tensor) -> None:
        latents = self.encode(x)
        loss = ((self.decoder(latents) - x) ** 2).sum(dim=1).mean()
        if not self.k:
            row_norms = self.decoder.weight.norm(dim=0)
            loss = loss + L1_COEFFICIENT * (latents * row_norms).sum(dim=1).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


class Product:
    """The floor: the encoder's dense product alone, `form` being how it is asked for.

    Of `torch.addmm`, "fresh" makes new memory for the result, "reused" writes into the same memory
    every time, and "chunks" goes a few samples at a time through memory that stays in the cache.
    "oneDNN" is the same product from another library that PyTorch brings.
    """

    def __init__(self, job: dict[str, Any]) -> None:
        d_sae, self.form = job["d_sae"], job["form"]
        self.W_enc = torch.empty(job["d_in"], d_sae)
        self.b_enc = torch.empty(d_sae)
        set_state(job, self.W_enc, torch.empty(d_sae, job["d_in"]), self.b_enc)
        if self.form == "oneDNN":
            self.W_enc = self.W_enc.T.contiguous().T  # as nn.Linear stores it
        in_chunks = self.form in ("chunks", "oneDNN")
        self.rows = max(1, 2**22 // d_sae) if in_chunks else job["batch"]
        reused = self.form in ("chunks", "reused")
        self.memory = torch.empty(min(self.rows, job["batch"]), d_sae) if reused else None

    @torch.no_grad()
    def step(self, x: Tensor) -> None:
        for part in x.split(self.rows):
            if self.form == "oneDNN":
                torch.ops.mkldnn._linear_pointwise(part, self.W_enc.T, self.b_enc, "none", [], "")
            else:
                out = None if self.memory is None else self.memory[: len(part)]
                torch.addmm(self.b_enc, part, self.W_enc, out=out)

    def encode(self, x: Tensor) -> Tensor:
        return torch.relu(torch.addmm(self.b_enc, x, self.W_enc))


CONTESTANTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "saeedu": Saeedu,
    "sae-lens": SAELens,
    "sae-lens sparse": SAELensSparse,
    "dictionary_learning": DictionaryLearning,
    "plain": Plain,
    "product": Product,
}
