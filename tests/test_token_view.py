"""Tokens are shown and never obeyed, and nothing is loaded from anywhere."""

from __future__ import annotations

import html
import json
import re
import socket
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from saeedu.analysis import context_view, interactive_tokens, side_by_side, token_span, token_view
from saeedu.language_model import load_language_model
from saeedu.top_contexts import Contexts
from tests.lm_fixtures import make_model_folder

HOSTILE = ["</script>", "<img src=x onerror=alert(1)>", "&amp;", ' "q', "<!--", "\n", "\x1b[31m"]


class Page(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_markup_in_tokens_labels_and_titles_is_shown_as_it_stands() -> None:
    values = torch.rand(len(HOSTILE), 2, generator=torch.Generator().manual_seed(0))
    view = token_view(HOSTILE, values, ["<b>one</b>", "two"])
    page = Page(view.html)
    assert set(page.tags) <= {"div", "span", "b"}
    assert {name for name, _ in page.attributes} <= {"style", "title"}
    for shown in ("</script>", "<img src=x onerror=alert(1)>", "&amp;", "<!--", "<b>one</b>", "⏎"):
        assert shown in page.text
    assert "\x1b" not in view.html + view.text


def test_the_page_takes_its_colours_from_the_theme_and_loads_nothing() -> None:
    view = token_view(["a", "b"], torch.tensor([[1.0], [0.5]]), ["x"])
    assert "color:" not in view.html.replace("background-color:", "")
    assert not re.search(r"https?:|src=|url\(|@import", view.html)
    (first, _) = re.findall(r"rgba\(230,159,0,([\d.]+)\)", view.html)
    assert first == "0.55"


def test_the_peak_is_marked_without_colour() -> None:
    view = token_view([" a", " b", " c"], torch.tensor([[0.1], [3.0], [0.0]]), ["latent 4"])
    assert "[ b]" in Page(view.html).text
    assert "[ b]" in view.text
    assert "3.00" in view.text
    assert "<b>[" in view.html
    silent = token_view([" a"], torch.tensor([[0.0]]), ["latent 4"])
    assert "[" not in silent.text


def test_a_silent_token_is_escaped_and_an_active_one_never_deeper_than_the_ceiling() -> None:
    assert token_span("<i>", 0.0, 2.0) == "&lt;i&gt;"
    assert "0.55" in token_span("x", 9.0, 2.0)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[2, 1\]"):
        token_view(["a", "b"], torch.zeros(1, 2), ["x"])


def test_context_cards_show_examples_without_padding_and_say_when_there_are_none(
    tmp_path: Path,
) -> None:
    model = load_language_model(str(make_model_folder(tmp_path / "tiny")))
    ids = model.tokenize("The state")[:3]
    tokens = torch.full((2, 2, 4), -1)
    tokens[0, 0] = torch.tensor([-1, model.bos_token_id, *ids[:2]])
    examples = Contexts(
        torch.tensor([[2.5, 0.0], [0.0, 0.0]]),
        torch.tensor([[7, -1], [-1, -1]]),
        tokens,
        torch.zeros(2, 2, 4).index_put(
            (torch.tensor(0), torch.tensor(0), torch.tensor(2)), torch.tensor(2.5)
        ),
        before=2,
    )
    view = context_view(model, examples, 0, "latent 0")
    first, second = model.token_strings(ids[:2])
    assert f"⊢[{first}]{second}" in Page(view.html).text
    assert view.text.splitlines()[1].split() == ["2.50", *f"⊢[{first}]{second}".split()]
    empty = context_view(model, examples, 1, "latent 1")
    assert "never active" in empty.html
    assert "never active" in empty.text
    both = side_by_side([view, empty])
    assert view.html in both.html
    assert empty.text in both.text


def test_circuitsvis_is_given_escaped_tokens_and_its_own_copy_without_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("something reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    values = torch.rand(len(HOSTILE), 2, generator=torch.Generator().manual_seed(1))
    view = interactive_tokens(HOSTILE, values, ["one", "two"])
    assert "unpkg.com" not in view.html.split("CircuitsVis.ColoredTokensMulti")[-1]
    assert "import {" not in view.html
    assert view.html.count("</script>") == 1
    props = view.html.split("CircuitsVis.ColoredTokensMulti,")[1].split("</script>")[0]
    given = json.loads(props.strip().removesuffix(")").strip())
    assert [html.unescape(token) for token in given["tokens"]][:4] == HOSTILE[:4]
    assert not any("<" in token for token in given["tokens"])  # CircuitsVis sets them as HTML
    assert torch.allclose(torch.tensor(given["values"]), values)
    static = token_view(HOSTILE, values, ["one", "two"]).html
    assert view.html.startswith(static)
    element = view.html.removeprefix(static).split("<script")[0].strip()
    assert re.fullmatch(r"<div [^>]*></div>", element)
