"""A whole run from a configuration: model, text, activations, training, evaluation, files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from saeedu import distributed
from saeedu.activation_cache import ActivationCache
from saeedu.activation_sources import ActivationSource
from saeedu.activations import collect_activations, pack_tokens
from saeedu.cache_writing import cache_activations
from saeedu.cached_source import CachedSource
from saeedu.language_model import LanguageModel, load_language_model
from saeedu.language_model_source import LanguageModelSource
from saeedu.metrics import evaluate_cross_entropy, evaluate_reconstruction
from saeedu.run_config import ConfigError, RunConfig
from saeedu.sae import SAE, build_sae, save_sae
from saeedu.text import Text, load_text
from saeedu.token_stream import TokenStream
from saeedu.training import train
from saeedu.wandb_report import wandb_report

CONFIG, EVALUATION, FINISHED = "config.json", "evaluation.json", "sae"


def run_training(config: RunConfig, resume: bool = False) -> dict[str, Any]:
    """Train an SAE as a configuration says, judge it on held-out text, and write it all down.

    The folder then holds config.json, metrics.jsonl, metrics.csv, checkpoints/, the finished SAE
    in sae/ (in SAELens' format) and evaluation.json.

    **Arguments:** `config`; `resume`, to go on with a run in the same folder when there is one.
    **Returns:** the evaluation, as evaluation.json has it.
    **Raises:** `ConfigError` for an SAE that cannot be built; `ModelUnavailableError`,
    `TextUnavailableError`, `CacheError`, `CheckpointError`, `TrainingDivergedError` and
    `ReportError` as the steps they belong to.
    """
    folder = Path(config.output.folder)
    with distributed.process_group():
        model = load_language_model(config.data.model)
        hook = config.data.hook or model.suggested_hook
        text = load_text(config.data.text, config.data.max_documents)
        seen, held_out = text.split(config.data.held_out, config.train.seed)
        sae = fresh_sae(config, model.hook_size(hook)).to(model.device)
        source = activation_source(config, model, seen, hook)
        first = distributed.rank() == 0
        if first:
            folder.mkdir(parents=True, exist_ok=True)
            values = json.dumps(config.to_dict(), indent=2) + "\n"
            if not (resume and (folder / CONFIG).exists()):
                (folder / CONFIG).write_text(values, "utf-8")
        output = config.output
        with wandb_report(
            output.wandb if first else "off",
            output.wandb_project,
            folder,
            config.to_dict(),
        ) as report:
            train(sae, source, config.train, folder, output.checkpoint_every, resume, report)
    if not first:
        return {}
    # The first process alone, and on its own: the others have gone.
    save_sae(sae, folder / FINISHED, model.name, hook, config.data.context, text.name)
    return _evaluate(config, model, sae, held_out, hook, folder / EVALUATION)


def fresh_sae(config: RunConfig, d_in: int) -> SAE:
    """The SAE of a configuration, untrained.

    **Raises:** `ConfigError` when the section sae does not describe one.
    """
    part = config.sae
    d_sae = part.expansion * d_in if part.d_sae is None else part.d_sae
    try:
        return build_sae(d_in, d_sae, part.sparsity, seed=part.seed, **part.settings)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"sae: {error}") from None


def activation_source(
    config: RunConfig, model: LanguageModel, text: Text, hook: str
) -> ActivationSource:
    """Where a configuration's activations come from: the model as it reads, or a disk cache."""
    part, seed = config.data, config.train.seed
    stream = TokenStream(model, text, part.context, endless=part.cache is None)
    if part.cache is None:
        return LanguageModelSource(
            model, stream, hook, part.buffer_size, part.contexts_per_batch, seed
        )
    if distributed.rank() == 0:
        cache_activations(
            model, stream, hook, part.cache, part.cached_tokens, part.contexts_per_batch
        )
    distributed.wait_for_all()
    return CachedSource(ActivationCache(part.cache), seed, part.buffer_size)


def _evaluate(
    config: RunConfig, model: LanguageModel, sae: SAE, text: Text, hook: str, file: Path
) -> dict[str, Any]:
    tokens = pack_tokens(model, text, config.data.context, config.data.held_out_tokens)
    held_out = collect_activations(model, tokens, hook)
    reconstruction = evaluate_reconstruction(sae, held_out.x)
    entropies = evaluate_cross_entropy(model, sae, tokens, hook)
    numbers = {
        "l0": reconstruction.l0,
        "explained_variance": reconstruction.explained_variance,
        "dead": reconstruction.dead,
        "cross_entropy_recovered": entropies.recovered,
        **{
            f"cross_entropy_{name}": getattr(entropies, name)
            for name in ("clean", "with_sae", "zero_ablated", "mean_ablated")
        },
    }
    written = {"hook": hook, "model": model.name, "n_tokens": len(held_out.x), **numbers}
    file.write_text(json.dumps(written, indent=2) + "\n", "utf-8")
    return written
