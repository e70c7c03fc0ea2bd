"""The grading engine: exercises, how attempts are checked, and what the learner is told.

It knows nothing of sparse autoencoders. `grade` is the programmatic door; `saeedu.check` is its
notebook face.
"""

from saeedu.grading.exercise import Call, Check, Exercise, Mistake
from saeedu.grading.grade import grade
from saeedu.grading.registry import UnknownExercise, all_exercises, find_exercise
from saeedu.grading.verdict import Verdict

__all__ = [
    "Call",
    "Check",
    "Exercise",
    "Mistake",
    "UnknownExercise",
    "Verdict",
    "all_exercises",
    "find_exercise",
    "grade",
]
