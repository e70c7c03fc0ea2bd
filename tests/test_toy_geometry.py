"""Geometry of toy models against exact constructions and theorems on frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saeedu import toy_geometry as geometry
from saeedu.shapes import Array, ShapeError


def shares(W: Array) -> Array:
    return geometry.dimensionality(W[np.newaxis])[0]


@pytest.mark.parametrize(
    ("W", "share"),
    [
        (geometry.regular_simplex(2), 1 / 2),
        (geometry.regular_simplex(3), 2 / 3),
        (geometry.regular_simplex(4), 3 / 4),
        (geometry.regular_simplex(9), 8 / 9),
        (geometry.regular_polygon(3), 2 / 3),
        (geometry.regular_polygon(5), 2 / 5),
        (geometry.regular_polygon(11), 2 / 11),
        (geometry.square_antiprism(), 3 / 8),
        (np.eye(4), 1.0),
    ],
)
def test_exact_arrangements_have_the_fractions_of_the_literature(W: Array, share: float) -> None:
    np.testing.assert_allclose(np.linalg.norm(W, axis=0), 1)
    np.testing.assert_allclose(shares(W), share)
    np.testing.assert_allclose(geometry.interference(W[np.newaxis])[0], 1 / share - 1)


@pytest.mark.parametrize("n", [2, 3, 4, 7])
def test_the_corners_of_a_simplex_are_all_at_the_same_angle(n: int) -> None:
    overlaps = geometry.regular_simplex(n).T @ geometry.regular_simplex(n)
    np.testing.assert_allclose(overlaps[~np.eye(n, dtype=bool)], -1 / (n - 1))


def test_dimensionality_agrees_with_the_definition_written_out() -> None:
    W = np.random.default_rng(0).standard_normal((3, 4, 6))
    for a in range(3):
        for i in range(6):
            norm = np.sqrt(sum(w * w for w in W[a, :, i]))
            projections = [W[a, :, i] @ W[a, :, j] / norm for j in range(6)]
            expected = norm**2 / sum(q * q for q in projections)
            assert geometry.dimensionality(W)[a, i] == pytest.approx(expected)
            others = sum(q * q for j, q in enumerate(projections) if j != i)
            assert geometry.interference(W)[a, i] == pytest.approx(others)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5), st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_the_shares_of_a_tight_frame_add_up_to_the_dimensions(
    m: int, extra: int, seed: int
) -> None:
    # Rows of an orthogonal matrix: W Wᵀ = I, so the columns, of any lengths, are a tight frame.
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.standard_normal((m + extra, m + extra)))
    W = rotation[:m] * rng.uniform(0.3, 3)
    assert shares(W).sum() == pytest.approx(m)
    assert geometry.frame_spread(W[np.newaxis])[0] == pytest.approx(0, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_the_shares_never_add_up_to_more_than_the_rank(m: int, n: int, seed: int) -> None:
    W = np.random.default_rng(seed).standard_normal((m, n))
    assert shares(W).sum() <= min(m, n) + 1e-9


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_a_rotation_of_the_hidden_space_changes_no_measure(seed: int) -> None:
    rng = np.random.default_rng(seed)
    W = rng.standard_normal((2, 3, 7))
    R, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    np.testing.assert_allclose(geometry.dimensionality(R @ W), geometry.dimensionality(W))
    np.testing.assert_allclose(geometry.interference(R @ W), geometry.interference(W))


def test_groups_in_their_own_dimensions_do_not_meet() -> None:
    W = geometry.side_by_side(geometry.regular_simplex(2), geometry.regular_polygon(5), np.eye(1))
    assert W.shape == (4, 8)
    np.testing.assert_allclose(shares(W), [1 / 2] * 2 + [2 / 5] * 5 + [1])


def test_a_feature_without_weights_has_no_share_and_hears_nothing() -> None:
    W = np.random.default_rng(1).standard_normal((2, 3, 4))
    W[1, :, 2] = 0
    assert geometry.dimensionality(W)[1, 2] == 0
    assert geometry.interference(W)[1, 2] == 0
    assert np.all(np.isfinite(geometry.dimensionality(W)))


def test_dimensions_per_feature_of_equal_unit_features_is_m_over_n() -> None:
    W = np.stack([geometry.regular_polygon(5), 0 * geometry.regular_polygon(5)])
    np.testing.assert_allclose(geometry.dimensions_per_feature(W), [2 / 5, np.inf])


def test_frame_spread_sees_a_dimension_with_more_features_than_another() -> None:
    W = geometry.side_by_side(geometry.regular_simplex(2), np.eye(1))  # eigenvalues 2 and 1
    assert geometry.frame_spread(W[np.newaxis])[0] == pytest.approx(1 / 1.5)


@pytest.mark.parametrize("n", [1, 0, -3])
def test_a_polygon_or_simplex_of_fewer_than_two_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="n must be at least 2"):
        geometry.regular_polygon(n)
    with pytest.raises(ValueError, match="n must be at least 2"):
        geometry.regular_simplex(n)


def test_bad_input_is_named() -> None:
    with pytest.raises(ShapeError, match=r"W has shape \[2, 5\]"):
        geometry.dimensionality(np.ones((2, 5)))
    with pytest.raises(ValueError, match="needs blocks of shape"):
        geometry.side_by_side()
    with pytest.raises(ValueError, match="all zeros"):
        geometry.frame_spread(np.zeros((1, 2, 3)))
