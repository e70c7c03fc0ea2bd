"""`saeedu train`: train an SAE on a language model's activations, as a file says."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from saeedu.commands.errors import CommandError, complain, say

HELP = "train an SAE on a language model, from a JSON or TOML file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "config", type=Path, nargs="?", help="a .toml or .json file; by default all defaults"
    )
    parser.add_argument("--folder", help="where to write, in place of the file's output.folder")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run in the folder, if there is one"
    )
    parser.add_argument(
        "--show", action="store_true", help="print the whole configuration as JSON, and stop"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command; exit code 1 when the training diverged."""
    from saeedu.run_config import ConfigError, RunConfig, read_config

    try:
        config = RunConfig() if arguments.config is None else read_config(arguments.config)
    except ConfigError as error:
        raise CommandError(str(error)) from error
    if arguments.folder is not None:
        output = dataclasses.replace(config.output, folder=arguments.folder)
        config = dataclasses.replace(config, output=output)
    if arguments.show:
        say(json.dumps(config.to_dict(), indent=2))
        return 0

    from saeedu import distributed
    from saeedu.activation_cache import CacheError
    from saeedu.checkpoints import CheckpointError
    from saeedu.model_sources import ModelUnavailableError
    from saeedu.run import run_training
    from saeedu.text import TextUnavailableError
    from saeedu.training import TrainingDivergedError
    from saeedu.wandb_report import ReportError

    try:
        evaluation = run_training(config, arguments.resume)
    except TrainingDivergedError as error:
        complain(f"saeedu train: {error}")
        return 1
    except (
        CacheError, CheckpointError, ConfigError, ModelUnavailableError, ReportError,
        TextUnavailableError, ValueError,
    ) as error:  # fmt: skip
        raise CommandError(str(error)) from error
    except KeyboardInterrupt:
        complain(
            f"saeedu train: interrupted. What {config.output.folder} holds is safe; the same "
            "command with --resume goes on from its newest checkpoint"
        )
        raise
    for name, value in evaluation.items():
        say(f"{name:>28}  {value:.4f}" if isinstance(value, float) else f"{name:>28}  {value}")
    if evaluation:
        say(f"wrote {config.output.folder}")
    distributed.leave()
    return 0
