"""check() in a notebook: what it returns, shows, counts and refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import saeedu
from saeedu.grading import UnknownExercise, find_exercise, report
from saeedu.grading import check as face
from saeedu.grading import progress as store
from saeedu.grading.check import CheckFailed, progress_table
from saeedu.grading.grade import grade
from saeedu.grading.registry import chapters
from tests.grading.made_up import affine, exercise

EX = exercise()


@pytest.fixture(autouse=True)
def made_up_course(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(exercise_id: str) -> Any:
        return EX if exercise_id == EX.id else find_exercise(exercise_id)

    monkeypatch.setattr(face, "find_exercise", find)


def right(x: Any, W: Any, b: Any) -> Any:
    return x @ W + b


def wrong(x: Any, W: Any, b: Any) -> Any:
    return x @ W


def stub(x: Any, W: Any, b: Any) -> Any:
    raise NotImplementedError("99.affine")


def test_it_returns_the_learners_function_only_when_it_passes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert saeedu.check(EX.id, right) is right
    assert "✓" in capsys.readouterr().out
    assert saeedu.check(EX.id, wrong) is affine
    assert "✗" in capsys.readouterr().out
    assert saeedu.check(EX.id, stub) is affine
    assert "○" in capsys.readouterr().out


def test_the_banner_says_which_function_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    saeedu.check(EX.id, right)
    assert "goes on with your `affine`" in capsys.readouterr().out
    saeedu.check(EX.id, wrong)
    out = capsys.readouterr().out
    assert "The bias is missing." in out
    assert "goes on with the reference `affine`" in out
    saeedu.check(EX.id, stub)
    assert "Continuing with the reference answer" in capsys.readouterr().out


def test_running_only_the_test_cell_again_is_never_a_pass() -> None:
    name = saeedu.check(EX.id, wrong)
    name = saeedu.check(EX.id, name)
    assert name is affine
    entry = store.load()[EX.id]
    assert entry["passed"] is None
    assert entry["status"] == "wrong"


def test_strict_mode_turns_everything_but_a_pass_into_an_exception(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SAEEDU_STRICT", "1")
    assert saeedu.check(EX.id, right) is right
    for attempt in (wrong, stub, affine, None):
        with pytest.raises(CheckFailed, match=r"99\.affine"):
            saeedu.check(EX.id, attempt)  # type: ignore[arg-type]


def test_the_ledger_gets_one_line_a_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = tmp_path / "ledger.jsonl"
    monkeypatch.setenv("SAEEDU_LEDGER", str(ledger))
    for attempt in (right, wrong, stub):
        saeedu.check(EX.id, attempt)
    lines = [json.loads(line) for line in ledger.read_text("utf-8").splitlines()]
    assert [line["status"] for line in lines] == ["passed", "wrong", "not_attempted"]
    assert lines[1]["mistake"] == "forgot_the_bias"
    assert {line["exercise"] for line in lines} == {"99.affine"}


def test_failing_inputs_reproduce_the_failure() -> None:
    saeedu.check(EX.id, wrong)
    inputs = saeedu.failing_inputs(EX.id)
    assert not (wrong(**inputs) == affine(**inputs)).all()
    saeedu.check(EX.id, right)
    assert saeedu.failing_inputs(EX.id) == {}


def test_the_line_for_the_failing_inputs_runs_as_it_is_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Chapters import `check` and not `failing_inputs`, so the line brings its import."""
    saeedu.check(EX.id, wrong)
    (line,) = [code for code in capsys.readouterr().out.split("`") if "failing_inputs(" in code]
    *imports, call = line.split("; ")
    names: dict[str, Any] = {}
    exec("\n".join(imports), names)
    assert set(eval(call, names)) == {"x", "W", "b"}


def test_hints_come_one_a_call_and_the_solution_last(capsys: pytest.CaptureFixture[str]) -> None:
    saeedu.hint(EX.id)
    first = capsys.readouterr().out
    assert "think of shapes" in first
    assert "x @ W" not in first
    saeedu.hint(EX.id)
    assert "Hint 2 of 3: x @ W" in capsys.readouterr().out
    saeedu.solution(EX.id)
    assert "1 hint of" in capsys.readouterr().out
    saeedu.hint(EX.id)
    assert "That was the last" in capsys.readouterr().out
    saeedu.hint(EX.id)
    assert "Hint 3 of 3" in capsys.readouterr().out
    saeedu.solution(EX.id)
    out = capsys.readouterr().out
    assert "return x @ W + b" in out
    assert "from memory" in out


def test_the_solution_shows_no_decorator(capsys: pytest.CaptureFixture[str]) -> None:
    saeedu.solution("03.encode")
    out = capsys.readouterr().out
    assert "@shaped" not in out
    assert "def encode(" in out


@pytest.mark.parametrize(
    ("wrong_id", "suggestion"),
    [
        ("03.encod", "03.encode"),
        ("04.grad_w_dec", "04.grad_W_dec"),
        ("encode", "03.encode"),
        ("77.encode", "03.encode"),
    ],
)
def test_an_unknown_id_suggests_the_nearest(wrong_id: str, suggestion: str) -> None:
    for command in (saeedu.hint, saeedu.solution, lambda i: saeedu.check(i, right)):
        with pytest.raises(UnknownExercise, match=suggestion.replace(".", r"\.")):
            command(wrong_id)


def test_swapped_arguments_are_noticed() -> None:
    with pytest.raises(TypeError, match="order of the arguments"):
        saeedu.check(right, EX.id)  # type: ignore[arg-type]


def test_the_progress_table_lists_every_exercise_in_lesson_order() -> None:
    table = progress_table()
    assert [chapter["chapter"] for chapter in table] == list(chapters())
    ids = [entry["id"] for chapter in table for entry in chapter["exercises"]]
    assert sorted(ids) == sorted(e.id for e in saeedu.grading.all_exercises())


def test_progress_counts_a_pass_and_keeps_it(capsys: pytest.CaptureFixture[str]) -> None:
    encode = find_exercise("03.encode")
    saeedu.check("03.encode", lambda *args: encode.reference(*args))
    saeedu.check("03.encode", lambda *args: None)
    capsys.readouterr()
    saeedu.progress()
    out = capsys.readouterr().out
    assert "1 of" in out
    entry = next(
        e for c in progress_table() for e in c["exercises"] if e["id"] == "03.encode"
    )  # fmt: skip
    assert entry["status"] == "passed"
    assert entry["attempts"] == 2


def test_html_escapes_what_the_learner_wrote() -> None:
    def attempt(x: Any, W: Any, b: Any) -> Any:
        print("<script>alert(1)</script>")
        raise ValueError("<b>bold</b> & `odd")

    shown = report.verdict_report(EX, grade(EX, attempt))
    assert "<script>" not in shown.html
    assert "&lt;script&gt;" in shown.html
    assert "<b>bold" not in shown.html


def test_emphasis_and_code_are_rendered_and_products_are_not() -> None:
    hinted = exercise(hints=("what goes *into* it: `a * b * c`, or 2 * x * y",))
    shown = report.hint_report(hinted, 1).html
    assert "<em>into</em>" in shown
    assert "<code>a * b * c</code>" in shown
    assert "2 * x * y" in shown


@pytest.mark.parametrize("attempt", [right, wrong, stub])
def test_every_state_is_told_by_a_word_and_not_by_colour_alone(attempt: Any) -> None:
    verdict = grade(EX, attempt)
    shown = report.verdict_report(EX, verdict)
    word = report.WORDS[verdict.status]
    assert word in shown.text
    assert word in shown.html
    assert "color:" not in shown.html.replace("border-color:", "")
