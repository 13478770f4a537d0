"""Run records -> the page. Needs the extra `report`."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

from portraitlite.benchmarks.accuracy.record import AccuracyRecord, ModelScores, PhotoScore
from portraitlite.benchmarks.report.inputs import Inputs
from portraitlite.runtime.errors import MissingDependencyError

__all__ = ["render_page"]

TEMPLATE = Path(__file__).parent / "page.html"
WORST = 8
ORDER_BY = ("agreement", "subject_iou", "pixel_accuracy")  # the first that a photo has


@dataclasses.dataclass(frozen=True)
class _Confusion:
    """The matrix of one model: how many classes it shows, and its chart."""

    model: str
    shown: int
    chart: str


@dataclasses.dataclass(frozen=True)
class _Worst:
    """The photos that one model does worst on, by which figure, and all figures that they have."""

    model: str
    order: str
    figures: tuple[str, ...]
    photos: tuple[PhotoScore, ...]


@dataclasses.dataclass(frozen=True)
class _Evaluation:
    """One evaluation as the template wants it; `compared` are the metrics with a difference from the reference."""

    record: AccuracyRecord
    title: str
    models: tuple[ModelScores, ...]
    metrics: tuple[str, ...]
    compared: frozenset[str]
    bars: str
    confusions: tuple[_Confusion, ...]
    worst: tuple[_Worst, ...]


def render_page(inputs: Inputs) -> str:
    """HTML that needs nothing beside itself: styles, charts and pictures are inside, scripts there are none.

    Raises:
        MissingDependencyError: matplotlib or jinja2 is not installed.
    """
    for package in ("matplotlib", "jinja2"):
        if importlib.util.find_spec(package) is None:
            raise MissingDependencyError(f"reports need {package}; pip install 'portraitlite[report]'")
    import jinja2
    from markupsafe import Markup

    from portraitlite.benchmarks.report.charts import history_chart, scatter_chart

    headline = _headline(inputs)
    points, lines = inputs.points(headline), inputs.history(headline)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    # matplotlib escapes what it draws; nothing else goes into the page as it is.
    environment.filters["chart"] = Markup
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        accuracy=inputs.accuracy,
        latency=inputs.latency,
        timed=inputs.timed(),
        pictures=inputs.pictures,
        headline=headline,
        points=points,
        scatter=scatter_chart(points, headline) if points else "",
        history=history_chart(lines, headline) if lines else "",
        evaluations=[_evaluation(record) for record in _latest(inputs.accuracy)],
    )


def _headline(inputs: Inputs) -> str:
    """The metric that models are compared by: mean IoU of several classes, else the subject's IoU."""
    if not inputs.accuracy:
        return ""
    newest = inputs.accuracy[-1]
    if len(newest.dataset.labels) == 2 and "subject_iou" in newest.models[0].figures:
        return "subject_iou"
    return "mean_iou"


def _latest(records: tuple[AccuracyRecord, ...]) -> list[AccuracyRecord]:
    """The newest evaluation of each data set and set of models; older ones are history."""
    newest = {
        (one.dataset.name, one.dataset.split, tuple(scores.model.name for scores in one.models)): one for one in records
    }
    return sorted(newest.values(), key=lambda record: record.created, reverse=True)


def _evaluation(record: AccuracyRecord) -> _Evaluation:
    from portraitlite.benchmarks.report.charts import class_bars, confusion_chart, shown_classes

    models = (*record.models, *([record.reference] if record.reference else []))
    return _Evaluation(
        record,
        f"{_names(record)} on {record.dataset.name}",
        models,
        tuple(dict.fromkeys(name for scores in models for name in scores.figures)),
        frozenset(name for scores in models for name in scores.differences),
        class_bars([(scores.model.name, scores.per_class.get("iou", {})) for scores in models], "IoU"),
        tuple(
            _Confusion(
                one.model.name,
                len(shown_classes(one.confusion)),
                confusion_chart(one.confusion, record.dataset.labels),
            )
            for one in record.models
        ),
        tuple(_worst(scores) for scores in record.models),
    )


def _names(record: AccuracyRecord) -> str:
    names = [scores.model.name.removesuffix(".tflite") for scores in record.models]
    return " and ".join(names) if len(names) <= 2 else f"{len(names)} models"


def _worst(scores: ModelScores) -> _Worst:
    order = next((name for name in ORDER_BY if any(name in photo.figures for photo in scores.photos)), ORDER_BY[-1])
    judged = [photo for photo in scores.photos if order in photo.figures]
    photos = tuple(sorted(judged, key=lambda photo: photo.figures[order])[:WORST])
    figures = dict.fromkeys([order, *(name for photo in photos for name in photo.figures)])
    return _Worst(scores.model.name, order, tuple(figures), photos)
