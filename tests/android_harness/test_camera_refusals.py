"""Hostile arguments to the camera library: one line that says what was found and what was expected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from camera_program import CameraProgram, Refused, running_camera
from golden_vectors import Array


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CameraProgram]:
    with running_camera(tmp_path_factory) as program:
        yield program


def zeros(*shape: int, dtype: Any = np.uint8) -> Array:
    return np.zeros(shape, dtype)


SPAN = 2**31 - 1
PLANES: dict[str, Any] = {"height": 4, "width": 6, "layout": "planes"}
PLANES |= {"y_row": 6, "y_pixel": 1, "u_row": 3, "u_pixel": 1, "v_row": 3, "v_pixel": 1}
MEMORY = {"y": zeros(24), "u": zeros(6), "v": zeros(6)}
PIECE: dict[str, Any] = {"height": 3, "width": 5, "layout": "nv21"}
NETWORK: dict[str, Any] = {"network": [9, 9], "photo": [90, 90], "used": [9, 9], "resize_convention": "legacy"}
NETWORK |= {"output_kind": "confidence", "labels": ["background", "person"]}
BLUR: dict[str, Any] = {"strength": 0.5, "highlights": 0.0, "grain": 0.0}
PHOTO = {"photo": zeros(8, 8, 3), "mask": zeros(3, 3)}

CASES: list[tuple[str, dict[str, Array], dict[str, Any], str]] = [
    (
        "yuv",
        MEMORY,
        PLANES | {"height": 0},
        "found an array of 0 x 6 x 3; expected at least one row, column and channel",
    ),
    ("yuv", MEMORY, PLANES | {"width": -6}, "found an array of 4 x -6 x 3; expected at least one row"),
    ("yuv", MEMORY, PLANES | {"height": SPAN, "width": SPAN}, "expected at most 2147483639"),
    (
        "yuv",
        MEMORY,
        PLANES | {"y_row": 5},
        "plane Y has row stride 5; expected at least 6 for 6 samples of pixel stride 1",
    ),
    ("yuv", MEMORY, PLANES | {"y_row": -6}, "plane Y has row stride -6; expected at least 6"),
    ("yuv", MEMORY, PLANES | {"u_pixel": 0}, "plane U has pixel stride 0; expected at least 1"),
    ("yuv", MEMORY, PLANES | {"v_pixel": 2}, "plane V has row stride 3; expected at least 5 for 3 samples"),
    ("yuv", MEMORY, PLANES | {"v_pixel": SPAN, "v_row": SPAN}, "expected at least 4294967295 for 3 samples"),
    ("yuv", MEMORY | {"y": zeros(23)}, PLANES, "plane Y has 23 bytes; expected at least 24 for 4 rows of stride 6"),
    ("yuv", MEMORY | {"u": zeros(0)}, PLANES, "plane U has 0 bytes; expected at least 6 for 2 rows of stride 3"),
    ("yuv", MEMORY, PLANES | {"v_row": SPAN}, "plane V has 6 bytes; expected at least 2147483650 for 2 rows"),
    (
        "yuv",
        MEMORY,
        PLANES | {"crop": [1, 0, 4, 6]},
        "found a crop of 6 x 4 pixels at column 0, row 1; expected it inside 6",
    ),
    ("yuv", MEMORY, PLANES | {"crop": [-1, 0, 1, 1]}, "found a crop of 1 x 1 pixels at column 0, row -1"),
    ("yuv", MEMORY, PLANES | {"crop": [1, 1, SPAN, SPAN]}, "expected it inside 6 x 4"),
    ("yuv", MEMORY, PLANES | {"crop": [0, 0, 0, 6]}, "found a crop of 6 x 0 pixels"),
    ("yuv", {"data": zeros(26)}, PIECE, "the frame has 26 bytes; expected 27 for 5 x 3 pixels"),
    ("yuv", {"data": zeros(26)}, PIECE | {"layout": "nv12"}, "the frame has 26 bytes; expected 27 for 5 x 3 pixels"),
    ("yuv", {"data": zeros(0)}, PIECE | {"layout": "i420"}, "the frame has 0 bytes; expected 27 for 5 x 3 pixels"),
    ("yuv", {"data": zeros(0)}, PIECE | {"height": 0}, "found an array of 0 x 5 x 1"),
    ("orient", {"stored": zeros(2, 2, 3)}, {"orientation": 9}, "the orientation is 9; expected 1 to 8"),
    (
        "rotate",
        {"stored": zeros(2, 2, 3)},
        {"degrees": 45, "mirrored": False},
        "45 degrees; expected 0, 90, 180 or 270",
    ),
    ("argb", {"pixels": zeros(2, 2, 4)}, {}, "the picture has 4 channels; expected 3"),
    ("fit", {"pixels": zeros(2, 2)}, {"height": 4, "width": 4, "fit": "pad"}, "the photo has 1 channels; expected 3"),
    ("fit", {"pixels": zeros(2, 2, 3)}, {"height": 0, "width": 4, "fit": "pad"}, "found an array of 0 x 4 x 3"),
    ("feed", {"input": zeros(4, 4, 3)}, {"dtype": "uint8", "used": [5, 4]}, "found a crop of 4 x 5 pixels"),
    (
        "feed",
        {"input": zeros(4, 4, 3)},
        {"dtype": "float32", "used": [4, 4], "mean": 0, "std": 0},
        "the standard deviation is 0.0; expected a number other than 0",
    ),
    (
        "resize",
        {"pixels": zeros(4, 4, 3)},
        {"height": 2, "width": 2, "box": [0, 0, 5, 4]},
        "the box is 0.0, 0.0, 5.0, 4.0; expected it inside 0, 0, 4, 4",
    ),
    (
        "resize",
        {"pixels": zeros(4, 4, 3)},
        {"height": 2, "width": 2, "box": [2, 0, 2, 4]},
        "the box is 2.0, 0.0, 2.0, 4.0; expected left < right and top < bottom in samples",
    ),
    ("photo_mask", {"mask": zeros(4, 4)}, {"height": 2, "width": 2, "box": ["NaN", 0, 4, 4]}, "the box is NaN, 0.0"),
    ("photo_mask", {"mask": zeros(4, 4)}, {"height": 2, "width": 2, "box": [5, 0, 9, 4]}, "expected left < right"),
    (
        "mask",
        {"output": zeros(3, 3, 2, dtype=np.float32)},
        NETWORK | {"used": [9, 10]},
        "found a crop of 10 x 9 pixels",
    ),
    ("mask", {"output": zeros(3, 3, 5, dtype=np.float32)}, NETWORK, "the output has 5 channels; expected 2"),
    ("mask", {"output": zeros(3, 3)}, NETWORK | {"output_kind": "logits"}, "found labels; expected LOGITS"),
    (
        "mask",
        {"output": zeros(3, 3, 2, dtype=np.float32)},
        NETWORK | {"labels": ["background", "cat"]},
        "the model knows no class person; it knows [background, cat]",
    ),
    (
        "subject",
        {"output": zeros(3, 3, 2, dtype=np.float32)},
        NETWORK | {"keep": "focus"},
        "found FOCUS without a point; expected one: use at()",
    ),
    (
        "subject",
        {"output": zeros(3, 3, 2, dtype=np.float32)},
        NETWORK | {"keep": "near", "focus": [0.5, 1.5]},
        "the focus point's y is 1.5; expected 0 to 1",
    ),
    (
        "subject",
        {"output": zeros(3, 3, 2, dtype=np.float32)},
        NETWORK | {"keep": "all", "held": ["dog"]},
        "the model cannot tell what is dog beside the subject; it knows [background, person]",
    ),
    ("scale", {"sizes": np.array([[0, 5]], np.int32)}, {}, "found an array of 0 x 5 x 3"),
    ("scale", {"sizes": np.array([[24193, 10]], np.int32)}, {}, "expected at most 24192 x 18144 in either orientation"),
    ("reduce", {"pixels": zeros(2, 2, 3)}, {"scale": 0}, "the scale is 0; expected 1 to 256"),
    ("reduce", {"pixels": zeros(2, 2, 3)}, {"scale": 257}, "the scale is 257; expected 1 to 256"),
    ("light", {"pixels": zeros(2, 2)}, {"scale": 1, "highlights": 1.0}, "the photo has 1 channels; expected 3"),
    (
        "place",
        {"map": zeros(4, 4)},
        {"height": 9, "width": 9, "box": [-5, 0, 4, 4]},
        "expected it at most as far outside",
    ),
    (
        "tile_kinds",
        {"plan": zeros(3, 3, 5, dtype=np.float32)},
        {"height": 0, "width": 1, "scale": 8},
        "found an array of 0",
    ),
    ("render", PHOTO, BLUR | {"strength": 1.1}, "the strength is 1.1; expected 0 to 1"),
    ("render", PHOTO, BLUR | {"strength": "NaN"}, "the strength is NaN; expected 0 to 1"),
    ("render", PHOTO, BLUR | {"highlights": -0.1}, "highlights is -0.1; expected 0 to 1"),
    ("render", PHOTO, BLUR | {"grain": 2.0}, "grain is 2.0; expected 0 to 1"),
    ("render", PHOTO | {"mask": zeros(3, 3, 3)}, BLUR, "the mask has 3 channels; expected 1"),
    (
        "render",
        PHOTO | {"coc": np.full((2, 2), 1.5, np.float32)},
        BLUR,
        "a value of the blur map is 1.5; expected 0 to 1",
    ),
]


@pytest.mark.parametrize(("step", "arrays", "parameters", "message"), CASES, ids=[case[3] for case in CASES])
def test_it_is_refused_in_one_line(
    camera: CameraProgram, step: str, arrays: dict[str, Array], parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(Refused) as refusal:
        camera.run(step, arrays, parameters)
    text = str(refusal.value)
    assert message in text
    assert "expected" in text or "it knows" in text
    assert "\n" not in text
    # The program goes on, and the library keeps nothing of the failed call.
    assert camera.run("yuv", MEMORY, PLANES)["rgb"].shape == (4, 6, 3)
