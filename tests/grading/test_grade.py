"""The four states, and everything that a learner's code can do without meaning to."""

from __future__ import annotations

import os
import random
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from saeedu.grading import Check, Exercise, Mistake, grade
from saeedu.grading.explain import part_text
from saeedu.grading.sandbox import TimeUp
from saeedu.grading.values import describe
from tests.grading.made_up import affine, draw, exercise

EX = exercise()
SHORT = exercise(check=Check(draw, tested="three batches", seconds=0.3))


def right(x: Any, W: Any, b: Any) -> Any:
    return x @ W + b


def test_a_right_answer_passes_and_says_why_it_matters() -> None:
    verdict = grade(EX, right)
    assert verdict.status == "passed"
    assert verdict.passed
    assert "three batches" in verdict.message
    assert "It is everywhere." in verdict.message


@pytest.mark.parametrize(
    "attempt",
    [
        lambda x, W, b, scale=1.0: scale * (x @ W + b),
        lambda *args: args[0] @ args[1] + args[2],
        lambda x, W, b: x.astype(np.float32) @ W.astype(np.float32) + b.astype(np.float32),
        lambda x, W, b: np.array([[sum(r * c) for c in W.T] for r in x]) + b,
    ],
    ids=["extra keyword with default", "varargs", "float32 internals", "loops"],
)
def test_unusual_right_answers_pass(attempt: Any) -> None:
    assert grade(EX, attempt).status == "passed"


def test_in_place_on_its_own_copy_is_fine() -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        out = x @ W
        out += b
        return out

    assert grade(EX, attempt).status == "passed"


def test_the_stub_is_not_attempted_and_nothing_else_is() -> None:
    def stub(x: Any, W: Any, b: Any) -> Any:
        raise NotImplementedError("99.affine")

    def bare(x: Any, W: Any, b: Any) -> Any:
        raise NotImplementedError

    class Sub(NotImplementedError):
        pass

    def sub(x: Any, W: Any, b: Any) -> Any:
        raise Sub("99.affine")

    assert grade(EX, stub).status == "not_attempted"
    assert grade(EX, bare).status == "raised"
    assert grade(EX, sub).status == "raised"


def test_the_reference_itself_is_recognised_and_is_no_pass() -> None:
    verdict = grade(EX, affine)
    assert verdict.status == "not_attempted"
    assert "only the test cell" in verdict.message


def test_a_known_mistake_is_named() -> None:
    verdict = grade(EX, lambda x, W, b: W.T.dot(x.T).T)
    assert verdict.status == "wrong"
    assert verdict.mistake == "forgot_the_bias"
    assert verdict.message == "The bias is missing."
    assert verdict.details["call"] == "affine(x [7, 5], W [5, 11], b [11])"
    assert verdict.details["call number"] == "1 of 3"
    assert verdict.details["these inputs"] == "drawn for the test"


def test_numbers_of_rows_and_paths_are_not_mistaken_for_other_things() -> None:
    assert describe(np.arange(9)) == "of shape [9]"
    assert describe(np.ones(9)) == "[9]"
    assert describe(Path("folder") / "shard.bin") == str(Path("folder") / "shard.bin")


def test_an_unknown_mistake_is_measured() -> None:
    verdict = grade(EX, lambda x, W, b: (x @ W + b) / len(x))
    assert verdict.mistake is None
    assert "1/batch times" in verdict.message
    assert verdict.details["expected shape"] == "[7, 11] (batch, d_out)"


def test_the_failing_inputs_are_handed_back_by_name() -> None:
    inputs = grade(EX, lambda x, W, b: x @ W).failing_inputs
    assert list(inputs) == ["x", "W", "b"]
    assert right(**inputs).shape == (7, 11)


def test_a_verdict_can_be_repeated_and_seeds_differ() -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        return np.zeros((len(x), W.shape[1]))

    first, again, other = grade(EX, attempt), grade(EX, attempt), grade(EX, attempt, seed=5)
    assert first.details == again.details
    assert first.details != other.details


def test_an_endless_loop_ends_at_the_time_limit() -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        while True:
            pass

    verdict = grade(SHORT, attempt)
    assert verdict.status == "raised"
    assert "0.3 seconds" in verdict.message


def test_a_loop_that_swallows_every_exception_ends_too() -> None:
    stop = time.time() + 30

    def attempt(x: Any, W: Any, b: Any) -> Any:
        while time.time() < stop:
            try:
                sum(range(1000))
            except Exception:
                continue

    assert "still running" in grade(SHORT, attempt).message
    assert time.time() < stop
    assert not issubclass(TimeUp, Exception)


def test_a_call_that_cannot_be_interrupted_is_reported_as_such() -> None:
    verdict = grade(SHORT, lambda x, W, b: time.sleep(3))
    assert "restart the kernel" in verdict.message


