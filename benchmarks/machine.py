"""The machine in words, for the pages that hold results."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import psutil
import torch


def machine(threads: int) -> dict[str, Any]:
    """The machine in words, without a name that would single it out."""
    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "threads": threads,
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = (line.partition(":") for line in cpuinfo.read_text().splitlines())
        facts = {name.strip(): value.strip() for name, _, value in lines}
        if "model name" in facts:
            return f"{facts['model name']}, family {facts.get('cpu family', 'unknown')}"
    return platform.processor() or platform.machine()
