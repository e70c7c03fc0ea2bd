from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import torch

from saeedu import token_stream
from saeedu.language_model import LanguageModel, load_language_model
from saeedu.streamed_text import stream_text
from saeedu.text import Text, TextUnavailableError
from saeedu.token_stream import BosPolicy, TokenStream, kept_positions, pack_documents
from tests.lm_fixtures import documents, make_model_folder

POLICIES: tuple[BosPolicy, ...] = ("every context", "documents")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    return load_language_model(str(make_model_folder(folder)), device="cpu")


@pytest.fixture
def stories() -> Text:
    return Text("stories", tuple(documents()))


def joined(model: LanguageModel, text: Text, passes: int, first_bos: bool) -> list[int]:
    """The whole text as one list, a BOS between documents: the oracle."""
    ids: list[int] = []
    for document in text.documents * passes:
        ids += [model.bos_token_id] * (first_bos or bool(ids)) + model.tokenize(document).tolist()
    return ids


@pytest.mark.parametrize("bos", POLICIES)
def test_no_token_is_lost_or_doubled_over_several_passes(
    model: LanguageModel, stories: Text, bos: BosPolicy
) -> None:
    stream = TokenStream(model, stories, context=8, bos=bos)
    width = 7 if bos == "every context" else 8
    expected = joined(model, stories, passes=3, first_bos=bos == "documents")
    n_contexts = len(expected) // width
    dealt = torch.cat([stream.next_contexts(n) for n in (1, 2, 50, n_contexts - 53)])
    assert dealt.shape == (n_contexts, 8)
    if bos == "every context":
        assert (dealt[:, 0] == model.bos_token_id).all()
        dealt = dealt[:, 1:]
    assert dealt.flatten().tolist() == expected[: n_contexts * width]


@pytest.mark.parametrize("bos", POLICIES)
def test_a_stream_of_one_pass_ends_and_stays_ended(
    model: LanguageModel, stories: Text, bos: BosPolicy
) -> None:
    width = 7 if bos == "every context" else 8
    n_contexts = len(joined(model, stories, 1, first_bos=bos == "documents")) // width
    stream = TokenStream(model, stories, 8, bos, endless=False)
    assert len(stream.next_contexts(n_contexts - 1)) == n_contexts - 1
    assert len(stream.next_contexts(5)) == 1
    for ended in (stream, TokenStream(model, stories, 8, bos, endless=False)):
        ended.restore(stream.state())
        assert ended.next_contexts(5).shape == (0, 8)


@pytest.mark.parametrize("bos", POLICIES)
@pytest.mark.parametrize("piece", [15, 200_000])
def test_a_restored_stream_goes_on_exactly_from_anywhere(
    model: LanguageModel,
    stories: Text,
    bos: BosPolicy,
    piece: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_stream, "PIECE", piece)
    stream = TokenStream(model, stories, 16, bos)
    states = [stream.state()]
    dealt = []
    for n in [3, 1, 1, 140, 2, 1, 1, 1, 190, 5]:
        dealt.append(stream.next_contexts(n))
        states.append(json.loads(json.dumps(stream.state())))
    assert states[-1]["epoch"] > 0
    for i, state in enumerate(states[:-1]):
        other = TokenStream(model, stories, 16, bos)
        other.next_contexts(2)
        other.restore(state)
        assert other.state() == state
        assert torch.equal(other.next_contexts(len(dealt[i])), dealt[i])
        assert other.state() == states[i + 1]


