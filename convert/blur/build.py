"""Writes the blur graphs and their spec into a folder.

    python -m portraitlite.convert.blur.build [OUT]

Without OUT the graphs that the package ships are built again.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from portraitlite.runtime.blur.spec import SPEC_FILE, BlurSpec, Orientation, PixelType, bundled_folder
from portraitlite.runtime.errors import InputError

__all__ = ["blur_model", "build_blur_models"]


def build_blur_models(out: Path, spec: BlurSpec | None = None) -> list[Path]:
    """Every graph of `spec` (None: the default) and `spec.json`; files of the same name are replaced.

    Raises:
        InputError: the folder cannot be written.
    """
    spec = spec or BlurSpec()
    names = spec.plan_files()
    for name_of in (spec.apply_file, spec.fill_file):
        names += [name_of(scale, pixel_type) for scale in spec.scales for pixel_type in PixelType]
    try:
        out.mkdir(parents=True, exist_ok=True)
        paths = [_write(out / name, blur_model(name, spec)) for name in names]
        # The spec comes last: a folder that has one is complete.
        return [*paths, _write(out / SPEC_FILE, spec.to_json().encode())]
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror}); name another folder") from error


def blur_model(name: str, spec: BlurSpec) -> bytes:
    """One graph by its file name, such as `plan_portrait.tflite`; the same bytes every time.

    Raises:
        InputError: the spec has no graph of this name.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from portraitlite.convert.blur.byte_pixels import with_byte_pixels
    from portraitlite.convert.blur.graphs import plan_function
    from portraitlite.convert.blur.tile_graphs import apply_function, fill_function

    for orientation in Orientation:
        for nearest in (None, *range(spec.layers - 1)):
            if name == spec.plan_file(orientation, nearest):
                return _to_tflite(plan_function(spec, orientation, nearest))
    for scale in spec.scales:
        for name_of, function_of in ((spec.apply_file, apply_function), (spec.fill_file, fill_function)):
            if name == name_of(scale, PixelType.FLOAT32):
                return _to_tflite(function_of(spec, scale))
            if name == name_of(scale, PixelType.UINT8):
                return with_byte_pixels(_to_tflite(function_of(spec, scale)))
    raise InputError(f"there is no blur graph {name!r}; scales are {list(spec.scales)}")


def _to_tflite(function: Any) -> bytes:
    import tensorflow as tf

    module = tf.Module()
    module.function = function
    with tempfile.TemporaryDirectory() as folder:
        # Through a SavedModel, because only its signature keeps the names of the inputs.
        tf.saved_model.save(module, folder, signatures=function.get_concrete_function())
        model: bytes = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    return model


def _write(path: Path, content: bytes) -> Path:
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


if __name__ == "__main__":
    build_blur_models(Path(sys.argv[1]) if len(sys.argv) > 1 else bundled_folder())
