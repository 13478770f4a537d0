"""What a `.tflite` teacher thinks of every photo, computed once and kept in one `.npz` per photo set."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.sources.npz import pack_npz
from portraitlite.convert.training.config import TeacherConfig
from portraitlite.convert.training.crop import Window
from portraitlite.convert.training.datasets import Sample, read_photo
from portraitlite.runtime.backends import Runner, open_model
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.labels import label_names
from portraitlite.runtime.network_input import fit_photo
from portraitlite.runtime.save import write_atomically
from portraitlite.runtime.types import Fit, ResizeConvention

__all__ = ["Opinions", "expose_tensor", "teacher_opinions"]

LOGIT_STEP = 0.125  # a single class is kept as int8 steps of its binary logit: +-16 is certain enough
Float32 = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Opinions:
    """A teacher's logits of a photo set, as stored.

    Attributes:
        rows: photo key -> row of `values`.
        values: (photos, h, w, C) uint8 or int8; real = (value - zero_point) * scale.
        scale, zero_point: see values.
        step_y, step_x: distance of samples, as a part of the photo's height and width.
        offset_y, offset_x: position of the first sample.
    """

    rows: dict[str, int]
    values: npt.NDArray[Any]
    scale: float
    zero_point: int
    step_y: float
    step_x: float
    offset_y: float
    offset_x: float

    def logits(self, key: str, window: Window, positions_y: Float32, positions_x: Float32) -> Float32:
        """(n, m, C) logits at positions (0..1 inside the window), bilinear between the teacher's samples."""
        values = (self.values[self.rows[key]].astype(np.float32) - np.float32(self.zero_point)) * np.float32(self.scale)
        at_y = ((window.top + positions_y * window.height) - self.offset_y) / self.step_y
        at_x = ((window.left + positions_x * window.width) - self.offset_x) / self.step_x
        rows, columns = _weights(at_y, values.shape[0]), _weights(at_x, values.shape[1])
        result: Float32 = np.matmul(columns, np.tensordot(rows, values, 1))
        return result