def test_changing_an_input_in_place_is_wrong_and_named_even_when_the_value_is_right() -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        W *= 2
        return x @ W / 2 + b

    verdict = grade(EX, attempt)
    assert verdict.status == "wrong"
    assert "`W`" in verdict.message
    assert "copy" in verdict.message


def test_the_global_random_states_are_put_back_and_it_is_said() -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        np.random.seed(0)
        random.seed(0)
        torch.manual_seed(0)
        return x @ W + b

    before = np.random.get_state()[1].copy(), random.getstate(), torch.get_rng_state()  # type: ignore[index, union-attr]
    verdict = grade(EX, attempt)
    assert verdict.status == "passed"
    for words in ("NumPy's global random state", "`random`", "PyTorch's global random state"):
        assert words in verdict.details["note"]
    assert np.array_equal(np.random.get_state()[1], before[0])  # type: ignore[index]
    assert random.getstate() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])


def test_grading_itself_leaves_the_random_states_alone() -> None:
    np.random.seed(3)
    grade(EX, right)
    after = np.random.random()
    np.random.seed(3)
    assert np.random.random() == after


def test_everything_else_in_the_kernel_is_as_before(tmp_path: Any) -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        os.chdir(tmp_path)
        os.environ["SAEEDU_SCRIBBLE"] = "1"
        warnings.simplefilter("ignore")
        sys.setrecursionlimit(2345)
        torch.set_default_dtype(torch.float64)
        np.seterr(all="raise")
        return x @ W + b

    folder, limit, filters = os.getcwd(), sys.getrecursionlimit(), warnings.filters[:]
    errors, dtype = np.geterr(), torch.get_default_dtype()
    verdict = grade(EX, attempt)
    assert verdict.status == "passed"
    assert os.getcwd() == folder
    assert "SAEEDU_SCRIBBLE" not in os.environ
    assert sys.getrecursionlimit() == limit
    assert warnings.filters == filters
    assert np.geterr() == errors
    assert torch.get_default_dtype() == dtype
    for words in ("working folder", "environment", "warning", "recursion", "dtype"):
        assert words in verdict.details["note"]


def test_printing_a_lot_is_captured_and_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        for _ in range(2000):
            print("and again", x.shape)
        return x @ W + b

    verdict = grade(EX, attempt)
    assert verdict.status == "passed"
    assert "more characters" in verdict.details["your code printed"]
    assert len(verdict.details["your code printed"]) < 5000
    assert capsys.readouterr().out == ""


def test_an_exception_shows_the_learners_lines_only() -> None:
    def helper(x: Any) -> Any:
        return np.linalg.inv(x)

    def attempt(x: Any, W: Any, b: Any) -> Any:
        return helper(x)

    verdict = grade(EX, attempt)
    assert verdict.status == "raised"
    assert "in attempt:" in verdict.message
    assert "in helper:" in verdict.message
    assert "LinAlgError" in verdict.message
    assert "saeedu" not in verdict.message
    assert "linalg.py" not in verdict.message
    assert "x: shape [7, 5]" in verdict.details["inputs"]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, RecursionError, NameError])
def test_no_exception_escapes(error: type[BaseException]) -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        raise error("on purpose")

    verdict = grade(EX, attempt)
    assert verdict.status == "raised"
    assert error.__name__ in verdict.message


def test_an_error_that_cannot_be_printed_is_survived() -> None:
    class Sulky(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def attempt(x: Any, W: Any, b: Any) -> Any:
        raise Sulky

    assert "Sulky" in grade(EX, attempt).message


def test_a_right_answer_once_and_an_exception_later_is_raised() -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        if len(x) == 3:
            raise ValueError("three")
        return x @ W + b

    verdict = grade(EX, attempt)
    assert verdict.status == "raised"
    assert verdict.details["call number"] == "3 of 3"


@pytest.mark.parametrize("attempt", [None, 3, np.ones(3), "affine"])
def test_what_is_not_a_function_is_told_to_be_passed_without_calling(attempt: Any) -> None:
    verdict = grade(EX, attempt)
    assert verdict.status == "wrong"
    assert 'affine = check("99.affine", affine)' in verdict.message


def test_a_changed_signature_is_explained() -> None:
    verdict = grade(EX, lambda x, W: x @ W)
    assert verdict.status == "wrong"
    assert "affine(x, W, b)" in verdict.message
    assert "default" in verdict.message


def test_reading_a_notebook_variable_instead_of_an_argument_is_noticed() -> None:
    scope: dict[str, Any] = {"batch_of_mine": np.ones((7, 5)), "np": np}
    exec("def attempt(x, W, b):\n    return np.ones((7, 5)) @ W * batch_of_mine.sum()", scope)
    assert "`batch_of_mine`" in grade(EX, scope["attempt"]).message


def test_the_same_answer_to_every_call_is_noticed() -> None:
    verdict = grade(EX, lambda x, W, b: np.ones((2, 2)))
    assert "the same on every call" in verdict.message


def test_integer_results_are_explained() -> None:
    verdict = grade(EX, lambda x, W, b: (x @ W + b).astype(int))
    assert "int64" in verdict.message


def test_an_answer_that_is_a_view_of_a_buffer_is_judged_as_it_was_returned() -> None:
    buffer = np.zeros((7, 11))

    def attempt(x: Any, W: Any, b: Any) -> Any:
        view = buffer[: len(x), : W.shape[1]]
        view[:] = x @ W + b
        return view

    small = exercise(check=Check(lambda rng: list(draw(rng))[:1] * 2, tested="twice"))
    assert grade(small, attempt).status == "passed"


def test_an_exercise_whose_check_draws_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="draws no calls"):
        grade(exercise(check=Check(lambda rng: [], tested="nothing")), right)


