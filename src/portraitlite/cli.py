"""The `portraitlite` command: the verbs of the four parts, and errors as one line and an exit code."""

from __future__ import annotations

import importlib
import sys
from typing import Annotated

import typer

import portraitlite
from portraitlite.runtime.errors import PortraitLiteError

__all__ = ["app", "main"]

# Each part owns its verbs; their heavy imports wait until a verb runs.
COMMAND_MODULES = (
    "portraitlite.convert.commands",
    "portraitlite.convert.zoo.commands",
    "portraitlite.convert.inspect.commands",
    "portraitlite.convert.training.commands",
    "portraitlite.runtime.commands",
    "portraitlite.runtime.layers.command",
    "portraitlite.runtime.video.command",
    "portraitlite.runtime.demo.command",
    "portraitlite.benchmarks.commands",
    "portraitlite.benchmarks.compare_command",
    "portraitlite.benchmarks.parity_command",
    "portraitlite.benchmarks.accuracy.command",
    "portraitlite.benchmarks.gate.command",
    "portraitlite.benchmarks.report.command",
    "portraitlite.android_harness.build_command",
    "portraitlite.android_harness.doctor_command",
)

app = typer.Typer(
    name="portraitlite",
    help="Convert DeepLab-v3+ to TFLite, blur portraits with it, and measure both.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"portraitlite {portraitlite.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Convert DeepLab-v3+ to TFLite, blur portraits with it, and measure both."""


for _name in COMMAND_MODULES:
    importlib.import_module(_name).register(app)


def main() -> None:
    """Entry point.

    Exit codes: 0 fine, 1 a check failed or there was nothing to do, 2 bad input or usage, 3 something is missing.
    """
    try:
        app()
    except PortraitLiteError as error:
        print(f"portraitlite: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("portraitlite: interrupted; no half-written output was left", file=sys.stderr)
        sys.exit(130)
    except MemoryError:
        print("portraitlite: out of memory; use a smaller picture or model", file=sys.stderr)
        sys.exit(2)
