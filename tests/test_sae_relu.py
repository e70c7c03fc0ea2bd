from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from saeedu import numpy_gradients, numpy_sae
from saeedu.sae import ReLUSAE, SAEFileError, load_sae, save_sae
from saeedu.sae.relu import weighted_l1
from saeedu.shapes import ShapeError

D_IN, D_SAE, BATCH, L1 = 5, 11, 7, 0.7
WHERE = {"model_name": "gpt2", "hook_name": "blocks.8.hook_resid_pre", "context_size": 128}


def make_sae(seed: int = 0) -> ReLUSAE:
    """An SAE in float64 with nothing at its initial value: biases, row norms, encoder."""
    sae = ReLUSAE(D_IN, D_SAE, L1, seed=seed).double()
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in sae.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator).double())
    return sae


def draw_x(seed: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(BATCH, D_IN, generator=generator).double() + 2


def arrays(sae: ReLUSAE) -> dict[str, np.ndarray]:
    return {name: p.detach().numpy() for name, p in sae.named_parameters()}


def test_forward_is_chapter_03s() -> None:
    sae, x = make_sae(), draw_x()
    w = arrays(sae)
    latents = numpy_sae.encode(x.numpy(), w["W_enc"], w["b_enc"], w["b_dec"])
    x_hat = numpy_sae.decode(latents, w["W_dec"], w["b_dec"])
    assert 0 < np.mean(latents > 0) < 1
    np.testing.assert_allclose(sae.encode(x).detach().numpy(), latents)
    np.testing.assert_allclose(sae(x).detach().numpy(), x_hat)


def test_loss_and_its_gradients_are_chapter_04s_when_decoder_rows_have_unit_norm() -> None:
    """The hand-derived NumPy gradients are the oracle; the weighting then only adds to W_dec's."""
    sae, x = make_sae(), draw_x()
    with torch.no_grad():
        sae.W_dec /= sae.W_dec.norm(dim=1, keepdim=True)
    terms = sae.loss(x)
    terms.total.backward()
    w, xs = arrays(sae), x.numpy()
    latents = numpy_sae.encode(xs, w["W_enc"], w["b_enc"], w["b_dec"])
    x_hat = numpy_sae.decode(latents, w["W_dec"], w["b_dec"])
    assert terms.reconstruction.item() == pytest.approx(numpy_sae.reconstruction_loss(x_hat, xs))
    assert terms.sparsity.item() == pytest.approx(numpy_sae.l1_penalty(latents, L1))
    assert terms.total.item() == pytest.approx((terms.reconstruction + terms.sparsity).item())

    pre_acts = (xs - w["b_dec"]) @ w["W_enc"] + w["b_enc"]
    d_latents = numpy_gradients.grad_latents_reconstruction(x_hat, xs, w["W_dec"])
    d_latents = d_latents + numpy_gradients.grad_latents_l1(latents, L1)
    d_pre_acts = numpy_gradients.grad_pre_acts(d_latents, pre_acts)
    expected = {
        "W_enc": numpy_gradients.grad_W_enc(xs, w["b_dec"], d_pre_acts),
        "b_enc": numpy_gradients.grad_b_enc(d_pre_acts),
        "b_dec": numpy_gradients.grad_b_dec(x_hat, xs, d_pre_acts, w["W_enc"]),
        # d|row| / d row is the row itself at unit norm; each latent pays its mean for it
        "W_dec": numpy_gradients.grad_W_dec(x_hat, xs, latents)
        + L1 * latents.mean(axis=0)[:, None] * w["W_dec"],
    }
    for name, parameter in sae.named_parameters():
        assert parameter.grad is not None
        np.testing.assert_allclose(parameter.grad.numpy(), expected[name], err_msg=name)


def test_weighted_l1_in_plain_loops() -> None:
    sae = make_sae()
    latents = sae.encode(draw_x()).detach()
    expected = 0.0
    for row in latents:
        for value, direction in zip(row, sae.W_dec.detach(), strict=True):
            expected += L1 * float(value) * float((direction**2).sum()) ** 0.5 / BATCH
    assert weighted_l1(latents, sae.W_dec, L1).item() == pytest.approx(expected)
    with pytest.raises(ShapeError, match="d_sae"):
        weighted_l1(latents, sae.W_dec[1:], L1)


def test_the_loss_gains_nothing_by_shrinking_latents_and_growing_rows() -> None:
    sae, x = make_sae(), draw_x()
    before = sae.loss(x).total.item()
    with torch.no_grad():
        sae.W_enc.mul_(0.01)
        sae.b_enc.mul_(0.01)
        sae.W_dec.mul_(100)
    assert sae.loss(x).total.item() == pytest.approx(before)


def test_warmup_scales_the_penalty_alone() -> None:
    sae, x = make_sae(), draw_x()
    full, none = sae.loss(x), sae.loss(x, sparsity_scale=0.25)
    assert none.sparsity.item() == pytest.approx(0.25 * full.sparsity.item())
    assert none.reconstruction.item() == full.reconstruction.item()


def test_initial_values_are_those_of_the_source() -> None:
    sae = ReLUSAE(D_IN, D_SAE)
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.full((D_SAE,), 0.1))
    torch.testing.assert_close(sae.W_enc, sae.W_dec.T)
    assert not sae.b_enc.any()
    assert not sae.b_dec.any()
    assert torch.equal(ReLUSAE(D_IN, D_SAE, seed=3).W_dec, ReLUSAE(D_IN, D_SAE, seed=3).W_dec)
    assert not torch.equal(ReLUSAE(D_IN, D_SAE, seed=3).W_dec, sae.W_dec)


