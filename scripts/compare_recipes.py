"""Hold recipes and engines against the float file on photos that none of them was calibrated on.

    python scripts/compare_recipes.py SOURCE --data DATA --calibrate calibration --judge A B
    python scripts/compare_recipes.py SOURCE --data DATA --calibrate calibration --judge A --rows int8 mixed@Conv,e.*_1

Lists are files of scripts/photos, with paths relative to DATA. Every row is a file made by `convert`: the recipe and,
where they are given, `:engine`, `:updates`, `+kernels` (`--learn-kernels`) and `@` what stays float (`@auto`: `--mixed
auto`). Labels are the argmax of
scores at network size; equal is the share that is the float file's, mean over photos and worst photo; mIoU is that of
the float file's labels, pooled over photos. With `--confidence person` the label is confidence >= 0.5, and the mask's
IoU follows, mean over photos with a subject and worst photo. Size and latency are relative to the first row; for
latency the two files take turns in one run, with one thread. Files that take more than a second are judged on the first
photos of each list only.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.benchmarks.gate.latency_ratio import latency_ratio
from portraitlite.convert.infer import SpecFlags
from portraitlite.convert.options import ConvertOptions, FloatPart
from portraitlite.convert.pipeline import convert
from portraitlite.convert.quantization import CALIBRATED, Engine, best_engine
from portraitlite.convert.quantization.float_part import default_float_ops, float_ops, float_share
from portraitlite.convert.quantization.graph import FloatGraph
from portraitlite.convert.types import Recipe
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.errors import PortraitLiteError
from portraitlite.runtime.metadata import read_metadata
from portraitlite.runtime.network_input import fit_photo, input_tensor
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.types import Fit, OutputKind

LISTS = Path(__file__).parent / "photos"
ROWS = [
    "int8:tflite-converter",
    "int8",
    "mixed",
    "mixed@auto",
    "int8:litert-quantizer:0",
    "dynamic_wi8",
    "dynamic_wi8:litert-quantizer",
    "fp16",
    "int16x8",
]
ROW = re.compile(r"(?P<recipe>\w+)(:(?P<engine>[\w-]+))?(:(?P<updates>\d+)(?P<kernels>\+kernels)?)?(@(?P<layers>.+))?")
SLOW_SECONDS, SLOW_PHOTOS, SLOW_RUNS = 1.0, 4, 2
LEAST_SUBJECT = 0.005  # of the picture: the IoU of less is luck
Labels = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Case:
    """What all rows share."""

    source: str
    calibration: Path
    judge: dict[str, list[Path]]
    subject: str | None
    flags: SpecFlags


def labels(model: bytes, photos: list[Path]) -> Labels:
    """[photos, h, w] winning classes."""
    metadata = read_metadata(model)
    assert metadata is not None
    runner = open_model(model)
    (info,), (scores,) = runner.inputs, runner.outputs
    maps = []
    for path in photos:
        source = fit_photo(load_photo(path).pixels, metadata.input_height, metadata.input_width, metadata.fit)
        (stored,) = runner.run({info.name: input_tensor(source, info, metadata)})
        single = metadata.output_label is not None
        maps.append(scores.dequantize(stored[0])[..., 0] >= 0.5 if single else stored[0].argmax(axis=-1))
    return np.stack(maps).astype(np.int64)


def agreement(wanted: Labels, found: Labels, *, mask: bool) -> dict[str, float]:
    """Of one list."""
    equal = (wanted == found).mean(axis=(1, 2))
    classes = int(max(wanted.max(), found.max())) + 1
    table = np.bincount((wanted * classes + found).ravel(), minlength=classes**2).reshape(classes, classes)
    union = table.sum(0) + table.sum(1) - np.diag(table)
    miou = (np.diag(table)[union > 0] / union[union > 0]).mean()
    row = {"photos": len(wanted), "equal": equal.mean(), "equal_worst": equal.min(), "miou": miou}
    if mask:
        shown = wanted.mean(axis=(1, 2)) >= LEAST_SUBJECT
        iou = (wanted & found).sum(axis=(1, 2))[shown] / (wanted | found).sum(axis=(1, 2))[shown]
        row |= {"iou": iou.mean(), "iou_worst": iou.min()}
    return {name: float(value) for name, value in row.items()}


def make(case: Case, text: str, target: Path) -> tuple[bytes, dict[str, Any]]:
    """The file of a row, and what it was made with."""
    parts = ROW.fullmatch(text)
    if parts is None:
        raise SystemExit(f"{text!r} is no row such as int8 or mixed:litert-quantizer:100@Conv")
    recipe, layers = Recipe(parts["recipe"]), parts["layers"]
    automatic = layers == FloatPart.AUTO
    result = convert(
        case.source,
        target,
        ConvertOptions(
            recipe,
            case.calibration if recipe in CALIBRATED else None,
            engine=Engine(parts["engine"]) if parts["engine"] else None,
            updates=int(parts["updates"]) if parts["updates"] else None,
            learn_kernels=parts["kernels"] is not None,
            float_layers=tuple(layers.split(",")) if layers and not automatic else (),
            mixed=FloatPart.AUTO if automatic else FloatPart.DEFAULT,
            output=OutputKind.CONFIDENCE if case.subject else OutputKind.LOGITS,
            output_label=case.subject,
            fit=Fit.STRETCH,
            flags=case.flags,
        ),
        force=True,
    )
    made = {"engine": parts["engine"] or str(best_engine(recipe)), "updates": 0, "sha256": result.sha256}
    if result.float_choice and result.float_choice.chosen:
        made |= {"float_up_to": result.float_choice.chosen.last, "float_share": result.float_choice.chosen.float_share}
    return target.read_bytes(), made | result.metadata.provenance.get("quantization", {})


def float_part(text: str, exact: bytes) -> float:
    """Share of the multiply-adds of a row that are float; what was chosen by measurement says it itself."""
    if not text.startswith(Recipe.MIXED):
        return float(text.startswith(Recipe.FP16))
    graph, (_, _, layers) = FloatGraph(exact), text.partition("@")
    stated = layers and layers != FloatPart.AUTO
    return float_share(graph, float_ops(graph, layers.split(",")) if stated else default_float_ops(graph))


def compare(case: Case, rows: list[str]) -> list[dict[str, Any]]:
    """Make and measure every row."""
    with tempfile.TemporaryDirectory(prefix="portraitlite-") as folder:
        target = Path(folder) / "m.tflite"
        exact, _ = make(case, str(Recipe.FP32), target)
        wanted = {name: labels(exact, photos) for name, photos in case.judge.items()}
        first: bytes | None = None
        measured = []
        for text in rows:
            model, made = make(case, text, target)
            first = first or model
            start = time.perf_counter()
            labels(model, next(iter(case.judge.values()))[:1])
            slow = time.perf_counter() - start > SLOW_SECONDS
            row = {"row": text, "float_share": float_part(text, exact), **made}
            row |= {"size_bytes": len(model), "size_ratio": len(model) / len(first)}
            row["latency_ratio"] = latency_ratio(model, first, runs=SLOW_RUNS if slow else 15)
            for name, photos in case.judge.items():
                some = photos[:SLOW_PHOTOS] if slow else photos
                found = labels(model, some)
                row[name] = agreement(wanted[name][: len(some)], found, mask=case.subject is not None)
            measured.append(row)
            print(json.dumps(row), file=sys.stderr, flush=True)
    return measured


def print_table(rows: list[dict[str, Any]], lists: list[str]) -> None:
    """As Markdown."""
    heads = [f"{name}: equal / worst, mIoU" + (", IoU / worst" if "iou" in rows[0][name] else "") for name in lists]
    print("| row | engine, updates | float part | size | latency |", " | ".join(heads), "|")
    print("| --- " * (5 + len(lists)) + "|")
    for row in rows:
        cells = [row["row"], f"{row['engine']}, {row['updates']}", f"{row['float_share']:.0%}"]
        cells += [f"{row['size_ratio']:.2f}x", f"{row['latency_ratio']:.2f}x"]
        for name in lists:
            part = row[name]
            cell = f"{part['equal']:.4f} / {part['equal_worst']:.3f}, {part['miou']:.3f}"
            cell += f", {part['iou']:.4f} / {part['iou_worst']:.3f}" if "iou" in part else ""
            cells.append(cell + (f" ({part['photos']:.0f} photos)" if part["photos"] == SLOW_PHOTOS else ""))
        print(f"| {' | '.join(cells)} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", help="what `convert` takes")
    parser.add_argument("--data", type=Path, required=True, help="folder that the lists' paths are relative to")
    parser.add_argument("--calibrate", required=True, help="list of photos that fix the ranges")
    parser.add_argument("--judge", nargs="+", required=True, help="lists of other photos")
    parser.add_argument("--rows", nargs="+", default=ROWS, help="RECIPE[:ENGINE[:UPDATES[+kernels]]][@FLOAT_LAYER,...]")
    parser.add_argument("--confidence", metavar="LABEL", help="judge the mask of this class instead of all labels")
    parser.add_argument("--crop", type=int, nargs=2, help="height and width of the network's input")
    parser.add_argument("--json", type=Path, help="file to write the rows to")
    arguments = parser.parse_args()

    def photos(name: str) -> list[Path]:
        lines = (LISTS / f"{name}.txt").read_text().splitlines()
        return [(arguments.data / line).resolve() for line in lines]

    flags = SpecFlags(crop=tuple(arguments.crop)) if arguments.crop else SpecFlags()
    judge = {name: photos(name) for name in arguments.judge}
    with tempfile.TemporaryDirectory(prefix="portraitlite-") as folder:
        calibration = Path(folder) / "calibration.txt"
        calibration.write_text("\n".join(str(path) for path in photos(arguments.calibrate)))
        case = Case(arguments.source, calibration, judge, arguments.confidence, flags)
        try:
            rows = compare(case, arguments.rows)
        except PortraitLiteError as error:
            print(error, file=sys.stderr)
            return error.exit_code
    print_table(rows, arguments.judge)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
