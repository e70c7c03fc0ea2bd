"""Reading activations, with transformers alone as the oracle."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from saeedu.language_model import LanguageModel, load_language_model
from saeedu.shapes import ShapeError
from tests.lm_fixtures import CONTEXT, D_MODEL, N_LAYERS, make_model_folder
from tests.lm_oracle import SITES, hooked, in_our_units, modules_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def model(folder: Path) -> LanguageModel:
    return load_language_model(str(folder), device="cpu")


@pytest.fixture(scope="module")
def original(folder: Path) -> GPT2LMHeadModel:
    """The same weights in transformers alone: the oracle."""
    return GPT2LMHeadModel.from_pretrained(folder).eval()


@pytest.fixture(scope="module")
def tokens() -> Tensor:
    return torch.randint(1, 250, (3, 20), generator=torch.Generator().manual_seed(1))


def test_what_the_wrapper_says_about_the_model(model: LanguageModel) -> None:
    assert (model.name, model.n_layers, model.d_model) == ("tiny", N_LAYERS, D_MODEL)
    assert model.context == CONTEXT
    assert model.suggested_hook == f"blocks.{N_LAYERS // 2}.hook_resid_pre"
    assert model.suggested_text == "auto"
    assert model.bos_token_id == 0
    assert model.mode == "compatibility, centred"


def test_suggested_layers_of_the_two_models_of_the_course() -> None:
    for name, n_layers, layer in (("gpt2", 12, 8), ("smollm2", 30, 10), ("other", 24, 12)):

        class Bridge:
            class cfg:  # noqa: N801
                d_model, n_ctx, d_vocab = 4, 8, 100

        Bridge.cfg.n_layers = n_layers  # type: ignore[attr-defined]
        assert LanguageModel(name, Bridge, None, "", "").suggested_layer == layer


def test_tokens_and_their_text_agree(model: LanguageModel) -> None:
    text = "The people know it well."
    tokens = model.tokenize(text)
    assert 0 not in tokens  # no BOS unless asked for
    assert "".join(model.token_strings(tokens)) == text
    assert model.detokenize(model.tokenize("naïve – 日本")) == "naïve – 日本"


def test_residual_is_the_raw_one_minus_its_mean(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: Tensor
) -> None:
    with torch.no_grad():
        raw = original(tokens, output_hidden_states=True).hidden_states
    for layer in range(N_LAYERS):
        residual = model.residual(tokens, f"blocks.{layer}.hook_resid_pre")
        centred = raw[layer] - raw[layer].mean(dim=-1, keepdim=True)
        torch.testing.assert_close(residual, centred, rtol=1e-4, atol=1e-4)
        assert residual.mean(dim=-1).abs().max() < 1e-5
        assert raw[layer].mean(dim=-1).abs().max() > 0.1  # so there was something to centre


def test_after_one_block_is_before_the_next(model: LanguageModel, tokens: Tensor) -> None:
    after = model.residual(tokens, "blocks.0.hook_resid_post")
    torch.testing.assert_close(after, model.residual(tokens, "blocks.1.hook_resid_pre"))


def test_last_residual_gives_the_models_own_logits(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: Tensor
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


@pytest.mark.parametrize("site", SITES)
def test_every_hook_reads_what_transformers_has_there(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: Tensor, site: str
) -> None:
    raw: list[Tensor] = []
    spy = hooked(modules_of(original, 1)[site], lambda x: raw.append(x.clone()) or x)
    with spy, torch.no_grad():
        original(tokens)
    hook = f"blocks.1.{site}"
    got = model.activations(tokens, [hook])[hook]
    torch.testing.assert_close(got, in_our_units(site, raw[0]), rtol=1e-4, atol=1e-4)
    assert got.shape == (3, 20, model.hook_size(hook))
    assert not got.requires_grad


def test_several_hooks_in_one_pass_read_what_each_reads_alone(
    model: LanguageModel, tokens: Tensor
) -> None:
    hooks = [f"blocks.{block}.{site}" for block in range(N_LAYERS) for site in SITES]
    together = model.activations(tokens, [*hooks[::-1], hooks[0]])  # in any order, one twice
    assert set(together) == set(hooks)
    for hook in hooks:
        alone = model.activations(tokens, [hook])[hook]
        torch.testing.assert_close(together[hook], alone, rtol=0, atol=0)
    assert model.activations(tokens, []) == {}


@pytest.mark.parametrize(
    ("hooks", "expected"),
    [
        (["blocks.0.hook_resid_pre"], []),
        (["blocks.1.hook_resid_pre"], ["attention 0", "mlp 0"]),
        (["blocks.0.hook_resid_post"], ["attention 0", "mlp 0"]),
        (["blocks.1.hook_attn_out"], ["attention 0", "mlp 0", "attention 1"]),
        (["blocks.1.hook_mlp_out"], ["attention 0", "mlp 0", "attention 1", "mlp 1"]),
        (
            ["blocks.1.hook_attn_out", "blocks.0.hook_mlp_out", "blocks.0.hook_resid_pre"],
            ["attention 0", "mlp 0", "attention 1"],
        ),
        (
            [f"blocks.{N_LAYERS - 1}.hook_resid_post"],
            [f"{part} {block}" for block in range(N_LAYERS) for part in ("attention", "mlp")],
        ),
    ],
)
def test_nothing_past_the_last_hook_is_computed_and_nothing_twice(
    model: LanguageModel, tokens: Tensor, hooks: list[str], expected: list[str]
) -> None:
    ran: list[str] = []
    bridge = model._bridge
    spied = {"head": bridge.unembed}
    for i, block in enumerate(bridge.blocks):
        spied |= {f"attention {i}": block.attn, f"mlp {i}": block.mlp}
    handles = [
        module.register_forward_pre_hook(lambda *_, name=name: ran.append(name))  # type: ignore[misc]
        for name, module in spied.items()
    ]
    try:
        model.activations(tokens, hooks)
        assert ran == expected
        ran.clear()
        model.logits(tokens)
        assert ran[-1] == "head"  # and the spy sees what does run
        assert len(ran) == len(spied)
    finally:
        for handle in handles:
            handle.remove()


def test_a_pass_that_ended_early_leaves_nothing_behind(
    model: LanguageModel, tokens: Tensor
) -> None:
    before = model.logits(tokens)
    model.activations(tokens, ["blocks.1.hook_attn_out"])
    with pytest.raises(ShapeError):
        model.loss_with(tokens, {"blocks.1.hook_mlp_out": lambda x: x[:1]})
    torch.testing.assert_close(model.logits(tokens), before, rtol=0, atol=0)


def test_a_model_without_layernorm_is_read_as_it_is_and_says_so(
    folder: Path, tmp_path: Path, tokens: Tensor
) -> None:
    llama = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=300,
            hidden_size=16,
            intermediate_size=40,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=CONTEXT,
            initializer_range=0.4,
        )
    ).eval()
    llama.save_pretrained(tmp_path / "llama")
    for file in folder.glob("token*.json"):
        (tmp_path / "llama" / file.name).write_bytes(file.read_bytes())
    model = load_language_model(str(tmp_path / "llama"), device="cpu")
    assert model.mode == "compatibility, uncentred"
    assert model.hook_size("blocks.0.mlp.hook_post") == 40
    with torch.no_grad():
        raw = llama(tokens, output_hidden_states=True)
    residual = model.residual(tokens, "blocks.1.hook_resid_pre")
    torch.testing.assert_close(residual, raw.hidden_states[1], rtol=1e-4, atol=1e-4)
    logits = model.logits(tokens).log_softmax(-1)
    torch.testing.assert_close(logits, raw.logits.log_softmax(-1), rtol=1e-4, atol=1e-4)


def test_loss_is_that_of_transformers(
    model: LanguageModel, original: GPT2LMHeadModel, tokens: Tensor
) -> None:
    with torch.no_grad():
        expected = original(tokens, labels=tokens).loss
    assert model.loss(tokens).shape == (3, 19)
    torch.testing.assert_close(model.loss(tokens).mean(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("hook", ["blocks.9.hook_resid_pre", "blocks.1.mlp.hook_out", "resid"])
def test_an_unknown_hook_is_named_with_those_there_are(
    model: LanguageModel, tokens: Tensor, hook: str
) -> None:
    with pytest.raises(ValueError, match=r"no hook .* in tiny: use blocks.L.hook_resid_pre"):
        model.residual(tokens, hook)


def test_a_context_too_long_for_the_model_is_refused(model: LanguageModel) -> None:
    with pytest.raises(ValueError, match="does not fit tiny, which takes 1 to 32"):
        model.loss(torch.ones(1, CONTEXT + 1, dtype=torch.long))


def test_only_the_residual_stream_is_read_by_that_name(
    model: LanguageModel, tokens: Tensor
) -> None:
    with pytest.raises(ValueError, match=r"what the MLP adds .*, not the residual stream: use act"):
        model.residual(tokens, "blocks.1.hook_mlp_out")


@pytest.mark.parametrize("wrong", [[[0.0, 1.0]], [[0, 300]], [[-1, 5]]])
def test_tokens_of_another_vocabulary_are_refused(
    model: LanguageModel, wrong: list[list[float]]
) -> None:
    with pytest.raises(ValueError, match="whole numbers from 0 to 299, the vocabulary of tiny"):
        model.logits(torch.tensor(wrong))
