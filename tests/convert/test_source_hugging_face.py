"""Hugging Face folders, written here by code; and against the real class, where `transformers` is installed.

The always-run tests prove the mapping of names and layouts as this project reads them. That the class really computes
so is proven by `test_the_class_itself_agrees`, where PORTRAITLITE_TRANSFORMERS_PYTHON names a Python with torch and
transformers.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.networks import build_network
from portraitlite.convert.sources.hugging_face import is_hugging_face, read_hugging_face
from portraitlite.convert.sources.safetensors_file import read_safetensors
from portraitlite.convert.spec import DeepLabSpec
from portraitlite.convert.weights import load_variables
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import ResizeConvention

CONFIG = {
    "architectures": ["MobileNetV2ForSemanticSegmentation"],
    "model_type": "mobilenet_v2",
    "depth_multiplier": 0.5,
    "depth_divisible_by": 1,
    "image_size": [65, 97],
    "layer_norm_eps": 0.001,
    "output_stride": 8,
    "tf_padding": True,
}
TYPES = {"float32": "F32", "float16": "F16", "float64": "F64", "int64": "I64"}


def _write_safetensors(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, value in tensors.items():
        raw = np.ascontiguousarray(value).tobytes()
        offsets = [len(body), len(body) + len(raw)]
        header[name] = {"dtype": TYPES[str(value.dtype)], "shape": list(value.shape), "data_offsets": offsets}
        body += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)
    return path


def _hugging_face_name(official: str) -> str:
    scope, leaf = official.split("/BatchNorm/") if "BatchNorm" in official else official.rsplit("/", 1)
    heads = {"image_pooling": "conv_pool", "aspp0": "conv_aspp", "concat_projection": "conv_projection"}
    parts = {"expand": "expand_1x1", "depthwise": "conv_3x3", "project": "reduce_1x1"}
    leaves = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    if scope == "logits/semantic":
        return f"segmentation_head.classifier.convolution.{'bias' if leaf == 'biases' else 'weight'}"
    if scope in heads:
        stem = f"segmentation_head.{heads[scope]}"
    elif scope == "MobilenetV2/Conv":
        stem = "mobilenet_v2.conv_stem.first_conv"
    else:
        _, block, part = scope.split("/")
        number = block.removeprefix("expanded_conv").removeprefix("_")
        place = f"layer.{int(number) - 1}" if number else "conv_stem"
        stem = f"mobilenet_v2.{place}.{parts[part]}"
    return f"{stem}.normalization.{leaves[leaf]}" if leaf in leaves else f"{stem}.convolution.weight"


@pytest.fixture(scope="module")
def variables(oracle: Any) -> dict[str, np.ndarray]:
    return oracle("mobilenet_v2_deeplab").random_variables(np.random.default_rng(5))


@pytest.fixture
def folder(tmp_path: Path, variables: dict[str, np.ndarray]) -> Path:
    tensors: dict[str, np.ndarray] = {}
    for name, value in variables.items():
        layout = {"depthwise_weights": (2, 3, 0, 1), "weights": (3, 2, 0, 1)}.get(name.split("/")[-1])
        tensors[_hugging_face_name(name)] = value.transpose(layout) if layout else value
    tensors["mobilenet_v2.conv_1x1.convolution.weight"] = np.zeros((1280, 160, 1, 1), np.float16)
    tensors["mobilenet_v2.conv_1x1.normalization.num_batches_tracked"] = np.zeros((), np.int64)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    _write_safetensors(tmp_path / "model.safetensors", tensors)
    return tmp_path


def test_names_and_layouts_become_official(folder: Path, variables: dict[str, np.ndarray]) -> None:
    assert is_hugging_face(folder)
    reading = read_hugging_face(folder)
    assert reading.variables.keys() == variables.keys()
    assert all(np.array_equal(reading.variables[name], variables[name]) for name in variables)
    facts = reading.facts
    assert (facts.crop, facts.output_stride, facts.atrous_rates) == ((65, 97), 8, ())
    assert facts.resize_convention is ResizeConvention.ALIGN_CORNERS


def test_another_epsilon_is_absorbed_in_the_backbone_only(folder: Path, variables: dict[str, np.ndarray]) -> None:
    (folder / "config.json").write_text(json.dumps({**CONFIG, "layer_norm_eps": 0.01}))
    found = read_hugging_face(folder).variables
    name = "MobilenetV2/Conv/BatchNorm/moving_variance"
    np.testing.assert_allclose(found[name], variables[name] + 0.009, rtol=1e-6)
    name = "aspp0/BatchNorm/moving_variance"
    np.testing.assert_array_equal(found[name], variables[name])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"architectures": ["MobileNetV2ForImageClassification"]}, "expected MobileNetV2ForSemanticSegmentation"),
        ({"model_type": "mobilevit"}, "expected MobileNetV2ForSemanticSegmentation"),
        ({"tf_padding": False}, "tf_padding False; the official network has True"),
        ({"hidden_act": "relu"}, "hidden_act 'relu'"),
        ({"first_layer_is_expansion": False}, "first_layer_is_expansion"),
        ({"depth_divisible_by": 8}, "depth_divisible_by 8"),
        ({"layer_norm_eps": "small"}, "layer_norm_eps 'small'"),
        ({"image_size": [1, 2, 3]}, "image_size"),
        ({"output_stride": None}, "output_stride None"),
    ],
)
def test_options_that_change_the_network_are_refused(folder: Path, change: dict[str, Any], reason: str) -> None:
    (folder / "config.json").write_text(json.dumps({**CONFIG, **change}))
    with pytest.raises(InputError, match=reason):
        read_hugging_face(folder)


def test_unfit_folders_are_refused(folder: Path) -> None:
    weights = folder / "model.safetensors"
    _write_safetensors(weights, {"mobilenet_v2.layer.0.attention.weight": np.zeros((2, 2), np.float32)})
    with pytest.raises(InputError, match=r"holds the tensor 'mobilenet_v2.layer.0.attention.weight'"):
        read_hugging_face(folder)
    weights.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(InputError, match="safe_serialization"):
        read_hugging_face(folder)
    for text in ("[]", "{", "\xff"):
        (folder / "config.json").write_text(text)
        with pytest.raises(InputError, match=r"config\.json is n"):
            read_hugging_face(folder)


def _raw(path: Path, header: Any, body: bytes = b"\0" * 8, length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + body)
    return path


def _row(begin: int, end: int, shape: list[Any], dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"a": _row(0, 8, [2]), "b": _row(4, 8, [1])}, "overlap or leave gaps"),
        ({"a": _row(0, 8, [2]), "b": _row(0, 8, [2])}, "overlap or leave gaps"),
        ({"a": _row(4, 8, [1])}, "overlap or leave gaps"),
        ({"a": _row(0, 80, [20])}, "overlap or leave gaps"),
        ({"a": _row(0, 4, [1])}, "4 bytes behind its last tensor"),
        ({"a": _row(0, 8, [3])}, "8 bytes that do not fit"),
        ({"a": _row(0, 8, [-1, -2])}, "8 bytes that do not fit"),
        ({"a": _row(0, 8, [1 << 62, 4])}, "8 bytes that do not fit"),
        ({"a": _row(0, 8, ["x"])}, "damaged safetensors header"),
        ({"a": _row(0, 8, [8], "F8_E4M3")}, "has type 'F8_E4M3'"),
        ({"a": 3}, "damaged safetensors header"),
        ([1], "damaged safetensors header"),
        (b"{", "damaged safetensors header"),
        (b'{"a": 1, "a": 2}', "a name stands twice"),
        (b"[" * 100_000, "damaged safetensors header"),
    ],
)
def test_hostile_safetensors_are_refused(tmp_path: Path, header: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_safetensors(_raw(tmp_path / "x.safetensors", header))


def test_lying_header_lengths_are_refused(tmp_path: Path) -> None:
    for length in (1 << 40, 1 << 63, 100):
        with pytest.raises(InputError, match="header does not fit"):
            read_safetensors(_raw(tmp_path / "x.safetensors", {}, length=length))
    (tmp_path / "short").write_bytes(b"\0" * 3)
    with pytest.raises(InputError, match="header does not fit"):
        read_safetensors(tmp_path / "short")


def test_the_float_types_are_read(tmp_path: Path) -> None:
    values = np.array([1.5, -2.25], np.float32)
    bfloat16 = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    path = _raw(tmp_path / "b.safetensors", {"a": _row(0, 4, [2], "BF16")}, bfloat16)
    np.testing.assert_array_equal(read_safetensors(path)["a"], values)
    for dtype in ("float16", "float32", "float64"):
        path = _write_safetensors(tmp_path / "f.safetensors", {"a": values.astype(dtype), "n": np.zeros(2, np.int64)})
        found = read_safetensors(path)
        assert found.keys() == {"a"}
        np.testing.assert_array_equal(found["a"], values)


CLASS_SCRIPT = """
import sys
import numpy as np, torch
from transformers import MobileNetV2Config, MobileNetV2ForSemanticSegmentation
folder, stride, height, width, epsilon = sys.argv[1], *map(int, sys.argv[2:5]), float(sys.argv[5])
torch.manual_seed(3)
config = MobileNetV2Config(image_size=[height, width], output_stride=stride, num_labels=5, layer_norm_eps=epsilon)
model = MobileNetV2ForSemanticSegmentation(config).eval()
with torch.no_grad():
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.normal_(module.weight, 0, (2 / module.weight[0].numel()) ** 0.5)
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.uniform_(0.5, 1.5), module.bias.normal_(0, 0.3)
            module.running_mean.normal_(0, 0.3), module.running_var.uniform_(0.3, 1.5)
    picture = torch.rand(1, 3, height, width) * 2 - 1
    model.save_pretrained(folder)
    logits = model.double()(picture.double()).logits
