"""The dense product, from the faster of the two libraries that PyTorch brings for it."""

from __future__ import annotations

import torch
from torch import Tensor

# On a CPU `torch.addmm` goes to a BLAS library, in PyTorch's own builds for x86 to MKL, which took
# twice as long as oneDNN on the AMD processor of benchmarks/README.md. PyTorch brings both; this is
# the operation that torch.compile puts in place of nn.Linear.
ONE_DNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


@torch.no_grad()
def affine(x: Tensor, W: Tensor, b: Tensor | None = None) -> Tensor:
    """x @ W + b, without gradients.

    **Arguments:** `x` [n, d_in]; `W` [d_in, d_out]; `b` [d_out].
    **Returns:** [n, d_out].
    """
    if ONE_DNN and x.device.type == "cpu" and x.dtype == torch.float32 and x.numel():
        result: Tensor = torch.ops.mkldnn._linear_pointwise(x, W.T, b, "none", [], "")
        return result
    return x @ W if b is None else torch.addmm(b, x, W)
