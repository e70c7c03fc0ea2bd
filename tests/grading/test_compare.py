"""Answers are compared by value and shape; dtype, type and NaN each have a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from saeedu.grading.compare import compare, equal

EXPECTED = np.random.default_rng(0).normal(size=(4, 3))


@pytest.mark.parametrize(
    "got",
    [
        EXPECTED,
        EXPECTED.astype(np.float32),
        EXPECTED + 1e-7,
        np.asfortranarray(EXPECTED),
        EXPECTED[::1],
    ],
)
def test_right_answers_in_other_clothes_pass(got: Any) -> None:
    assert compare(got, EXPECTED, 1e-5) is None


@pytest.mark.parametrize(
    "got", [2.5, np.float64(2.5), np.float32(2.5), np.array(2.5), torch.tensor(2.5)]
)
def test_a_number_may_come_as_any_scalar(got: Any) -> None:
    assert compare(got, 2.5, 1e-5) is None


@pytest.mark.parametrize(
    ("got", "kind", "words"),
    [
        (None, "none", "return"),
        (EXPECTED.tolist(), "type", "np.array"),
        (EXPECTED.view(np.matrix), "type", "np.matrix"),
        (np.ma.masked_array(EXPECTED), "type", "masked"),
        ((EXPECTED,), "type", "comma"),
        ((row for row in EXPECTED), "type", "generator"),
        (len, "type", "function"),
        ("text", "type", "string"),
        (torch.tensor(EXPECTED), "type", "torch tensor"),
        (EXPECTED.T, "shape", "[3, 4]"),
        (3.0, "shape", "single number"),
        (EXPECTED.astype(complex), "dtype", "complex"),
        (EXPECTED.astype(object), "dtype", "object"),
        (EXPECTED.astype(np.float16), "dtype", "float16"),
        (np.where(EXPECTED > 1, np.nan, EXPECTED), "nan", "NaN"),
        (np.where(EXPECTED > 1, np.inf, EXPECTED), "nan", "infinite"),
        (EXPECTED + 1e-3, "value", "differ"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_each_difference_has_its_sentence(got: Any, kind: str, words: str) -> None:
    difference = compare(got, EXPECTED, 1e-5)
    assert difference is not None
    assert difference.kind == kind
    assert words in difference.sentence


def test_the_first_differing_index_is_reported() -> None:
    got = EXPECTED.copy()
    got[2, 1] += 1
    difference = compare(got, EXPECTED, 1e-5)
    assert difference is not None
    assert difference.details["first at index"] == [2, 1]
    assert difference.details["largest difference"] == pytest.approx(1)


def test_nests_are_compared_part_by_part() -> None:
    expected = {"loss": 1.0, "grads": (EXPECTED, EXPECTED.T)}
    assert compare({"grads": [EXPECTED, EXPECTED.T], "loss": 1.0}, expected, 1e-5) is None
    wrong = compare({"loss": 1.0, "grads": (EXPECTED, -EXPECTED.T)}, expected, 1e-5)
    assert wrong is not None
    assert wrong.where == "['grads'][1]"
    missing = compare({"loss": 1.0}, expected, 1e-5)
    assert missing is not None
    assert missing.kind == "structure"
    assert "grads" in missing.sentence


def test_torch_tensors_are_compared_as_numbers() -> None:
    expected = torch.tensor(EXPECTED, requires_grad=True)
    assert compare(torch.tensor(EXPECTED).to(torch.float32), expected, 1e-5) is None
    assert compare(expected * 2, expected, 1e-5) is not None
    wrong_kind = compare(EXPECTED, expected, 1e-5)
    assert wrong_kind is not None
    assert "NumPy" in wrong_kind.sentence


def test_float32_is_told_that_it_lost_digits_where_a_check_wants_more() -> None:
    rounded = EXPECTED.astype(np.float32)
    difference = compare(rounded, EXPECTED, 1e-10)
    assert difference is not None
    assert difference.kind == "dtype"
    assert "float32" in difference.sentence
    wrong = compare(2 * rounded, EXPECTED, 1e-10)
    assert wrong is not None
    assert wrong.kind == "value"


def test_one_slip_in_float32_and_in_float64_is_the_same_slip() -> None:
    slip = 2 * EXPECTED
    assert equal(slip.astype(np.float32), slip, 1e-10)
    assert not equal(slip.astype(np.float32), slip + 1e-3, 1e-10)
    assert not equal(slip + 1e-7, slip, 1e-10)


def test_equal_treats_nan_and_none_as_themselves() -> None:
    nan = np.array([1.0, np.nan])
    assert equal(nan, nan.copy(), 1e-5)
    assert equal(None, None, 1e-5)
    assert not equal(None, nan, 1e-5)
    assert not equal((nan, nan), (nan,), 1e-5)
    assert not equal({"a": 1.0}, {"b": 1.0}, 1e-5)


def test_texts_are_equal_only_when_they_say_the_same() -> None:
    assert equal({"seen": "a < b", "n": 1}, {"seen": "a < b", "n": 1}, 1e-6)
    assert not equal({"seen": "a < b", "n": 1}, {"seen": "a &lt; b", "n": 1}, 1e-6)
