"""The NumPy autoencoder against independent oracles: PyTorch, scikit-learn, sums by hand."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.metrics.pairwise import cosine_similarity

from saeedu import numpy_sae
from saeedu.shapes import ShapeError

BATCH, D_IN, D_SAE = 7, 5, 11


@pytest.fixture
def weights():
    rng = np.random.default_rng(0)
    return {
        "x": rng.standard_normal((BATCH, D_IN)) + 2.0,
        "W_enc": rng.standard_normal((D_IN, D_SAE)),
        "b_enc": rng.standard_normal(D_SAE),
        "W_dec": rng.standard_normal((D_SAE, D_IN)),
        "b_dec": rng.standard_normal(D_IN),
    }


def torch_sae(x, W_enc, b_enc, W_dec, b_dec):
    """The same network from PyTorch's own layers."""
    t = {k: torch.from_numpy(v) for k, v in locals().items()}
    latents = torch.relu(torch.nn.functional.linear(t["x"] - t["b_dec"], t["W_enc"].T, t["b_enc"]))
    return latents, torch.nn.functional.linear(latents, t["W_dec"].T, t["b_dec"])


def test_forward_pass_agrees_with_torch_layers(weights):
    latents, x_hat = torch_sae(**weights)
    ours = numpy_sae.encode(weights["x"], weights["W_enc"], weights["b_enc"], weights["b_dec"])
    assert 0 < np.mean(ours > 0) < 1  # some on, some off, or the ReLU would not be tested
    np.testing.assert_allclose(ours, latents.numpy(), atol=1e-12)
    rebuilt = numpy_sae.decode(ours, weights["W_dec"], weights["b_dec"])
    np.testing.assert_allclose(rebuilt, x_hat.numpy(), atol=1e-12)


def test_a_silent_code_decodes_to_the_bias():
    b_dec = np.array([1.0, -2.0])
    x_hat = numpy_sae.decode(np.zeros((3, 4)), np.ones((4, 2)), b_dec)
    np.testing.assert_array_equal(x_hat, [b_dec] * 3)


def test_encode_worked_by_hand():
    # x - b_dec = [2, -1]; times W_enc = [2, -1, 1]; plus b_enc = [1.5, -1, 1]; ReLU.
    latents = numpy_sae.encode(
        x=np.array([[3.0, 1.0]]),
        W_enc=np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]]),
        b_enc=np.array([-0.5, 0.0, 0.0]),
        b_dec=np.array([1.0, 2.0]),
    )
    np.testing.assert_array_equal(latents, [[1.5, 0.0, 1.0]])


def test_reconstruction_loss_is_d_in_times_the_mean_squared_error(weights):
    _, x_hat = torch_sae(**weights)
    ours = numpy_sae.reconstruction_loss(x_hat.numpy(), weights["x"])
    assert ours == pytest.approx(D_IN * mean_squared_error(weights["x"], x_hat.numpy()))


def test_l1_and_l0_worked_by_hand():
    latents = np.array([[0.0, 2.0, 0.5], [0.0, 0.0, 1e-9]])
    assert numpy_sae.l1_penalty(latents, 0.1) == pytest.approx(0.1 * (2.5 + 1e-9) / 2)
    assert numpy_sae.l0(latents) == 1.5


def test_fvu_is_one_minus_the_variance_weighted_r2(weights):
    _, x_hat = torch_sae(**weights)
    r2 = r2_score(weights["x"], x_hat.numpy(), multioutput="variance_weighted")
    ours = numpy_sae.fraction_of_variance_unexplained(x_hat.numpy(), weights["x"])
    assert ours == pytest.approx(1 - r2)


def test_fvu_at_its_landmarks(weights):
    x = weights["x"]
    fvu = numpy_sae.fraction_of_variance_unexplained
    assert fvu(x, x) == 0
    assert fvu(np.broadcast_to(x.mean(axis=0), x.shape), x) == pytest.approx(1)
    assert fvu(-10 * x, x) > 1


def test_fvu_does_not_move_with_the_origin_or_the_unit(weights):
    _, x_hat = torch_sae(**weights)
    x_hat, x = x_hat.numpy(), weights["x"]
    fvu = numpy_sae.fraction_of_variance_unexplained
    shift = np.arange(D_IN) * 100.0
    assert fvu(3 * x_hat + shift, 3 * x + shift) == pytest.approx(fvu(x_hat, x))


def test_the_whole_loss_agrees_with_torch(weights):
    latents, x_hat = torch_sae(**weights)
    error = torch.nn.functional.mse_loss(x_hat, torch.from_numpy(weights["x"]), reduction="sum")
    expected = error / BATCH + 0.3 * latents.norm(p=1, dim=1).mean()
    ours = numpy_sae.sae_loss(**weights, l1_coefficient=0.3)
    assert ours == pytest.approx(expected.item())


def test_cosines_agree_with_sklearn():
    rng = np.random.default_rng(1)
    A, B = 3 * rng.standard_normal((4, 6)), rng.standard_normal((9, 6))
    np.testing.assert_allclose(
        numpy_sae.cosine_similarities(A, B), cosine_similarity(A, B), atol=1e-12
    )


def test_mmcs_ignores_order_and_length_but_not_sign():
    rng = np.random.default_rng(2)
    features = rng.standard_normal((6, 4))
    shuffled = rng.permutation(features) * rng.uniform(0.1, 9, (6, 1))
    assert numpy_sae.mmcs(features, shuffled) == pytest.approx(1)
    assert numpy_sae.mmcs(features, -features) < 1


def test_mmcs_asks_every_feature_and_forgives_extra_rows():
    features = np.eye(3)
    two_found = np.array([[1.0, 0, 0], [0, 2.0, 0]])
    assert numpy_sae.mmcs(features, two_found) == pytest.approx(2 / 3)
    with_noise = np.vstack([features, [[1.0, 1, 1]]])
    assert numpy_sae.mmcs(features, with_noise) == pytest.approx(1)


def test_principal_components_agree_with_sklearn_up_to_sign():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((60, 5)) @ np.diag([5, 4, 3, 2, 1]) @ rng.standard_normal((5, 5)) + 9
    ours = numpy_sae.principal_components(x, 3)
    theirs = PCA(n_components=3).fit(x).components_
    np.testing.assert_allclose(np.abs(np.sum(ours * theirs, axis=1)), 1)
    np.testing.assert_allclose(ours @ ours.T, np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("function", "shapes", "says"),
    [
        (numpy_sae.encode, [(7, 5), (6, 11), (11,), (5,)], "axis d_in is 6 in W_enc"),
        (numpy_sae.encode, [(7, 5), (5, 11), (5,), (5,)], "axis d_sae is 5 in b_enc"),
        (numpy_sae.decode, [(7, 11), (5, 11), (5,)], "axis d_sae is 5 in W_dec"),
        (numpy_sae.reconstruction_loss, [(7, 5), (7, 1)], "axis d_in is 1 in x"),
        (numpy_sae.mmcs, [(4, 3), (9, 5)], "axis d is 5 in dictionary"),
    ],
)
def test_a_wrong_shape_is_named_where_it_enters(function, shapes, says):
    with pytest.raises(ShapeError, match=says):
        function(*(np.ones(shape) for shape in shapes))
