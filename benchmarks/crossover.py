"""At which fraction of active latents lists of them stop paying.

python -m benchmarks.crossover: a ReLU SAE's step with lists and with dense products, in turns, at
several densities and widths. Where the ratio crosses 1, `saeedu.sae.selection.DENSE_ABOVE` belongs.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import time

DENSITIES = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2)
SIZES = {4_096: 1_024, 16_384: 1_024}
"""The batch for each d_sae."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--d-sae", type=int, nargs="+", choices=SIZES, default=list(SIZES))
    options = parser.parse_args(arguments)
    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # before torch is imported
    import torch

    torch.set_num_threads(options.threads)
    print(f"threads: {options.threads}; medians of {options.repeats} turns")
    print(f"{'d_sae':>8}{'batch':>8}{'active':>8}{'lists ms':>10}{'dense ms':>10}{'ratio':>8}")
    for d_sae in options.d_sae:
        found: list[tuple[float, float]] = []
        for density in DENSITIES:
            lists, dense = step_times(768, d_sae, SIZES[d_sae], density, options.repeats)
            ratio = statistics.median(a / b for a, b in zip(lists, dense, strict=True))
            times = statistics.median(lists), statistics.median(dense)
            print(
                f"{d_sae:>8}{SIZES[d_sae]:>8}{density:>8.1%}"
                f"{times[0]:>10.0f}{times[1]:>10.0f}{ratio:>8.2f}",
                flush=True,
            )
            found.append((density, ratio))
        print(f"{d_sae:>8}  crossover: {crossover(found)}")


def step_times(
    d_in: int, d_sae: int, batch: int, density: float, repeats: int
) -> tuple[list[float], list[float]]:
    """Milliseconds of steps with lists and of dense ones, in turns."""
    import torch

    from saeedu.sae import relu

    torch.manual_seed(0)
    x = torch.randn(batch, d_in)
    sae = relu.ReLUSAE(d_in, d_sae, 1.0)
    optimizer = torch.optim.Adam(sae.parameters(), lr=1e-12, fused=True)
    with torch.no_grad():
        pre_acts = (x[:256] @ sae.W_enc).flatten()
        largest = pre_acts.topk(round(density * len(pre_acts)), sorted=False).values
        sae.b_enc.fill_(-largest.min())
    limit = relu.DENSE_ABOVE
    times: dict[float, list[float]] = {1.0: [], -1.0: []}  # the limit for lists, for dense
    try:
        for turn in range(repeats + 1):
            for relu.DENSE_ABOVE in times:
                began = time.perf_counter()
                optimizer.zero_grad()
                sae.loss(x).total.backward()
                optimizer.step()
                if turn:  # the first is for warming up
                    times[relu.DENSE_ABOVE].append(1e3 * (time.perf_counter() - began))
    finally:
        relu.DENSE_ABOVE = limit
    return times[1.0], times[-1.0]


def crossover(found: list[tuple[float, float]]) -> str:
    """Where the ratio passes 1, on a line between the two densities around it."""
    for (below, ratio), (above, next_ratio) in itertools.pairwise(found):
        if ratio <= 1 < next_ratio:
            return f"{below + (above - below) * (1 - ratio) / (next_ratio - ratio):.1%}"
    return f"above {found[-1][0]:.1%}" if found[-1][1] <= 1 else f"below {found[0][0]:.1%}"


if __name__ == "__main__":
    main()
