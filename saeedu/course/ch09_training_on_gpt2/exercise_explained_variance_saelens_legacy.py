"""Exercise 09.explained_variance_saelens_legacy: a fraction for each token, averaged."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu import metrics
from saeedu.course.ch09_training_on_gpt2 import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def missed(x_hat, x):
    """Squared error of each token."""
    return ((x - x_hat) ** 2).sum(dim=1)


def distance(x):
    """Squared distance of each token from the mean."""
    return ((x - x.mean(dim=0)) ** 2).sum(dim=1)


def two_sums(x_hat, x):
    return 1 - missed(x_hat, x).sum() / distance(x).sum()


def shift_forgiven(x_hat, x):
    error = x - x_hat
    return (1 - ((error - error.mean(dim=0)) ** 2).sum(dim=1) / distance(x)).mean()


def dictionary_learning(x_hat, x):
    return 1 - (x - x_hat).var(dim=0).sum() / x.var(dim=0).sum()


def over_dimensions(x_hat, x):
    return (1 - ((x - x_hat) ** 2).sum(dim=0) / ((x - x.mean(dim=0)) ** 2).sum(dim=0)).mean()


def not_centred(x_hat, x):
    return (1 - missed(x_hat, x) / (x**2).sum(dim=1)).mean()


def own_mean(x_hat, x):
    own = ((x - x.mean(dim=1, keepdim=True)) ** 2).sum(dim=1)
    return (1 - missed(x_hat, x) / own).mean()


def one_mean_for_everything(x_hat, x):
    return (1 - missed(x_hat, x) / ((x - x.mean()) ** 2).sum(dim=1)).mean()


def distance_of_the_reconstruction(x_hat, x):
    return (1 - missed(x_hat, x) / distance(x_hat)).mean()


def unexplained(x_hat, x):
    return (missed(x_hat, x) / distance(x)).mean()


def summed(x_hat, x):
    return (1 - missed(x_hat, x) / distance(x)).sum()


def one_a_token(x_hat, x):
    return 1 - missed(x_hat, x) / distance(x)


def median(x_hat, x):
    return (1 - missed(x_hat, x) / distance(x)).median()


def clipped(x_hat, x):
    return (1 - missed(x_hat, x) / distance(x)).clamp(min=0).mean()


def lengths(x_hat, x):
    return (1 - missed(x_hat, x).sqrt() / distance(x).sqrt()).mean()


def against_the_mean_distance(x_hat, x):
    return (1 - missed(x_hat, x) / distance(x).sum()).mean()


def by_norms(x_hat, x):
    above = torch.linalg.vector_norm(x_hat - x, dim=1)
    below = torch.linalg.vector_norm(x - x.mean(dim=0, keepdim=True), dim=1)
    return 1 - (above / below).square().mean()


def in_loops(x_hat, x):
    mean = sum(x) / len(x)
    fractions = []
    for given, wanted in zip(x_hat, x, strict=True):
        fractions.append((given - wanted) @ (given - wanted) / ((wanted - mean) @ (wanted - mean)))
    return 1 - sum(fractions) / len(fractions)


def as_a_plain_number(x_hat, x):
    return torch.mean(1 - missed(x_hat, x) / distance(x)).item()


EXERCISE = Exercise(
    id="09.explained_variance_saelens_legacy",
    title="Explained variance, token by token",
    reference=metrics.explained_variance_saelens_legacy,
    minutes=6,
    difficulty=2,
    hints=(
        "The same two quantities as before: squared error, and squared distance from the mean. "
        "What changes is when you divide.",
        "Sum each over d_in alone, so that every token keeps a number of its own: [batch] above "
        "and [batch] below. The mean is still that over tokens.",
        "Divide token by token, subtract each from 1, and take the mean at the very end.",
    ),
    check=Check(
        draws.pairs,
        tested="four batches whose tokens lie at very different distances from the mean",
    ),
    mistakes=(
        Mistake(
            two_sums,
            "You added up before you divided: that is the one you wrote before. Here each token "
            "gets a fraction of its own, and then they are averaged.",
        ),
        Mistake(
            shift_forgiven,
            "You removed the error's mean first. This definition sums the squared errors as they "
            "are.",
        ),
        Mistake(
            dictionary_learning,
            "This is dictionary_learning's: the variance of the error, two sums divided. Asked is "
            "one fraction for each token.",
        ),
        Mistake(
            over_dimensions,
            "You took a fraction for each dimension. It is tokens that get one each: the sums run "
            "over d_in.",
        ),
        Mistake(
            not_centred,
            "Below the line stands the squared distance from the mean over tokens, not from the "
            "origin.",
        ),
        Mistake(
            own_mean,
            "You subtracted from each token the mean of its own entries. The mean is that over "
            "tokens, [d_in].",
        ),
        Mistake(
            one_mean_for_everything,
            "`x.mean()` is one number for all dimensions. Each dimension has a mean of its own.",
        ),
        Mistake(
            distance_of_the_reconstruction,
            "Below the line you have distances of the reconstruction. They have to be those of the "
            "activations; the order of arguments is (x_hat, x).",
        ),
        Mistake(
            unexplained,
            "This is what is *not* explained. A perfect reconstruction should give 1.",
        ),
        Mistake(summed, "You summed the tokens' fractions. Average them."),
        Mistake(one_a_token, "You have one number for each token. Average them into one."),
        Mistake(median, "You took the median. This definition takes the mean, outliers and all."),
        Mistake(
            clipped,
            "You clip at zero. A token that is rebuilt worse than by the mean counts as it is, and "
            "that is just the weakness of this definition.",
        ),
        Mistake(lengths, "You divided lengths. Above and below stand *squared* lengths."),
        Mistake(
            against_the_mean_distance,
            "Below the line you have all tokens together. Each token is measured against its own "
            "distance from the mean.",
        ),
    ),
    alternatives=(by_norms, in_loops, as_a_plain_number),
    why="Figures in papers up to 2025 are often this one: now you can tell which you are reading.",
)