def test_making_an_sae_leaves_the_global_random_state_alone() -> None:
    before = torch.get_rng_state()
    ReLUSAE(D_IN, D_SAE, seed=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_rescaled_sae_does_the_same_in_other_units() -> None:
    sae, x = make_sae(), draw_x()
    x_hat, latents = sae(x).detach(), sae.encode(x).detach()
    sae.rescale(3.5)
    torch.testing.assert_close(sae(3.5 * x), 3.5 * x_hat)
    torch.testing.assert_close(sae.encode(3.5 * x), 3.5 * latents)
    for factor in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="factor must be positive"):
            sae.rescale(factor)


def test_folding_decoder_norms_changes_no_reconstruction() -> None:
    sae, x = make_sae(), draw_x()
    with torch.no_grad():
        sae.W_dec[2] = 0.0
    x_hat, weighted = sae(x).detach(), sae.encode(x).detach() * sae.W_dec.detach().norm(dim=1)
    sae.fold_decoder_norms()
    torch.testing.assert_close(sae(x), x_hat)
    kept = [i for i in range(D_SAE) if i != 2]
    torch.testing.assert_close(sae.W_dec.norm(dim=1)[kept], torch.ones(D_SAE - 1).double())
    torch.testing.assert_close(sae.encode(x)[:, kept], weighted[:, kept])
    assert not sae.W_dec[2].any()


def test_start_from_mean_moves_only_the_decoders_bias() -> None:
    sae, x = make_sae(), draw_x()
    W_dec = sae.W_dec.clone()
    sae.start_from_mean(x)
    np.testing.assert_allclose(sae.b_dec.detach().numpy(), x.numpy().mean(axis=0))
    assert torch.equal(sae.W_dec, W_dec)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ReLUSAE(0, 3), "at least 1"),
        (lambda: ReLUSAE(3, -1), "at least 1"),
        (lambda: ReLUSAE(3, 4, -0.1), "must not be negative"),
        (lambda: ReLUSAE(3, 4, float("nan")), "must not be negative"),
    ],
)
def test_an_sae_that_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_activations_of_another_size_are_named() -> None:
    with pytest.raises(ShapeError, match=r"\[7, 6\], but this SAE takes d_in = 5"):
        make_sae()(torch.zeros(BATCH, D_IN + 1).double())


# Files


def test_a_saved_sae_comes_back_the_same(tmp_path: Path) -> None:
    sae, x = make_sae().float(), draw_x().float()
    folder = save_sae(sae, tmp_path / "runs" / "mine", **WHERE)
    loaded = load_sae(folder)
    assert isinstance(loaded, ReLUSAE)
    assert torch.equal(loaded(x), sae(x))
    assert sorted(file.name for file in folder.parent.iterdir()) == ["mine"]  # nothing left over


