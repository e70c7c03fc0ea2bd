"""The `saeedu` command: argument parsing, exit codes, and no tracebacks."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from saeedu.commands.errors import CommandError, complain, os_error_sentence

COMMANDS = (
    "doctor",
    "start",
    "check",
    "progress",
    "hint",
    "solution",
    "exercises",
    "experiment",
    "train",
    "build",
)

BAD_INPUT = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `saeedu` and return its exit code.

    **Arguments:** `arguments`, those of the command line when not given.
    **Returns:** 0 when all is well; 1 when a check found something; 2 when asked for something
    impossible, in one sentence on standard error; 130 when interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without ✓ shows ? instead of failing
    parser = _parser()
    try:
        parsed = parser.parse_args(arguments)
    except SystemExit as stop:  # --help, or arguments that argparse has complained about
        return stop.code if isinstance(stop.code, int) else BAD_INPUT
    try:
        code: int = parsed.run(parsed)
        sys.stdout.flush()
        return code
    except CommandError as error:
        complain(f"saeedu {parsed.command}: {error}")
    except BrokenPipeError:  # `saeedu exercises | head` has read enough
        sys.stdout = None  # nor flush it at exit
        return 0
    except ModuleNotFoundError as error:
        if (error.name or "saeedu").startswith("saeedu"):
            raise  # a fault of ours, not a package that was left out
        complain(
            f"saeedu {parsed.command}: {error.name} is not installed; run pip install 'saeedu[lm]'"
        )
    except OSError as error:
        complain(f"saeedu {parsed.command}: {os_error_sentence(error)}")
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    return BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="saeedu", description="A course on sparse autoencoders, one notebook at a time."
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"saeedu.commands.{name}")
        sub = subparsers.add_parser(name, help=module.HELP, description=module.__doc__)
        module.add_arguments(sub)
        sub.set_defaults(run=module.run)
    return parser
