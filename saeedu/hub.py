"""What the Hugging Face hub has to offer right now: reachable, cached, or neither. Never hangs."""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from pathlib import Path

PROBE_SECONDS = 4.0

# What a causal language model needs from a hub repository; GPT-2's also holds four other formats.
MODEL_FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
)


def hub_is_offline() -> bool:
    """Whether the user asked to stay off the hub, with `HF_HUB_OFFLINE=1`.

    Read at every call, so that setting it inside a running notebook works too.

    **Returns:** True when the variable is set to 1, on, yes or true.
    """
    return os.environ.get("HF_HUB_OFFLINE", "").strip().upper() in {"1", "ON", "YES", "TRUE"}


def hub_is_reachable(seconds: float = PROBE_SECONDS) -> bool:
    """Ask the hub for one header, and give up quickly.

    The question runs in a thread of its own: a name server that does not answer holds a socket for
    longer than any timeout given to it.

    **Arguments:** `seconds`, the longest that this call may take.
    **Returns:** True when the hub answered at all; False when offline by choice or by accident.
    """
    if hub_is_offline():
        return False
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
    answered = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(endpoint, method="HEAD")
        try:
            urllib.request.urlopen(request, timeout=seconds).close()
        except urllib.error.HTTPError:
            pass  # an error page is still an answer: someone is there
        except (OSError, ValueError):
            return
        answered.set()

    threading.Thread(target=ask, daemon=True).start()
    return answered.wait(seconds)


def hub_cache() -> Path:
    """The folder in which the hub's files are kept on this computer.

    **Returns:** a path, which need not exist.
    **Source:** the environment variables that `huggingface_hub` documents, in its order.
    """
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache).expanduser()
    home = os.environ.get("HF_HOME") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface"
    )
    return Path(home).expanduser() / "hub"


def cached_model(repo: str) -> Path | None:
    """Find a model's folder in the hub's cache, without any network.

    **Arguments:** `repo`, the model's name on the hub, e.g. `"openai-community/gpt2"`.
    **Returns:** the snapshot's folder when it has configuration, weights and tokenizer; None when
    it was never downloaded, or only in part.
    """
    storage = hub_cache() / f"models--{repo.replace('/', '--')}"
    snapshots = storage / "snapshots"
    main = storage / "refs" / "main"
    names = [main.read_text().strip()] if main.is_file() else []
    if snapshots.is_dir():
        names += sorted(folder.name for folder in snapshots.iterdir())
    return next((snapshots / name for name in names if is_model_folder(snapshots / name)), None)


def is_model_folder(folder: Path) -> bool:
    """Whether a folder has what a Hugging Face language model needs.

    **Returns:** True when `folder` has a configuration, weights (as safetensors: a pickle is not
    opened), and a tokenizer.
    """

    def has(*names: str) -> bool:
        return all((folder / name).is_file() for name in names)

    weights = any(folder.glob("*.safetensors"))
    tokenizer = has("tokenizer.json") or has("vocab.json", "merges.txt") or has("tokenizer.model")
    return has("config.json") and weights and tokenizer


def download_model(repo: str) -> Path:
    """Download a model into the hub's cache.

    **Arguments:** `repo`, the model's name on the hub.
    **Returns:** the snapshot's folder.
    **Raises:** whatever `huggingface_hub` raises; a download that breaks off resumes when repeated.
    """
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(repo, allow_patterns=list(MODEL_FILES), cache_dir=str(hub_cache()))
    )
