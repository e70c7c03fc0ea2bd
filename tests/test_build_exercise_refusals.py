"""Every defect that a maintainer can leave in an exercise fails the build, at its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.build_refusal import Spoil, assert_said, instead, refusal
from tests.made_up_course import EXERCISES, line_of, write_course

FIRST = 'Exercise(\n    id="07.row_means"'
SECOND = 'Exercise(\n    id="07.scale"'
SCAFFOLD = 'scaffold="total = x.sum(axis=1)'
END = "EXERCISES = (FIRST, SECOND)"
THIRD = 'import dataclasses\n\nTHIRD = dataclasses.replace(FIRST, id="07.third")\n'
DOCSTRING = '''    """Multiply every row.

    **Arguments:** `x` [batch, d]; `factor`.
    **Returns:** [batch, d].
    """
'''

# name: how exercises.py is spoiled, text that begins on the line to be named, words to be said
DEFECTS: dict[str, tuple[Spoil, str, str]] = {
    "two hints": (instead('"What is summed?", ', ""), FIRST, "has 2 hints"),
    "an empty hint": (instead('"What is summed?"', '" "'), FIRST, "empty hint, number 1"),
    "equal hints": (
        instead('"What is summed?"', '"which axis  goes away?"'),
        FIRST,
        "two equal hints",
    ),
    "an early hint with the answer": (
        instead('"Which operator?"', '"It is factor*x, of course."'),
        SECOND,
        "whole answer in hint 1",
    ),
    "hints that are one string": (
        instead(', "A number times an array.", "return factor * x")', ")"),
        SECOND,
        "hints that are no tuple",
    ),
    "three mistakes": (
        instead('        Mistake(over_columns, "You averaged columns."),\n', ""),
        FIRST,
        "has 3 mistakes",
    ),
    "two mistakes with one message": (
        instead('"You did not divide."', '"You averaged columns."'),
        FIRST,
        "one message",
    ),
    "one mistake twice": (
        instead("Mistake(off_by_one,", "Mistake(over_columns,"),
        FIRST,
        "two mistakes named over_columns",
    ),
    "a mistake that is a bare function": (
        instead('Mistake(over_columns, "You averaged columns.")', "over_columns"),
        FIRST,
        "mistakes that are not all Mistake",
    ),
    "an empty message": (instead('"You did not divide."', '""'), FIRST, "no message for"),
    "one alternative": (
        instead("row_means_numpy, row_means_loop", "row_means_loop,"),
        FIRST,
        "has 1 alternatives",
    ),
    "alternatives without a comma": (
        instead("row_means_numpy, row_means_loop", "row_means_loop"),
        FIRST,
        "alternatives that are no tuple",
    ),
    "no minutes": (instead("minutes=5", "minutes=0"), FIRST, "no minutes"),
    "difficulty 6": (instead("difficulty=2", "difficulty=6"), FIRST, "no difficulty from 1"),
    "no why": (instead('"Means come back in every chapter."', '""'), FIRST, "no why"),
    "no title": (instead('"The mean of every row"', '""'), FIRST, "no title"),
    "nothing tested": (instead('"a batch of three"', '""'), FIRST, "what is tested"),
    "minutes left out": (instead("    minutes=5,\n", ""), "FIRST = Exercise(", "'minutes'"),
    "another chapter's digits": (
        instead('id="07.scale"', 'id="06.scale"'),
        'Exercise(\n    id="06.scale"',
        "in chapter 07",
    ),
    "an id that is not the function's name": (
        instead('id="07.scale"', 'id="07.scales"'),
        'Exercise(\n    id="07.scales"',
        "reference named scale",
    ),
    "an id without a dot": (instead('id="07.scale"', 'id="scale"'), 'Exercise(\n    id="sc', "id"),
    "an exercise that the lesson does not use": (
        instead(END, f"{THIRD}EXERCISES = (FIRST, SECOND, THIRD)"),
        "dataclasses.replace(",
        "07.third is nowhere",
    ),
    "an id defined twice": (
        instead(END, "EXERCISES = (FIRST, SECOND, SECOND)"),
        SECOND,
        "two exercises",
    ),
    "a wrong answer shipped that is no mistake": (
        instead("ships=divided", "ships=over_columns"),
        SECOND,
        "not one of its mistakes",
    ),
    "a scaffold that is the answer": (
        instead(SCAFFOLD, SCAFFOLD + "\\nreturn total / x.shape[1]"),
        FIRST,
        "holds the answer to 07.row_means",
    ),
    "a scaffold that does not compile": (
        instead(SCAFFOLD, 'scaffold="total = ('),
        FIRST,
        "does not compile",
    ),
    "a lambda for a reference": (
        instead("reference=scale,", "reference=lambda x, factor: factor * x,"),
        SECOND,
        "lambda",
    ),
    "no docstring": (instead(DOCSTRING, ""), SECOND, "without a docstring"),
    "an import that fails": (
        instead("import numpy as np", "import numpy as np\nimport nothing_of_that_name"),
        "import nothing_of_that_name",
        "cannot be imported",
    ),
    "a syntax error": (instead("FIRST = Ex", "FIRST = = Ex"), "FIRST = =", "cannot be imported"),
    "no EXERCISES": (instead(END, "OTHERS = ()"), '"""Exercises of', "EXERCISES is not a tuple"),
    "EXERCISES that is one": (instead(END, "EXERCISES = FIRST"), '"""Exercises', "not a tuple"),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_in_an_exercise_is_refused(name: str, tmp_path: Path) -> None:
    spoil, marker, words = DEFECTS[name]
    exercises = spoil(EXERCISES)
    said = refusal(write_course(tmp_path, exercises=exercises))
    assert_said(said, "ch07_rows/exercises.py", line_of(exercises, marker), words)
