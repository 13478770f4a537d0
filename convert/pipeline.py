"""Source -> `.tflite` and sidecar: the whole conversion as one function."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.agreement import label_map
from portraitlite.convert.analysis import Analysis, analyse
from portraitlite.convert.calibration import CalibrationSet, calibration_images, calibration_set, thin
from portraitlite.convert.description import MEAN, STD, describe, label_index
from portraitlite.convert.files import check_files, write_files
from portraitlite.convert.infer import infer_spec
from portraitlite.convert.measure import JUDGED_PHOTOS, measure
from portraitlite.convert.metadata_writer import write_metadata
from portraitlite.convert.options import ConvertOptions, check_options
from portraitlite.convert.quantization import (
    CALIBRATED,
    FloatNetwork,
    QuantizeOptions,
    plan_quantization,
    quantize_network,
)
from portraitlite.convert.ranges import check_constants, check_ranges, dead_layers
from portraitlite.convert.remarks import calibration_remarks, choice_remarks, dead_remarks, measure_remarks
from portraitlite.convert.result import ConvertResult, count_ops
from portraitlite.convert.targets import delegate_remarks
from portraitlite.convert.tflite_metadata import add_tflite_metadata
from portraitlite.convert.types import Recipe
from portraitlite.convert.zoo import find_in_zoo, find_model, is_zoo_name
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.console import native_stderr_silenced
from portraitlite.runtime.errors import MissingDependencyError
from portraitlite.runtime.labels import label_names
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.network_input import fit_photo, normalise
from portraitlite.runtime.types import Fit

__all__ = ["ConvertOptions", "convert"]

DEFAULTS = ConvertOptions()
SLOW_PHOTOS = 4  # to judge int16x8 on, which takes seconds for each on the plain kernels
PROBED_PHOTOS = 8  # through which dead layers are looked for

Progress = Callable[[str, int, int], None]


def convert(
    source: str | Path,
    output: Path,
    options: ConvertOptions = DEFAULTS,
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
    sidecar = check_files(output, options.sensitivity, force=force)
    check_options(options)
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
    wanted = OutputSpec(
        options.output, label_index(labels, options.output_label), options.output_size, options.labels_type
    )
    wanted.check(spec)
    metadata = describe(opened, inferred, labels, options)

    notices: list[str] = list(opened.notices)
    if not is_verified(spec):
        notices.append(f"unverified: no official sample of {spec.backbone} was at hand to compare the conversion with")
    network = build_network(spec)
    load_variables(network, opened.variables)
    opened.variables.clear()  # an Xception-65 has no memory to spare in the converter
    function = output_function(network, spec, wanted)

    def network_for(*, cast: bool) -> FloatNetwork:
        whole = with_camera_input(function, spec, MEAN, STD, cast=cast) if options.camera else function
        height, width = metadata.input_height, metadata.input_width
        return FloatNetwork(whole, height, width, metadata.mean, metadata.std, uint8_input=cast)

    progress("convert", 0, 1)
    quantized, calibrated = options.recipe is not Recipe.FP32, options.recipe in CALIBRATED
    float_metadata = dataclasses.replace(metadata, recipe=str(Recipe.FP32))
    # Camera frames arrive as bytes in every file; one with activation ranges gets its bytes by quantization instead.
    camera = options.camera is not None
    float_model = quantize_network(network_for(cast=camera), QuantizeOptions(Recipe.FP32))
    check_constants(float_model, output.name, "the source's weights are damaged; get it again")
    chosen = _calibration(options, float_model, float_metadata, progress) if options.calibrate else None
    notices += calibration_remarks(chosen) if chosen and calibrated else []
    notices += dead_remarks(dead_layers(float_model, _probes(chosen, metadata, as_bytes=camera)))
    cost = network_cost(network, spec, options.recipe, options.output)

    analysis = Analysis(None, None, chosen.files if chosen else (), held_out=True)
    model = float_model
    if calibrated and chosen is not None:
        # Only a file that takes bytes by itself is not the one to quantize.
        plain = quantize_network(network_for(cast=False), QuantizeOptions(Recipe.FP32)) if camera else float_model
        analysis = analyse(options, plain, chosen, metadata, progress)
        notices += choice_remarks(analysis.choice) if analysis.choice else []
        float_layers = analysis.choice.float_layers if analysis.choice else options.float_layers
        plan = plan_quantization(
            options.recipe,
            options.engine,
            options.updates,
            float_model=plain,
            photos=len(chosen.files),
            multiply_adds=cost.multiply_adds,
        )
        learns_kernels = options.learn_kernels and plan.updates > 0
        metadata.provenance["quantization"] = {
            "engine": str(plan.engine),
            "updates": plan.updates,
            **({"learnt_kernels": True} if learns_kernels else {}),
        }
        metadata.provenance["calibration"] = {"photos": len(chosen.files), "sha256": chosen.sha256}
        model = quantize_network(
            network_for(cast=False),
            QuantizeOptions(
                options.recipe, plan.engine, plan.updates, float_layers, opened.ranges, options.learn_kernels
            ),
            calibration_images(chosen.files, metadata, lambda done, total: progress("calibrate", done, total)),
            float_model=plain,
            progress=progress,
            remark=notices.append,
        )
        notices += plan.remarks
    elif quantized:
        options_of_it = QuantizeOptions(options.recipe, options.engine)
        model = quantize_network(network_for(cast=camera), options_of_it, float_model=float_model)
    check_ranges(model, output.name)
    check_constants(model, output.name, f"recipe {options.recipe} cannot hold them; use --recipe fp32")
    notices += delegate_remarks(options.target, model) if options.target else []
    model = add_tflite_metadata(write_metadata(model, metadata), metadata)
    measures = None
    if quantized:
        count = SLOW_PHOTOS if options.recipe is Recipe.INT16X8 else JUDGED_PHOTOS
        judged, held_out = analysis.judged[:count], analysis.held_out
        measures = measure(float_model, float_metadata, model, metadata, judged, held_out=held_out, progress=progress)
        notices += measure_remarks(measures, options.recipe, labels, options.output_label)
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
        float_choice=analysis.choice,
        sensitivity=analysis.report,
        notices=tuple(notices),
    )
    files = {output: model, sidecar: _json(result.to_dict())}
    if options.sensitivity is not None and analysis.report is not None:
        files[options.sensitivity] = _json({**metadata.provenance, **analysis.report.to_dict()})
    write_files(files, force=force)
    return result


def _json(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _probes(chosen: CalibrationSet | None, metadata: ModelMetadata, *, as_bytes: bool) -> Iterator[npt.NDArray[Any]]:
    """What shows dead layers: a few photos, and pictures of noise, so that there are always two that differ."""
    height, width = metadata.input_height, metadata.input_width
    rng = np.random.default_rng(0)
    noise = (rng.integers(0, 256, (height, width, 3)).astype(np.uint8) for _ in range(2))
    pictures = (fit_photo(pixels, height, width, Fit.STRETCH) for pixels in noise)
    images: Iterable[npt.NDArray[Any]] = itertools.chain(
        calibration_images(thin(chosen.files, PROBED_PHOTOS) if chosen else (), metadata),
        (normalise(picture, metadata.mean, metadata.std) for picture in pictures),
    )
    return (image.astype(np.uint8) if as_bytes else image for image in images)


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
