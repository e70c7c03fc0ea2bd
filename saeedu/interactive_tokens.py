"""The one place where CircuitsVis is used: a text, and several latents to hover through."""

from __future__ import annotations

import html
from collections.abc import Sequence

from torch import Tensor

from saeedu.token_view import View, token_view, visible


def interactive_tokens(tokens: Sequence[str], activations: Tensor, labels: Sequence[str]) -> View:
    """Several latents on one text: the static lines, and below them CircuitsVis to hover through.

    CircuitsVis shows one latent at a time, and all values of the token under the mouse. It needs
    JavaScript and a trusted notebook, and adds about 1.3 MB to a saved one; the static lines need
    nothing. Neither loads anything from the network.

    **Arguments:** `tokens`, n texts; `activations` [n, m], for m latents; `labels`, m names.
    **Returns:** a `View`.
    **Raises:** `ValueError` when the sizes do not fit.
    **Source:** Cooney and Nanda, CircuitsVis.
    """
    static = token_view(tokens, activations, labels)
    from circuitsvis.tokens import colored_tokens_multi
    from circuitsvis.utils.convert_props import convert_props

    values, names = activations.detach().cpu().float(), list(labels)
    shown = [html.escape(visible(token)) for token in tokens]  # it sets them as HTML
    # The bundled copy of its JavaScript: by itself it would ask google.com whether there is a
    # network, and then load it from a server.
    page = colored_tokens_multi(shown, values, names).local_src
    props = convert_props({"tokens": shown, "values": values, "labels": names})
    if props not in page:
        raise RuntimeError(
            "interactive_tokens does not know this version of circuitsvis: install 1.43, or use "
            "token_view"
        )
    # A label "</script>" would end the script: CircuitsVis does not escape it.
    page = page.replace(props, props.replace("<", "\\u003c"))
    # Its empty element is never closed, and would swallow what stands after it.
    page = page.replace('"/>', '"></div>', 1)
    return View(static.text, static.html + page)
