"""Dense products, from the faster of the two libraries that PyTorch brings for them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

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
    if _suits(x, W.T, b):
        return _one_dnn(x, W.T, b)
    return x @ W if b is None else torch.addmm(b, x, W)


class FastProducts(TorchFunctionMode):
    """Inside `with FastProducts():`, the linear layers of any model take the faster library.

    What `nn.Linear` and GPT-2's own layer (`torch.addmm`) compute is computed by oneDNN where that
    is possible: on a CPU, in float32, without gradients, outside autocast. Everything else, and
    everything where PyTorch has no oneDNN, goes its usual way. Results differ by rounding.
    """

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if not kwargs and not torch.is_grad_enabled():
            if function is nn.functional.linear and 2 <= len(args) <= 3:
                x, W, b = (*args, None)[:3]
                if _suits(x, W, b):
                    return _one_dnn(x, W, b)
            elif function is torch.addmm and len(args) == 3:
                b, x, W = args
                if x.ndim == 2 and W.ndim == 2 and _suits(x, W.T, b):
                    return _one_dnn(x, W.T, b)
        return function(*args, **(kwargs or {}))


def _suits(x: Tensor, W: Tensor, b: Tensor | None) -> bool:
    """Whether oneDNN can take a linear layer, `W` being [d_out, d_in].

    What does not fit is left to PyTorch's own way, which says what is wrong in plainer words.
    """
    parts = (x, W) if b is None else (x, W, b)
    return (
        ONE_DNN
        and all(part.device.type == "cpu" and part.dtype == torch.float32 for part in parts)
        and not torch.is_autocast_enabled("cpu")
        and W.ndim == 2
        and x.ndim >= 1
        and x.shape[-1] == W.shape[1]
        and x.numel() > 0
        and W.numel() > 0
        and (b is None or b.shape == W.shape[:1])
    )


def _one_dnn(x: Tensor, W: Tensor, b: Tensor | None) -> Tensor:
    result: Tensor = torch.ops.mkldnn._linear_pointwise(x, W, b, "none", [], "")
    return result
