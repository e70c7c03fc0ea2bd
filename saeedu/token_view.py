"""Tokens shaded by activation: HTML in a notebook, plain text elsewhere. Nothing is loaded.

It reads in a light theme and in a dark one: the shade lies behind the page's own text colour. And
it reads without colour: the token that a line is about stands in bold brackets.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from torch import Tensor

from saeedu.language_model import LanguageModel
from saeedu.top_contexts import OUTSIDE, Contexts

MOST_OPAQUE = 0.55
"""Behind black text or white text alike, amber at this opacity leaves the text readable."""
MONOSPACE = "font-family:var(--jp-code-font-family,monospace)"
LINE_STYLE = f"white-space:pre-wrap;{MONOSPACE};line-height:1.5"


class View:
    """Something to look at: it shows itself as HTML in a notebook and as text elsewhere."""

    def __init__(self, text: str, html_text: str) -> None:
        self.text = text
        self.html = html_text

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def token_span(token: str, activation: float, ceiling: float) -> str:
    """One token as HTML: its text as it stands, shaded by how strongly a latent is active on it.

    Whatever is in the text is shown, never obeyed: `<b>` appears as those three characters.

    **Arguments:** `token`, any text; `activation`, 0 or more; `ceiling`, above 0: what gets the
    deepest shade, as does anything above it.
    **Returns:** for an activation of 0 the escaped text alone. Otherwise
    `<span title="1.25" style="background:rgba(230,159,0,0.32)">text</span>`: the title holds the
    activation, the last number of the colour is 0.55 times its share of the ceiling, both with two
    decimals.
    """
    text = html.escape(token)
    if activation == 0:
        return text
    opacity = MOST_OPAQUE * min(activation / ceiling, 1)
    style = f"background:rgba(230,159,0,{opacity:.2f})"
    return f'<span title="{activation:.2f}" style="{style}">{text}</span>'


def token_view(tokens: Sequence[str], activations: Tensor, labels: Sequence[str] = ("",)) -> View:
    """A text with a line for each latent, every token shaded by how strongly it is active there.

    Each line is shaded against its own strongest activation, which stands in front of it.

    **Arguments:** `tokens`, n texts; `activations` [n, m], 0 or more, for m latents; `labels`, m
    names.
    **Returns:** a `View`.
    **Raises:** `ValueError` when the sizes do not fit.
    """
    if activations.shape != (len(tokens), len(labels)):
        raise ValueError(
            f"token_view: activations must be [tokens, labels] = [{len(tokens)}, {len(labels)}], "
            f"but they are {list(activations.shape)}"
        )
    lines, texts = [], []
    for label, column in zip(labels, activations.T.tolist(), strict=True):
        peak = max(range(len(tokens)), key=column.__getitem__) if tokens and any(column) else None
        strongest = max(column, default=0.0)
        lines.append(_line(f"{label} {strongest:.2f}".strip(), tokens, column, strongest, peak))
        texts.append(_plain(label, tokens, strongest, peak))
    return View("\n".join(texts), f'<div style="max-width:70em">{"".join(lines)}</div>')


def context_view(
    model: LanguageModel, examples: Contexts, latent: int, label: str = "", shown: int | None = None
) -> View:
    """The examples of one latent, a line each, shaded against the strongest of them.

    **Arguments:** `model`, for the tokens' texts; `examples`, such as `Reading.top`; `latent`, a
    row of them; `label`, a heading; `shown`, the most lines, by default all.
    **Returns:** a `View`. The example's own token stands in brackets, its activation in front.
    """
    values = examples.values[latent]
    exist = examples.positions[latent] != OUTSIDE
    ceiling = float(values.max()) if exist.any() else 0.0
    lines, texts = [], []
    for row in exist.nonzero()[:, 0].tolist()[:shown]:
        ids = examples.tokens[latent, row]
        inside = ids != OUTSIDE
        tokens = _token_texts(model, ids[inside])
        peak = int(inside[: examples.before].sum())
        column = examples.activations[latent, row][inside].tolist()
        lines.append(_line(f"{float(values[row]):.2f}", tokens, column, ceiling, peak))
        texts.append(_plain("", tokens, float(values[row]), peak))
    heading = f"<div><b>{html.escape(label)}</b></div>" if label else ""
    body = "".join(lines) or "<div>never active on this text</div>"
    return View(
        "\n".join([*([label] if label else []), *(texts or ["  never active on this text"])]),
        f'<div style="margin:0 0 .8em 0;max-width:70em">{heading}{body}</div>',
    )


def side_by_side(views: Sequence[View]) -> View:
    """Several views, one below the other, as one."""
    return View("\n\n".join(view.text for view in views), "".join(view.html for view in views))


def _token_texts(model: LanguageModel, ids: Tensor) -> list[str]:
    bos = model.bos_token_id
    texts = model.token_strings(ids)
    return ["⊢" if id_ == bos else text for id_, text in zip(ids.tolist(), texts, strict=True)]


def visible(token: str) -> str:
    """A token's text with line breaks and control characters as signs that take up room."""
    token = token.replace("\r", "␍").replace("\n", "⏎").replace("\t", "⇥")
    return "".join(c if c.isprintable() or c == " " else "�" for c in token)


def _line(
    label: str, tokens: Sequence[str], column: Sequence[float], ceiling: float, peak: int | None
) -> str:
    spans = [
        token_span(visible(token), activation, ceiling or 1.0)
        for token, activation in zip(tokens, column, strict=True)
    ]
    if peak is not None:
        spans[peak] = f"<b>[{spans[peak]}]</b>"
    return (
        f'<div style="{LINE_STYLE};display:flex;gap:.8em">'
        f'<span style="opacity:.75;min-width:4em;text-align:right">{html.escape(label)}</span>'
        f"<span>{''.join(spans)}</span></div>"
    )


def _plain(label: str, tokens: Sequence[str], value: float, peak: int | None) -> str:
    texts = [visible(token) for token in tokens]
    if peak is not None:
        texts[peak] = f"[{texts[peak]}]"
    return f"{label + ' ' if label else ''}{value:8.2f}  {''.join(texts)}"
