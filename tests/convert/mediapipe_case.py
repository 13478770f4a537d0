"""One file through MediaPipe's Image Segmenter: MODEL PICTURE.npy DOCUMENT RESULT.npz, run by MediaPipe's own Python.

PICTURE is (H, W, 3) uint8 RGB, DOCUMENT the file's TFLITE_METADATA buffer. RESULT gets `masks` (H, W, classes) float32
and `category` (H, W) uint8. The labels, and DOCUMENT as MediaPipe's generated code reads it, go to stdout as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import mediapipe as mp
import numpy as np
from mediapipe.tasks.metadata import image_segmenter_metadata_schema_py_generated as segmenter_schema
from mediapipe.tasks.metadata import metadata_schema_py_generated as schema
from mediapipe.tasks.python import BaseOptions, vision


def plain(value: Any) -> Any:
    """An object of the generated code as dicts and lists, without the empty fields."""
    if hasattr(value, "__dict__"):
        return {name: plain(item) for name, item in vars(value).items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.decode() if isinstance(value, bytes) else value


def described(document: bytes) -> dict[str, Any]:
    tree = schema.ModelMetadataT.InitFromObj(schema.ModelMetadata.GetRootAs(document, 0))
    result: dict[str, Any] = plain(tree)
    for custom in result["subgraphMetadata"][0].get("customMetadata", []):
        options = segmenter_schema.ImageSegmenterOptions.GetRootAs(bytes(custom.pop("data")), 0)
        custom["activation"] = options.Activation()
    return result


def main(model: str, picture: str, document: str, result: str) -> None:
    options = vision.ImageSegmenterOptions(
        BaseOptions(model_asset_path=model), output_confidence_masks=True, output_category_mask=True
    )
    image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.load(picture))
    with vision.ImageSegmenter.create_from_options(options) as segmenter:
        labels = segmenter.labels
        found = segmenter.segment(image)
        masks = np.stack([mask.numpy_view().reshape(image.height, image.width) for mask in found.confidence_masks], -1)
        category = found.category_mask.numpy_view().reshape(image.height, image.width)
        np.savez(result, masks=masks, category=category)
    print(json.dumps({"labels": labels, "document": described(Path(document).read_bytes())}))


if __name__ == "__main__":
    main(*sys.argv[1:])
