"""Exercise 09.cross_entropy_recovered: what survives a trip through the SAE."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import math

from saeedu import metrics
from saeedu.course.ch09_training_on_gpt2 import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def lost_instead(clean, with_sae, zero_ablated):
    return (with_sae - clean) / (zero_ablated - clean)


def ratio_of_losses(clean, with_sae, zero_ablated):
    return clean / with_sae


def measured_from_nothing(clean, with_sae, zero_ablated):
    return (zero_ablated - with_sae) / zero_ablated


def wrong_sign(clean, with_sae, zero_ablated):
    return (with_sae - zero_ablated) / (zero_ablated - clean)


def upside_down(clean, with_sae, zero_ablated):
    return (zero_ablated - clean) / (zero_ablated - with_sae)


def clipped(clean, with_sae, zero_ablated):
    return max(0.0, (zero_ablated - with_sae) / (zero_ablated - clean))


def never_above_one(clean, with_sae, zero_ablated):
    return min(1.0, (zero_ablated - with_sae) / (zero_ablated - clean))


def clipped_at_both_ends(clean, with_sae, zero_ablated):
    return max(0, min(1, (zero_ablated - with_sae) / (zero_ablated - clean)))


def by_perplexity(clean, with_sae, zero_ablated):
    return (math.exp(zero_ablated) - math.exp(with_sae)) / (
        math.exp(zero_ablated) - math.exp(clean)
    )


def in_percent(clean, with_sae, zero_ablated):
    return 100 * (zero_ablated - with_sae) / (zero_ablated - clean)


def one_minus_what_is_lost(clean, with_sae, zero_ablated):
    lost, all_there_is = with_sae - clean, zero_ablated - clean
    return 1 - lost / all_there_is


def on_a_ruler(clean, with_sae, zero_ablated):
    """Where with_sae lies between 0 at zeros and 1 at clean."""
    slope = 1 / (clean - zero_ablated)
    return slope * with_sae - slope * zero_ablated


EXERCISE = Exercise(
    id="09.cross_entropy_recovered",
    title="What survives the trip",
    reference=metrics.cross_entropy_recovered,
    minutes=5,
    difficulty=2,
    hints=(
        "Put three marks on a ruler: zero-ablated is 0, clean is 1. Where is the SAE?",
        "The whole distance is zero_ablated minus clean. Which part of it has the SAE won back?",
        "Two differences, both counted from zero_ablated; one divided by the other.",
    ),
    check=Check(
        draws.cross_entropies,
        tested="a good, a middling and a poor SAE, and one that is worse than zeros",
    ),
    mistakes=(
        Mistake(
            lost_instead,
            "This is the share that is lost. Recovered is the rest: 1 when the SAE costs nothing.",
        ),
        Mistake(
            ratio_of_losses,
            "A ratio of two losses looks excellent whatever the SAE does. It has to be compared "
            "with what removing the layer costs: use zero_ablated.",
        ),
        Mistake(
            measured_from_nothing,
            "You divided by the zero-ablated loss itself. The clean model pays something too, so "
            "the whole distance is zero_ablated minus clean.",
        ),
        Mistake(
            wrong_sign,
            "The sign: an SAE better than zeros should give a positive number.",
        ),
        Mistake(
            upside_down,
            "The fraction is upside down: a poorer SAE should give a smaller number.",
        ),
        Mistake(
            clipped,
            "You clip at zero. An SAE can be worse than zeros, and the number should say so.",
        ),
        Mistake(
            never_above_one,
            "You clip at one. A reconstruction can happen to help the model, and then more than "
            "all is recovered: leave it, it is a warning to look twice.",
        ),
        Mistake(
            clipped_at_both_ends,
            "You clip to the range from 0 to 1. Worse than zeros and better than the clean model "
            "both happen, and the number should say so.",
        ),
        Mistake(
            by_perplexity,
            "You took exponentials, which compares perplexities. Asked is cross-entropy, as it is.",
        ),
        Mistake(
            in_percent,
            "This is in percent. Give the fraction: 1 when the SAE costs nothing.",
        ),
    ),
    alternatives=(one_minus_what_is_lost, on_a_ruler),
    why="Papers rank SAEs by it; you will soon see why a high figure can still hide a great deal.",
)
