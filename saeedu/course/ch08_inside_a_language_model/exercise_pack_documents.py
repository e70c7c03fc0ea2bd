"""Exercise 08.pack_documents: texts of all lengths as contexts of one length."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor

from saeedu import token_stream
from saeedu.course.ch08_inside_a_language_model import draws
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake


def contexts_and_their_kind(implementation: Implementation, call: Call) -> dict[str, Any]:
    """The contexts, and whether they are whole numbers: an embedding table takes no others."""
    contexts = implementation(*call.args)
    whole = not (isinstance(contexts, Tensor) and contexts.is_floating_point())
    return {"contexts": contexts, "made of": "whole numbers" if whole else "floats"}


def as_floats(documents, context, bos_token_id):
    return token_stream.pack_documents(documents, context, bos_token_id).float()


def joined(documents, bos):
    """All documents as one list, a BOS between them."""
    ids: list[int] = []
    for document in documents:
        ids += [bos] * bool(ids) + document.tolist()
    return ids


def rows_of(ids, width):
    """Whole rows, as a tensor that keeps its second axis when there are none."""
    n = len(ids) // width
    return torch.tensor(ids[: n * width], dtype=torch.long).reshape(n, width)


def in_front(rows, bos):
    return torch.cat([torch.full((len(rows), 1), bos), rows], dim=1)


def no_bos_in_front(documents, context, bos_token_id):
    return rows_of(joined(documents, bos_token_id), context)


def bos_at_beginnings_only(documents, context, bos_token_id):
    return rows_of([bos_token_id, *joined(documents, bos_token_id)], context)


def context_not_shortened(documents, context, bos_token_id):
    return in_front(rows_of(joined(documents, bos_token_id), context), bos_token_id)


def first_token_overwritten(documents, context, bos_token_id):
    rows = rows_of(joined(documents, bos_token_id), context)
    rows[:, 0] = bos_token_id
    return rows


def no_bos_between(documents, context, bos_token_id):
    return in_front(rows_of(torch.cat(documents).tolist(), context - 1), bos_token_id)


def bos_before_the_first_document(documents, context, bos_token_id):
    ids = [bos_token_id, *joined(documents, bos_token_id)]
    return in_front(rows_of(ids, context - 1), bos_token_id)


def bos_after_the_last_document(documents, context, bos_token_id):
    ids = [*joined(documents, bos_token_id), bos_token_id]
    return in_front(rows_of(ids, context - 1), bos_token_id)


def last_piece_padded(documents, context, bos_token_id):
    ids = joined(documents, bos_token_id)
    ids += [bos_token_id] * (-len(ids) % (context - 1))
    return in_front(rows_of(ids, context - 1), bos_token_id)


def last_piece_padded_with_zeros(documents, context, bos_token_id):
    ids = joined(documents, bos_token_id)
    ids += [0] * (-len(ids) % (context - 1))
    return in_front(rows_of(ids, context - 1), bos_token_id)


def each_document_by_itself(documents, context, bos_token_id):
    rows = [rows_of(document.tolist(), context - 1) for document in documents]
    return in_front(torch.cat(rows), bos_token_id)


def beginnings_of_documents(documents, context, bos_token_id):
    rows = [d[: context - 1] for d in documents if len(d) >= context - 1]
    stacked = torch.stack(rows) if rows else torch.zeros(0, context - 1, dtype=torch.long)
    return in_front(stacked, bos_token_id)


def last_whole_piece_dropped(documents, context, bos_token_id):
    return in_front(rows_of(joined(documents, bos_token_id)[:-1], context - 1), bos_token_id)


def bos_at_the_end(documents, context, bos_token_id):
    rows = rows_of(joined(documents, bos_token_id), context - 1)
    return torch.cat([rows, torch.full((len(rows), 1), bos_token_id)], dim=1)


def bos_always_zero(documents, context, bos_token_id):
    return token_stream.pack_documents(documents, context, 0)


def one_long_list(documents, context, bos_token_id):
    return token_stream.pack_documents(documents, context, bos_token_id).flatten()


def dealt_like_cards(documents, context, bos_token_id):
    ids = joined(documents, bos_token_id)
    n = len(ids) // (context - 1)
    ids = torch.tensor(ids[: n * (context - 1)], dtype=torch.long)
    return in_front(ids.reshape(context - 1, n).T, bos_token_id)


def in_a_loop(documents, context, bos_token_id):
    rows, row = [], [bos_token_id]
    for number, document in enumerate(documents):
        for token in ([bos_token_id] if number else []) + document.tolist():
            row.append(token)
            if len(row) == context:
                rows.append(row)
                row = [bos_token_id]
    return torch.tensor(rows, dtype=torch.long).reshape(-1, context)


def by_unfold(documents, context, bos_token_id):
    ids = torch.tensor(joined(documents, bos_token_id))
    if len(ids) < context - 1:
        return torch.zeros(0, context, dtype=torch.long)
    pieces = ids.unfold(0, context - 1, context - 1)
    return torch.nn.functional.pad(pieces, (1, 0), value=bos_token_id)


def by_itertools(documents, context, bos_token_id):
    with_bos = ([bos_token_id, *document.tolist()] for document in documents)
    stream = itertools.islice(itertools.chain.from_iterable(with_bos), 1, None)
    rows = []
    while len(piece := list(itertools.islice(stream, context - 1))) == context - 1:
        rows.append([bos_token_id, *piece])
    return torch.tensor(rows, dtype=torch.long).view(len(rows), context)


EXERCISE = Exercise(
    id="08.pack_documents",
    title="Texts of all lengths as contexts of one length",
    reference=token_stream.pack_documents,
    minutes=10,
    difficulty=2,
    hints=(
        "First make one long list of tokens: all documents, a BOS between each and the next. "
        "`torch.cat` joins tensors; a BOS as a tensor is `torch.tensor([bos_token_id])`.",
        "Of each context, one place is taken by the BOS in front. So how long are the pieces that "
        "you cut? How many whole ones are there? (`//`) Cut off the rest before you reshape.",
        "`.view(n_contexts, context - 1)` makes the pieces rows. In front of them put a column: "
        "`torch.full((n_contexts, 1), bos_token_id)`, joined with `torch.cat([...], dim=1)`.",
    ),
    check=Check(
        draws.piles_of_documents,
        tested="seven piles of documents: long and short ones, one alone, too little for a context",
        observe=contexts_and_their_kind,
    ),
    mistakes=(
        Mistake(
            no_bos_in_front,
            "The contexts do not begin with BOS. Put one in front of each piece: then position 0 "
            "is the same everywhere, and can be left out.",
        ),
        Mistake(
            bos_at_beginnings_only,
            "BOS stands in front of documents, and pieces that begin inside one have none. Cut the "
            "joined documents into pieces of `context - 1`, and put a BOS in front of each piece.",
        ),
        Mistake(
            context_not_shortened,
            "You cut pieces of `context` tokens, and with BOS they are one too long.",
        ),
        Mistake(
            first_token_overwritten,
            "You wrote BOS over the first token of each piece, and that token is lost. Cut pieces "
            "that are one shorter, and put BOS in front.",
        ),
        Mistake(
            no_bos_between,
            "Nothing stands between two documents. The model would take the second for the first "
            "one's continuation: join them with a BOS.",
        ),
        Mistake(
            bos_before_the_first_document,
            "The first context begins with BOS twice. It gets one as every piece does; between "
            "documents means between.",
        ),
        Mistake(
            bos_after_the_last_document,
            "You put a BOS after the last document too. Between documents means between: now and "
            "then yours makes one context more.",
        ),
        Mistake(
            last_piece_padded,
            "You filled up the last piece with BOS. The model would be asked about tokens that "
            "nobody wrote: drop the last piece when it is too short.",
        ),
        Mistake(
            last_piece_padded_with_zeros,
            "You filled up the last piece with zeros. Token 0 means something, in GPT-2 an "
            "exclamation mark. Drop the last piece when it is too short.",
        ),
        Mistake(
            each_document_by_itself,
            "You cut each document by itself, so the end of every one is lost, and short ones "
            "altogether. Join first, then cut.",
        ),
        Mistake(
            beginnings_of_documents,
            "You kept one piece a document, its beginning. Join all documents, then cut the whole.",
        ),
        Mistake(
            last_whole_piece_dropped,
            "When the pieces come out even, you drop a whole one. Only a piece that is too short "
            "goes.",
        ),
        Mistake(
            bos_at_the_end,
            "BOS stands at the end of each context. A model reads from the left: it belongs in "
            "front.",
        ),
        Mistake(
            bos_always_zero,
            "`bos_token_id` has no effect: you took token 0. In GPT-2 BOS is number 50,256.",
        ),
        Mistake(
            one_long_list,
            "All numbers are there, in one long list. Make rows of them: [n_contexts, context].",
        ),
        Mistake(
            as_floats,
            "The tokens have become floats, and the model's embedding table takes whole numbers. "
            "`torch.empty` and `torch.zeros` make floats unless told `dtype=torch.long`.",
        ),
        Mistake(
            dealt_like_cards,
            "Neighbouring tokens are in different rows: you filled columns instead of rows. Each "
            "context must be running text.",
        ),
    ),
    alternatives=(in_a_loop, by_unfold, by_itertools),
    why="Every SAE on a language model is trained on contexts packed somehow; which way is part of "
    "what the SAE is, and published ones differ in it.",
)
