"""Shape checks: which call is refused, and what the error says."""

import numpy as np
import pytest

from saeedu.shapes import ShapeError, shaped


@shaped(x="batch d", b="d")
def shift(x, b, scale=1.0):
    """Add b."""
    return scale * (x + b)


def test_matching_axes_pass_and_the_function_is_unchanged():
    np.testing.assert_array_equal(shift(np.ones((2, 3)), np.ones(3), scale=2.0), np.full((2, 3), 4))
    assert shift.__name__ == "shift"
    assert shift.__doc__ == "Add b."


def test_keywords_are_checked_as_well():
    with pytest.raises(ShapeError, match="axis d is 4 in b"):
        shift(b=np.ones(4), x=np.ones((2, 3)))


def test_a_disagreeing_axis_is_named_with_both_owners():
    # A [3, 1] bias would broadcast without an error: the slip that this is here to catch.
    with pytest.raises(ShapeError) as caught:
        shift(np.ones((2, 3)), np.ones(2))
    message = str(caught.value)
    assert "shift: axis d is 2 in b [2] but 3 in x" in message


def test_a_wrong_number_of_axes_is_named():
    with pytest.raises(ShapeError, match=r"x has shape \[3\], but it needs 2 axes \[batch, d\]"):
        shift(np.ones(3), np.ones(3))
    with pytest.raises(ShapeError, match=r"b has shape \[1, 3\]"):
        shift(np.ones((2, 3)), np.ones((1, 3)))


def test_a_shape_error_is_a_value_error():
    with pytest.raises(ValueError, match="axis d"):
        shift(np.ones((2, 3)), np.ones(5))


def test_sizes_may_differ_between_calls():
    shift(np.ones((2, 3)), np.ones(3))
    assert shift(np.ones((5, 7)), np.ones(7)).shape == (5, 7)


def test_lists_and_numbers_have_shapes_too():
    with pytest.raises(ShapeError, match=r"b has shape \[\]"):
        shift([[1.0, 2.0]], 3.0)


def test_a_missing_argument_is_still_pythons_own_error():
    with pytest.raises(TypeError, match="b"):
        shift(np.ones((2, 3)))
