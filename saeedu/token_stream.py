"""Tokens of a text, packed into contexts of one length: a stream that can be taken up anywhere."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Protocol, get_args

import torch
from torch import Tensor

from saeedu.language_model import LanguageModel
from saeedu.text import TextUnavailableError

BosPolicy = Literal["every context", "documents"]

PIECE = 200_000
"""Characters after which a long document is cut for the tokenizer, which needs some hundred bytes
a token: a book or a corpus in one file would not fit."""

# A space and the letter after it begin a token whatever stands before them, in the byte-level
# tokenizers of GPT-2 and its descendants. So the pieces' tokens are the whole's.
BREAK = re.compile(r"(?<=\S) (?=[^\W\d_])")


class Documents(Protocol):
    """Text that can be read from any document on: `Text` and `StreamedText`."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    def read(self, start: int) -> Iterator[str]:
        """The documents from number `start` on, counted from 0."""
        ...

    def fingerprint(self) -> str:
        """A string that changes when the text does."""
        ...


def kept_positions(tokens: Tensor, bos_token_id: int) -> Tensor:
    """Which positions an SAE is trained on: all but the first of a context and BOS tokens.

    A model parks attention on the first position, whichever token is there, and on BOS tokens.
    Their activations say nothing about the text and can be ten or more times longer than any
    other: kept in, they would be most of the loss.

    **Arguments:** `tokens` [n, context], integers; `bos_token_id`.
    **Returns:** [n, context], booleans.
    **Source:** Xiao et al. (2023), "Efficient Streaming Language Models with Attention Sinks".
    """
    kept = tokens != bos_token_id
    kept[:, 0] = False
    return kept


def pack_documents(documents: Sequence[Tensor], context: int, bos_token_id: int) -> Tensor:
    """Documents of all lengths as contexts of one length, each beginning with the BOS token.

    The documents are joined, with one BOS between each and the next. The result is cut into pieces
    of `context - 1` tokens, and each piece gets a BOS in front. Nothing is padded; a last piece
    that is too short is dropped. `TokenStream` does the same to texts that fit no memory.

    **Arguments:** `documents`, each [n_tokens] of its own length, integers without any BOS;
    `context`, tokens a row, BOS included, at least 2; `bos_token_id`.
    **Returns:** [n_contexts, context], integers.
    """
    bos = torch.tensor([bos_token_id])
    parts: list[Tensor] = []
    for document in documents:
        parts += [bos, document] if parts else [document]
    joined = torch.cat(parts)
    n_contexts = len(joined) // (context - 1)
    pieces = joined[: n_contexts * (context - 1)].view(n_contexts, context - 1)
    return torch.cat([bos.expand(n_contexts, 1), pieces], dim=1)


