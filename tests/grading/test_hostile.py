"""Code that patches, closes, exits or lies: the kernel survives it, and the message says it."""

from __future__ import annotations

import builtins
import itertools
import os
import sys
import tempfile
import time
from typing import Any

import numpy as np
import pytest

from saeedu.grading import Check, grade
from saeedu.grading.report import verdict_report
from tests.grading.made_up import draw, exercise

EX = exercise()


def right(x: Any, W: Any, b: Any) -> Any:
    return x @ W + b


def test_patched_functions_are_put_back_before_anything_is_compared() -> None:
    originals = np.maximum, np.abs, builtins.zip, builtins.len, np.linalg.norm

    def attempt(x: Any, W: Any, b: Any) -> Any:
        answer = x @ W + b
        np.maximum = np.abs = np.linalg.norm = None  # type: ignore[assignment]
        builtins.zip = builtins.len = None  # type: ignore[misc,assignment]
        return 3 * answer

    verdict = grade(EX, attempt)
    assert (np.maximum, np.abs, builtins.zip, builtins.len, np.linalg.norm) == originals
    assert verdict.status == "wrong"
    assert "3 times" in verdict.message
    assert verdict.details["note"].count("`numpy.maximum`") == 1
    assert "`builtins.zip`" in verdict.details["note"]


def test_a_deleted_function_is_put_back_too() -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        del np.abs
        return x @ W + b

    assert grade(EX, attempt).status == "passed"
    assert np.abs(-1) == 1


def test_input_is_refused_with_a_reason() -> None:
    verdict = grade(EX, lambda x, W, b: float(input("how much? ")))
    assert verdict.status == "raised"
    assert "arguments" in verdict.message


def test_a_breakpoint_is_refused_with_a_reason() -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        breakpoint()  # noqa: T100 - as a learner leaves it in
        return x @ W + b

    hook = sys.breakpointhook
    verdict = grade(EX, attempt)
    assert sys.breakpointhook is hook
    assert verdict.status == "raised"
    assert "a cell of its own" in verdict.message


def test_exit_closes_nothing() -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        sys.stdin.close()
        sys.stdout.close()
        print("still here")
        sys.stdout.writelines(["and ", "here"])
        raise SystemExit

    stdin = sys.stdin
    verdict = grade(EX, attempt)
    assert sys.stdin is stdin
    assert "must not end the program" in verdict.message
    assert "still here\nand here" in verdict.details["your code printed"]


def test_hooks_and_a_working_folder_that_is_gone_are_put_back() -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        sys.excepthook = None  # type: ignore[assignment]
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
        return x @ W + b

    folder, hook = os.getcwd(), sys.excepthook
    assert grade(EX, attempt).status == "passed"
    assert (os.getcwd(), sys.excepthook) == (folder, hook)


@pytest.mark.parametrize("message", ["\ud800 🐍", "x" * 100_000])
def test_any_error_message_can_be_shown_and_is_bounded(message: str) -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        print("\ud800")
        raise ValueError(message)

    verdict = grade(EX, attempt)
    shown = verdict_report(EX, verdict)
    assert "ValueError" in shown.text
    assert len(verdict.message) < 2000
    (shown.html + shown.text).encode("utf-8")


def test_an_error_whose_text_interrupts_is_survived() -> None:
    class Sulky(Exception):
        def __str__(self) -> str:
            raise KeyboardInterrupt

    def attempt(x: Any, W: Any, b: Any) -> Any:
        raise Sulky

    assert "Sulky" in grade(EX, attempt).message


def test_only_the_first_call_can_be_the_stub() -> None:
    def forgot_the_line_below(x: Any, W: Any, b: Any) -> Any:
        if len(x) == 7:
            return x @ W + b
        raise NotImplementedError("99.affine")

    verdict = grade(EX, forgot_the_line_below)
    assert verdict.status == "raised"
    assert "take that line out" in verdict.message


def test_a_stub_says_which_line_goes_and_any_argument_of_it_is_survived() -> None:
    def stub(x: Any, W: Any, b: Any) -> Any:
        raise NotImplementedError("99.affine")

    def odd(x: Any, W: Any, b: Any) -> Any:
        raise NotImplementedError(x)

    assert "raise NotImplementedError" in grade(EX, stub).message
    assert grade(EX, odd).status == "raised"


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda x, W, b: (row for row in x @ W + b), "generator"),
        (lambda x, W, b: map(float, x[0]), "np.array(list(...))"),
        (lambda x, W, b: (x @ W + b).astype(object), "dtype object"),
        (lambda x, W, b: right, "call it"),
    ],
)
def test_another_kind_of_result_is_named_with_what_to_do(attempt: Any, words: str) -> None:
    assert words in grade(EX, attempt).message


def test_an_async_function_is_told_to_be_a_plain_one() -> None:
    async def attempt(x: Any, W: Any, b: Any) -> Any:
        return x @ W + b

    assert "`async def`" in grade(EX, attempt).message


def test_an_object_whose_attributes_raise_is_survived() -> None:
    class Odd:
        def __getattr__(self, name: str) -> Any:
            raise ValueError(name)

    assert "Odd" in grade(EX, lambda x, W, b: Odd()).message


def test_random_results_are_noticed_and_steady_ones_are_not_accused() -> None:
    numbers = itertools.count(1)
    verdict = grade(EX, lambda x, W, b: x @ W + next(numbers))
    assert "two different results" in verdict.message
    assert "two different" not in grade(EX, lambda x, W, b: (x @ W) ** 3 + b).message


def test_parameters_in_another_order_are_noticed_only_when_it_fails() -> None:
    def swapped(b: Any, W: Any, x: Any) -> Any:
        return x @ W + b

    def renamed_throughout(b: Any, W: Any, x: Any) -> Any:
        return b @ W + x

    assert "another order, (b, W, x)" in grade(EX, swapped).message
    assert grade(EX, renamed_throughout).status == "passed"


def test_an_optional_argument_that_was_dropped_is_a_matter_of_the_signature() -> None:
    def with_scale(x: Any, scale: float = 1.0) -> Any:
        return x * scale

    def draws(rng: np.random.Generator) -> Any:
        for call in draw(rng):
            yield type(call)(call.args[:1])
            yield type(call)((call.args[0], 2.0))

    scaled = exercise(id="99.with_scale", reference=with_scale, check=Check(draws, tested="both"))
    verdict = grade(scaled, lambda x: x)
    assert verdict.status == "wrong"
    assert "with_scale(x, scale)" in verdict.message


def test_a_loop_with_a_bare_except_does_not_hold_the_check_up() -> None:
    stop = time.time() + 20

    def attempt(x: Any, W: Any, b: Any) -> Any:
        while time.time() < stop:
            try:
                sum(range(100))
            except:  # noqa: E722 - that is the point
                continue

    short = exercise(check=Check(draw, tested="three batches", seconds=0.3))
    assert "still running" in grade(short, attempt).message
    assert time.time() < stop
