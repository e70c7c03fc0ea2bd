"""From source to cell: stubs raise their own error, solutions behave as their reference does."""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from saeedu.builder.stubs import SourceError, ships_source, solution_source, stub_source
from saeedu.grading import Call, Check, Exercise, Mistake, all_exercises
from saeedu.shapes import Array, ShapeError, shaped


@shaped(x="batch d")
def spread_out(
    x: Array,  # a comment in the signature
    *,
    factor: float = 2.0,
) -> Array:
    """First line.

    **Arguments:** `x` [batch, d].
    **Raises:** `ShapeError` when `x` is
    not two-dimensional.

    A last paragraph.
    """
    # a comment of its own

    def inner(y: Array) -> Array:
        return factor * y  # and one inside

    return inner(x)


@functools.lru_cache
@shaped()
def short(x: float) -> float:
    """One line."""
    return x + 1


def on_one_line(x: float) -> float: return x + 2  # fmt: skip


def undecorated(x: float) -> float:
    """Halve.

    **Raises:** `ValueError` below zero.
    """
    if x < 0:
        raise ValueError(x)
    return x / 2


@dataclasses.dataclass
class Scaler:
    """Scales.

    **Raises:** nothing.
    """

    factor: float = 3.0
    """How much."""

    @shaped(x="batch d")
    def forward(self, x: Array) -> Array:
        """Scale `x`.

        **Raises:** `ShapeError`.
        """
        return self.factor * x

    @property
    def doubled(self) -> float:
        return 2 * self.factor


def wrong_same_names(x, *, factor=2.0):
    """Not this docstring."""
    # keep me
    return x + factor


def wrong_other_names(y):
    again = wrong_other_names.__name__
    return y, again


def exercise(reference: Callable[..., Any], **changes: Any) -> Exercise:
    fields: dict[str, Any] = {
        "id": f"01.{getattr(reference, '__name__', 'x')}",
        "title": "",
        "reference": reference,
        "minutes": 1,
        "difficulty": 1,
        "hints": (),
        "check": Check(lambda rng: [Call(())], ""),
        "mistakes": (),
        "alternatives": (),
        "why": "",
    }
    return Exercise(**{**fields, **changes})


def executed(source: str, reference: Callable[..., Any]) -> dict[str, Any]:
    """The cell's names, run where the reference's own module has put its imports."""
    namespace = dict(vars(sys.modules[reference.__module__]))
    exec(compile(source, "<cell>", "exec", dont_inherit=True), namespace)
    return namespace


def plain(value: Any) -> Any:
    """Torch's tensors as arrays, at any depth."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value.detach().numpy() if hasattr(value, "detach") else value


def test_a_stub_is_the_signature_the_docstring_and_its_error() -> None:
    assert stub_source(exercise(spread_out)) == (
        "def spread_out(\n"
        "    x: Array,  # a comment in the signature\n"
        "    *,\n"
        "    factor: float = 2.0,\n"
        ") -> Array:\n"
        '    """First line.\n'
        "\n"
        "    **Arguments:** `x` [batch, d].\n"
        "\n"
        "    A last paragraph.\n"
        '    """\n'
        '    raise NotImplementedError("01.spread_out")'
    )


def test_a_scaffold_stands_before_the_error_at_the_bodys_indent() -> None:
    source = stub_source(exercise(short, scaffold="\n    y = x\n    if y:\n        y = 2\n"))
    assert source.endswith(
        '"""One line."""\n    y = x\n    if y:\n        y = 2\n'
        '    raise NotImplementedError("01.short")'
    )


def test_a_solution_keeps_comments_and_drops_decorators_with_what_they_raise() -> None:
    source = solution_source(exercise(spread_out))
    assert source.startswith("def spread_out(")
    assert "# a comment of its own" in source
    assert "# and one inside" in source
    assert "Raises" not in source
    assert "A last paragraph." in source


def test_an_undecorated_solution_keeps_what_it_says_it_raises() -> None:
    assert "**Raises:** `ValueError`" in solution_source(exercise(undecorated))
    assert "Raises" not in stub_source(exercise(undecorated))


def test_a_definition_on_one_line_has_a_stub() -> None:
    assert stub_source(exercise(on_one_line)) == (
        "def on_one_line(x: float) -> float:\n"
        '    raise NotImplementedError("01.on_one_line")'
    )  # fmt: skip


def test_every_method_of_a_class_is_a_stub_and_its_decorators_stay() -> None:
    source = stub_source(exercise(Scaler))
    assert "shaped" not in source
    assert "Raises" not in source
    stub = executed(source, Scaler)["Scaler"]
    assert stub.__doc__.startswith("Scales.")
    assert stub().factor == 3.0
    for attempt in (lambda: stub().forward(np.ones((2, 2))), lambda: stub().doubled):
        with pytest.raises(NotImplementedError, match=r"^01\.Scaler$"):
            attempt()


def test_a_class_in_the_solutions_does_what_the_class_does() -> None:
    solved = executed(solution_source(exercise(Scaler)), Scaler)["Scaler"]
    np.testing.assert_array_equal(solved(4.0).forward(np.ones((2, 2))), 4 * np.ones((2, 2)))
    assert solved(4.0).doubled == 8


def test_a_shipped_mistake_has_the_exercises_name_signature_and_docstring() -> None:
    mistakes = (Mistake(wrong_same_names, "You added."),)
    source = ships_source(exercise(spread_out, ships=wrong_same_names, mistakes=mistakes))
    assert "a comment in the signature" in source
    assert "First line." in source
    assert "Not this docstring" not in source
    assert "# keep me" in source
    shipped = executed(source, spread_out)["spread_out"]
    assert shipped(np.ones(1), factor=5.0) == 6.0


def test_a_shipped_mistake_with_other_arguments_keeps_them() -> None:
    source = ships_source(exercise(short, ships=wrong_other_names))
    assert source.startswith('def short(y):\n    """One line."""\n')
    assert executed(source, short)["short"](7) == (7, "short")


@pytest.mark.parametrize("reference", [lambda x: x, len, functools.partial(short)])
def test_what_cannot_become_a_cell_is_said(reference: Callable[..., Any]) -> None:
    with pytest.raises(SourceError):
        stub_source(exercise(reference, id="01.x"))


@pytest.mark.parametrize("real", all_exercises(), ids=lambda real: real.id)
def test_each_stub_of_the_course_raises_its_own_id_and_nothing_else(real: Exercise) -> None:
    stub = executed(stub_source(real), real.reference)[real.name]
    call = next(iter(real.check.draw(np.random.default_rng(0))))
    with pytest.raises(NotImplementedError) as caught:
        real.check.observe(stub, call)
    assert str(caught.value) == real.id


@pytest.mark.parametrize("real", all_exercises(), ids=lambda real: real.id)
def test_each_solution_of_the_course_behaves_as_its_reference(real: Exercise) -> None:
    solved = executed(solution_source(real), real.reference)[real.name]
    for call in real.check.draw(np.random.default_rng(1)):
        expected = plain(real.check.observe(real.reference, call))
        np.testing.assert_equal(plain(real.check.observe(solved, call)), expected)


def test_a_solution_cell_is_free_of_the_shape_check() -> None:
    solved = executed(solution_source(exercise(spread_out)), spread_out)["spread_out"]
    np.testing.assert_array_equal(solved(np.ones(3)), 2 * np.ones(3))
    with pytest.raises(ShapeError):
        spread_out(np.ones(3))
