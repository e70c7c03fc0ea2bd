"""One contestant in a process of its own: takes a training step whenever it is told to.

Runs in the course's environment and in the peers', and so imports no more than its contestant
needs. It speaks JSON lines: first a job comes in, then `"step"` as often as wanted, each answered
with milliseconds, then `"finish"`, answered with the peak memory and L0. While another process is
timed this one sits in a blocking read.

What was taken from each library, so that its step is the one that it trains with:

- sae-lens: `SAETrainer.step`, which holds the forward pass, the counts of firing and dead latents,
  the backward pass, gradient clipping, Adam and the schedulers. "sae-lens sparse" is the same with
  its option `use_sparse_activations`, which is off by default, and without
  `rescale_acts_by_decoder_norm`, with which sparse activations have no backward pass on a CPU.
- dictionary_learning: `TopKTrainer.update` and `StandardTrainerAprilUpdate.update`, numbered as
  from step 2,000, when the warm-ups and the one-off geometric median are over and the running
  threshold is on.
- saeedu: the body of `saeedu.training.train`'s loop, its records included.
- plain: nn.Linear, autograd and torch.optim.Adam, and nothing else: no bookkeeping, no constraint.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

TINY_LR = 1e-12  # so that the state that is timed stays what it was set to
LATER_STEP = 2_000
MANY_STEPS = 1_000_000
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
    """This package."""

    def __init__(self, job: dict[str, Any]) -> None:
        from saeedu.sae.relu import ReLUSAE
        from saeedu.sae.top_k import TopKSAE

        size = job["d_in"], job["d_sae"]
        self.sae: Any = TopKSAE(*size, job["k"]) if job["k"] else ReLUSAE(*size, L1_COEFFICIENT)
        set_state(job, self.sae.W_enc, self.sae.W_dec, self.sae.b_enc)
        self.optimizer = torch.optim.Adam(self.sae.parameters(), lr=TINY_LR, fused=True)
        self.history: list[float] = []

    def step(self, x: Tensor) -> None:
        from saeedu.metrics import explained_variance

        batch = x * 1.0  # `train` brings each batch to its own units
        terms = self.sae.loss(batch, 1.0)
        losses = terms.total, terms.reconstruction, terms.sparsity
        self.history += [loss.item() for loss in losses] + [terms.l0]
        with torch.no_grad():
            self.history.append(explained_variance(terms.x_hat, batch).item())
        self.optimizer.zero_grad()
        terms.total.backward()
        self.sae.adjust_gradients()
        self.optimizer.step()
        self.sae.after_step(terms)

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

    "fresh" makes new memory for the result; "reused" writes into the same memory every time;
    "chunks" goes a few samples at a time through memory that stays in the cache.
    """

    def __init__(self, job: dict[str, Any]) -> None:
        d_sae = job["d_sae"]
        self.W_enc = torch.empty(job["d_in"], d_sae)
        self.b_enc = torch.empty(d_sae)
        set_state(job, self.W_enc, torch.empty(d_sae, job["d_in"]), self.b_enc)
        self.rows = {"chunks": max(1, 2**22 // d_sae)}.get(job["form"], job["batch"])
        memory = torch.empty(min(self.rows, job["batch"]), d_sae)
        self.memory = None if job["form"] == "fresh" else memory

    @torch.no_grad()
    def step(self, x: Tensor) -> None:
        for part in x.split(self.rows):
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


def memory_mib(field: str) -> float:
    """The memory that this process holds ("VmRSS"), or the most that it has held ("VmHWM").

    Not `ru_maxrss` where there is a choice: on Linux a new process inherits its parent's.
    """
    if sys.platform == "linux":
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(field)) / 2**10
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    # Libraries print; the answers go out on a line of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    torch.set_num_threads(job["threads"])
    x = torch.from_numpy(np.load(job["x"]))
    warm = torch.ones(64, 64, requires_grad=True)  # starts the thread pool and autograd's engine
    (warm @ warm).sum().backward()
    throwaway = {"d_in": 8, "d_sae": 16, "batch": 4, "k": min(job["k"], 8)}
    CONTESTANTS[job["contestant"]]({**job, **throwaway}).step(torch.randn(4, 8))  # imports
    before = memory_mib("VmRSS")
    contestant = CONTESTANTS[job["contestant"]](job)
    contestant.step(x)
    print(json.dumps({"torch": torch.__version__}), file=answers, flush=True)
    for line in sys.stdin:
        if json.loads(line) == "finish":
            break
        began = time.perf_counter()
        contestant.step(x)
        print(json.dumps(1e3 * (time.perf_counter() - began)), file=answers, flush=True)
    peak = memory_mib("VmHWM") - before
    with torch.no_grad():
        l0 = sum((contestant.encode(part) > 0).sum().item() for part in x.split(64)) / len(x)
    print(json.dumps({"peak_mib": peak, "l0": l0}), file=answers, flush=True)


if __name__ == "__main__":
    main()
