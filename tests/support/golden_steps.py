"""The steps of the golden vectors, done by the runtime: arrays and parameters in, arrays out.

Keys of `STEPS` are the steps' names in `tests/golden/index.json`; docs/parity.md says what each takes and gives.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from golden_blur_steps import BLUR_STEPS
from golden_vectors import Array
from PIL import Image

from portraitlite.runtime import Keep, ModelMetadata, Segmentation, Segmenter, SubjectChoice, subject_mask
from portraitlite.runtime.backends import TensorInfo
from portraitlite.runtime.components import component_labels
from portraitlite.runtime.decode import decode_upright
from portraitlite.runtime.figures import fill_holes, find_figures
from portraitlite.runtime.network_input import NetworkInput, fit_photo, input_tensor
from portraitlite.runtime.segmentation import mask_at_size
from portraitlite.runtime.types import Fit, OutputKind, ResizeConvention

__all__ = ["STEPS"]

Arrays = Mapping[str, Array]
Parameters = Mapping[str, Any]


def orient(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    upright, _, _ = decode_upright(Image.fromarray(arrays["stored"]), parameters["orientation"], [])
    return {"upright": upright}


def fit(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    made = fit_photo(arrays["pixels"], parameters["height"], parameters["width"], Fit(parameters["fit"]))
    return {"input": made.pixels, "used": np.array([made.used_height, made.used_width], np.int32)}


def feed(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    pixels = arrays["input"]
    info = TensorInfo("image", (1, *pixels.shape), np.dtype(parameters["dtype"]))
    metadata = ModelMetadata("golden", ("background", "person"), *pixels.shape[:2])
    source = NetworkInput(pixels, *parameters["used"])
    return {"tensor": input_tensor(source, info, metadata)}


def mask(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    segmentation = _segmentation(arrays["output"], parameters)
    return {"mask": segmentation.mask("person"), "box": np.array(segmentation.box)}


def photo_mask(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    left, top, right, bottom = parameters["box"]
    box = (left, top, right, bottom)
    return {"mask": mask_at_size(arrays["mask"], box, parameters["height"], parameters["width"])}


def components(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    return {"labels": component_labels(arrays["mask"] > 0, diagonal=parameters["diagonal"])[0]}


def holes(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    return {"filled": fill_holes(arrays["values"])}


def figures(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    labels, found = find_figures(arrays["values"])
    boxes = np.array([figure.box for figure in found]).reshape(-1, 4)
    return {"labels": labels, "boxes": boxes, "shares": np.array([figure.share for figure in found])}


def subject(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    focus = parameters["focus"]
    choice = SubjectChoice(keep=Keep(parameters["keep"]), focus=(focus[0], focus[1]) if focus else None)
    return {"mask": subject_mask(_segmentation(arrays["output"], parameters), choice).values}


def segment(arrays: Arrays, parameters: Parameters) -> dict[str, Array]:
    return {"mask": Segmenter(parameters["model"])(arrays["photo"]).mask("person")}


def _segmentation(output: Array, parameters: Parameters) -> Segmentation:
    network = parameters["network"]
    labels = tuple(parameters["labels"])
    metadata = ModelMetadata("golden", labels, network[0], network[1])
    kind = OutputKind(parameters["output_kind"])
    single = kind is OutputKind.CONFIDENCE and output.shape[-1] == 1
    convention = ResizeConvention(parameters["resize_convention"])
    metadata = dataclasses.replace(
        metadata, output_kind=kind, output_label="person" if single else None, resize_convention=convention
    )
    height, width = parameters["photo"]
    return Segmentation(output, metadata, height, width, *parameters["used"])


STEPS: dict[str, Callable[[Arrays, Parameters], dict[str, Array]]] = {
    step.__name__: step for step in (orient, fit, feed, segment, mask, photo_mask, components, holes, figures, subject)
} | BLUR_STEPS
