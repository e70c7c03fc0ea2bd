"""Activations straight from a language model that reads a text, mixed on the way."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor

from saeedu.activation_sources import State
from saeedu.activations import read_kept
from saeedu.language_model import LanguageModel
from saeedu.shuffle_buffer import ShuffleBuffer
from saeedu.text import TextUnavailableError
from saeedu.token_stream import TokenStream


class EndOfTextError(TextUnavailableError):
    """A stream of one pass has no more batches."""


def harvest_identity(
    model: LanguageModel, stream: TokenStream, hook: str, contexts_per_batch: int
) -> dict[str, Any]:
    """What activations a model gives at a hook on a stream of tokens, for `check_identity`.

    How many contexts are read at a time is part of it: it moves the last digit of a float.
    """
    return {
        "model": model.name,
        "model_fingerprint": model.fingerprint(),
        "mode": model.mode,
        "hook": hook,
        **stream.identity(),
        "contexts_per_batch": contexts_per_batch,
    }


class LanguageModelSource:
    """An `ActivationSource` that runs a language model whenever its shuffle buffer is half empty.

    Memory does not grow with the text. When `next_batch` was interrupted by an error, `state` is no
    longer exact: go on from one that was taken before.

    **Arguments:** `model`; `stream`, of tokens, which the source alone may read; `hook`, where to
    read the model; `buffer_size`, the rows that the shuffle buffer holds; `contexts_per_batch`,
    contexts that the model reads at a time; `seed`, of the mixing.
    **Raises:** `ValueError` for an unknown hook, or a buffer of which half is less than a batch of
    contexts.
    """

    def __init__(
        self,
        model: LanguageModel,
        stream: TokenStream,
        hook: str,
        buffer_size: int = 65_536,
        contexts_per_batch: int = 16,
        seed: int = 0,
    ) -> None:
        self.d_in = model.hook_size(hook)
        self._most_rows = contexts_per_batch * (stream.context - 1)
        if contexts_per_batch < 1 or buffer_size < 2 * self._most_rows:
            raise ValueError(
                f"buffer_size is {buffer_size} and contexts_per_batch {contexts_per_batch}: the "
                f"buffer must hold two batches of contexts, {2 * self._most_rows} activations, or "
                "it cannot mix. Enlarge it, or read fewer contexts at a time (at least 1)."
            )
        self._model, self._stream, self._hook, self._seed = model, stream, hook, seed
        self._contexts_per_batch = contexts_per_batch
        self._buffer = ShuffleBuffer(buffer_size, self.d_in, seed)

    def next_batch(self, batch_size: int) -> Tensor:
        """The next activations, mixed.

        **Returns:** [batch_size, d_in], on the CPU.
        **Raises:** `EndOfTextError` when a stream of one pass has fewer left;
        `TextUnavailableError` when the text cannot be read further; `RuntimeError` for activations
        that are not finite.
        """
        parts: list[Tensor] = []
        missing = batch_size
        while missing:
            if self._buffer.ready == 0:
                ended = self._fill()
                self._buffer.mix(keep=0 if ended else self._buffer.capacity // 2)
            if self._buffer.ready == 0:
                raise EndOfTextError(
                    f"the text {self._stream.identity()['text']} has ended: {batch_size} "
                    f"activations were asked for, {batch_size - missing} are left. Let the stream "
                    "be endless, take fewer, or read more text."
                )
            parts.append(self._buffer.take(min(missing, self._buffer.ready)))
            missing -= len(parts[-1])
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def state(self) -> State:
        """The stream's place, and all of the buffer: as large as it."""
        buffer = {f"buffer_{name}": tensor for name, tensor in self._buffer.state().items()}
        return {**buffer, "stream": json.dumps(self._stream.state())}

    def restore(self, state: State) -> None:
        """Go on exactly where a source of the same identity was.

        **Raises:** `ShapeError` for a buffer of another size; `TextUnavailableError` when the text
        is no longer what it was.
        """
        self._stream.restore(json.loads(str(state["stream"])))
        self._buffer.restore(
            {
                name.removeprefix("buffer_"): tensor
                for name, tensor in state.items()
                if isinstance(tensor, Tensor)
            }
        )

    def identity(self) -> dict[str, Any]:
        """What the activations are and how they are mixed, for `check_identity`."""
        return {
            **harvest_identity(self._model, self._stream, self._hook, self._contexts_per_batch),
            "buffer_size": self._buffer.capacity,
            "seed": self._seed,
        }

    def sample(self, n: int) -> Tensor:
        """What is in the buffer, which is filled first: the model runs no more often for it.

        **Returns:** [m, d_in], m at most n and at most what the buffer holds.
        """
        if self._buffer.room == self._buffer.capacity:
            self._fill()
        return self._buffer.peek(n)

    def _fill(self) -> bool:
        """Read until no further batch is sure to fit. **Returns:** whether the text has ended."""
        while self._buffer.room >= self._most_rows:
            contexts = self._stream.next_contexts(self._contexts_per_batch)
            if len(contexts) == 0:
                return True
            self._buffer.add(read_kept(self._model, contexts, self._hook))
        return False
