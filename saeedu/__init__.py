"""saeedu: a course on sparse autoencoders, in thirteen notebooks.

This package is what the notebooks import. `check`, `hint`, `solution` and `progress` are a
learner's four commands; `failing_inputs` hands back the inputs on which an attempt failed.
"""

from saeedu.grading.check import check, failing_inputs, hint, progress, solution

__version__ = "0.1.0"

__all__ = ["check", "failing_inputs", "hint", "progress", "solution"]
