"""Steps per second of the NumPy training beside the same model in PyTorch autograd.

python -m benchmarks.numpy_training: the two take turns, in one process, with the same number of
threads; printed are medians and their ratio. The PyTorch side is what one would write first:
autograd, torch.optim.Adam, and the unit-norm constraint under no_grad.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

SIZES = {"small": (32, 16, 64, 256), "medium": (128, 64, 128, 256), "sharkey": (512, 256, 512, 256)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="about, for each repeat")
    arguments = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(arguments.threads)  # before NumPy is imported
    import torch

    torch.set_num_threads(arguments.threads)
    print(f"threads: {arguments.threads}; steps per second, medians of {arguments.repeats} turns")
    print(f"{'size':<10}{'d_in':>6}{'d_sae':>7}{'batch':>7}{'NumPy':>9}{'PyTorch':>9}{'ratio':>8}")
    for name, (n_features, d_in, d_sae, batch) in SIZES.items():
        rivals = [
            numpy_steps(n_features, d_in, d_sae, batch),
            torch_steps(n_features, d_in, d_sae, batch),
        ]
        speeds: list[list[float]] = [[], []]
        counts = [how_many(rival, arguments.seconds) for rival in rivals]
        for _ in range(arguments.repeats):
            for rival, count, measured in zip(rivals, counts, speeds, strict=True):
                began = time.perf_counter()
                rival(count)
                measured.append(count / (time.perf_counter() - began))
        ours, theirs = (statistics.median(measured) for measured in speeds)
        ratio = statistics.median(a / b for a, b in zip(*speeds, strict=True))
        print(f"{name:<10}{d_in:>6}{d_sae:>7}{batch:>7}{ours:>9.0f}{theirs:>9.0f}{ratio:>8.2f}")


def how_many(rival: Callable[[int], None], seconds: float) -> int:
    """Steps that take about as long; runs some, which also warms up."""
    rival(10)
    began = time.perf_counter()
    rival(20)
    return max(5, int(20 * seconds / (time.perf_counter() - began)))


def numpy_steps(n_features: int, d_in: int, d_sae: int, batch: int) -> Callable[[int], None]:
    import numpy as np

    from saeedu.data import SparseFeatures
    from saeedu.numpy_fit import FusedStep
    from saeedu.numpy_training import initial_parameters

    x = SparseFeatures(n_features, d_in, 4 / n_features, 0).sample(batch).x.astype(np.float32)
    stepper = FusedStep(initial_parameters(d_in, d_sae, np.random.default_rng(0)), batch)

    def steps(count: int) -> None:
        for _ in range(count):
            stepper.compute_gradients(x, 0.16)
            stepper.update(1e-3)

    return steps


def torch_steps(n_features: int, d_in: int, d_sae: int, batch: int) -> Callable[[int], None]:
    import numpy as np
    import torch

    from saeedu.data import SparseFeatures
    from saeedu.numpy_training import initial_parameters

    x = torch.tensor(SparseFeatures(n_features, d_in, 4 / n_features, 0).sample(batch).x).float()
    start = initial_parameters(d_in, d_sae, np.random.default_rng(0))
    W_enc, b_enc, W_dec, b_dec = parts = [
        torch.tensor(part, dtype=torch.float32, requires_grad=True) for part in start
    ]
    optimiser = torch.optim.Adam(parts, lr=1e-3)

    def steps(count: int) -> None:
        for _ in range(count):
            latents = torch.relu((x - b_dec) @ W_enc + b_enc)
            x_hat = latents @ W_dec + b_dec
            loss = ((x_hat - x) ** 2).sum(1).mean() + 0.16 * latents.sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            with torch.no_grad():
                assert W_dec.grad is not None
                W_dec.grad -= (W_dec.grad * W_dec).sum(1, keepdim=True) * W_dec
            optimiser.step()
            with torch.no_grad():
                W_dec.div_(W_dec.norm(dim=1, keepdim=True))

    return steps


if __name__ == "__main__":
    main()
