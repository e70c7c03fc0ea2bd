"""The dense product, from the faster of the two libraries that PyTorch brings for it."""

from __future__ import annotations

import torch
from torch import Tensor

# On a CPU `torch.addmm` goes to a BLAS library, in PyTorch's own builds for x86 to MKL, which took
# twice as long as oneDNN on the AMD processor of benchmarks/README.md. PyTorch brings both; this is
# the operation that torch.compile puts in place of nn.Linear.


def _one_dnn_answers() -> bool:
    """Whether this PyTorch has the operation, as we call it: it is not part of its public face."""
    if not torch.backends.mkldnn.is_available():
        return False
    x, W, b = torch.ones(2, 3), torch.arange(12.0).view(4, 3), torch.arange(4.0)
    try:
        result = torch.ops.mkldnn._linear_pointwise(x, W, b, "none", [], "")
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.allclose(result, torch.addmm(b, x, W.T))


ONE_DNN = _one_dnn_answers()


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
