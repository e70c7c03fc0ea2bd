"""A tiny GPT-2 with random weights, laid out on disk as the Hugging Face hub's cache lays it out.

Everything a user's load goes through is real: the folder, the files, the tokenizer. Only the
weights are small.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, GPT2TokenizerFast

N_LAYERS, D_MODEL, CONTEXT, VOCABULARY = 3, 16, 32, 300
SENTENCES = (
    "The state of the union is strong, and the people know it well.",
    "Once upon a time there was a little dog who liked to run in the park.",
    "We choose to do these things, not because they are easy, but because they are hard.",
    "A model reads one token after another and guesses what the next one will be.",
)


def documents(n: int = 12) -> list[str]:
    """Texts that differ, long enough to be cut into several contexts."""
    return [" ".join(f"{SENTENCES[(i + j) % 4]} Note {i} {j}." for j in range(6)) for i in range(n)]


def make_model_folder(
    folder: Path, seed: int = 0, n_layers: int = N_LAYERS, context: int = CONTEXT
) -> Path:
    """Save a tiny random GPT-2 and a tokenizer trained on `SENTENCES`, as from_pretrained wants."""
    folder.mkdir(parents=True)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents(), trainer)
    special = {f"{kind}_token": "<|endoftext|>" for kind in ("bos", "eos", "unk")}
    GPT2TokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=tokenizer.get_vocab_size(),
        n_positions=context,
        n_embd=D_MODEL,
        n_layer=n_layers,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
        initializer_range=0.4,  # far from linear, so that every block matters
    )
    model = GPT2LMHeadModel(config)
    with torch.no_grad():  # as after training: no bias at zero, no norm at one
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "ln_" in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return folder


def make_hub_cache(
    cache: Path, repo: str = "openai-community/gpt2", context: int = CONTEXT
) -> Path:
    """Put a tiny GPT-2 where the hub's cache would have `repo`; the snapshot's folder."""
    storage = cache / f"models--{repo.replace('/', '--')}"
    revision = "607a30d783dfa663caf39e06633721c8d4cfcd7e"
    (storage / "refs").mkdir(parents=True)
    (storage / "refs" / "main").write_text(revision)
    return make_model_folder(storage / "snapshots" / revision, context=context)
