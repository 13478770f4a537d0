"""Agreement and mean IoU against the script that comes with the official models' samples."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from portraitlite.benchmarks.accuracy.metrics.confusion import reference_mean_iou
from portraitlite.benchmarks.accuracy.score import Prediction, reference_tally
from portraitlite.runtime import Segmenter
from portraitlite.runtime.labels import label_set
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.types import OutputKind, ResizeConvention

MODEL, VARIANT, CLASSES = "deeplabv3_mnv2_ade20k_int8.tflite", "mlperf_mnv2_ade20k32", 32
pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def official(shared: Path) -> Any:
    spec = importlib.util.spec_from_file_location("official_compare", shared / "official" / "compare.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def both(got: Any, want: Any) -> tuple[float, float]:
    """Ours: agreement and mean IoU to the reference."""
    ours = (Prediction(np.asarray(one, np.uint8), np.asarray(one, np.uint8), None, False) for one in (got, want))
    equal, miou, photos = reference_tally(*ours, same_labels=True, classes=CLASSES).tolist()
    assert photos == 1
    return equal, miou


def test_equal_on_every_sample(official: Any, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the labels that the script itself finds, with its preprocessing, in the region that is not padding."""

    model = shared / "models" / MODEL
    sys_argv, sys.argv = sys.argv, ["compare.py", VARIANT, str(model), "--json"]
    try:
        assert official.main() == 0
    finally:
        sys.argv = sys_argv
    rows = json.loads(capsys.readouterr().out)["photos"]
    info = json.loads((shared / "official" / VARIANT / "info.json").read_text())
    interpreter = official.load_interpreter(model, 1)
    source = interpreter.get_input_details()[0]
    for name, row in rows.items():
        reference = shared / "official" / VARIANT / "reference"
        pixels, valid = official.network_pixels(np.asarray(Image.open(reference / f"{name}.input.png")), info)
        interpreter.set_tensor(source["index"], official.encode_input(pixels, source, False)[None])
        interpreter.invoke()
        labels, _ = official.decode_output(interpreter, (128, 128, CLASSES), (512, 512), False)
        want = np.asarray(Image.open(reference / f"{name}.argmax_model_size.png"))
        equal, miou = both(labels[valid], want[valid])
        assert equal == pytest.approx(row["agree_valid"], abs=1e-6)
        assert miou == pytest.approx(row["miou_vs_float"], abs=1e-6)


def test_equal_from_the_photo_on(official: Any, shared: Path) -> None:
    """Through `Segmenter`, on the sample that is as large as the network's input, so that nothing is resized."""
    labels = label_set("mlperf_ade20k_32")
    metadata = ModelMetadata(
        *("mlperf", labels, 512, 512), output_kind=OutputKind.LABELS, resize_convention=ResizeConvention.LEGACY
    )
    reference = shared / "official" / VARIANT / "reference"
    photo = np.asarray(Image.open(reference / "astronaut.input.png"))
    want = np.asarray(Image.open(reference / "astronaut.argmax_model_size.png"))
    got = Segmenter(shared / "models" / MODEL, metadata=metadata)(photo).label_map()
    equal, miou = both(got, want)
    assert equal == pytest.approx(float((got == want).mean()), abs=1e-12)
    assert miou == pytest.approx(official.mean_iou(want, got, CLASSES), abs=1e-6)
    assert reference_mean_iou(want, want, CLASSES) == 1
    assert 0.9 < equal < 1
