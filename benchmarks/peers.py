"""An environment of its own for the libraries that the benchmark compares with.

sae-lens pins transformer-lens below 4 and dictionary-learning pins an old nnsight, so neither is
installed beside the course. The environment is made once, in the user's cache folder, with the
course's own version of torch: every contestant then runs on the same kernels.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import platformdirs

PEERS = ("sae-lens>=6,<7", "dictionary-learning")


class PeersError(RuntimeError):
    """The environment for the other libraries could not be made."""


def peers_python() -> Path:
    """The Python of the peers' environment, which is made first where there is none.

    **Raises:** `PeersError` when it cannot be, such as without a network.
    """
    torch_version = importlib.metadata.version("torch").split("+")[0]
    folder = platformdirs.user_cache_path("saeedu") / f"benchmark-peers-torch-{torch_version}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    complete = folder / "complete"
    if complete.exists() and python.exists():
        return python
    print(
        "making an environment for sae-lens and dictionary-learning (once; minutes, 2 to 6 GB)",
        file=sys.stderr,
    )
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "install", f"torch=={torch_version}", *PEERS])
    # nnsight asks for torchvision, whose builds must match torch's and often do not. Nothing that
    # is timed uses it, and transformers does without it where it is missing.
    _run([*pip, "uninstall", "--yes", "torchvision"])
    complete.touch()
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        said = next((line for line in reversed(lines) if "ERROR" in line), "no word why")
        raise PeersError(
            f"could not make the environment for the other libraries ({said.strip()}): check the "
            "network, or run with --without-peers"
        )
