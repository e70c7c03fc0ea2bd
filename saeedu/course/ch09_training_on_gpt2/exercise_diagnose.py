"""Exercise 09.diagnose: eight sick runs, and what is wrong with each."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from typing import Any

from saeedu import sick_runs
from saeedu.course.ch09_training_on_gpt2 import draws_training
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake

SIGNS = {
    "step size too large": "the first steps would make things worse, and latents would be knocked "
    "dead",
    "step size too small": "all curves would have the healthy shape, drawn out in time, and still "
    "be on their way when the run ends",
    "k too small": "L0 would lie below the healthy run's from the first step to the last",
    "b_dec started at zero": "the explained variance would begin below zero, worse than the mean, "
    "in ordinary units",
    "data not shuffled": "easy stretches and hard ones would take turns, and the training curve "
    "would jump whenever one ends",
    "too few activations": "the training curve would rise above the healthy one, and the held-out "
    "curve would stop rising",
    "penalty too high at once": "L0 would fall at once, far below the healthy run's",
    "activations not normalised": "the very first loss would be in another unit than the healthy "
    "run's",
}
"""What one would see of each cause."""

FITS = "a cause that fits all four curves"


def how_it_fits(implementation: Implementation, call: Call) -> Any:
    """Whether a diagnosis is right, and if not, what it would have looked like.

    The right answer itself never reaches the comparison, and so no message can give it away.
    """
    (letter,) = call.args
    given = implementation(letter)
    if not isinstance(given, str):
        return given
    name = given.strip().rstrip(".").lower()
    causes = {cause.lower(): cause for cause in sick_runs.CAUSES}
    if name not in causes:
        return f"run {letter}: {given!r}, which is not on the list of causes"
    if causes[name] == sick_runs.diagnose(letter):
        return FITS
    return f"run {letter}: {causes[name]}. Then {SIGNS[causes[name]]}"


def all_but(**wrong: str) -> Implementation:
    """The right diagnoses but for those given."""

    def answer(run: str) -> str:
        return wrong.get(run) or sick_runs.diagnose(run)

    return answer


def slow_for_poor(run):
    return all_but(A="k too small")(run)


def poor_for_slow(run):
    return all_but(D="step size too small")(run)


def slow_and_poor_exchanged(run):
    return all_but(A="k too small", D="step size too small")(run)


def memory_for_order(run):
    return all_but(B="data not shuffled")(run)


def order_for_memory(run):
    return all_but(E="too few activations")(run)


def order_and_memory_exchanged(run):
    return all_but(B="data not shuffled", E="too few activations")(run)


def order_for_step_size(run):
    return all_but(E="step size too large")(run)


def units_for_step_size(run):
    return all_but(C="step size too small")(run)


def units_for_start(run):
    return all_but(C="b_dec started at zero")(run)


def start_for_units(run):
    return all_but(H="activations not normalised")(run)


def start_for_step_size(run):
    return all_but(H="step size too large")(run)


def step_size_for_price(run):
    return all_but(F="penalty too high at once")(run)


def price_for_step_size(run):
    return all_but(G="step size too large")(run)


def price_for_k(run):
    return all_but(G="k too small")(run)


def in_branches(run):
    if run in "AF":
        return "step size too small" if run == "A" else "step size too large"
    if run in "CH":
        return "activations not normalised" if run == "C" else "b_dec started at zero"
    if run in "BE":
        return "too few activations" if run == "B" else "data not shuffled"
    return "k too small" if run == "D" else "penalty too high at once"


def in_capitals_and_with_a_full_stop(run):
    return f"{sick_runs.diagnose(run).capitalize()}."


EXERCISE = Exercise(
    id="09.diagnose",
    title="Eight sick runs",
    reference=sick_runs.diagnose,
    minutes=20,
    difficulty=3,
    hints=(
        "Begin with the first step, before anything was learnt. Which runs begin at another loss, "
        "another L0 or another explained variance than the healthy run of their kind?",
        "Then the last steps. Is the curve flat, still on its way, or jumping? Does the dashed "
        "held-out curve end where the solid one does?",
        "Two runs lag behind the healthy one, one at an unchanged L0 and one at a lower one from "
        "its first step: which of them would end well if it were ten times as long? Where latents "
        "fall silent, look at what went before: L0 falling under a price, a loss that shoots up, "
        "few places a token, or a first step that was odd already.",
    ),
    check=Check(
        draws_training.letters,
        tested="all eight diagnoses",
        observe=how_it_fits,
    ),
    mistakes=(
        Mistake(
            slow_for_poor,
            "Seven fit. A has the L0 of the healthy run, so its k is the same. And it has not "
            "ended: its curves are still on their way.",
        ),
        Mistake(
            poor_for_slow,
            "Seven fit. D is flat when it ends: more time would not help it. Look at its L0.",
        ),
        Mistake(
            slow_and_poor_exchanged,
            "Six fit. You have exchanged A and D. One is slow and the other is poor: look at L0, "
            "and at which of the two is still on its way.",
        ),
        Mistake(
            memory_for_order,
            "Seven fit. B's training curve is smooth, and *better* than the healthy one. Its "
            "held-out curve stands still. What has it learnt by heart?",
        ),
        Mistake(
            order_for_memory,
            "Seven fit. E's training curve jumps: easy stretches and hard ones. An SAE that learns "
            "its data by heart has no hard stretches.",
        ),
        Mistake(
            order_and_memory_exchanged,
            "Six fit. You have exchanged B and E. One is smooth on what it has seen and poor on "
            "what it has not; the other does not know what comes next.",
        ),
        Mistake(
            order_for_step_size,
            "Seven fit. E is smooth for some steps, jumps, and is smooth again, and it loses no "
            "latents. A step size that is too large shakes at every step, and kills.",
        ),
        Mistake(
            units_for_step_size,
            "Seven fit. C ends with about the healthy run's explained variance, and shakes no "
            "more. Compare the very first number of its loss.",
        ),
        Mistake(
            units_for_start,
            "Seven fit. C begins at an explained variance of about 0, as a run does whose b_dec is "
            "at the mean. It is the loss that begins elsewhere.",
        ),
        Mistake(
            start_for_units,
            "Seven fit. H's loss is of the healthy run's size. What is off at its first step is "
            "the explained variance: worse than knowing only the mean.",
        ),
        Mistake(
            start_for_step_size,
            "Seven fit. H recovers smoothly. It is wrong *before* the first step was taken, so no "
            "step size can have done it.",
        ),
        Mistake(
            step_size_for_price,
            "Seven fit. F is a TopK run, and pays no penalty. Look at its first steps: they make "
            "things worse.",
        ),
        Mistake(
            price_for_step_size,
            "Seven fit. G does what its loss asks for: L0 falls at once, and the loss rewards it. "
            "Ask what it is asked for.",
        ),
        Mistake(
            price_for_k,
            "Seven fit. G is an L1 run and has no k; its L0 begins where the healthy run's does, "
            "and then falls.",
        ),
    ),
    alternatives=(in_branches, in_capitals_and_with_a_full_stop),
    why="A run rarely says what is wrong with it. After a few of these you see it at a glance, and "
    "stop hours earlier.",
    scaffold="""
        diagnoses = {  # for each run a cause, word for word from the list
            "A": "",
            "B": "",
            "C": "",
            "D": "",
            "E": "",
            "F": "",
            "G": "",
            "H": "",
        }
    """,
)
