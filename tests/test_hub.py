from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from saeedu import hub
from tests.lm_fixtures import make_hub_cache


def test_a_partial_download_is_not_taken_for_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot = make_hub_cache(hub.hub_cache())
    assert hub.cached_model("openai-community/gpt2") == snapshot
    (snapshot / "model.safetensors").unlink()
    assert hub.cached_model("openai-community/gpt2") is None


def test_a_hub_that_never_answers_is_given_up_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with socket.socket() as silent:  # takes connections and says nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        # Given up at its own limit, and not when the caller's patience of a minute would end.
        finished = _within(60, lambda: hub.hub_is_reachable(seconds=0.2))
    assert finished is False


def test_offline_by_choice_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(hub.urllib.request, "urlopen", refuse)
    monkeypatch.setattr(hub.threading, "Thread", refuse)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert hub.hub_is_reachable() is False


def _within(seconds: float, call: Any) -> Any:
    """The call's result, or a failure when it takes longer: the guard against hanging for ever."""
    import threading

    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert results, f"no result within {seconds} seconds"
    return results[0]
