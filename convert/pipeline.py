"""Source -> `.tflite` and sidecar: the whole conversion as one function."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import portraitlite
from portraitlite.convert.calibration import DEFAULT_COUNT, calibration_images, calibration_set
from portraitlite.convert.infer import SpecFlags, infer_spec
from portraitlite.convert.labels import label_names
from portraitlite.convert.metadata_writer import write_metadata
from portraitlite.convert.types import Recipe
from portraitlite.runtime.console import native_stderr_silenced
from portraitlite.runtime.errors import InputError, MissingDependencyError
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.save import write_atomically
from portraitlite.runtime.types import Fit, OutputKind

__all__ = ["ConvertOptions", "ConvertResult", "convert"]


@dataclasses.dataclass(frozen=True)
class ConvertOptions:
    """What to make of a source.

    Attributes:
        recipe: how to quantize.
        calibrate: folder of photos for `int8`.
        calibration_count: at most so many photos of it.
        output: what the model puts out.
        output_label: the one class of a confidence output.
        labels: file with class names.
        fit: how a photo becomes the input.
        flags: what the user states about the network.
        name: for people; None takes the source's.
    """

    recipe: Recipe = Recipe.INT8
    calibrate: Path | None = None
    calibration_count: int = DEFAULT_COUNT
    output: OutputKind = OutputKind.LABELS
    output_label: str | None = None
    labels: Path | None = None
    fit: Fit = Fit.PAD
    flags: SpecFlags = dataclasses.field(default_factory=SpecFlags)
    name: str | None = None


@dataclasses.dataclass(frozen=True)
class ConvertResult:
    """The result card.

    Attributes:
        model: the `.tflite` written.
        sidecar: the `.json` beside it.
        size_bytes, sha256: of the model.
        metadata: what the model says about itself.
        ops: number of ops by kind.
        notices: one-line remarks.
    """

    model: Path
    sidecar: Path
    size_bytes: int
    sha256: str
    metadata: ModelMetadata
    ops: dict[str, int]
    notices: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; this is the sidecar's content."""
        return {
            "model": self.model.name,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "metadata": self.metadata.to_dict(),
            "ops": self.ops,
            "notices": list(self.notices),
        }


def convert(
    source: Path,
    output: Path,
    options: ConvertOptions = ConvertOptions(),
    *,
    force: bool = False,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> ConvertResult:
    """Convert `source` and write `output` and its sidecar.

    Args:
        source: zoo tarball or TF1 checkpoint.
        output: a path ending in `.tflite`.
        options: see there.
        force: overwrite.
        progress: called with (stage, done, total).

    Raises:
        InputError: source, flags, photos or output cannot be used; nothing is written then.
        MissingDependencyError: TensorFlow is not installed.
    """
    sidecar = _check_output(output, force)
    _require_tensorflow()
    from portraitlite.convert.networks import build_network
    from portraitlite.convert.outputs import output_function
    from portraitlite.convert.quantize import quantize
    from portraitlite.convert.sources import open_source
    from portraitlite.convert.weights import load_variables

    progress("read the source", 0, 1)
    opened = open_source(source)
    spec = infer_spec({name: value.shape for name, value in opened.variables.items()}, options.flags)
    labels = label_names(spec.classes, options.labels)
    label_index = _label_index(labels, options)
    provenance: dict[str, Any] = {
        "source": {"name": opened.name, "kind": opened.kind, "sha256": opened.sha256},
        "converter": f"portraitlite {portraitlite.__version__}",
    }
    metadata = ModelMetadata(
        name=options.name or opened.name.split(".")[0],
        labels=labels,
        input_height=spec.crop_height,
        input_width=spec.crop_width,
        fit=options.fit,
        output_kind=options.output,
        output_label=options.output_label,
        resize_convention=spec.resize_convention,
        recipe=str(options.recipe),
        spec=spec.to_dict(),
        provenance=provenance,
    )
    notices: list[str] = []
    images = None
    if options.recipe is Recipe.INT8:
        if options.calibrate is None:
            raise InputError("recipe int8 needs photos for its activation ranges: give --calibrate FOLDER")
        chosen = calibration_set(options.calibrate, options.calibration_count)
        notices += [f"calibration photo passed over: {reason}" for _, reason in chosen.unreadable]
        provenance["calibration"] = {"photos": len(chosen.files), "sha256": chosen.sha256}
        images = calibration_images(chosen, metadata, lambda done, total: progress("calibrate", done, total))
    elif options.calibrate is not None:
        notices.append(f"recipe {options.recipe} has no activation ranges; --calibrate was not used")

    network = build_network(spec)
    load_variables(network, opened.variables)
    function = output_function(network, spec, options.output, label_index)
    progress("convert", 0, 1)
    model = write_metadata(quantize(function, spec.crop_height, spec.crop_width, options.recipe, images), metadata)
    progress("convert", 1, 1)
    result = ConvertResult(
        model=output,
        sidecar=sidecar,
        size_bytes=len(model),
        sha256=hashlib.sha256(model).hexdigest(),
        metadata=metadata,
        ops=count_ops(model),
        notices=tuple(notices),
    )
    write_atomically(output, model, force=force)
    card = json.dumps(result.to_dict(), indent=2, ensure_ascii=False) + "\n"
    write_atomically(sidecar, card.encode(), force=force)
    return result


def count_ops(model: bytes) -> dict[str, int]:
    """Number of ops by kind, most frequent first."""
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    root = schema.Model.GetRootAs(model, 0)
    codes = [root.OperatorCodes(i) for i in range(root.OperatorCodesLength())]
    kinds = [max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) for code in codes]
    graph = root.Subgraphs(0)
    count = Counter(names[kinds[graph.Operators(i).OpcodeIndex()]] for i in range(graph.OperatorsLength()))
    return dict(count.most_common())


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
            import tensorflow  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"converting needs TensorFlow and Keras ({error}); pip install 'portraitlite[convert]'"
        ) from error