class TokenStream:
    """Contexts of a text in reading order, nothing padded and nothing left out between them.

    Documents are joined with a BOS (beginning-of-text) token between them and cut into pieces of
    one length. `bos` says where else one stands. `"every context"`: in front of each piece, which
    is then one token shorter; so GPT-2's SAEs are usually trained. `"documents"`: in front of the
    first document too, and nowhere else; a context begins with whatever token comes next. Either
    way `kept_positions` leaves out the first position of each context and every BOS.

    **Arguments:** `model`, for its tokenizer; `text`; `context`, tokens a row, at most
    `model.context`; `bos`, one of the two policies; `endless`, whether the text begins again when
    it ends (joined by a BOS, so that no two passes are cut at the same places), or the stream ends.
    **Raises:** `ValueError` for a context that the model cannot take, or another policy.
    """

    def __init__(
        self,
        model: LanguageModel,
        text: Documents,
        context: int,
        bos: BosPolicy = "every context",
        endless: bool = True,
    ) -> None:
        if not 2 <= context <= model.context:
            raise ValueError(f"context is {context}, but {model.name} takes 2 to {model.context}")
        if bos not in get_args(BosPolicy):
            raise ValueError(f"bos is {bos!r}, must be one of {get_args(BosPolicy)}")
        self.context = context
        self._model, self._text, self._bos_policy, self._endless = model, text, bos, endless
        self._bos = torch.tensor([model.bos_token_id])
        self._place: dict[str, int]
        self._pieces: Iterator[tuple[dict[str, int], Tensor]]
        self._pending: Tensor
        self._go_to({"epoch": 0, "document": 0, "character": 0, "used": 0})
        self._interrupted = False

    def next_contexts(self, n: int) -> Tensor:
        """The next contexts.

        **Arguments:** `n`, how many.
        **Returns:** [n, context], integers; fewer rows, or none, at the end of a stream that is not
        endless, where the last tokens, when they are too few for a context, are left out.
        **Raises:** `TextUnavailableError` when the text cannot be read further; `state` is then
        still that before the call.
        """
        if self._interrupted:
            self.restore(self.state())
        self._interrupted = True  # unless all goes well: an error, or Ctrl-C, ends a generator
        in_front = self._bos_policy == "every context"
        width = self.context - in_front
        place, parts, n_tokens = self._place, [self._pending], len(self._pending)
        while n_tokens < n * width and (piece := next(self._pieces, None)) is not None:
            place, tokens = piece
            parts.append(tokens)
            n_tokens += len(tokens)
        n_contexts = min(n, n_tokens // width)
        stream = torch.cat(parts)
        if n_contexts < n:  # the text has ended
            self._go_to({"epoch": 1, "document": 0, "character": 0, "used": 0})
        else:  # what is left is the end of the last piece, since one is read only when it is needed
            self._pending = stream[n * width :].clone()
            self._place = {**place, "used": place["used"] + len(parts[-1]) - len(self._pending)}
        self._interrupted = False
        rows = stream[: n_contexts * width].view(n_contexts, width)
        return torch.cat([self._bos.expand(n_contexts, 1), rows], dim=1) if in_front else rows

    def state(self) -> dict[str, int]:
        """The place in the text: small, and fit for JSON.

        **Returns:** `epoch`, `document` and `character`, where the piece of text begins that is
        being read; `used`, how many of its tokens have been dealt; `check`, a checksum of the rest.
        """
        return {**self._place, "check": _checksum(self._pending)}

    def restore(self, state: dict[str, int]) -> None:
        """Go on where a stream of the same text was when it gave this state.

        **Raises:** `TextUnavailableError` when the text there is no longer the same.
        """
        self._go_to({name: state[name] for name in ("epoch", "document", "character", "used")})
        self._interrupted = False
        if state["used"] == 0:
            return  # nothing of it was read yet
        place, tokens = next(self._pieces, (None, self._pending))
        self._pending = tokens[state["used"] :]
        if place != {**self._place, "used": 0} or _checksum(self._pending) != state["check"]:
            raise TextUnavailableError(
                f"{self._text.name} has changed since this state was saved: document "
                f"{state['document']} is not what it was. Bring the old text back, or start afresh."
            )

    def identity(self) -> dict[str, Any]:
        """What is read and how it is packed, for `check_identity`."""
        return {
            "text": self._text.name,
            "text_fingerprint": self._text.fingerprint(),
            "context": self.context,
            "bos": self._bos_policy,
        }

    def _go_to(self, place: dict[str, int]) -> None:
        self._place = place
        self._pending = torch.zeros(0, dtype=torch.long)
        over = place["epoch"] > 0 and not self._endless
        self._pieces = iter(()) if over else self._read_pieces(**place)

    def _read_pieces(
        self, epoch: int, document: int, character: int, used: int
    ) -> Iterator[tuple[dict[str, int], Tensor]]:
        """Pieces of text from a place on, as tokens, a BOS where a document begins."""
        while True:
            for text in self._text.read(document):
                while character < len(text):
                    found = BREAK.search(text, character + PIECE)
                    end = found.start() if found else len(text)
                    tokens = self._model.tokenize(text[character:end])
                    first_of_all = epoch == document == 0 and self._bos_policy == "every context"
                    if character == 0 and not first_of_all:
                        tokens = torch.cat([self._bos, tokens])
                    place = {"epoch": epoch, "document": document, "character": character}
                    yield {**place, "used": 0}, tokens
                    character = end
                document, character = document + 1, 0
            if not self._endless:
                return
            if document == 0:
                raise TextUnavailableError(f"{self._text.name} is empty: there is no text in it")
            epoch, document = epoch + 1, 0


def _checksum(tokens: Tensor) -> int:
    return zlib.crc32(tokens.numpy().astype("<i8").tobytes())
