"""What to do about an exception, where its own message does not say it."""

from __future__ import annotations

from saeedu.grading.sandbox import TimeUp
from saeedu.grading.trace import raised_by_the_learner

_INNER_AXES = (
    "In a matrix product the inner axes must agree, and they are the ones that are summed "
    "over. Write down the two shapes: which axis is to be summed here?"
)
_WHOLE_NUMBERS = (
    "Where to look is said by whole numbers. The first of the two results of `topk` holds the "
    "values; the second, `.indices`, says where they stood."
)


def raised_advice(error: BaseException) -> str:
    """A sentence on an exception that the learner's code raised; empty when it explains itself."""
    if isinstance(error, (SystemExit, KeyboardInterrupt, TimeUp)):
        return "A function must return its answer; it must not end the program."
    if isinstance(error, NotImplementedError):
        if not raised_by_the_learner(error):
            return "It comes from a library that you called: its message says what it cannot do."
        return "There is still a NotImplementedError in your code: take that line out."
    if isinstance(error, RecursionError):
        return "The function calls itself without end."
    if isinstance(error, NameError):
        return "Run the cells above first; if they ran, look for a typing error in the name."
    if isinstance(error, ValueError):
        return _numpys_advice(str(error))
    if isinstance(error, (RuntimeError, IndexError)):
        return _torchs_advice(str(error))
    return ""


def _numpys_advice(message: str) -> str:
    if "matmul" in message and "mismatch" in message:
        return _INNER_AXES
    if "could not be broadcast" in message:
        return (
            "NumPy lines shapes up from the right. Which axis is missing in one of the two? "
            "`keepdims=True` keeps a summed axis as one of size 1."
        )
    return ""


def _torchs_advice(message: str) -> str:
    if "dtype int32/int64 for index" in message or "used as indices must be" in message:
        return _WHOLE_NUMBERS
    if _names_two_types(message):
        return (
            "Two tensors differ in type. The inputs are float64, and `torch.zeros(...)` or "
            "`torch.ones(...)` makes float32 unless told otherwise. Make new tensors like an old "
            "one: `torch.zeros_like(x)`, `x.new_zeros(shape)`, or `dtype=x.dtype`."
        )
    if "shapes cannot be multiplied" in message:
        return _INNER_AXES
    if "must match the size of tensor" in message:
        return (
            "PyTorch lines shapes up from the right. Which axis is missing in one of the two? "
            "`v[:, None]` gives a vector one of size 1 at the end."
        )
    return ""


def _names_two_types(message: str) -> bool:
    """Whether it is one of PyTorch's ways to say that two tensors have different dtypes."""
    words = ("same scalar type", "same dtype", "dtypes match", "self.dtype to be equal",
             "expected scalar type", "to have the same type as tensor")  # fmt: skip
    return any(part in message for part in words)
