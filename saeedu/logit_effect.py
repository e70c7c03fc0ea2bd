"""What a direction does to the model's output by itself: the decoder's row through the unembedding.

The residual stream is a sum, and the logits are (almost) a linear function of it: so what one
latent adds can be followed straight to the output. Two conventions, both the field's:

- The path through later blocks is left out. What they make of the direction is not in it.
- The last norm's weights are folded into the unembedding (`LanguageModel.unembedding`); its
  division by the stream's size is left out. That is one positive factor for each token, the same
  for all of its logits, so ranks hold, and sizes have no unit.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from saeedu.language_model import LanguageModel


class LogitEffect(NamedTuple):
    """The tokens that one direction makes likelier and less likely."""

    promoted: list[str]
    """Texts of the tokens that it promotes most, the strongest first."""
    suppressed: list[str]
    """Texts of those that it suppresses most, the strongest first."""
    promoted_by: Tensor
    """[n]: the effect on each promoted token, in standard deviations over the vocabulary."""
    suppressed_by: Tensor
    """[n]: the same for those suppressed; negative."""


def logit_effects(directions: Tensor, unembedding: Tensor) -> Tensor:
    """What each direction adds to the logit of every token, compared with the average token.

    Softmax does not see a constant that is added to all logits, so the mean over the vocabulary is
    taken off.

    **Arguments:** `directions` [m, d_model]; `unembedding` [d_model, vocabulary].
    **Returns:** [m, vocabulary], each row with mean zero.
    **Source:** nostalgebraist (2020), "interpreting GPT: the logit lens"; for SAE latents, Bricken
    et al. (2023).
    """
    logits = directions @ unembedding
    return logits - logits.mean(dim=1, keepdim=True)


def strongest_effects(model: LanguageModel, directions: Tensor, n: int = 8) -> list[LogitEffect]:
    """The tokens that each direction promotes and suppresses most.

    **Arguments:** `model`; `directions` [m, d_model], rows of the decoder of an SAE in the residual
    stream; `n`, how many tokens on either side.
    **Returns:** a `LogitEffect` for each direction.
    """
    effects = logit_effects(directions.detach().to(model.device), model.unembedding).cpu()
    effects = effects / effects.std(dim=1, keepdim=True)
    most, least = effects.topk(n, dim=1), (-effects).topk(n, dim=1)
    return [
        LogitEffect(
            model.token_strings(most.indices[i]),
            model.token_strings(least.indices[i]),
            most.values[i],
            -least.values[i],
        )
        for i in range(len(directions))
    ]
