"""Chapter 06's functions, against autograd, whole matrices, nudges, and the library's own step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from saeedu import numpy_gradients, numpy_sae, sae_plots
from saeedu.grading import grade
from saeedu.grading.registry import find_exercise
from saeedu.numpy_training import Parameters
from saeedu.sae import ReLUSAE, TopKSAE
from saeedu.sae.autograd import autograd_gradients
from saeedu.sae.top_k import top_k
from saeedu.sae.top_k_by_hand import (
    aux_k_loss,
    decode_sparse,
    fold_into_weights,
    grad_top_k,
    grad_values,
    sparse_gradients,
    sum_by_latent,
)
from saeedu.shapes import ShapeError

BATCH, D_IN, D_SAE, K = 7, 5, 11, 3


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def draw_weights() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """W_enc, b_enc, W_dec and b_dec, with nothing zero and rows of many lengths."""
    shapes = ((D_IN, D_SAE), (D_SAE,), (D_SAE, D_IN), (D_IN,))
    W_enc, b_enc, W_dec, b_dec = (draw(*shape, seed=i + 1) for i, shape in enumerate(shapes))
    return W_enc, b_enc, W_dec, b_dec


def active(x: Tensor, W_enc: Tensor, b_enc: Tensor, b_dec: Tensor) -> tuple[Tensor, Tensor]:
    values, columns = ((x - b_dec) @ W_enc + b_enc).topk(K, dim=1)
    return torch.relu(values), columns


def test_autograd_gradients_are_those_of_nudges_on_chapter_03s_loss() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH, D_IN))
    parameters = Parameters(
        *[rng.normal(size=s) for s in ((D_IN, D_SAE), (D_SAE,), (D_SAE, D_IN), (D_IN,))]
    )
    found = autograd_gradients(x, parameters, 0.3)
    for name in Parameters._fields:

        def loss(part: np.ndarray, name: str = name) -> float:
            changed = parameters._replace(**{name: part})
            return numpy_sae.sae_loss(x, *changed, l1_coefficient=0.3)

        nudged = numpy_gradients.numerical_gradient(loss, getattr(parameters, name))
        np.testing.assert_allclose(getattr(found, name), nudged, atol=1e-6)


def test_autograd_gradients_leave_their_arguments_alone() -> None:
    parameters = Parameters(*[weight.numpy() for weight in draw_weights()])
    before = [part.copy() for part in parameters]
    autograd_gradients(draw(BATCH, D_IN).numpy(), parameters, 0.3)
    for part, old in zip(parameters, before, strict=True):
        np.testing.assert_array_equal(part, old)


@pytest.mark.parametrize("k", [1, K, D_SAE])
def test_grad_top_k_is_autograds_also_for_negative_winners(k: int) -> None:
    pre_acts = (draw(BATCH, D_SAE) - 0.5).requires_grad_()
    d_latents = draw(BATCH, D_SAE, seed=1)
    expected = torch.autograd.grad(top_k(pre_acts, k), pre_acts, d_latents)[0]
    assert (pre_acts.topk(k, dim=1).values <= 0).any() or k == 1
    torch.testing.assert_close(grad_top_k(d_latents, pre_acts.detach(), k), expected)


def test_sums_over_active_latents_are_products_of_whole_matrices() -> None:
    x, (W_enc, b_enc, W_dec, b_dec) = draw(BATCH, D_IN), draw_weights()
    values, columns = active(x, W_enc, b_enc, b_dec)
    latents = torch.zeros(BATCH, D_SAE, dtype=torch.float64).scatter(1, columns, values)
    torch.testing.assert_close(
        decode_sparse(values, columns, W_dec, b_dec), latents @ W_dec + b_dec
    )
    torch.testing.assert_close(grad_values(x, columns, W_dec), (x @ W_dec.T).gather(1, columns))
    torch.testing.assert_close(sum_by_latent(values, columns, x, D_SAE), latents.T @ x)


def test_a_latent_that_no_sample_names_gets_zeros_and_a_crowded_one_everything() -> None:
    columns = torch.full((BATCH, 1), 2)
    vectors = draw(BATCH, D_IN)
    sums = sum_by_latent(torch.ones(BATCH, 1).double(), columns, vectors, D_SAE)
    torch.testing.assert_close(sums[2], vectors.sum(dim=0))
    assert torch.count_nonzero(sums) == D_IN


def test_sparse_gradients_are_dense_autograds() -> None:
    x, weights, d_x_hat = draw(BATCH, D_IN), draw_weights(), draw(BATCH, D_IN, seed=9)
    leaves = [weight.clone().requires_grad_() for weight in weights]
    W_enc, b_enc, W_dec, b_dec = leaves
    x_hat = top_k((x - b_dec) @ W_enc + b_enc - 5.0, K) @ W_dec + b_dec
    expected = torch.autograd.grad(x_hat, leaves, d_x_hat)

    values, columns = active(x, weights[0], weights[1] - 5.0, weights[3])
    assert (values == 0).any()
    assert (values > 0).any()
    found = sparse_gradients(d_x_hat, x, weights[0], weights[2], weights[3], values, columns)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


def random_top_k_sae() -> TopKSAE:
    sae = TopKSAE(D_IN, D_SAE, k=K, k_aux=2, aux_coefficient=0.5, dead_after=10).double()
    with torch.no_grad():
        for parameter, weight in zip(
            (sae.W_enc, sae.b_enc, sae.W_dec, sae.b_dec), draw_weights(), strict=True
        ):
            parameter.copy_(weight)
    return sae


def test_the_librarys_top_k_step_is_the_learners() -> None:
    sae, x = random_top_k_sae(), draw(BATCH, D_IN)
    sae.loss(x).total.backward()
    weights = [p.detach() for p in (sae.W_enc, sae.b_enc, sae.W_dec, sae.b_dec)]
    values, columns = active(x, weights[0], weights[1], weights[3])
    d_x_hat = 2 / BATCH * (decode_sparse(values, columns, weights[2], weights[3]) - x)
    found = sparse_gradients(d_x_hat, x, weights[0], weights[2], weights[3], values, columns)
    for ours, parameter in zip(found, (sae.W_enc, sae.b_enc, sae.W_dec, sae.b_dec), strict=True):
        torch.testing.assert_close(ours, parameter.grad)


def test_the_librarys_aux_k_is_the_learners_with_its_gradients() -> None:
    sae, x = random_top_k_sae(), draw(BATCH, D_IN)
    dead = torch.zeros(D_SAE, dtype=torch.bool)
    dead[[1, 4, 6, 9]] = True
    sae.silent_for[dead] = 10
    terms = sae.loss(x)
    weights = (sae.W_enc, sae.b_enc, sae.W_dec, sae.b_dec)
    pre_acts = (x - sae.b_dec) @ sae.W_enc + sae.b_enc
    ours = 0.5 * aux_k_loss(x, terms.x_hat, pre_acts, dead, sae.W_dec, 2)
    torch.testing.assert_close(terms.auxiliary["aux_k"], ours)
    theirs = torch.autograd.grad(terms.auxiliary["aux_k"], weights, retain_graph=True)
    for a, b in zip(torch.autograd.grad(ours, weights), theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_aux_k_wakes_the_dead_and_leaves_the_living_alone() -> None:
    x, x_hat = draw(BATCH, D_IN), draw(BATCH, D_IN, seed=1).requires_grad_()
    pre_acts = draw(BATCH, D_SAE, seed=2).requires_grad_()
    W_dec = draw(D_SAE, D_IN, seed=3).requires_grad_()
    dead = torch.zeros(D_SAE, dtype=torch.bool)
    dead[:4] = True
    loss = aux_k_loss(x, x_hat, pre_acts, dead, W_dec, k_aux=4)
    found = torch.autograd.grad(loss, (pre_acts, W_dec, x_hat), allow_unused=True)
    assert found[2] is None
    for gradient in (found[0].T, found[1]):
        assert gradient[:4].abs().sum(dim=1).min() > 0
        assert torch.count_nonzero(gradient[4:]) == 0


def test_folding_changes_units_and_no_relu_reconstruction() -> None:
    weights, scale, x = draw_weights(), 0.2, draw(BATCH, D_IN)

    def rebuilt(x: Tensor, W_enc: Tensor, b_enc: Tensor, W_dec: Tensor, b_dec: Tensor) -> Tensor:
        return torch.relu((x - b_dec) @ W_enc + b_enc) @ W_dec + b_dec

    folded = fold_into_weights(*weights, scale)
    torch.testing.assert_close(rebuilt(x, *folded), rebuilt(scale * x, *weights) / scale)
    torch.testing.assert_close(folded[2].norm(dim=1), torch.ones(D_SAE, dtype=torch.float64))


def test_folding_is_what_a_trained_sae_does_to_itself() -> None:
    sae, weights = ReLUSAE(D_IN, D_SAE).double(), draw_weights()
    parameters = (sae.W_enc, sae.b_enc, sae.W_dec, sae.b_dec)
    with torch.no_grad():
        for parameter, weight in zip(parameters, weights, strict=True):
            parameter.copy_(weight)
    sae.rescale(1 / 0.2)
    sae.fold_decoder_norms()
    for parameter, ours in zip(parameters, fold_into_weights(*weights, 0.2), strict=True):
        torch.testing.assert_close(parameter.detach(), ours)


def in_float32(value: object) -> object:
    """The same argument in half of the digits; whole numbers and masks as they are."""
    if isinstance(value, Parameters):
        return Parameters(*[part.astype(np.float32) for part in value])
    if isinstance(value, np.ndarray):
        return value.astype(np.float32)
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.float()
    return value


EXERCISES = (
    "autograd_gradients",
    "top_k",
    "grad_top_k",
    "decode_sparse",
    "grad_values",
    "sum_by_latent",
    "sparse_gradients",
    "aux_k_loss",
    "batch_top_k",
    "fold_into_weights",
)


@pytest.mark.parametrize("name", EXERCISES)
def test_an_answer_that_computes_in_float32_is_told_so(name: str) -> None:
    exercise = find_exercise(f"06.{name}")
    verdict = grade(exercise, lambda *args: exercise.reference(*map(in_float32, args)))
    assert verdict.status == "wrong"
    assert "float32" in verdict.message


def test_tensors_of_two_types_get_advice_of_the_courses_own() -> None:
    def attempt(values: Tensor, columns: Tensor, vectors: Tensor, d_sae: int) -> Tensor:
        weighted = (values[:, :, None] * vectors[:, None]).flatten(0, 1)
        return torch.zeros(d_sae, vectors.shape[1]).index_add(0, columns.flatten(), weighted)

    verdict = grade("06.sum_by_latent", attempt)
    assert verdict.status == "raised"
    assert "zeros_like" in verdict.message


def test_whoever_writes_into_a_tensor_is_told_to_clone_it() -> None:
    def attempt(values: Tensor, columns: Tensor, W_dec: Tensor, b_dec: Tensor) -> Tensor:
        W_dec *= 2
        return decode_sparse(values, columns, W_dec, b_dec)

    assert ".clone()" in grade("06.decode_sparse", attempt).message


def test_a_wrong_gradient_is_called_by_its_parameters_name() -> None:
    def attempt(*args: Tensor) -> tuple[Tensor, ...]:
        d_W_enc, d_b_enc, d_W_dec, d_b_dec = sparse_gradients(*args)
        return d_W_enc, d_b_enc, 3 * d_W_dec, d_b_dec

    assert "(part: W_dec)" in grade("06.sparse_gradients", attempt).message


@pytest.mark.parametrize(
    ("call", "axis"),
    [
        (lambda: grad_top_k(draw(4, 6), draw(4, 7), 2), "d_sae"),
        (lambda: decode_sparse(draw(4, 2), torch.zeros(4, 3).long(), draw(6, 5), draw(5)), "k"),
        (lambda: grad_values(draw(4, 5), torch.zeros(4, 2).long(), draw(6, 3)), "d_in"),
        (lambda: sum_by_latent(draw(4, 2), torch.zeros(4, 2).long(), draw(3, 5), 6), "batch"),
        (lambda: fold_into_weights(draw(5, 6), draw(6), draw(6, 5), draw(6), 1.0), "d_in"),
    ],
)
def test_a_wrong_axis_is_named(call: Callable[[], object], axis: str) -> None:
    with pytest.raises(ShapeError, match=f"axis {axis}"):
        call()


def test_the_picture_of_active_entries_shows_the_same_numbers_twice() -> None:
    latents = np.array([[0.0, 0.5, 0.0, 2.0], [1.0, 0.0, 0.25, 0.0]])
    values, columns = np.array([[2.0, 0.5], [1.0, 0.25]]), np.array([[3, 1], [0, 2]])
    figure = sae_plots.active_entries(latents, values, columns)
    dense, listed, where = figure.axes[:3]
    shown = dense.images[0].get_array()
    np.testing.assert_array_equal(np.ma.filled(shown, 0), latents)
    np.testing.assert_array_equal(listed.images[0].get_array(), values)
    assert [text.get_text() for text in where.texts] == ["3", "1", "0", "2"]


def test_the_picture_of_work_has_a_pair_of_bars_for_each_product() -> None:
    (axes,) = sae_plots.work(["a", "b"], [100.0, 100.0], [100.0, 2.0]).axes
    assert sorted(bar.get_width() for bar in axes.patches) == [2.0, 100.0, 100.0, 100.0]
    assert axes.get_xscale() == "log"
    assert "count" in axes.get_xlabel()


def test_latents_per_sample_are_shares_in_percent() -> None:
    counts = {"truth": np.array([0, 1, 1, 3]), "an SAE": np.array([2, 2, 2, 2])}
    (axes,) = sae_plots.latents_per_sample(counts).axes
    assert [bar.get_height() for bar in axes.patches] == [25, 50, 0, 25]
    assert list(axes.lines[0].get_ydata()) == [0, 0, 100, 0]
