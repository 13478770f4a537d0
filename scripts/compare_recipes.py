"""Hold recipes and engines against the float file: `python scripts/compare_recipes.py SOURCE --calibrate A --judge B`.

Every row is a file made by `convert` with logits at network size. Labels are the argmax of the logits; agreement is
the share that equals the float file's, mean over photos and of the worst one; mIoU is that of the float file's labels,
pooled over photos. Latency is the median of ratios to the first int8 file, the two files taking turns in one run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.calibration import DEFAULT_COUNT
from portraitlite.convert.infer import SpecFlags
from portraitlite.convert.pipeline import ConvertOptions, convert
from portraitlite.convert.quantization import Engine
from portraitlite.convert.quantization.latency_ratio import latency_ratio
from portraitlite.convert.types import Recipe
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.errors import PortraitLiteError
from portraitlite.runtime.metadata import read_metadata
from portraitlite.runtime.network_input import fit_photo, input_tensor
from portraitlite.runtime.photo import load_photo
from portraitlite.runtime.types import Fit, OutputKind

ROWS: tuple[tuple[Recipe, Engine, int], ...] = (
    (Recipe.INT8, Engine.TFLITE_CONVERTER, 0),
    (Recipe.INT8, Engine.LITERT_QUANTIZER, 0),
    (Recipe.INT8, Engine.LITERT_QUANTIZER, 100),
    (Recipe.MIXED, Engine.LITERT_QUANTIZER, 0),
    (Recipe.MIXED, Engine.LITERT_QUANTIZER, 100),
    (Recipe.DYNAMIC_WI8, Engine.TFLITE_CONVERTER, 0),
    (Recipe.DYNAMIC_WI8, Engine.LITERT_QUANTIZER, 0),
    (Recipe.FP16, Engine.TFLITE_CONVERTER, 0),
)
Labels = npt.NDArray[np.int64]


def labels(model: bytes, photos: list[Path]) -> Labels:
    """[photos, h, w] winning classes."""
    metadata = read_metadata(model)
    assert metadata is not None
    runner = open_model(model)
    (info,) = runner.inputs
    maps = []
    for path in photos:
        source = fit_photo(load_photo(path).pixels, metadata.input_height, metadata.input_width, metadata.fit)
        (stored,) = runner.run({info.name: input_tensor(source, info, metadata)})
        maps.append(stored[0].argmax(axis=-1))
    return np.stack(maps)


def mean_iou(wanted: Labels, found: Labels) -> float:
    """Over the classes that occur in either."""
    classes = int(max(wanted.max(), found.max())) + 1
    table = np.bincount((wanted * classes + found).ravel(), minlength=classes**2).reshape(classes, classes)
    union = table.sum(0) + table.sum(1) - np.diag(table)
    return float((np.diag(table)[union > 0] / union[union > 0]).mean())


def compare(source: str, calibrate: Path, count: int, judge: list[Path], flags: SpecFlags) -> list[dict[str, Any]]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="portraitlite-") as folder:

        def make(recipe: Recipe, engine: Engine | None, updates: int) -> bytes:
            target = Path(folder) / f"{recipe}-{engine}-{updates}.tflite"
            options = ConvertOptions(
                recipe,
                calibrate,
                count,
                engine=engine,
                updates=updates,
                output=OutputKind.LOGITS,
                fit=Fit.STRETCH,
                flags=flags,
            )
            convert(source, target, options)
            return target.read_bytes()

        exact = make(Recipe.FP32, None, 0)
        wanted = labels(exact, judge)
        reference: bytes | None = None
        for recipe, engine, updates in ROWS:
            model = make(recipe, engine, updates)
            reference = reference or model
            found = labels(model, judge)
            equal = (wanted == found).mean(axis=(1, 2))
            rows.append(
                {
                    "recipe": str(recipe),
                    "engine": str(engine),
                    "updates": updates,
                    "labels_equal": float(equal.mean()),
                    "labels_equal_worst": float(equal.min()),
                    "miou": mean_iou(wanted, found),
                    "size_bytes": len(model),
                    "latency_ratio": latency_ratio(model, reference),
                }
            )
            print(json.dumps(rows[-1]), file=sys.stderr)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", help="what `convert` takes")
    parser.add_argument("--calibrate", type=Path, required=True, help="folder or list of photos that fix the ranges")
    parser.add_argument("--count", type=int, default=DEFAULT_COUNT, help="at most so many of them")
    parser.add_argument("--judge", type=Path, required=True, help="list of other photos, one path a line")
    parser.add_argument("--crop", type=int, nargs=2, help="height and width of the network's input")
    arguments = parser.parse_args()
    photos = [arguments.judge.parent / line for line in arguments.judge.read_text().split("\n") if line]
    flags = SpecFlags(crop=tuple(arguments.crop)) if arguments.crop else SpecFlags()
    try:
        rows = compare(arguments.source, arguments.calibrate, arguments.count, photos, flags)
    except PortraitLiteError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print("| recipe | engine | updates | labels equal: mean / worst | mIoU | KiB | latency |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for row in rows:
        shares = f"{row['labels_equal']:.4f} / {row['labels_equal_worst']:.3f} | {row['miou']:.3f}"
        size = f"{row['size_bytes'] / 1024:.0f} | {row['latency_ratio']:.2f}"
        print(f"| {row['recipe']} | {row['engine']} | {row['updates']} | {shares} | {size} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
