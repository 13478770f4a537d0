"""The page's charts as SVG elements. Needs matplotlib."""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from portraitlite.benchmarks.report.inputs import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["class_bars", "confusion_chart", "history_chart", "scatter_chart", "shown_classes"]

COLOURS = ("#2563eb", "#ea580c", "#0d9488", "#be185d", "#7c3aed", "#64748b")
INK, DIM, LINE = "#0f172a", "#64748b", "#e2e8f0"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small and searchable
    "svg.hashsalt": "portraitlite",  # the same page from the same records
    "text.parse_math": False,  # a file name is no formula
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": DIM,
    "axes.edgecolor": LINE,
    "axes.axisbelow": True,
    "xtick.color": DIM,
    "ytick.color": DIM,
    "grid.color": LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
WIDTH = 8.6  # inches; the page shows them in its own width
TIERS = (8, -8, 36, -36)  # points beyond the interval's end where names stand: neighbours' would cover each other
MAX_NAME = 40  # characters of a name in a chart
LABELLED_CELLS = 12  # classes up to which the matrix has numbers
MAX_CELLS = 24  # classes that a matrix shows: beyond, nobody can read it
MAX_MOMENTS = 8  # runs named below the history


def scatter_chart(points: Sequence[Point], metric: str) -> str:
    """Accuracy with its interval over latency (over size where nothing is timed); a mark's area is the file's size."""
    timed = [point for point in points if point.latency_ms is not None]
    shown = sorted(timed or points, key=lambda point: point.latency_ms or point.size_bytes)
    largest = max(one.size_bytes for one in shown)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.grid(visible=True)
        for index, point in enumerate(shown):
            x = point.latency_ms if point.latency_ms is not None else point.size_bytes / 1e6
            value, colour = point.accuracy, COLOURS[index % len(COLOURS)]
            reach = [[max(0.0, value.value - value.low)], [max(0.0, value.high - value.value)]]
            axes.errorbar([x], [value.value], reach, color=colour, alpha=0.45, capsize=4)
            axes.scatter(x, value.value, s=60 + 400 * point.size_bytes / max(largest, 1), color=colour, alpha=0.8)
            offset = TIERS[index % len(TIERS)]
            axes.annotate(
                f"{_plain(point.name)}\n{point.size_bytes / 1e6:.2f} MB",
                (x, value.high if offset > 0 else value.low),
                (0, offset),
                textcoords="offset points",
                ha="center",
                va="bottom" if offset > 0 else "top",
                color=colour,
            )
        axes.set_xlabel("latency p50 in ms" if timed else "size in MB")
        axes.set_ylabel(metric)
        axes.margins(0.3, 0.45)

    return _svg(draw, f"{metric} over {'latency' if timed else 'size'}", WIDTH, 4.4)


def class_bars(values: Sequence[tuple[str, Mapping[str, float]]], metric: str) -> str:
    """Bars of every class, one colour a model: (model, class -> value in 0..1)."""
    classes = list(dict.fromkeys(name for _, rows in values for name in rows))

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.grid(visible=True, axis="x")
        thickness = 0.8 / len(values)
        for index, (model, rows) in enumerate(values):
            at = np.arange(len(classes)) + (index - (len(values) - 1) / 2) * thickness
            heights = [rows.get(name, 0.0) for name in classes]
            colour = COLOURS[index % len(COLOURS)]
            axes.barh(at, heights, thickness * 0.9, color=colour, label=_plain(model))
            if len(classes) <= LABELLED_CELLS:
                for row, height in zip(at, heights, strict=True):
                    axes.text(height + 0.008, row, f"{height:.3f}", va="center", fontsize=9, color=DIM)
        axes.set_yticks(range(len(classes)), [_plain(name) for name in classes], color=INK)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.08)
        axes.set_xticks(np.arange(0, 1.01, 0.2))
        axes.set_xlabel(metric)
        _legend(figure, axes)

    return _svg(draw, f"{metric} by class", WIDTH, 1.4 + len(classes) * max(0.32, 0.2 * len(values)))


def shown_classes(confusion: Sequence[Sequence[int]]) -> list[int]:
    """Indices of classes that occur; of many, those with the most wrong pixels."""
    matrix = np.array(confusion, np.float64)
    occurring = np.flatnonzero(matrix.sum(0) + matrix.sum(1))
    wrong = matrix.sum(0) + matrix.sum(1) - 2 * np.diag(matrix)
    return sorted(occurring[np.argsort(-wrong[occurring], kind="stable")][:MAX_CELLS].tolist())


def confusion_chart(confusion: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    """Share of every label's pixels by prediction, of `shown_classes`."""
    matrix = np.array(confusion, np.float64)
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    kept = shown_classes(confusion)
    shares, names = shares[np.ix_(kept, kept)], [_plain(labels[i], MAX_NAME // 2) for i in kept]

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor", color=INK)
        axes.set_yticks(range(len(names)), names, color=INK)
        axes.set_xlabel("predicted")
        axes.set_ylabel("label")
        if len(names) <= LABELLED_CELLS:
            for (row, column), share in np.ndenumerate(shares):
                colour = "white" if share > 0.5 else INK
                axes.text(column, row, f"{100 * share:.1f} %", ha="center", va="center", color=colour, fontsize=9)

    side = min(WIDTH, 2.4 + (0.75 if len(names) <= LABELLED_CELLS else 0.3) * len(names))
    return _svg(draw, "confusion matrix", side, side)


def history_chart(lines: Mapping[str, Sequence[tuple[str, float]]], metric: str) -> str:
    """The metric from run to run."""

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.grid(visible=True, axis="y")
        moments = sorted({moment for values in lines.values() for moment, _ in values})
        for index, (name, values) in enumerate(lines.items()):
            at = [moments.index(moment) for moment, _ in values]
            colour = COLOURS[index % len(COLOURS)]
            axes.plot(at, [value for _, value in values], "o-", color=colour, label=_plain(name, 2 * MAX_NAME))
        named = range(0, len(moments), -(-len(moments) // MAX_MOMENTS))
        axes.set_xticks(list(named), [_plain(moments[i][:16].replace("T", " ")).replace(" ", "\n") for i in named])
        axes.set_ylabel(metric)
        axes.margins(0.1, 0.3)
        axes.ticklabel_format(axis="y", useOffset=False)
        _legend(figure, axes)

    return _svg(draw, f"{metric} from run to run", WIDTH, 3.6)


def _legend(figure: Figure, axes: Axes) -> None:
    if len(axes.get_legend_handles_labels()[0]) > 1:
        figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=10)


def _plain(text: str, longest: int = MAX_NAME) -> str:
    """Names of others as one short line: no control characters, no halves of characters, no reversed writing."""
    kept = "".join(one if unicodedata.category(one)[0] != "C" else " " for one in text)
    return kept if len(kept) <= longest else f"{kept[: longest - 1]}…"


def _svg(draw: Callable[[Figure], None], title: str, width: float, height: float) -> str:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        # The reader's browser has the letters that matplotlib's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph")
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.patch.set_alpha(0)
        draw(figure)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    # Several charts share a page, where a name may stand once: names that nothing refers to go.
    used = set(re.findall(r"[\"(]#([\w-]+)", text))
    text = re.sub(r' id="([\w-]+)"', lambda found: found[0] if found[1] in used else "", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
