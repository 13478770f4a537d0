"""Write the tables of README and model cards from committed records, so that every figure stands in one place.

    python scripts/tables.py [--check]

A table lies between `<!-- table: NAME -->` and `<!-- end -->`. Records: `docs/scores.json` (`score_peers.py`) and
`docs/peers.json` (`bench_peers.py`). With --check nothing is written; exit code 1 if a file differs.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILES = ("README.md", "docs/benchmarks.md", "runtime/models/portrait.md", "runtime/models/scene.md")
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
NAMES = {
    "portrait_int8": "**portrait int8**",
    "portrait_fp16": "**portrait fp16**",
    "scene_int8": "**scene int8**",
    "scene_fp16": "**scene fp16**",
    "deeplabv3_mnv2_pascal_quant": "official DeepLab-v3 1.0, 513, 8-bit",
    "deeplabv3_mnv2_dm05_pascal_quant": "official 0.5, 513, 8-bit",
    "deeplabv3_257_mv_gpu": "official 0.5, 257, float",
    "selfie_segmentation": "MediaPipe selfie, 256",
}
PEOPLE = {
    "coco": "COCO, one person",
    "coco_groups": "COCO groups",
    "portrait_cutouts": "cut-outs",
    "street_fashion": "street fashion",
    "voc_people": "VOC people",
}
SHARES = {"small": "small", "middle": "middle", "large": "large"}
FALSE = "voc_empty"
REFERENCE = "deeplabv3_mnv2_pascal_quant"  # of the README's latencies: the official model that portrait mode began with

Record = dict[str, Any]
Rows = Sequence[Sequence[str]]


def record(name: str) -> Any:
    """A committed JSON file of `docs/`."""
    return json.loads((ROOT / "docs" / name).read_text(encoding="utf-8"))


def table(heads: Sequence[str], rows: Rows) -> str:
    """As Markdown."""
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"


def percent(scores: Record, name: str, digits: int = 1) -> str:
    return f"{100 * scores[name]['score']:.{digits}f}" if name in scores else "-"


def peers() -> str:
    """Accuracy, size and time of ours and of everybody else's."""
    scores, timed = record("scores.json"), {one["name"]: one for one in record("peers.json")["models"]}
    rows = []
    for key, name in NAMES.items():
        one, latency = scores[key], timed[key]
        ratio = latency["statistics"]["p50_ms"] / timed[REFERENCE]["statistics"]["p50_ms"]
        cells = [percent(one, column) for column in ("coco", "portrait_cutouts", "voc_people")]
        cells += [f"{percent(one, FALSE, 2)} %", percent(one, "voc_mean_iou")]
        rows.append([name, *cells, f"{latency['size_bytes'] / 1e6:.1f} MB", f"{ratio:.2f}x"])
    heads = ["model", "COCO, one person", "cut-outs", "VOC people", "false person area", "VOC-21 mIoU", "file", "time"]
    return table(heads, rows)


def portraits() -> str:
    """The same portrait by other programs."""
    rows = []
    for one in record("peers.json")["portraits"]:
        figures, ratio = one["statistics"], one["ratio"]
        interval = f"{ratio['ratio']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}]"
        rows.append([one["name"], f"{figures['p50_ms']:.0f}", f"{figures['p90_ms']:.0f}", interval])
    return table(["12-megapixel portrait", "p50 ms", "p90 ms", "/ first [95 %]"], rows)


def where() -> str:
    """How the times were taken."""
    run = record("peers.json")
    place, models = run["environment"], run["models"][0]["statistics"]
    return (
        f"{run['threads']} thread, {run['backend']} {place['backend_version']}, {place['cpu_model']}, load "
        f"{place['before']['load_average_1min']:.1f} before; `portrait_int8` p50 {models['p50_ms']:.0f} ms.\n"
    )


def person_iou() -> str:
    """Of the model card `portrait`."""
    rows = [
        [name, *(percent(scores, column) for column in (*PEOPLE, *SHARES)), f"{percent(scores, FALSE, 2)} %"]
        for key, name in NAMES.items()
        if key != "scene_fp16" and (scores := record("scores.json")[key])
    ]
    return table(["model", *PEOPLE.values(), *SHARES.values(), "false person area"], rows)


def classes_iou() -> str:
    """Of the model card `scene`."""
    rows = [
        [name, percent(scores, "voc_mean_iou"), percent(scores, "sky_against_teacher")]
        for key, name in NAMES.items()
        if "voc_mean_iou" in (scores := record("scores.json")[key])
    ]
    return table(["model", "VOC-21 mIoU", "sky, IoU with its teacher"], rows)


TABLES: dict[str, Callable[[], str]] = {one.__name__: one for one in (peers, portraits, where, person_iou, classes_iou)}


def filled(text: str) -> str:
    """`text` with its tables made anew."""
    return BLOCK.sub(lambda block: block[1] + TABLES[block[2]]() + block[3], text)


def main() -> int:
    stale = []
    for name in FILES:
        path = ROOT / name
        old = path.read_text(encoding="utf-8")
        new = filled(old)
        if new != old:
            stale.append(name)
            if "--check" not in sys.argv[1:]:
                path.write_text(new, encoding="utf-8")
    print(f"{'differ' if '--check' in sys.argv[1:] else 'written'}: {', '.join(stale) or 'none'}")
    return int(bool(stale) and "--check" in sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
