"""Exercise 06.autograd_gradients: chapter 03's loss in PyTorch, and its gradients for nothing."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from saeedu import numpy_training
from saeedu.course.ch06_from_numpy_to_pytorch import draws
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.numpy_training import Parameters
from saeedu.sae import autograd
from saeedu.shapes import Array

NAMELESS = "gradients without names"


def gradients_with_names(implementation: Implementation, call: Call) -> Any:
    """What is returned, if a caller can read the four gradients from it by name."""
    gradients = implementation(*call.args)
    nameless = isinstance(gradients, (tuple, list)) and not isinstance(gradients, Parameters)
    return NAMELESS if nameless else gradients


def _tensors(parameters: Parameters) -> list[Tensor]:
    return [torch.tensor(part, requires_grad=True) for part in parameters]


def _forward(x: Array, tensors: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    W_enc, b_enc, W_dec, b_dec = tensors
    samples = torch.tensor(x)
    latents = torch.relu((samples - b_dec) @ W_enc + b_enc)
    return samples, latents, latents @ W_dec + b_dec


def _gradients(loss: Tensor, tensors: list[Tensor]) -> Parameters:
    loss.backward()
    return Parameters(*[np.asarray(tensor.grad) for tensor in tensors])


def mean_over_dimensions_too(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    samples, latents, x_hat = _forward(x, tensors)
    penalty = l1_coefficient * latents.sum(dim=1).mean()
    return _gradients(nn.functional.mse_loss(x_hat, samples) + penalty, tensors)


def summed_over_the_batch(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    samples, latents, x_hat = _forward(x, tensors)
    return _gradients(((x_hat - samples) ** 2).sum() + l1_coefficient * latents.sum(), tensors)


def error_summed_over_the_batch(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    samples, latents, x_hat = _forward(x, tensors)
    penalty = l1_coefficient * latents.sum(dim=1).mean()
    return _gradients(((x_hat - samples) ** 2).sum() + penalty, tensors)


def no_penalty(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    samples, _, x_hat = _forward(x, tensors)
    return _gradients(((x_hat - samples) ** 2).sum(dim=1).mean(), tensors)


def penalty_averaged_over_latents(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    samples, latents, x_hat = _forward(x, tensors)
    error = ((x_hat - samples) ** 2).sum(dim=1).mean()
    return _gradients(error + l1_coefficient * latents.mean(), tensors)


def penalty_summed_over_the_batch(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    samples, latents, x_hat = _forward(x, tensors)
    error = ((x_hat - samples) ** 2).sum(dim=1).mean()
    return _gradients(error + l1_coefficient * latents.sum(), tensors)


def not_squared(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    samples, latents, x_hat = _forward(x, tensors)
    penalty = l1_coefficient * latents.sum(dim=1).mean()
    return _gradients((x_hat - samples).norm(dim=1).mean() + penalty, tensors)


def _with_latents(x: Array, tensors: list[Tensor], latents: Tensor, price: float) -> Parameters:
    _, _, W_dec, b_dec = tensors
    error = ((latents @ W_dec + b_dec - torch.tensor(x)) ** 2).sum(dim=1).mean()
    return _gradients(error + price * latents.sum(dim=1).mean(), tensors)


def x_not_centred(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    latents = torch.relu(torch.tensor(x) @ tensors[0] + tensors[1])
    return _with_latents(x, tensors, latents, l1_coefficient)


def no_relu(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    latents = (torch.tensor(x) - tensors[3]) @ tensors[0] + tensors[1]
    return _with_latents(x, tensors, latents, l1_coefficient)


def centred_without_gradient(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    latents = torch.relu(torch.tensor(x - parameters.b_dec) @ tensors[0] + tensors[1])
    return _with_latents(x, tensors, latents, l1_coefficient)


def bias_not_added_back(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    samples, latents, x_hat = _forward(x, tensors)
    error = ((x_hat - tensors[3] - samples) ** 2).sum(dim=1).mean()
    return _gradients(error + l1_coefficient * latents.sum(dim=1).mean(), tensors)


def backward_twice(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    samples, latents, x_hat = _forward(x, tensors)
    error = ((x_hat - samples) ** 2).sum(dim=1).mean()
    loss = error + l1_coefficient * latents.sum(dim=1).mean()
    loss.backward(retain_graph=True)
    return _gradients(loss, tensors)


def backward_on_a_part_first(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    samples, latents, x_hat = _forward(x, tensors)
    error = ((x_hat - samples) ** 2).sum(dim=1).mean()
    error.backward(retain_graph=True)
    return _gradients(error + l1_coefficient * latents.sum(dim=1).mean(), tensors)


def tensors_returned(x, parameters, l1_coefficient):
    found = autograd.autograd_gradients(x, parameters, l1_coefficient)
    return Parameters(*[torch.tensor(part) for part in found])  # type: ignore[arg-type]


def weights_returned(x, parameters, l1_coefficient):
    return Parameters(*[tensor.detach().numpy() for tensor in _tensors(parameters)])


def weights_before_biases(x, parameters, l1_coefficient):
    W_enc, b_enc, W_dec, b_dec = autograd.autograd_gradients(x, parameters, l1_coefficient)
    return Parameters(W_enc, W_dec, b_enc, b_dec)


def a_plain_tuple(x, parameters, l1_coefficient):
    return tuple(autograd.autograd_gradients(x, parameters, l1_coefficient))


def nothing_requires_grad(x, parameters, l1_coefficient):
    tensors = [torch.tensor(part) for part in parameters]
    samples, latents, x_hat = _forward(x, tensors)
    error = ((x_hat - samples) ** 2).sum(dim=1).mean()
    return _gradients(error + l1_coefficient * latents.sum(dim=1).mean(), tensors)


def half_of_the_error(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    samples, latents, x_hat = _forward(x, tensors)
    error = 0.5 * ((x_hat - samples) ** 2).sum(dim=1).mean()
    return _gradients(error + l1_coefficient * latents.sum(dim=1).mean(), tensors)


def b_enc_forgotten(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    latents = torch.relu((torch.tensor(x) - tensors[3]) @ tensors[0] + 0 * tensors[1])
    return _with_latents(x, tensors, latents, l1_coefficient)


def one_loss_a_sample(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    samples, latents, x_hat = _forward(x, tensors)
    error = ((x_hat - samples) ** 2).sum(dim=1)
    return _gradients(error + l1_coefficient * latents.sum(dim=1), tensors)


def backward_forgotten(x, parameters, l1_coefficient):
    return Parameters(*[tensor.grad.numpy() for tensor in _tensors(parameters)])  # type: ignore[union-attr]


def without_backward(x, parameters, l1_coefficient):
    tensors = _tensors(parameters)
    samples, latents, x_hat = _forward(x, tensors)
    error = ((x_hat - samples) ** 2).sum(dim=1).mean()
    loss = error + l1_coefficient * latents.sum(dim=1).mean()
    return Parameters(*[part.numpy() for part in torch.autograd.grad(loss, tensors)])


def as_a_module(x, parameters, l1_coefficient):
    class Autoencoder(nn.Module):
        W_enc: Tensor
        b_enc: Tensor
        W_dec: Tensor
        b_dec: Tensor

        def __init__(self) -> None:
            super().__init__()
            for name, part in parameters._asdict().items():
                self.register_parameter(name, nn.Parameter(torch.from_numpy(part.copy())))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            latents = ((x - self.b_dec) @ self.W_enc + self.b_enc).clamp(min=0)
            return latents, torch.addmm(self.b_dec, latents, self.W_dec)

    model, samples = Autoencoder(), torch.as_tensor(x)
    latents, x_hat = model(samples)
    loss = nn.functional.mse_loss(x_hat, samples, reduction="sum") + l1_coefficient * latents.sum()
    (loss / len(x)).backward()
    return Parameters(*[getattr(model, name).grad.numpy() for name in Parameters._fields])


def in_single_precision(x, parameters, l1_coefficient):
    tensors = [torch.tensor(p, dtype=torch.float32, requires_grad=True) for p in parameters]
    _, latents, x_hat = _forward(x.astype("float32"), tensors)
    error = ((x_hat - torch.tensor(x, dtype=torch.float32)) ** 2).sum(dim=1).mean()
    return _gradients(error + l1_coefficient * latents.sum(dim=1).mean(), tensors)


def by_hand(x: Array, parameters: Parameters, l1_coefficient: float) -> Any:
    return numpy_training.sae_gradients(x, parameters, l1_coefficient)


EXERCISE = Exercise(
    id="06.autograd_gradients",
    title="Four gradients from one backward()",
    reference=autograd.autograd_gradients,
    minutes=12,
    difficulty=2,
    hints=(
        "Make the five arrays into tensors, the four parameters with `requires_grad=True`. Then "
        "write the loss as in chapter 03. Nothing here is a derivative.",
        "`np.maximum(..., 0)` becomes `torch.relu(...)`; `axis=1` becomes `dim=1`. The error is "
        "summed over dimensions and averaged over samples. So is the sum of latents.",
        "`loss.backward()` fills `.grad` of every parameter. Return those four as arrays, "
        "`tensor.grad.numpy()`, in one `Parameters(W_enc, b_enc, W_dec, b_dec)`.",
    ),
    check=Check(
        draws.autoencoders,
        tested="three SAEs with biases, a latent that never fires, and different prices",
        observe=gradients_with_names,
        parts=Parameters._fields,
        rtol=draws.RTOL,
    ),
    mistakes=(
        Mistake(
            mean_over_dimensions_too,
            "`mse_loss` averages over dimensions as well as samples. This course's error is a sum "
            "over dimensions: yours is too small by a factor of d_in, and λ weighs more.",
        ),
        Mistake(
            summed_over_the_batch,
            "You summed over the batch. Over samples the loss is a mean, or the gradient would "
            "grow with the batch.",
        ),
        Mistake(
            error_summed_over_the_batch,
            "The penalty is right, but the error is summed over the batch. Sum over dimensions "
            "with `.sum(dim=1)`, then average over samples.",
        ),
        Mistake(
            no_penalty,
            "No gradient comes from the penalty. Either it is missing, or `.item()` or "
            "`float(...)` has made a plain number of it, through which no gradient flows.",
        ),
        Mistake(
            penalty_averaged_over_latents,
            "The penalty is averaged over latents too (`latents.mean()`). Sum over latents, "
            "average over samples.",
        ),
        Mistake(
            penalty_summed_over_the_batch,
            "The error is right, but the penalty is summed over the batch: average it over "
            "samples.",
        ),
        Mistake(
            not_squared,
            "You took the length of the error. The loss is its square.",
        ),
        Mistake(
            x_not_centred,
            "The encoder sees x itself. It should see x - b_dec.",
        ),
        Mistake(
            no_relu,
            "The ReLU is missing, so latents are negative too.",
        ),
        Mistake(
            centred_without_gradient,
            "The loss is right, but b_dec's gradient has one path of two. You subtracted the NumPy "
            "array, which autograd knows nothing of: subtract the tensor.",
        ),
        Mistake(
            bias_not_added_back,
            "b_dec is subtracted before the encoder, and not added back after the decoder.",
        ),
        Mistake(
            backward_twice,
            "Every gradient is doubled: `backward()` ran twice. It *adds* to `.grad`. That is why "
            "training loops call `zero_grad()`.",
        ),
        Mistake(
            backward_on_a_part_first,
            "`backward()` ran on the error and then on the whole loss. It *adds* to `.grad`, so "
            "the error counts twice. Call it once, on the sum.",
        ),
        Mistake(
            tensors_returned,
            "The numbers are right, but they are tensors. The caller wants NumPy arrays: end with "
            "`.numpy()`.",
        ),
        Mistake(
            weights_returned,
            "You returned the parameters themselves. Their gradients are in `.grad`.",
        ),
        Mistake(
            weights_before_biases,
            "The gradients are right, but in another order: W_enc, b_enc, W_dec, b_dec.",
        ),
        Mistake(
            a_plain_tuple,
            "You returned a plain tuple or list. Callers read the gradients by name, "
            "`gradients.W_enc`: return `Parameters(W_enc, b_enc, W_dec, b_dec)`.",
        ),
        Mistake(
            in_single_precision,
            "Right to seven digits, and you computed in float32. The arrays are float64: "
            "`torch.tensor(part)` keeps that, while `.float()` and `dtype=torch.float32` throw "
            "half of the digits away.",
        ),
        Mistake(
            half_of_the_error,
            "The error's share is half of what it should be: this course's loss has no 1/2 before "
            "the square.",
        ),
        Mistake(
            b_enc_forgotten,
            "b_enc has no effect: it is added to the pre-activations.",
        ),
        Mistake(
            one_loss_a_sample,
            "`backward()` starts from one number, and you have one for each sample: average them.",
        ),
        Mistake(
            backward_forgotten,
            "`.grad` is None until `loss.backward()` has run.",
        ),
        Mistake(
            nothing_requires_grad,
            "Autograd kept no record, because no tensor asked for one. Make the four parameters "
            "with `torch.tensor(part, requires_grad=True)`.",
        ),
    ),
    alternatives=(without_backward, as_a_module, by_hand),
    why="Six lines replace chapter 04. The rest of this chapter is about what they cost.",
)