def teacher_opinions(
    teacher: TeacherConfig,
    samples: Sequence[Sample],
    labels: tuple[str, ...],
    root: Path,
    cache: Path,
    threads: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Opinions:
    """Opinions on one photo set, from the cache or computed now.

    The cache file's name is a hash of the teacher and of every photo: whatever changes is computed again.

    Args:
        teacher: which.
        samples: photos.
        labels: class names of this run.
        root: what the teacher's path is relative to.
        cache: folder for the `.npz` files; made if absent.
        threads: photos at a time.

    Raises:
        InputError: the teacher has no such tensor or other classes, or a photo cannot be read.
    """
    try:
        model = (root / teacher.model).read_bytes()
    except OSError as error:
        raise InputError(f"the teacher {teacher.model} cannot be read ({error.strerror}); check --data") from error
    digest = hashlib.sha256(model)
    for part in (teacher.tensor, str(teacher.resize_convention), teacher.label, *labels):
        digest.update(f"{part}\n".encode())
    for sample in samples:
        digest.update(f"{sample.key}\n".encode())
        digest.update(hashlib.sha256(sample.photo.read_bytes()).digest())
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"teacher-{digest.hexdigest()[:24]}.npz"
    if not path.exists():
        stored = _compute(teacher, model, samples, labels, threads, progress)
        write_atomically(path, pack_npz(stored, compressed=True), force=True)
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            values, numbers = archive["values"], archive["numbers"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"the teacher cache {path} is damaged ({error}); delete it") from error
    scale, zero_point, step_y, step_x, offset_y, offset_x = (float(number) for number in numbers)
    rows = {sample.key: row for row, sample in enumerate(samples)}
    return Opinions(rows, values, scale, int(zero_point), step_y, step_x, offset_y, offset_x)


def expose_tensor(model: bytes, prefix: str, what: str) -> bytes:
    """The same network with the tensor whose name begins with `prefix` as its only output.

    Raises:
        InputError: there is no such tensor.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    root = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    graph = root.subgraphs[0]
    names = [tensor.name.decode() for tensor in graph.tensors]
    made = {output for operator in graph.operators for output in operator.outputs}
    found = [i for i, name in enumerate(names) if name.startswith(prefix) and i in made]
    if not found:
        raise InputError(f"the teacher {what} has no tensor {prefix!r}; its last are {', '.join(names[-3:])}")
    last = next(i for i, operator in enumerate(graph.operators) if found[0] in operator.outputs)
    graph.operators, graph.outputs, root.signatureDefs = graph.operators[: last + 1], [found[0]], None
    builder = flatbuffers.Builder(len(model))
    builder.Finish(root.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _compute(
    teacher: TeacherConfig,
    model: bytes,
    samples: Sequence[Sample],
    labels: tuple[str, ...],
    threads: int,
    progress: Callable[[int, int], None],
) -> dict[str, npt.NDArray[Any]]:
    cut = expose_tensor(model, teacher.tensor, teacher.model)
    local = threading.local()

    def runner() -> Runner:
        if not hasattr(local, "runner"):  # interpreters are not thread-safe: one each
            local.runner = open_model(cut, what=teacher.model)
        made: Runner = local.runner
        return made

    first = runner()
    (_, height, width, channels), (source,) = first.inputs[0].shape, first.inputs
    (_, h, w, classes), (output,) = first.outputs[0].shape, first.outputs
    if source.dtype != np.uint8 or output.dtype not in (np.uint8, np.int8) or channels != 3:
        raise InputError(f"the teacher {teacher.model} must take and give 8-bit tensors, found {source} -> {output}")
    names = label_names(classes)
    if teacher.label not in ("", *names) or (not teacher.label and names != labels[:classes]):
        raise InputError(f"the teacher {teacher.model} knows {', '.join(names)}; the config wants other labels")

    def think(sample: Sample) -> npt.NDArray[Any]:
        pixels = fit_photo(read_photo(sample), height, width, Fit.STRETCH).pixels
        (stored,) = runner().run({source.name: pixels[None]})
        if not teacher.label:
            every: npt.NDArray[Any] = stored[0].copy()
            return every
        logits = output.dequantize(stored[0])
        index = names.index(teacher.label)
        rest = np.delete(logits, index, axis=2)
        top = rest.max(axis=2)
        binary = logits[..., index] - top - np.log(np.exp(rest - top[..., None]).sum(axis=2))
        steps: npt.NDArray[Any] = np.clip(np.round(binary / LOGIT_STEP), -128, 127).astype(np.int8)
        return steps[..., None]

    rows = []
    with ThreadPoolExecutor(threads) as pool:
        for done, row in enumerate(pool.map(think, samples), 1):
            rows.append(row)
            progress(done, len(samples))
    aligned = teacher.resize_convention is ResizeConvention.ALIGN_CORNERS
    step_y, step_x = ((height - 1) / (h - 1), (width - 1) / (w - 1)) if aligned else (height / h, width / w)
    shift = 0.5 * step_y if teacher.resize_convention is ResizeConvention.HALF_PIXEL else 0.5
    scale, zero_point = (LOGIT_STEP, 0) if teacher.label else (output.scale, output.zero_point)
    numbers = (scale, zero_point, step_y / height, step_x / width, shift / height, shift / width)
    return {"values": np.stack(rows), "numbers": np.array(numbers, np.float64)}


def _weights(at: npt.NDArray[np.floating], size: int) -> Float32:
    """(len(at), size) bilinear weights of samples 0..size-1 at fractional positions, clamped at the borders."""
    at = np.clip(at, 0, size - 1)
    low = np.minimum(at.astype(np.intp), size - 2)
    fraction = (at - low).astype(np.float32)
    weights = np.zeros((len(at), size), np.float32)
    index = np.arange(len(at))
    weights[index, low] = 1 - fraction
    weights[index, low + 1] += fraction
    return weights
