"""The JumpReLU SAE: a threshold for each latent, trained through a pseudo-derivative."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from saeedu.sae.base import LossTerms, require_not_negative, squared_error
from saeedu.sae.selection import DENSE_ABOVE, select_above
from saeedu.sae.sparse import decode_active, with_encoder_gradients
from saeedu.sae.unit_rows import UnitRows

INITIAL_THRESHOLD = 0.05


def in_window(pre_acts: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
    """The rectangle kernel: 1 where a pre-activation lies within half a bandwidth of its threshold.

    **Arguments:** `pre_acts` [batch, d_sae]; `threshold` [d_sae]; `bandwidth`, positive, in the
    units of pre-activations.
    **Returns:** [batch, d_sae], zeros and ones.
    """
    return ((pre_acts - threshold).abs() < bandwidth / 2).to(pre_acts.dtype)


def jump_relu_gradients(
    d_latents: Tensor, pre_acts: Tensor, threshold: Tensor, bandwidth: float
) -> tuple[Tensor, Tensor]:
    """What a loss's gradient for JumpReLU's latents becomes, for its two arguments.

    By the pre-activations it is the true derivative. By the threshold the true one is zero
    almost everywhere; this is the pseudo-derivative, -threshold / bandwidth inside the window.

    **Arguments:** `d_latents`, `pre_acts` [batch, d_sae]; `threshold` [d_sae]; `bandwidth`, the
    width of the window around a threshold.
    **Returns:** the gradients for `pre_acts` [batch, d_sae] and for `threshold` [d_sae], the
    latter summed over the batch.
    **Source:** Rajamanoharan et al. (2024b), equation 11, with the rectangle kernel.
    """
    d_pre_acts = d_latents * (pre_acts > threshold)
    per_sample = -(threshold / bandwidth) * in_window(pre_acts, threshold, bandwidth) * d_latents
    return d_pre_acts, per_sample.sum_to_size(threshold.shape)


def step_gradient(d_step: Tensor, pre_acts: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
    """What a loss's gradient for the step function becomes, for the threshold.

    **Arguments:** `d_step`, `pre_acts` [batch, d_sae]; `threshold` [d_sae]; `bandwidth`.
    **Returns:** [d_sae]: the pseudo-derivative, -1 / bandwidth inside the window, times `d_step`,
    summed over the batch.
    **Source:** Rajamanoharan et al. (2024b), equation 12, with the rectangle kernel.
    """
    per_sample = -(in_window(pre_acts, threshold, bandwidth) / bandwidth) * d_step
    return per_sample.sum_to_size(threshold.shape)


class _JumpReLU(torch.autograd.Function):
    generate_vmap_rule = True  # several SAEs can be trained side by side

    @staticmethod
    def forward(pre_acts: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        return pre_acts * (pre_acts > threshold)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])
        ctx.bandwidth = inputs[2]

    @staticmethod
    def backward(ctx: Any, d_latents: Tensor) -> tuple[Tensor | None, ...]:
        pre_acts, threshold = ctx.saved_tensors
        return *jump_relu_gradients(d_latents, pre_acts, threshold, ctx.bandwidth), None


class _Step(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(pre_acts: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
        return (pre_acts > threshold).to(pre_acts.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])
        ctx.bandwidth = inputs[2]

    @staticmethod
    def backward(ctx: Any, d_step: Tensor) -> tuple[Tensor | None, ...]:
        pre_acts, threshold = ctx.saved_tensors
        return None, step_gradient(d_step, pre_acts, threshold, ctx.bandwidth), None


def jump_relu(pre_acts: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
    """A pre-activation where it lies above its threshold, else zero.

    The derivative by the threshold is zero except at one point, so training uses a
    pseudo-derivative: -threshold / bandwidth within half a bandwidth of the threshold. Averaged
    over a batch it estimates how the *expected* loss changes as the threshold moves.

    **Arguments:** `pre_acts` [batch, d_sae]; `threshold` [d_sae]; `bandwidth`, positive.
    **Returns:** [batch, d_sae].
    **Source:** Rajamanoharan et al. (2024b), "Jumping Ahead", equation 11.
    """
    return _JumpReLU.apply(pre_acts, threshold, bandwidth)


def step(pre_acts: Tensor, threshold: Tensor, bandwidth: float) -> Tensor:
    """1 where a pre-activation lies above its threshold, else 0: summed, the L0.

    Its pseudo-derivative by the threshold is -1 / bandwidth within half a bandwidth of it; by the
    pre-activation it is zero.

    **Arguments:** as for `jump_relu`.
    **Returns:** [batch, d_sae], zeros and ones.
    **Source:** Rajamanoharan et al. (2024b), equation 12.
    """
    return _Step.apply(pre_acts, threshold, bandwidth)


class JumpReLUSAE(UnitRows):
    """An SAE with a trained threshold for each latent and a price on L0 itself. Rows: unit norm.

    **Arguments:** `d_in`, `d_sae`, `seed` as for `SAE`; `l0_coefficient`, the price of one active
    latent; `bandwidth` of the pseudo-derivative, for activations of mean length sqrt(d_in).
    **Raises:** `ValueError` for a size below one, a negative coefficient, or a bandwidth that is
    not positive.
    **Source:** Rajamanoharan et al. (2024b), who store the threshold's logarithm; chapter 07 says
    why this one is stored as it is.
    """

    architecture = "jumprelu"
    b_enc: Tensor

    def __init__(
        self,
        d_in: int,
        d_sae: int,
        l0_coefficient: float = 0.0,
        bandwidth: float = 0.05,
        seed: int = 0,
    ) -> None:
        super().__init__(d_in, d_sae, seed)
        require_not_negative("l0_coefficient", l0_coefficient)
        if not bandwidth > 0:
            raise ValueError(f"bandwidth must be positive, but it is {bandwidth}")
        self.l0_coefficient = l0_coefficient
        self.bandwidth = bandwidth
        self.threshold = nn.Parameter(torch.full((d_sae,), INITIAL_THRESHOLD))
        self.start_with_unit_rows()

    def settings(self) -> dict[str, Any]:
        """See `SAE.settings`."""
        return {"l0_coefficient": self.l0_coefficient, "bandwidth": self.bandwidth}

    def encode(self, x: Tensor) -> Tensor:
        """Turn activations into latents: project, and keep what lies above the thresholds.

        **Arguments:** `x` [batch, d_in].
        **Returns:** [batch, d_sae], never negative.
        **Raises:** as `SAE.centred`.
        """
        pre_acts = self.centred(x) @ self.W_enc + self.b_enc
        return jump_relu(pre_acts, self.threshold, self.bandwidth)

    def penalty(self, pre_acts: Tensor, latents: Tensor, threshold: Tensor) -> Tensor:
        """The price of activity, entry by entry: `l0_coefficient` for each latent that is on.

        **Arguments:** `pre_acts`, `latents`, and each one's `threshold`.
        **Returns:** of the shape of `pre_acts`.
        """
        return self.l0_coefficient * step(pre_acts, threshold, self.bandwidth)

    def loss(self, x: Tensor, sparsity_scale: float = 1.0) -> LossTerms:
        """Squared error, summed over d_in and averaged over the batch, plus the price of activity.

        **Arguments:** `x` [batch, d_in]; `sparsity_scale`, a factor on the penalty for warm-up.
        **Returns:** `LossTerms`, with gradients.
        **Raises:** as `SAE.centred`.
        """
        centred = self.centred(x)
        # A pre-activation a little below its threshold moves the threshold too.
        floor = self.threshold.detach() - self.bandwidth / 2
        near = select_above(centred.detach(), self.W_enc, self.b_enc, floor, DENSE_ABOVE)
        if near is None:
            pre_acts: Tensor = centred @ self.W_enc + self.b_enc
            threshold: Tensor = self.threshold
            latents = jump_relu(pre_acts, threshold, self.bandwidth)
            x_hat = self.decode(latents)
            counts = torch.count_nonzero(latents.detach(), dim=0)
        else:
            near = with_encoder_gradients(near, x, self.W_enc, self.b_enc, self.b_dec)
            pre_acts, threshold = near.values, self.threshold[near.columns]
            latents = jump_relu(pre_acts, threshold, self.bandwidth)
            x_hat = decode_active(near.with_values(latents), self.W_dec) + self.b_dec
            counts = near.with_values(latents).counts()
        reconstruction = squared_error(x_hat, x)
        price = self.penalty(pre_acts, latents, threshold)
        sparsity = sparsity_scale * price.sum() / len(x)
        return LossTerms(reconstruction + sparsity, reconstruction, sparsity, x_hat, counts)

    @torch.no_grad()
    def after_step(self, terms: LossTerms, samples: int | None = None) -> None:
        """Bring decoder rows back to unit norm, and thresholds that fell below zero back to it."""
        super().after_step(terms, samples)
        self.threshold.clamp_(min=0)

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        """Change units, as `SAE.rescale`; thresholds are pre-activations and carry them."""
        super().rescale(factor)
        self.threshold.mul_(factor)

    @torch.no_grad()
    def fold_decoder_norms(self) -> None:
        """See `SAE.fold_decoder_norms`; thresholds move with their pre-activations."""
        norms = self.W_dec.norm(dim=1)
        self.threshold.mul_(norms.masked_fill(norms == 0, 1))
        super().fold_decoder_norms()


class TanhJumpReLUSAE(JumpReLUSAE):
    """A JumpReLU SAE that pays for tanh of its latents: about L0, but with a slope.

    A latent far above zero costs about `l0_coefficient`, whatever its value, so it is not shrunk; a
    small one costs in proportion, so it can be pushed down to zero.

    **Arguments:** as for `JumpReLUSAE`; `tanh_scale`, by which a latent is multiplied inside tanh.
    **Raises:** as `JumpReLUSAE`; `ValueError` for a scale that is not positive.
    **Source:** Anthropic's January 2025 update, "Dictionary Learning Optimization Techniques".
    """

    def __init__(
        self,
        d_in: int,
        d_sae: int,
        l0_coefficient: float = 0.0,
        bandwidth: float = 0.05,
        tanh_scale: float = 4.0,
        seed: int = 0,
    ) -> None:
        super().__init__(d_in, d_sae, l0_coefficient, bandwidth, seed)
        if not tanh_scale > 0:
            raise ValueError(f"tanh_scale must be positive, but it is {tanh_scale}")
        self.tanh_scale = tanh_scale

    def settings(self) -> dict[str, Any]:
        """See `SAE.settings`."""
        return super().settings() | {"tanh_scale": self.tanh_scale}

    def penalty(self, pre_acts: Tensor, latents: Tensor, threshold: Tensor) -> Tensor:
        """See `JumpReLUSAE.penalty`; here `l0_coefficient` times tanh of the latent."""
        return self.l0_coefficient * torch.tanh(self.tanh_scale * latents)
