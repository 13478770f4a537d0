"""Source -> `.tflite` and sidecar: the whole conversion as one function."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import portraitlite
from portraitlite.convert.agreement import label_map
from portraitlite.convert.calibration import DEFAULT_COUNT, CalibrationSet, calibration_images, calibration_set
from portraitlite.convert.infer import Inferred, SpecFlags, infer_spec
from portraitlite.convert.labels import label_names
from portraitlite.convert.measure import JUDGED_PHOTOS, Measures, measure
from portraitlite.convert.metadata_writer import write_metadata
from portraitlite.convert.quantization import CALIBRATED, Engine, FloatNetwork, QuantizeOptions, quantize_network
from portraitlite.convert.quantization.learning import DEFAULT_STEPS as DEFAULT_UPDATES
from portraitlite.convert.ranges import check_ranges
from portraitlite.convert.result import ConvertResult, count_ops
from portraitlite.convert.tflite_metadata import add_tflite_metadata
from portraitlite.convert.types import LabelsType, OutputSize, Recipe
from portraitlite.convert.zoo import find_in_zoo, find_model, is_zoo_name
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.console import native_stderr_silenced
from portraitlite.runtime.errors import InputError, MissingDependencyError
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.save import write_atomically
from portraitlite.runtime.types import Fit, OutputKind

if TYPE_CHECKING:
    from portraitlite.convert.sources import Source

__all__ = ["ConvertOptions", "convert"]

Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class ConvertOptions:
    """What to make of a source.

    Attributes:
        recipe: how to quantize.
        calibrate: folder of photos, or a `.txt` that lists them: activation ranges, and photos to judge on.
        engine: who writes the quantized file; None takes the one that measured better.
        updates: steps of learning from the float network (int8, mixed); 0 is none. None takes the default where the
            network is small enough for it.
        float_layers: of a mixed file, regular expressions over layer names; empty leaves the choice to the recipe.
        calibration_count: at most so many photos of it.
        output: what the model puts out.
        output_label: the one class of a confidence output.
        output_size: of logits and confidences.
        labels_type: of labels.
        camera: (height, width) of camera frames that the file takes and resizes itself; None takes the network's input.
        labels: file with class names.
        fit: how a photo becomes the input; camera frames are always stretched.
        flags: what the user states about the network.
        name: for people; None takes the source's.
        zoo_dir: where the zoo's tarballs lie; None is the user's cache folder.
    """

    recipe: Recipe = Recipe.INT8
    calibrate: Path | None = None
    calibration_count: int = DEFAULT_COUNT
    engine: Engine | None = None
    updates: int | None = None
    float_layers: tuple[str, ...] = ()
    output: OutputKind = OutputKind.LABELS
    output_label: str | None = None
    output_size: OutputSize = OutputSize.NETWORK
    labels_type: LabelsType = LabelsType.UINT8
    camera: tuple[int, int] | None = None
    labels: Path | None = None
    fit: Fit = Fit.PAD
    flags: SpecFlags = dataclasses.field(default_factory=SpecFlags)
    name: str | None = None
    zoo_dir: Path | None = None


def convert(
    source: str | Path,
    output: Path,
    options: ConvertOptions = ConvertOptions(),
    *,
    force: bool = False,
    progress: Progress = lambda stage, done, total: None,
) -> ConvertResult:
    """Convert `source` and write `output` and its sidecar.

    Args:
        source: a name of the model zoo, or a path: see `open_source`.
        output: a path ending in `.tflite`.
        options: see there.
        force: overwrite.
        progress: called with (stage, done, total).

    Raises:
        InputError: source, flags, photos or output cannot be used; nothing is written then.
        MissingDependencyError: TensorFlow is not installed, or a zoo model is not on this machine.
    """
    sidecar = _check_output(output, force)
    if options.recipe in CALIBRATED and options.calibrate is None:
        raise InputError(f"recipe {options.recipe} needs photos for its activation ranges: give --calibrate FOLDER")
    published = find_model(str(source)) if is_zoo_name(str(source)) else None
    path = find_in_zoo(str(source), options.zoo_dir) if published else Path(source)
    _require_tensorflow()
    from portraitlite.convert.cost import network_cost
    from portraitlite.convert.families import is_verified
    from portraitlite.convert.networks import build_network
    from portraitlite.convert.outputs import OutputSpec, output_function, with_camera_input
    from portraitlite.convert.sources import open_source
    from portraitlite.convert.weights import load_variables

    progress("read the source", 0, 1)
    opened = open_source(path)
    shapes = {name: value.shape for name, value in opened.variables.items()}
    inferred = infer_spec(shapes, options.flags, opened.facts, published.spec if published else None)
    spec = inferred.spec
    labels = label_names(spec.classes, options.labels)
    wanted = OutputSpec(options.output, _label_index(labels, options), options.output_size, options.labels_type)
    wanted.check(spec)
    metadata = _metadata(opened, inferred, labels, options)

    notices: list[str] = list(opened.notices)
    if not is_verified(spec):
        notices.append(f"unverified: no official sample of {spec.backbone} was at hand to compare the conversion with")
    network = build_network(spec)
    load_variables(network, opened.variables)
    opened.variables.clear()  # an Xception-65 has no memory to spare in the converter
    function = output_function(network, spec, wanted)

    calibrated = options.recipe in CALIBRATED

    def network_for(*, cast: bool) -> FloatNetwork:
        whole = with_camera_input(function, spec, MEAN, STD, cast=cast) if options.camera else function
        height, width = metadata.input_height, metadata.input_width
        return FloatNetwork(whole, height, width, metadata.mean, metadata.std, uint8_input=cast)

    progress("convert", 0, 1)
    quantized = options.recipe is not Recipe.FP32
    float_metadata = dataclasses.replace(metadata, recipe=str(Recipe.FP32))
    # Camera frames arrive as bytes in every file; one with activation ranges gets its bytes by quantization instead.
    camera = options.camera is not None
    float_model = quantize_network(network_for(cast=camera), QuantizeOptions(Recipe.FP32))
    chosen = _calibration(options, float_model, float_metadata, progress) if options.calibrate else None
    if chosen is not None:
        notices += [f"photo passed over: {reason}" for _, reason in chosen.unreadable]
        notices += [f"photo passed over: {name} has the pixels of another" for name in chosen.duplicates]
    cost = network_cost(network, spec, options.recipe, options.output)
    updates = options.updates
    if updates is None:
        updates = DEFAULT_UPDATES if cost.multiply_adds <= LEARNING_LIMIT else 0
        if options.recipe is Recipe.MIXED and not updates:
            notices.append("no learning from the float network: it is too large for that; --updates 100 does it anyway")
    quantize_options = QuantizeOptions(options.recipe, options.engine, updates, options.float_layers)
    if calibrated and chosen is not None:
        metadata.provenance["calibration"] = {"photos": len(chosen.files), "sha256": chosen.sha256}
        images = calibration_images(chosen.files, metadata, lambda done, total: progress("calibrate", done, total))
        network_bytes = None if camera else float_model
        model = quantize_network(
            network_for(cast=False),
            quantize_options,
            images,
            float_model=network_bytes,
            progress=progress,
            remark=notices.append,
        )
    elif quantized:
        model = quantize_network(network_for(cast=camera), quantize_options, float_model=float_model)
    else:
        model = float_model
    check_ranges(model, output.name)
    model = add_tflite_metadata(write_metadata(model, metadata), metadata)
    measures = None
    if quantized:
        held_out = chosen.spare if calibrated and chosen else chosen.files if chosen else ()
        judged = (held_out or (chosen.files if chosen else ()))[:JUDGED_PHOTOS]
        measures = measure(
            float_model, float_metadata, model, metadata, judged, held_out=bool(held_out), progress=progress
        )
        notices += _remarks(measures, labels)
    progress("convert", 1, 1)
    result = ConvertResult(
        model=output,
        sidecar=sidecar,
        size_bytes=len(model),
        sha256=hashlib.sha256(model).hexdigest(),
        metadata=metadata,
        ops=count_ops(model),
        reasons=inferred.reasons,
        verified=is_verified(spec),
        cost=cost,
        source_cost=(
            network_cost(build_network(inferred.source_spec), inferred.source_spec, options.recipe, options.output)
            if inferred.retargeted
            else None
        ),
        measures=measures,
        notices=tuple(notices),
    )
    write_atomically(output, model, force=force)
    card = json.dumps(result.to_dict(), indent=2, ensure_ascii=False) + "\n"
    write_atomically(sidecar, card.encode(), force=force)
    return result


def _calibration(
    options: ConvertOptions, float_model: bytes, metadata: ModelMetadata, progress: Progress
) -> CalibrationSet:
    """Choose the photos; the float network says which classes each shows."""
    runner = open_model(float_model, threads=os.cpu_count() or 1)

    def judge(path: Path) -> frozenset[int]:
        return frozenset(np.unique(label_map(runner, metadata, path)).tolist())

    assert options.calibrate is not None
    return calibration_set(
        options.calibrate,
        options.calibration_count,
        judge=judge,
        progress=lambda done, total: progress("choose photos", done, total),
    )


def _remarks(measures: Measures, labels: tuple[str, ...]) -> list[str]:
    agreement = measures.agreement
    if agreement is None:
        return ["agreement with the float model was not measured: give --calibrate FOLDER"]
    remarks = []
    if agreement.mean < SUSPICIOUS_AGREEMENT:
        remarks.append(
            f"only {100 * agreement.mean:.1f} % of the labels are the float model's: this recipe does not suit the "
            f"network, or the photos are unlike its input; try --recipe fp16"
        )
    remarks += [f"{labels[i]} is found by the float model and never by this file" for i in agreement.never]
    if not agreement.held_out:
        remarks.append(
            "agreement was measured on the calibration photos themselves: give more photos for a fair figure"
        )
    return remarks


SUSPICIOUS_AGREEMENT = 0.9
LEARNING_LIMIT = 8_000_000_000  # multiply-adds; an Xception would take an hour and tens of gigabytes
MEAN = STD = 127.5  # (2 / 255) * x - 1, the official preprocessing of every convertible family


def _metadata(opened: Source, inferred: Inferred, labels: tuple[str, ...], options: ConvertOptions) -> ModelMetadata:
    spec = inferred.spec
    camera = options.camera
    return ModelMetadata(
        name=options.name or opened.name.split(".")[0],
        labels=labels,
        input_height=camera[0] if camera else spec.crop_height,
        input_width=camera[1] if camera else spec.crop_width,
        network_height=spec.crop_height if camera else None,
        network_width=spec.crop_width if camera else None,
        mean=0.0 if camera else MEAN,
        std=1.0 if camera else STD,
        fit=Fit.STRETCH if camera else options.fit,
        output_kind=options.output,
        output_label=options.output_label,
        resize_convention=spec.resize_convention,
        recipe=str(options.recipe),
        spec=spec.to_dict(),
        provenance={
            "source": {"name": opened.name, "kind": opened.kind, "sha256": opened.sha256},
            "converter": f"portraitlite {portraitlite.__version__}",
        },
    )


def _check_output(output: Path, force: bool) -> Path:
    if output.suffix != ".tflite":
        raise InputError(f"the output {output.name!r} must end in .tflite")
    sidecar = output.with_suffix(".json")
    if not output.parent.is_dir():
        raise InputError(f"the folder {output.parent} does not exist; make it first")
    for path in (output, sidecar):
        if path.is_dir():
            raise InputError(f"{path} is a folder; give a file name")
        if path.exists() and not force:
            raise InputError(f"{path} exists; give another name or --force")
    if not os.access(output.parent, os.W_OK):
        raise InputError(f"the folder {output.parent} cannot be written; choose another")
    return sidecar


def _label_index(labels: tuple[str, ...], options: ConvertOptions) -> int | None:
    if options.output_label is None:
        return None
    if options.output_label not in labels:
        raise InputError(f"no class is called {options.output_label!r}; this network has {', '.join(labels)}")
    return labels.index(options.output_label)


def _require_tensorflow() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with native_stderr_silenced():  # TensorFlow greets on stderr before any log level applies
            import keras  # noqa: F401
            import tensorflow as tf

        tf.get_logger().setLevel("ERROR")  # or it announces every SavedModel that it writes
    except ImportError as error:
        raise MissingDependencyError(
            f"converting needs TensorFlow and Keras ({error}); pip install 'portraitlite[convert]'"
        ) from error
