"""The Gated SAE: one path decides which latents are on, another how strongly."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from saeedu.sae.base import LossTerms, require_not_negative, squared_error
from saeedu.sae.selection import DENSE_ABOVE, select_above
from saeedu.sae.sparse import decode_active, with_encoder_gradients
from saeedu.sae.unit_rows import UnitRows
from saeedu.shapes import shaped


def gated_latents(
    products: Tensor, b_gate: Tensor, r_mag: Tensor, b_mag: Tensor
) -> tuple[Tensor, Tensor]:
    """Both paths of a gated encoder, from the one product that they share.

    **Arguments:** `products` [batch, d_sae], which is (x - b_dec) @ W_enc; `b_gate`, `r_mag`,
    `b_mag` [d_sae].
    **Returns:** the latents, which are relu(products * exp(r_mag) + b_mag) where the gate
    pre-activation products + b_gate is positive and zero elsewhere; and relu of the gate
    pre-activations. Both [batch, d_sae]. The gate's step passes no gradient.
    **Source:** Rajamanoharan et al. (2024a), "Improving Dictionary Learning with Gated Sparse
    Autoencoders", equations 6 to 8.
    """
    gate_pre_acts = products + b_gate
    magnitudes = torch.relu(products * r_mag.exp() + b_mag)
    return magnitudes * (gate_pre_acts > 0), torch.relu(gate_pre_acts)


@shaped(gates="batch d_sae", W_dec="d_sae d_in", b_dec="d_in", x="batch d_in")
def gate_loss(gates: Tensor, W_dec: Tensor, b_dec: Tensor, x: Tensor) -> Tensor:
    """The error with which the gates alone rebuild x, through a frozen copy of the decoder.

    **Arguments:** `gates` [batch, d_sae], relu of the gate pre-activations; `W_dec` [d_sae, d_in]
    and `b_dec` [d_in], to which this loss sends no gradient; `x` [batch, d_in].
    **Returns:** a number: the squared error, summed over d_in, averaged over the batch.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Rajamanoharan et al. (2024a), the auxiliary term of equation 9.
    """
    rebuilt = gates @ W_dec.detach() + b_dec.detach()
    return squared_error(rebuilt, x)


class GatedSAE(UnitRows):
    """An SAE whose L1 penalty falls on the gates alone, so that it does not shrink magnitudes.

    The gate's step has no gradient, so two terms train it: λ times the L1 of relu(gate), and the
    error with which relu(gate) itself rebuilds x through a frozen copy of the decoder, which keeps
    an open gate meaningful. Decoder rows have unit norm.

    **Arguments:** `d_in`, `d_sae`, `seed` as for `SAE`; `l1_coefficient`, the λ of the loss.
    **Raises:** `ValueError` for a size below one or a negative coefficient.
    **Source:** Rajamanoharan et al. (2024a).
    """

    architecture = "gated"
    encoder_biases = ("b_gate", "b_mag")
    b_gate: Tensor
    b_mag: Tensor

    def __init__(self, d_in: int, d_sae: int, l1_coefficient: float = 0.0, seed: int = 0) -> None:
        super().__init__(d_in, d_sae, seed)
        require_not_negative("l1_coefficient", l1_coefficient)
        self.l1_coefficient = l1_coefficient
        self.r_mag = nn.Parameter(torch.zeros(d_sae))
        self.start_with_unit_rows()

    def settings(self) -> dict[str, Any]:
        """See `SAE.settings`."""
        return {"l1_coefficient": self.l1_coefficient}

    def encode(self, x: Tensor) -> Tensor:
        """Turn activations into latents: the magnitude where the gate is open, else zero.

        **Arguments:** `x` [batch, d_in].
        **Returns:** [batch, d_sae], never negative.
        **Raises:** as `SAE.centred`.
        """
        products = self.centred(x) @ self.W_enc
        return gated_latents(products, self.b_gate, self.r_mag, self.b_mag)[0]

    def loss(self, x: Tensor, sparsity_scale: float = 1.0) -> LossTerms:
        """Squared error, plus λ times the L1 of the open gates, plus the gates' own squared error.

        **Arguments:** `x` [batch, d_in]; `sparsity_scale`, a factor on the penalty for warm-up.
        **Returns:** `LossTerms`, with gradients; `auxiliary["gate"]` is the gates' squared error.
        **Raises:** as `SAE.centred`.
        """
        centred = self.centred(x)
        on = select_above(centred.detach(), self.W_enc, self.b_gate, 0.0, DENSE_ABOVE)
        if on is None:
            latents, gates = gated_latents(
                centred @ self.W_enc, self.b_gate, self.r_mag, self.b_mag
            )
            x_hat = self.decode(latents)
            gate = gate_loss(gates, self.W_dec, self.b_dec, x)
            counts = torch.count_nonzero(latents.detach(), dim=0)
        else:
            # The two paths share the product, so what is tied to the encoder is that, bare.
            columns, no_bias = on.columns, torch.zeros_like(self.b_gate)
            products = on.with_values(on.values - self.b_gate.detach()[columns])
            products = with_encoder_gradients(products, x, self.W_enc, no_bias, self.b_dec)
            parts = (bias[columns] for bias in (self.b_gate, self.r_mag, self.b_mag))
            values, gates = gated_latents(products.values, *parts)
            x_hat = decode_active(on.with_values(values), self.W_dec) + self.b_dec
            from_gates = decode_active(on.with_values(gates), self.W_dec.detach())
            gate = squared_error(from_gates + self.b_dec.detach(), x)
            counts = on.with_values(values).counts()
        reconstruction = squared_error(x_hat, x)
        sparsity = sparsity_scale * self.l1_coefficient * gates.sum() / len(x)
        total = reconstruction + sparsity + gate
        return LossTerms(total, reconstruction, sparsity, x_hat, counts, {"gate": gate})
