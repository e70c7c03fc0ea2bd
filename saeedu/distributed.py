"""One training run over several processes, started by torchrun.

Every process holds the whole SAE and takes its share of each batch; gradients are averaged. With
one process all of this does nothing.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

import torch
import torch.distributed as dist
from torch import Tensor, nn


def rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


@contextlib.contextmanager
def process_group() -> Iterator[None]:
    """Join the other processes when torchrun started this one; alone, do nothing.

    **Returns:** a context. On GPUs the processes talk through NCCL, else through Gloo.
    """
    if "WORLD_SIZE" not in os.environ or dist.is_initialized():
        yield
        return
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def leave() -> None:
    """End a process that torchrun started, all its work being done; others go on.

    When an interpreter ends, PyTorch takes its threads down. With Gloo (seen with PyTorch 2.13, in
    about one run of ten on a busy machine) that can abort the process: "terminate called without an
    active exception". torchrun would then stop the others too, and call the run failed.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def my_share(batch: Tensor) -> Tensor:
    """This process's samples of a batch that every process has drawn: each takes every n-th.

    **Raises:** `ValueError` when the batch cannot be shared out evenly.
    """
    size = world_size()
    if len(batch) % size:
        raise ValueError(
            f"batch_size is {len(batch)}, which {size} processes cannot share evenly; "
            f"choose a multiple of {size}"
        )
    return batch[rank() :: size]


def in_shares(rows: Tensor, compute: Callable[[Tensor], Tensor]) -> Tensor:
    """A computation row by row, shared out, with the whole result in every process.

    **Arguments:** `rows` [n, ...], the same in every process; `compute`, from rows to results, one
    for each row.
    **Returns:** [n, ...], as `compute(rows)` would give.
    """
    size = world_size()
    if size == 1:
        return compute(rows)
    share = -(-len(rows) // size)
    padded = torch.cat([rows, rows[-1:].expand(share * size - len(rows), *rows.shape[1:])])
    mine = compute(padded[rank() * share : (rank() + 1) * share]).contiguous()
    everyones = [torch.empty_like(mine) for _ in range(size)]
    dist.all_gather(everyones, mine)
    return torch.cat(everyones)[: len(rows)]


def wait_for_all() -> None:
    """Go on only when every process has come this far."""
    if world_size() > 1:
        dist.barrier()


def average_gradients(module: nn.Module) -> None:
    """Replace every gradient by its mean over the processes: that of the whole batch."""
    if world_size() == 1:
        return
    for parameter in module.parameters():
        if parameter.grad is not None:
            # Gloo sums plain memory; W_enc is stored latent by latent, so its transpose is plain.
            gradient = parameter.grad
            plain = gradient.T if gradient.ndim == 2 and not gradient.is_contiguous() else gradient
            dist.all_reduce(plain)
            gradient.div_(world_size())


def summed(tensor: Tensor) -> Tensor:
    """The sum of a tensor over the processes."""
    if world_size() > 1:
        tensor = tensor.clone()
        dist.all_reduce(tensor)
    return tensor


def averaged(tensor: Tensor) -> Tensor:
    """The mean of a tensor over the processes."""
    return summed(tensor) / world_size()