np.savez(folder + "/oracle.npz", picture=picture.permute(0, 2, 3, 1).numpy(), logits=logits.permute(0, 2, 3, 1).numpy())
"""


@pytest.mark.parametrize(
    ("output_stride", "size", "epsilon"), [(16, (97, 129), 0.001), (8, (64, 65), 0.001), (32, (96, 128), 0.02)]
)
def test_the_class_itself_agrees(tmp_path: Path, output_stride: int, size: tuple[int, int], epsilon: float) -> None:
    python = os.environ.get("PORTRAITLITE_TRANSFORMERS_PYTHON")
    if not python:
        pytest.skip(
            reason="needs PORTRAITLITE_TRANSFORMERS_PYTHON=a Python with torch and transformers, too large for CI"
        )
    arguments = [str(tmp_path), *map(str, (output_stride, *size, epsilon))]
    subprocess.run([python, "-c", CLASS_SCRIPT, *arguments], check=True, capture_output=True, timeout=300)
    reading = read_hugging_face(tmp_path)
    assert (reading.facts.crop, reading.facts.output_stride) == (size, output_stride)
    network = build_network(
        DeepLabSpec(classes=5, crop_height=size[0], crop_width=size[1], output_stride=output_stride)
    )
    load_variables(network, reading.variables)
    with np.load(tmp_path / "oracle.npz") as oracle:
        found, wanted = np.asarray(network.model(oracle["picture"])), oracle["logits"]
    difference = np.abs(found - wanted).max() / np.ptp(wanted)
    print(f"largest difference {difference:.2e} of the range")
    assert difference <= 3e-4
    assert (found.argmax(-1) == wanted.argmax(-1)).all()