def test_the_folder_is_what_saelens_reads(tmp_path: Path) -> None:
    folder = save_sae(make_sae(), tmp_path / "mine", **WHERE)
    config = json.loads((folder / "cfg.json").read_text())
    assert config["architecture"] == "standard"
    assert (config["d_in"], config["d_sae"], config["dtype"]) == (D_IN, D_SAE, "float32")
    assert config["normalize_activations"] == "none"
    assert config["metadata"]["hook_name"] == WHERE["hook_name"]
    assert config["metadata"]["sae_lens_version"].startswith("6.")
    tensors = load_file(folder / "sae_weights.safetensors")
    assert {name: list(tensor.shape) for name, tensor in tensors.items()} == {
        "W_enc": [D_IN, D_SAE],
        "b_enc": [D_SAE],
        "W_dec": [D_SAE, D_IN],
        "b_dec": [D_IN],
    }
    assert all(tensor.dtype == torch.float32 for tensor in tensors.values())


def test_saving_again_replaces_and_saving_over_something_else_is_refused(tmp_path: Path) -> None:
    folder = save_sae(make_sae(0), tmp_path / "mine", **WHERE)
    save_sae(make_sae(1), folder, **WHERE)
    torch.testing.assert_close(load_sae(folder).W_dec, make_sae(1).W_dec.float())
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "thesis.txt").write_text("precious")
    with pytest.raises(SAEFileError, match="not a saved SAE"):
        save_sae(make_sae(), other, **WHERE)
    assert (other / "thesis.txt").read_text() == "precious"


def test_a_save_that_breaks_off_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = save_sae(make_sae(0), tmp_path / "mine", **WHERE)

    def full_disk(tensors: Any, file: Path) -> None:
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("saeedu.sae.files.save_file", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_sae(make_sae(1), folder, **WHERE)
    torch.testing.assert_close(load_sae(folder).W_dec, make_sae(0).W_dec.float())
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


def test_weights_that_are_not_numbers_are_not_saved(tmp_path: Path) -> None:
    sae = make_sae()
    with torch.no_grad():
        sae.b_enc[3] = float("nan")
    with pytest.raises(SAEFileError, match="b_enc is not finite"):
        save_sae(sae, tmp_path / "mine", **WHERE)
    assert not (tmp_path / "mine").exists()


def _tensors(folder: Path, change: Any) -> None:
    file = folder / "sae_weights.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    change(tensors)
    save_file(tensors, file)


def _config(folder: Path, **changes: Any) -> None:
    file = folder / "cfg.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def _cut(folder: Path) -> None:
    file = folder / "sae_weights.safetensors"
    file.write_bytes(file.read_bytes()[:-40])


def _transpose(tensors: dict[str, torch.Tensor]) -> None:
    tensors["W_enc"] = tensors["W_enc"].T.contiguous()


def _nan(tensors: dict[str, torch.Tensor]) -> None:
    tensors["W_dec"][1, 2] = float("nan")


DAMAGE = {
    "a truncated file": (_cut, "sae_weights.safetensors is damaged or cut short"),
    "a missing tensor": (
        lambda f: _tensors(f, lambda t: t.pop("b_dec")),
        "lacks the tensor b_dec",
    ),
    "an extra tensor": (
        lambda f: _tensors(f, lambda t: t.update(threshold=torch.ones(3))),
        "does not belong: threshold",
    ),
    "a transposed tensor": (
        lambda f: _tensors(f, _transpose),
        r"W_enc is \[11, 5\], but must be \[5, 11\]. It is transposed",
    ),
    "a tensor of another size": (
        lambda f: _tensors(f, lambda t: t.update(b_dec=torch.ones(4))),
        r"b_dec is \[4\], but must be \[5\]",
    ),
    "a NaN": (lambda f: _tensors(f, _nan), "W_dec has entries that are not finite"),
    "no weights": (lambda f: (f / "sae_weights.safetensors").unlink(), "weights.* is missing"),
    "no config": (lambda f: (f / "cfg.json").unlink(), "cfg.json is missing"),
    "half a config": (lambda f: (f / "cfg.json").write_text("{"), "cannot be read as JSON"),
    "a config that is a list": (lambda f: (f / "cfg.json").write_text("[]"), "not a list"),
    "another architecture": (lambda f: _config(f, architecture="gated"), "'gated'; this version"),
    "a size that is no size": (lambda f: _config(f, d_in="5"), "d_in is '5'"),
    "another normalisation": (
        lambda f: _config(f, normalize_activations="layer_norm"),
        "normalize_activations is 'layer_norm'",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_one_error_that_names_the_file(tmp_path: Path, name: str) -> None:
    damage, message = DAMAGE[name]
    folder = save_sae(make_sae(), tmp_path / "mine", **WHERE)
    damage(folder)
    with pytest.raises(SAEFileError, match=message) as error:
        load_sae(folder)
    assert str(folder) in str(error.value)
