"""A profile as a table (CSV), a document (JSON) or a picture (PNG)."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from portraitlite.benchmarks.profile import Profile
from portraitlite.benchmarks.record import write_document
from portraitlite.runtime.errors import InputError, MissingDependencyError

__all__ = ["check_suffix", "save_profile"]

SUFFIXES = (".csv", ".json", ".png")
BARS = 30
COLOURS = {True: "#2b7a9b", False: "#c8553d"}  # inside a delegated partition, or alone


def check_suffix(path: Path) -> None:
    """Refuse what could not be written after minutes of measuring.

    Raises:
        InputError: another suffix.
        MissingDependencyError: a picture without matplotlib.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path} is no kind of profile; give a name that ends in {', '.join(SUFFIXES)}")
    if path.suffix.lower() == ".png":
        _matplotlib()


def save_profile(path: Path, profile: Profile, *, force: bool = False) -> None:
    """Write by suffix, whole or not at all.

    Raises:
        InputError: another suffix, or the file cannot be written.
        MissingDependencyError: a picture without matplotlib.
    """
    from portraitlite.runtime.save import write_atomically

    check_suffix(path)
    if path.suffix.lower() == ".json":
        write_document(path, profile.to_dict(), force=force)
    else:
        write_atomically(path, _csv(profile) if path.suffix.lower() == ".csv" else _png(profile), force=force)


def _csv(profile: Profile) -> bytes:
    """One row for each op in the order they ran."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["position", "op", "partition", "layer_index", "layer", "mean_ms", "share"])
    for position, op in enumerate(profile.ops):
        partition = "" if op.partition is None else op.partition
        layer = ["", ""] if op.layer is None else [op.layer_index, op.layer]
        writer.writerow([position, op.op, partition, *layer, f"{op.mean_ms:.4f}", f"{profile.share(op.mean_ms):.6f}"])
    return text.getvalue().encode()


def _png(profile: Profile) -> bytes:
    """Dearest ops in the order they ran, one bar each, and the sum of the others."""
    _matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    dearest = sorted(range(len(profile.ops)), key=lambda i: -profile.ops[i].mean_ms)[:BARS]
    names, times, colours = [], [], []
    for position in sorted(dearest):
        op = profile.ops[position]
        names.append(f"{_end(op.layer or f'operator {position}')}  {_plain(op.op)}")
        times.append(op.mean_ms)
        colours.append(COLOURS[op.partition is not None])
    others_ms = profile.ops_ms - sum(times)
    if len(profile.ops) > BARS:
        names.append(f"{len(profile.ops) - BARS} others")
        times.append(others_ms)
        colours.append("#999999")
    figure = Figure(figsize=(11, 1.6 + 0.24 * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    bars = axes.barh(range(len(names)), times, color=colours)
    axes.bar_label(bars, [f"{time_ms:.2f}" for time_ms in times], padding=2, fontsize=7)
    # Names in a file may hold what matplotlib takes for a formula.
    axes.set_yticks(range(len(names)), names, fontsize=7, fontfamily="monospace", parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.margins(x=0.08)
    axes.set_xlabel("ms")
    axes.set_title(
        f"{profile.model_name}, {profile.threads} thread{'s' * (profile.threads > 1)}: ops together "
        f"{profile.ops_ms:.2f} ms, a plain run {profile.plain_ms:.2f} ms",
        fontsize=10,
        parse_math=False,
    )
    label = f"in XNNPACK ({profile.partitions} partition{'s' * (profile.partitions != 1)})"
    axes.legend(handles=[Patch(color=COLOURS[True], label=label), Patch(color=COLOURS[False], label="CPU kernels")])
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=120)
    return stream.getvalue()


def _end(text: str, length: int = 48) -> str:
    return text if len(text) <= length else f"...{text[3 - length :]}"


def _plain(op: str) -> str:
    """Without the layout and types that XNNPACK adds."""
    return re.sub(r" *\([^)]*\)", "", op)


def _matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError("a picture needs matplotlib; pip install 'portraitlite[report]'") from error
