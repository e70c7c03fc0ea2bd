"""Exercise 10.token_span: a token as HTML, shown and never obeyed."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import html
import re
from typing import Any

from saeedu import token_view
from saeedu.course.ch10_reading_features import draws
from saeedu.course.ch10_reading_features.page import Page
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake


def as_a_browser_reads_it(implementation: Implementation, call: Call) -> Any:
    """What is seen, not how it was written: quotes and spaces may differ."""
    result = implementation(*call.args)
    if not isinstance(result, str):
        return result
    page = Page()
    page.feed(result)
    page.close()
    return {
        "elements": " ".join(page.elements) or "none",
        "visible text": page.text,
        "title": page.title,
        "opacity": page.opacity,
    }


def span(text, activation, opacity):
    style = f"background:rgba(230,159,0,{opacity:.2f})"
    return f'<span title="{activation:.2f}" style="{style}">{text}</span>'


def share(activation, ceiling):
    return min(activation / ceiling, 1)


def not_escaped(token, activation, ceiling):
    if activation == 0:
        return token
    return span(token, activation, 0.55 * share(activation, ceiling))


def silent_token_not_escaped(token, activation, ceiling):
    if activation == 0:
        return token
    return span(html.escape(token), activation, 0.55 * share(activation, ceiling))


def ampersand_forgotten(token, activation, ceiling):
    text = token.replace("<", "&lt;").replace(">", "&gt;")
    return span(text, activation, 0.55 * share(activation, ceiling)) if activation else text


def ampersand_last(token, activation, ceiling):
    text = token.replace("<", "&lt;").replace(">", "&gt;").replace("&", "&amp;")
    return span(text, activation, 0.55 * share(activation, ceiling)) if activation else text


def escaped_twice(token, activation, ceiling):
    text = html.escape(html.escape(token))
    return span(text, activation, 0.55 * share(activation, ceiling)) if activation else text


def tags_cut_out(token, activation, ceiling):
    text = html.escape(re.sub(r"<[^>]*>", "", token))
    return span(text, activation, 0.55 * share(activation, ceiling)) if activation else text


def the_whole_escaped(token, activation, ceiling):
    if activation == 0:
        return html.escape(token)
    return html.escape(span(token, activation, 0.55 * share(activation, ceiling)))


def above_the_ceiling(token, activation, ceiling):
    text = html.escape(token)
    return span(text, activation, 0.55 * activation / ceiling) if activation else text


def opaque(token, activation, ceiling):
    text = html.escape(token)
    return span(text, activation, share(activation, ceiling)) if activation else text


def by_the_activation_itself(token, activation, ceiling):
    text = html.escape(token)
    return span(text, activation, min(0.55 * activation, 0.55)) if activation else text


def silent_token_shaded(token, activation, ceiling):
    return span(html.escape(token), activation, 0.55 * share(activation, ceiling))


def stripped(token, activation, ceiling):
    return token_view.token_span(token.strip(), activation, ceiling)


def share_in_the_title(token, activation, ceiling):
    text = html.escape(token)
    part = share(activation, ceiling)
    return span(text, part, 0.55 * part) if activation else text


def token_in_the_title(token, activation, ceiling):
    if activation == 0:
        return html.escape(token)
    text = html.escape(token)
    style = f"background:rgba(230,159,0,{0.55 * share(activation, ceiling):.2f})"
    return f'<span title="{text}" style="{style}">{text}</span>'


def letters_fade(token, activation, ceiling):
    text = html.escape(token)
    style = f"opacity:{0.55 * share(activation, ceiling):.2f}"
    return f'<span title="{activation:.2f}" style="{style}">{text}</span>' if activation else text


def rounded_to_one_decimal(token, activation, ceiling):
    text = html.escape(token)
    opacity = round(0.55 * share(activation, ceiling), 1)
    return span(text, activation, opacity) if activation else text


def by_replacing(token, activation, ceiling):
    text = token.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if not activation:
        return text
    opacity = 0.55 * activation / ceiling if activation < ceiling else 0.55
    return (
        f"<span style='background-color: rgba(230, 159, 0, {opacity:.2f})' "
        f"title='{activation:.2f}'>{text}</span>"
    )


def character_by_character(token, activation, ceiling):
    text = "".join(f"&#{ord(character)};" for character in token)
    if activation <= 0:
        return text
    opacity = round(min(activation, ceiling) * 0.55 / ceiling, 2)
    return (
        f'<span title="{round(activation, 2):.2f}" '
        f'style="background:rgba(230,159,0,{opacity})">{text}</span>'
    )


def with_an_element_tree(token, activation, ceiling):
    from xml.etree import ElementTree

    element = ElementTree.Element("span")
    element.text = token
    if activation == 0:
        return html.escape(token)
    element.set("title", format(activation, ".2f"))
    alpha = min(0.55, 0.55 * activation / ceiling)
    element.set("style", f"background:rgba(230,159,0,{alpha:.2f})")
    return ElementTree.tostring(element, encoding="unicode")


EXERCISE = Exercise(
    id="10.token_span",
    title="Shown, never obeyed",
    reference=token_view.token_span,
    minutes=10,
    difficulty=2,
    hints=(
        "A token is text that somebody else wrote. What does a browser do when that text is "
        "`<script>`? Which characters must it not meet as they are?",
        "`html.escape` from the standard library, on the token alone, before anything is put "
        "around it, and only once.",
        "The share is `activation / ceiling`, but never above 1; times 0.55. `f'{number:.2f}'` "
        "writes two decimals. And with an activation of 0: no span, but escape all the same.",
    ),
    check=Check(
        draws.shaded_tokens,
        tested="tokens that are markup, quotes and entities; silent, active, above the ceiling; "
        "as a browser would read them",
        observe=as_a_browser_reads_it,
        rtol=1e-3,
    ),
    mistakes=(
        Mistake(
            not_escaped,
            "The token's text is obeyed: a token `<b>` turns the rest of the page bold, and "
            "`<script>` runs. Escape it: `html.escape`.",
        ),
        Mistake(
            silent_token_not_escaped,
            "A token with activation 0 is not escaped. Markup is obeyed whether a latent fires on "
            "it or not.",
        ),
        Mistake(
            ampersand_forgotten,
            "`&` is not escaped: the five characters `&amp;` would be seen as one.",
        ),
        Mistake(
            ampersand_last,
            "You escape `&` last, and with it the `&` of your own `&lt;`. It has to be the first.",
        ),
        Mistake(escaped_twice, "You escape twice, so that readers see `&lt;` where `<` stood."),
        Mistake(
            tags_cut_out,
            "You cut tags out. Then a reader of code never learns what the latent fires on.",
        ),
        Mistake(
            the_whole_escaped,
            "You escape the finished span, your own tags with it. Foreign is the token's text.",
        ),
        Mistake(
            above_the_ceiling,
            "Above the ceiling your shade goes on growing, until the text cannot be read. At most "
            "0.55.",
        ),
        Mistake(
            opaque,
            "The deepest shade is fully opaque: in a dark theme white text stands on amber. Times "
            "0.55.",
        ),
        Mistake(
            by_the_activation_itself,
            "The shade does not depend on `ceiling`. It is the *share* of the ceiling that counts.",
        ),
        Mistake(
            silent_token_shaded,
            "A token on which the latent is silent gets no span: it would only make pages longer.",
        ),
        Mistake(
            stripped,
            "You strip spaces. In most tokenizers the space before a word is part of its token, "
            "and without it words run together.",
        ),
        Mistake(
            share_in_the_title,
            "The title holds the share of the ceiling. It should hold the activation.",
        ),
        Mistake(token_in_the_title, "The title holds the token. It should hold the activation."),
        Mistake(
            letters_fade,
            "You make the text itself transparent. Shade what lies behind it: `background`.",
        ),
        Mistake(rounded_to_one_decimal, "One decimal gives six shades. Write two."),
    ),
    alternatives=(by_replacing, character_by_character, with_an_element_tree),
    why="Text from the web is full of markup. Every feature browser has to pass through here.",
)