def test_a_long_document_is_cut_where_no_token_notices(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the tokenizer's own answer on the whole document."""
    awkward = (
        "Well...  two\n\nlines,\t tabs ; it's 12 345 o'clock — dogs’ \n Émile  ran \n\n\n off. "
    )
    text = Text("one", (awkward * 30,))
    monkeypatch.setattr(token_stream, "PIECE", 20)
    pieces: list[int] = []
    tokenize = model.tokenize
    monkeypatch.setattr(model, "tokenize", lambda part: pieces.append(len(part)) or tokenize(part))
    dealt = TokenStream(model, text, 8, endless=False).next_contexts(10_000)
    assert len(pieces) > 50
    assert max(pieces) < 150
    whole = tokenize(text.documents[0])
    assert dealt[:, 1:].flatten().tolist() == whole[: dealt.shape[0] * 7].tolist()


def test_the_state_stays_small(model: LanguageModel) -> None:
    text = Text("long", (" ".join(documents(200)),))
    stream = TokenStream(model, text, 32)
    stream.next_contexts(3)
    assert len(json.dumps(stream.state())) < 200


def test_a_text_that_changed_under_a_saved_state_is_refused(
    model: LanguageModel, stories: Text
) -> None:
    stream = TokenStream(model, stories, 8)
    stream.next_contexts(60)
    state = stream.state()
    number = state["document"]
    edited = list(stories.documents)
    edited[number] += " The end."
    for documents_then in (edited, edited[:number]):
        other = TokenStream(model, Text("stories", tuple(documents_then)), 8)
        with pytest.raises(TextUnavailableError, match=f"document {number} is not what it was"):
            other.restore(state)


def test_a_streamed_dataset_is_dealt_and_taken_up_as_text_in_memory_is(
    model: LanguageModel, stories: Text, tmp_path: Path
) -> None:
    table = pyarrow.table({"text": list(stories.documents)})
    pyarrow.parquet.write_table(table, tmp_path / "stories.parquet")
    streamed = TokenStream(model, stream_text(str(tmp_path / "stories.parquet")), 16)
    held = TokenStream(model, stories, 16)
    assert torch.equal(streamed.next_contexts(150), held.next_contexts(150))
    assert streamed.state() == held.state()
    other = TokenStream(model, stream_text(str(tmp_path / "stories.parquet")), 16)
    other.restore(held.state())
    assert torch.equal(other.next_contexts(150), held.next_contexts(150))
    assert held.state()["epoch"] == 1


class BreaksOnce:
    """A text whose third document cannot be read the first time."""

    name = "a stream"

    def __init__(self, error: type[BaseException]) -> None:
        self.error: type[BaseException] | None = error

    def read(self, start: int) -> Iterator[str]:
        for i, document in enumerate(documents(5)[start:], start):
            if i == 2 and self.error:
                error, self.error = self.error, None
                raise error("broke off")
            yield document

    def fingerprint(self) -> str:
        return "0"


@pytest.mark.parametrize("error", [TextUnavailableError, KeyboardInterrupt])
def test_a_stream_that_broke_off_goes_on_where_it_was(
    model: LanguageModel, error: type[BaseException]
) -> None:
    whole = TokenStream(model, Text("whole", tuple(documents(5))), 16)
    stream = TokenStream(model, BreaksOnce(error), 16)
    assert torch.equal(stream.next_contexts(2), whole.next_contexts(2))
    before = stream.state()
    with pytest.raises(error, match="broke off"):
        stream.next_contexts(1000)
    assert stream.state() == before
    assert torch.equal(stream.next_contexts(50), whole.next_contexts(50))


def test_an_endless_stream_of_nothing_is_an_error_and_no_endless_loop(
    model: LanguageModel,
) -> None:
    with pytest.raises(TextUnavailableError, match="nothing is empty"):
        TokenStream(model, Text("nothing", ()), 8).next_contexts(1)


def test_what_the_model_cannot_take_is_refused(model: LanguageModel, stories: Text) -> None:
    with pytest.raises(ValueError, match="context is 33, but tiny takes 2 to 32"):
        TokenStream(model, stories, 33)
    with pytest.raises(ValueError, match="bos is 'never', must be one of"):
        TokenStream(model, stories, 8, bos="never")  # type: ignore[arg-type]


def test_first_positions_and_bos_are_left_out_and_nothing_else() -> None:
    tokens = torch.tensor([[0, 5, 0, 6], [7, 8, 9, 0]])
    assert kept_positions(tokens, bos_token_id=0).tolist() == [
        [False, True, False, True],
        [False, True, True, False],
    ]


def test_the_identity_tells_texts_contexts_and_policies_apart(
    model: LanguageModel, stories: Text
) -> None:
    identity = TokenStream(model, stories, 8).identity()
    assert json.loads(json.dumps(identity)) == identity
    changed = {
        "context": TokenStream(model, stories, 9),
        "bos": TokenStream(model, stories, 8, "documents"),
        "text_fingerprint": TokenStream(model, Text("stories", stories.documents[1:]), 8),
        "text": TokenStream(model, Text("tales", stories.documents), 8),
    }
    for name, stream in changed.items():
        other = stream.identity()
        assert [key for key in identity if identity[key] != other[key]] == [name]


def test_documents_in_memory_are_packed_as_the_stream_packs_texts(model: LanguageModel) -> None:
    text = Text("made up", tuple(documents(7)))
    streamed = TokenStream(model, text, context=11, endless=False).next_contexts(10_000)
    tokens = [model.tokenize(document) for document in text.documents]
    assert len(streamed) > 20
    assert torch.equal(pack_documents(tokens, 11, model.bos_token_id), streamed)