def test_modules_and_gradients_fit_through_observe() -> None:
    """What the torch chapters need: a module compared by its output and its gradients."""

    class Affine(torch.nn.Module):
        def __init__(self, d_in: int, d_out: int) -> None:
            super().__init__()
            self.W = torch.nn.Parameter(torch.zeros(d_in, d_out))
            self.b = torch.nn.Parameter(torch.zeros(d_out))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.W + self.b

    class Twice(Affine):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.W + 2 * self.b

    class Detached(Affine):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x @ self.W.detach() + self.b

    class Mine(Affine):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.einsum("bi,io->bo", x, self.W) + self.b

    def observe(module_class: Any, call: Any) -> Any:
        x, W, b = (torch.tensor(a) for a in call.args)
        module = module_class(*W.shape).double()
        module.load_state_dict({"W": W, "b": b})
        out = module(x)
        out.square().sum().backward()
        grads = {
            n: torch.zeros(1) if p.grad is None else p.grad for n, p in module.named_parameters()
        }
        return {"output": out, "gradients": grads}

    modules: Exercise = exercise(
        id="99.Affine",
        reference=Affine,
        check=Check(draw, tested="outputs and gradients", observe=observe),
        mistakes=(Mistake(Twice, "The bias counts twice."), Mistake(Detached, "No gradient.")),
    )
    assert grade(modules, Mine).status == "passed"
    assert grade(modules, type("Mine", (Twice,), {})).mistake == "Twice"
    assert grade(modules, type("Mine", (Detached,), {})).mistake == "Detached"


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda x, W, b: x @ W.T + b, "inner axes"),
        (lambda x, W, b: x @ W + x.sum(axis=1), "from the right"),
    ],
    ids=["matrix product", "broadcast"],
)
def test_numpys_shape_errors_are_put_into_words(attempt: Any, words: str) -> None:
    verdict = grade(EX, attempt)
    assert verdict.status == "raised"
    assert words in verdict.message


def test_a_part_is_named_for_people_and_not_as_python_writes_it() -> None:
    def observe(implementation: Any, call: Any) -> Any:
        result = implementation(*call.args)
        return {"rows": result, "halves": (result, result - call.args[2])}

    def bias_cubed(x: Any, W: Any, b: Any) -> Any:
        return x @ W + b**3

    ex = exercise(check=Check(draw, tested="parts", observe=observe))
    verdict = grade(ex, bias_cubed)
    assert verdict.details["part"] == "rows"
    assert "(part: rows)" in verdict.message
    assert part_text("['halves'][1]") == "halves, [1]"
    assert part_text("[0]") == "[0]"
    assert part_text("") == ""


def test_parts_of_a_tuple_are_called_by_their_names() -> None:
    def observe(implementation: Any, call: Any) -> Any:
        return call.args[2], implementation(*call.args)

    check = Check(draw, tested="parts", observe=observe, parts=("bias", "rows"))
    verdict = grade(exercise(check=check), lambda x, W, b: x @ W + b**3)
    assert verdict.details["part"] == "rows"
    assert "(part: rows)" in verdict.message
    assert part_text("[1]['x']", ("bias", "rows")) == "rows, x"
    assert part_text("[2]", ("bias", "rows")) == "[2]"


def test_a_slip_made_in_float32_is_measured_where_a_check_wants_more_digits() -> None:
    strict = exercise(check=Check(draw, tested="three batches", rtol=1e-10))
    verdict = grade(strict, lambda x, W, b: (3 * (x @ W + b)).astype(np.float32))
    assert "3 times" in verdict.message
    assert grade(strict, lambda x, W, b: (x @ W).astype(np.float32)).mistake == "forgot_the_bias"
    assert "float32" in grade(strict, lambda x, W, b: right(x, W, b).astype(np.float32)).message


def test_a_changed_signature_is_explained_also_where_answers_are_observed() -> None:
    observed = exercise(
        check=Check(draw, tested="three batches", observe=lambda f, call: {"y": f(*call.args)})
    )
    assert grade(observed, right).status == "passed"
    verdict = grade(observed, lambda x, W: x @ W)
    assert verdict.status == "wrong"
    assert "affine(x, W, b)" in verdict.message
