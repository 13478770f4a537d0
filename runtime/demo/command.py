"""The verb `demo`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from portraitlite.runtime.bundled import DEFAULT_MODEL
from portraitlite.runtime.console import native_stderr_silenced, print_json, say
from portraitlite.runtime.demo.engine import DemoEngine
from portraitlite.runtime.demo.guard import is_loopback
from portraitlite.runtime.demo.server import listen, prepare, serve
from portraitlite.runtime.options import Json, Model, Quiet, Threads

__all__ = ["demo", "register"]

DEFAULT_PORT = 7860


def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = DEFAULT_PORT,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Any other than this machine's own opens the page to others.")
    ] = "127.0.0.1",
    model: Model = DEFAULT_MODEL,
    threads: Threads = 1,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Open a local page: drop a photo, see mask, layers and portrait, compare models, download. Ctrl-C ends it."""
    with tempfile.TemporaryDirectory(prefix="portraitlite-demo-", ignore_cleanup_errors=True) as folder:
        prepare(Path(folder))
        with native_stderr_silenced(), listen(host, port) as (address, waiting):
            engine = DemoEngine(model, threads=threads)
            if not is_loopback(host):
                say(f"warning: everybody who reaches {host} can use this page; it asks for no password", quiet=quiet)
            if json:
                print_json({"url": address, "models": list(engine.models)})
            else:
                print(address)
            sys.stdout.flush()  # whoever reads it through a pipe is waiting
            say("Ctrl-C ends it and removes what was uploaded", quiet=quiet)
            serve(engine, waiting, loopback_only=is_loopback(host))


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("demo")(demo)
