"""A course of two small chapters, finished in every respect, for the builder's tests to spoil."""

from __future__ import annotations

import base64
from pathlib import Path

# The smallest PNG there is: one transparent pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)

LESSON = """---
title: Rows and columns
minutes: 20
needs: Python
---
A first sentence with $x_{ij}$ in it.

:::{note} Shapes
Rows are samples.
:::

:::{recall} What is a `row`, and is $a*b*c$ one?
One sample.
:::

```{code-cell} ipython3
import numpy as np
from saeedu import check, hint
from saeedu.shapes import Array
```

+++

Now the first exercise.

```{code-cell} ipython3
:exercise: 07.row_means
```

```{code-cell} ipython3
:exercise: 07.scale
```

Look at the result.

```{code-cell} ipython3
:figure: dot
scaled = scale(np.ones((2, 3)), 2.0)
print(scaled.sum())
```

:::{dropdown} You should see something like this
:::{figure} figures/dot.png
:alt: One dark dot on a white ground.
:caption: Notice where the dot is.
:::
:::
"""

EXERCISES = '''"""Exercises of a made-up chapter."""

import numpy as np

from saeedu.grading.exercise import Call, Check, Exercise, Mistake
from saeedu.shapes import Array, shaped


@shaped(x="batch d")
def row_means(x: Array) -> Array:
    """Mean of every row.

    **Arguments:** `x` [batch, d].
    **Returns:** [batch].
    **Raises:** `ShapeError` when `x` is not
    two-dimensional.
    **Source:** arithmetic.
    """
    total = x.sum(axis=1)  # one number a row
    return total / x.shape[1]


@shaped(x="batch d")
def scale(x: Array, factor: float) -> Array:
    """Multiply every row.

    **Arguments:** `x` [batch, d]; `factor`.
    **Returns:** [batch, d].
    """
    return factor * x


def draw_rows(rng):
    yield Call((rng.normal(size=(3, 5)),), axes={"batch": 3, "d": 5})


def draw_scale(rng):
    yield Call((rng.normal(size=(3, 5)), 1.7), axes={"batch": 3, "d": 5})


def over_columns(x):
    return x.sum(axis=0) / x.shape[0]


def forgot_to_divide(x):
    return x.sum(axis=1)


def off_by_one(x):
    return x.sum(axis=1) / (x.shape[1] - 1)


def took_the_median(x):
    return np.median(x, axis=1)


def row_means_numpy(x):
    return x.mean(axis=1)


def row_means_loop(x):
    return np.array([sum(row) / len(row) for row in x])


def added(x, factor):
    return x + factor


def divided(x, factor):
    """A docstring of its own."""
    # a comment that must stay
    return x / factor


def squared(x, factor):
    return factor**2 * x


def unchanged(x, factor):
    return x * 1.0


def scale_multiply(x, factor):
    return np.multiply(factor, x)


def scale_diag(x, factor):
    return x @ (factor * np.eye(x.shape[1]))


FIRST = Exercise(
    id="07.row_means",
    title="The mean of every row",
    reference=row_means,
    minutes=5,
    difficulty=2,
    hints=("What is summed?", "Which axis goes away?", "total = x.sum(axis=1), and divide."),
    check=Check(draw_rows, "a batch of three"),
    mistakes=(
        Mistake(over_columns, "You averaged columns."),
        Mistake(forgot_to_divide, "You did not divide."),
        Mistake(off_by_one, "You divided by one too few."),
        Mistake(took_the_median, "That is the median."),
    ),
    alternatives=(row_means_numpy, row_means_loop),
    why="Means come back in every chapter.",
    scaffold="total = x.sum(axis=1)",
)

SECOND = Exercise(
    id="07.scale",
    title="Scale the rows",
    reference=scale,
    minutes=3,
    difficulty=1,
    hints=("Which operator?", "A number times an array.", "return factor * x"),
    check=Check(draw_scale, "one factor"),
    mistakes=(
        Mistake(added, "You added."),
        Mistake(divided, "You divided."),
        Mistake(squared, "You squared the factor."),
        Mistake(unchanged, "You left out the factor."),
    ),
    alternatives=(scale_multiply, scale_diag),
    why="Scaling is what a gradient step does.",
    ships=divided,
)

EXERCISES = (FIRST, SECOND)
'''

LATER_LESSON = """---
title: A second chapter
minutes: 10
needs: chapter 07
---
Nothing to solve here.
"""

LATER_EXERCISES = '"""No exercises."""\n\nEXERCISES = ()\n'


def write_course(folder: Path, lesson: str = LESSON, exercises: str = EXERCISES) -> Path:
    """Write the course under `folder`, with the first chapter's two files as given."""
    first = folder / "course" / "ch07_rows"
    second = folder / "course" / "ch08_later"
    for chapter, its_lesson, its_exercises in (
        (first, lesson, exercises),
        (second, LATER_LESSON, LATER_EXERCISES),
    ):
        (chapter / "figures").mkdir(parents=True, exist_ok=True)
        (chapter / "lesson.md").write_text(its_lesson, encoding="utf-8")
        (chapter / "exercises.py").write_text(its_exercises, encoding="utf-8")
    (first / "figures" / "dot.png").write_bytes(PNG)
    return folder / "course"


def line_of(text: str, marker: str) -> int:
    """The line of the first occurrence of `marker`, from 1."""
    before, found, _ = text.partition(marker)
    assert found, f"{marker!r} is not in the text"
    return before.count("\n") + 1
