"""The stand-in's own tokenizer: byte-level BPE in GPT-2's style, learned from the stories."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from scripts.standin.corpus import SEPARATOR, Tokens


def train_tokenizer(stories: Sequence[str], vocabulary: int) -> Tokenizer:
    """Learn a byte-level BPE. Every text can be encoded: all 256 bytes are tokens.

    **Arguments:** `stories` to learn from; `vocabulary`, the most entries, 257 or more.
    **Returns:** a tokenizer whose token 0 is `<|endoftext|>`.
    **Source:** Sennrich et al. (2016); byte-level as in GPT-2 (Radford et al. 2019).
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[SEPARATOR],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(stories, trainer)
    return tokenizer


def encode_stories(tokenizer: Tokenizer, stories: Sequence[str]) -> list[Tokens]:
    """Turn every story into token ids, without BOS.

    **Arguments:** `tokenizer`; `stories`.
    **Returns:** one array of integers a story.
    """
    encodings = tokenizer.encode_batch(list(stories), add_special_tokens=False)
    return [np.array(encoding.ids, dtype=np.int64) for encoding in encodings]


def save_tokenizer(tokenizer: Tokenizer, folder: Path, context: int) -> None:
    """Write the two files that transformers needs to load a tokenizer from a folder.

    The second is written by hand, because what `save_pretrained` writes there differs between
    transformers 4 and 5 and neither reads all of the other's.

    **Arguments:** `tokenizer`; `folder`, which exists; `context`, the model's.
    """
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    settings = {
        "add_prefix_space": False,
        "bos_token": SEPARATOR,
        "clean_up_tokenization_spaces": False,
        "eos_token": SEPARATOR,
        "model_input_names": ["input_ids", "attention_mask"],  # GPT-2 would add token types up
        "model_max_length": context,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": SEPARATOR,
    }
    text = json.dumps(settings, indent=2) + "\n"
    (folder / "tokenizer_config.json").write_text(text, encoding="utf-8")
