"""Exercise 03.fraction_of_variance_unexplained: how much is left unexplained."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_sae
from saeedu.course.ch03_autoencoder_forward import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def explained_instead(x_hat, x):
    return 1 - np.sum((x_hat - x) ** 2) / np.sum((x - x.mean(axis=0)) ** 2)


def one_mean_for_everything(x_hat, x):
    return np.sum((x_hat - x) ** 2) / np.sum((x - x.mean()) ** 2)


def mean_of_each_sample(x_hat, x):
    return np.sum((x_hat - x) ** 2) / np.sum((x - x.mean(axis=1, keepdims=True)) ** 2)


def not_centred(x_hat, x):
    return np.sum((x_hat - x) ** 2) / np.sum(x**2)


def arguments_swapped(x_hat, x):
    return np.sum((x_hat - x) ** 2) / np.sum((x_hat - x_hat.mean(axis=0)) ** 2)


def mean_of_dimensions(x_hat, x):
    return np.mean(np.sum((x_hat - x) ** 2, axis=0) / np.sum((x - x.mean(axis=0)) ** 2, axis=0))


def mean_of_samples(x_hat, x):
    return np.mean(np.sum((x_hat - x) ** 2, axis=1) / np.sum((x - x.mean(axis=0)) ** 2, axis=1))


def error_centred_too(x_hat, x):
    return np.var(x_hat - x, axis=0).sum() / np.var(x, axis=0).sum()


def root_of_the_fraction(x_hat, x):
    return np.sqrt(np.sum((x_hat - x) ** 2) / np.sum((x - x.mean(axis=0)) ** 2))


def error_against_the_mean(x_hat, x):
    return np.sum((x_hat - x.mean(axis=0)) ** 2) / np.sum((x - x.mean(axis=0)) ** 2)


def loss_over_one_variance(x_hat, x):
    return np.mean(np.sum((x_hat - x) ** 2, axis=1)) / np.var(x)


def sum_over_one_variance(x_hat, x):
    return np.sum((x_hat - x) ** 2) / np.var(x)


def distance_of_the_reconstruction_below(x_hat, x):
    return np.sum((x_hat - x) ** 2) / np.sum((x_hat - x.mean(axis=0)) ** 2)


def mean_divided_by_sum(x_hat, x):
    return np.mean((x_hat - x) ** 2) / np.sum((x - x.mean(axis=0)) ** 2)


def mean_of_each_sample_lined_up_with_columns(x_hat, x):
    return np.sum((x_hat - x) ** 2) / np.sum((x - x.mean(axis=1)) ** 2)


def clipped_at_one(x_hat, x):
    return min(1.0, np.sum((x_hat - x) ** 2) / np.sum((x - x.mean(axis=0)) ** 2))


def fvu_from_variances(x_hat, x):
    return ((x - x_hat) ** 2).mean(axis=0).sum() / x.var(axis=0).sum()


def fvu_in_loops(x_hat, x):
    mean = sum(x) / len(x)
    missed = sum(float((a - b) @ (a - b)) for a, b in zip(x_hat, x, strict=True))
    return missed / sum(float((b - mean) @ (b - mean)) for b in x)


def fvu_by_norms(x_hat, x):
    return np.float32(np.linalg.norm(x_hat - x) / np.linalg.norm(x - x.mean(0))) ** 2


EXERCISE = Exercise(
    id="03.fraction_of_variance_unexplained",
    title="How much is left unexplained?",
    reference=numpy_sae.fraction_of_variance_unexplained,
    minutes=7,
    difficulty=3,
    hints=(
        "It compares you with a rival who always answers with the mean sample. What is the "
        "rival's total squared error, and what is yours?",
        "One number above: your squared error, summed over everything. One number below: the "
        "squared distance of the samples from their mean. That mean is a vector of shape [d_in].",
        "`np.sum((x - x.mean(axis=0)) ** 2)` is the denominator. Divide once, at the end.",
    ),
    check=Check(
        draws.pairs,
        tested="four batches whose mean is far from zero and whose error has a mean of its own, "
        "one reconstruction worse than the mean",
    ),
    mistakes=(
        Mistake(
            explained_instead,
            "This is the fraction explained. Asked is the rest of it: a perfect reconstruction "
            "should give 0.",
        ),
        Mistake(
            one_mean_for_everything,
            "The mean in the denominator is one number for all dimensions. Each dimension has its "
            "own mean; a common one makes the data look more varied than they are, and your "
            "reconstruction look better.",
        ),
        Mistake(
            mean_of_each_sample,
            "You subtracted from each sample the mean of its own entries. Variance is measured "
            "from the mean over the samples.",
        ),
        Mistake(
            not_centred,
            "The denominator is not centred. Data far from the origin then look very varied, and "
            "any reconstruction that gets the mean right looks excellent.",
        ),
        Mistake(
            arguments_swapped,
            "The variance below is that of the reconstruction. It has to be that of the data, or "
            "a wild reconstruction would excuse itself. The order of arguments is (x_hat, x).",
        ),
        Mistake(
            mean_of_dimensions,
            "You took a fraction for each dimension and averaged them. A dimension in which almost "
            "nothing happens then counts as much as the largest. Add up first, divide once.",
        ),
        Mistake(
            mean_of_samples,
            "You took a fraction for each sample and averaged them. A sample close to the mean "
            "then counts enormously. Add up first, divide once.",
        ),
        Mistake(
            error_centred_too,
            "You took the variance of the error, which forgives an error that is the same for "
            "every sample. (One well-known library reports just that.) A constant shift is still "
            "an error: sum the squares as they are.",
        ),
        Mistake(
            root_of_the_fraction,
            "You took a square root. Variances are squared quantities, and their ratio is what is "
            "asked.",
        ),
        Mistake(
            error_against_the_mean,
            "Above the line you compared the reconstruction with the mean. It has to be compared "
            "with the data.",
        ),
        Mistake(
            mean_divided_by_sum,
            "A mean above and a sum below: the two do not count the same way. Either both, "
            "or neither.",
        ),
        Mistake(
            mean_of_each_sample_lined_up_with_columns,
            "`x.mean(axis=1)` is one mean for each sample, and NumPy cannot line those up with the "
            "columns. The mean sample has one entry for each dimension.",
        ),
        Mistake(
            clipped_at_one,
            "You clip at 1. A reconstruction can be worse than the mean sample, and the number "
            "should say how much worse.",
        ),
        Mistake(
            loss_over_one_variance,
            "`np.var(x)` is one number: measured from one mean for all dimensions, and averaged "
            "over them, while your loss is summed. Measure from the mean sample, and count above "
            "and below alike.",
        ),
        Mistake(
            sum_over_one_variance,
            "Above the line is a sum, below it `np.var(x)`, which is an average over all entries, "
            "from one common mean. Sum the squared distances from the mean sample instead.",
        ),
        Mistake(
            distance_of_the_reconstruction_below,
            "Below the line stands how far the reconstruction is from the mean. It has to be how "
            "far the data are: the rival's error.",
        ),
    ),
    alternatives=(fvu_from_variances, fvu_in_loops, fvu_by_norms),
    why="Papers report it under many names (one minus R², normalised MSE); chapter 09 reports it "
    "for a real language model.",
)
