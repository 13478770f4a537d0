"""The golden steps, done by the native harness: arrays in files, one call of the program a case."""

from __future__ import annotations

import json
import subprocess
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from golden_blur_steps import KIND_CHANNELS, SPEC, one_of_equals, pattern
from golden_vectors import Array, Case

from portraitlite.android_harness.model_facts import blur_facts
from portraitlite.runtime.blur.sizing import choose_scale
from portraitlite.runtime.blur.spec import PLAN_CHANNELS

__all__ = ["CLOSING_LINE", "NATIVE_STEPS", "Document", "native_step", "parse_document"]

Document = dict[str, Any]
CLOSING_LINE = "portraitlite_harness end"
NATIVE_STEPS = (
    *("orient", "fit", "feed", "mask", "photo_mask", "components", "holes", "figures", "subject", "scale", "reduce"),
    *("light", "place", "level", "plan", "grain_level", "grain_tile", "noise", "tile_kinds", "tiles"),
)


def parse_document(stdout: str) -> Document:
    """The document of a run that closed it."""
    lines = stdout.splitlines()
    assert lines[-1].startswith(CLOSING_LINE), stdout[-500:]
    (line,) = (line for line in lines if line.startswith("{"))
    document: Document = json.loads(line)
    assert document["schema"] == "portraitlite-harness/1"
    assert lines[-1] == f"{CLOSING_LINE} {document['exit_code']}"
    return document


def native_step(
    program: Path, case: Case, folder: Path, environment: Mapping[str, str] | None = None
) -> dict[str, Array]:
    """What the program makes of a case's inputs, in the case's own form."""
    inputs, settings = _translate(case)
    arguments = [str(program), "step", "--name", case.step, "--dump", str(folder)]
    if case.step in {"scale", "place", "level", "plan", "noise", "tile_kinds", "tiles"}:
        (folder / "facts.txt").write_text(blur_facts(SPEC))
        arguments += ["--facts", str(folder / "facts.txt")]
    for name, array in inputs.items():
        path = folder / f"{name}.in"
        path.write_bytes(np.ascontiguousarray(array).tobytes())
        shape = "x".join(map(str, array.shape))
        arguments += ["--array", f"{name}={array.dtype.name}:{shape}:{path}"]
    for key, value in settings.items():
        arguments += ["--set", f"{key}={_text(value)}"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {}
    for row in parse_document(done.stdout)["result"]["arrays"]:
        data = (folder / f"{row['name']}.bin").read_bytes()
        found[row["name"]] = np.frombuffer(data, np.dtype(row["dtype"])).reshape(row["shape"])
    return _AFTER.get(case.step, lambda case, found: found)(case, found)


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(_text(item) for item in value)
    return repr(value) if isinstance(value, float) else str(int(value) if isinstance(value, bool) else value)


def _translate(case: Case) -> tuple[dict[str, Array], dict[str, Any]]:
    """Inputs and settings in the program's words."""
    inputs = dict(case.inputs)
    settings = {key: value for key, value in case.parameters.items() if value is not None}
    if "output" in inputs:
        output = inputs["output"].astype(np.float32)
        inputs["output"] = output.reshape(*output.shape[:2], -1)
        labels = settings.pop("labels")
        single = settings["output_kind"] == "confidence" and output.shape[-1] == 1
        settings["channel"] = 0 if single else labels.index("person")
    if case.step == "tile_kinds":
        whole = np.zeros((*inputs["plan"].shape[:2], PLAN_CHANNELS), np.float32)
        whole[..., KIND_CHANNELS] = inputs["plan"]
        inputs["plan"] = whole
    if case.step == "tiles":
        height, width = settings.pop("height"), settings.pop("width")
        choice = choose_scale(height, width, SPEC)
        made = pattern(choice.plan_height, choice.plan_width, settings.pop("channels"))
        inputs = {"photo": pattern(height, width, 3), "plan": made * np.float32(1 / 256)}
    if case.step == "components":
        inputs["mask"] = inputs["mask"].astype(np.uint8)
    return inputs, settings


def _plan(case: Case, found: dict[str, Array]) -> dict[str, Array]:
    photo = case.inputs["photo"]
    choice = choose_scale(photo.shape[0], photo.shape[1], SPEC)
    used = {name: array[: choice.used_height, : choice.used_width] for name, array in found.items()}
    return used | {"boost": one_of_equals(used["boost"])}


def _noise(case: Case, found: dict[str, Array]) -> dict[str, Array]:
    return {"noise": found["noise"][: case.parameters["rows"], : case.parameters["columns"]]}


def _tiles(case: Case, found: dict[str, Array]) -> dict[str, Array]:
    pairs = zip(found["rgb"], found["plan"], strict=True)
    sums = [(zlib.crc32(rgb.tobytes()), zlib.crc32(plan.astype("<f4").tobytes())) for rgb, plan in pairs]
    return {"checksums": np.array(sums, np.uint32)}


_AFTER: dict[str, Callable[[Case, dict[str, Array]], dict[str, Array]]] = {
    "plan": _plan,
    "noise": _noise,
    "tiles": _tiles,
}
