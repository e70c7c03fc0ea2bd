"""One contestant of benchmarks.sae_step in a process of its own: takes a step when it is told to.

Runs in the course's environment and in the peers'. It speaks JSON lines: first a job comes in, then
`"step"` as often as wanted, each answered with milliseconds, then `"finish"`, answered with the
peak memory and L0. While another process is timed this one sits in a blocking read.
"""

from __future__ import annotations

import json
import os
import sys
import time

import numpy as np
import torch
from sae_step_contestants import CONTESTANTS  # beside this file, which runs as a program


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
