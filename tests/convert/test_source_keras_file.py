"""Keras files of our networks: every way to save one, and what is refused without being built."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from portraitlite.convert.networks import build_network
from portraitlite.convert.networks.layers import Network
from portraitlite.convert.sources.keras_file import read_keras_file
from portraitlite.convert.sources.keras_names import official_from_layers
from portraitlite.convert.spec import Backbone, DeepLabSpec, Head
from portraitlite.convert.weights import load_variables, official_variables
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import ResizeConvention

# Keras 3.15's own saving warns so under numpy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

SPEC = DeepLabSpec(
    classes=3,
    crop_height=65,
    crop_width=97,
    depth_multiplier=0.5,
    output_stride=8,
    decoder_stride=4,
    aspp_filters=24,
    decoder_filters=20,
    resize_convention=ResizeConvention.LEGACY,
)


@pytest.fixture(scope="module")
def network(oracle: Any) -> Network:
    made = build_network(SPEC)
    load_variables(made, oracle("mobilenet_v2_deeplab").random_variables(np.random.default_rng(5), decoder=4))
    return made


@pytest.fixture(scope="module")
def keras_path(tmp_path_factory: pytest.TempPathFactory, network: Network) -> Path:
    path = tmp_path_factory.mktemp("keras") / "net.keras"
    network.model.save(path)
    return path


def _same(reading: dict[str, np.ndarray], network: Network) -> bool:
    wanted = official_variables(network)
    return reading.keys() == wanted.keys() and all(np.array_equal(reading[name], wanted[name]) for name in wanted)


def test_a_keras_file_comes_back_with_its_facts(keras_path: Path, network: Network) -> None:
    reading = read_keras_file(keras_path)
    assert _same(reading.variables, network)
    facts = reading.facts
    assert (facts.crop, facts.output_stride, facts.resize_convention) == ((65, 97), 8, ResizeConvention.LEGACY)
    assert facts.atrous_rates == ()


def test_weights_alone_and_legacy_files_come_back(tmp_path: Path, network: Network) -> None:
    network.model.save_weights(tmp_path / "net.weights.h5")
    reading = read_keras_file(tmp_path / "net.weights.h5")
    assert _same(reading.variables, network)
    assert reading.facts.reasons == {}
    network.model.save(tmp_path / "net.h5")
    reading = read_keras_file(tmp_path / "net.h5")
    assert _same(reading.variables, network)
    assert reading.facts.crop == (65, 97)


def test_lr_aspp_comes_back_with_its_pooling_window(tmp_path: Path) -> None:
    spec = DeepLabSpec(
        backbone=Backbone.MOBILENET_V3_SMALL_SEG,
        classes=3,
        crop_height=769,
        crop_width=801,
        output_stride=32,
        head=Head.LR_ASPP,
        decoder_stride=8,
        aspp_filters=16,
        image_pooling_crop=(769, 769),
        image_pooling_stride=(4, 5),
    )
    made = build_network(spec)
    made.model.save(tmp_path / "net.keras")
    reading = read_keras_file(tmp_path / "net.keras")
    assert _same(reading.variables, made)
    facts = reading.facts
    assert (facts.output_stride, facts.image_pooling_crop, facts.image_pooling_stride) == (32, (769, 769), (4, 5))


def test_a_residual_head_and_lr_aspp_keep_their_biases() -> None:
    def layer(scope: str) -> dict[str, np.ndarray]:
        return {f"{scope}/kernel": np.ones((1, 1, 2, 3), np.float32), f"{scope}/bias": np.ones(3, np.float32)}

    v2 = official_from_layers(layer("decoder.residual") | layer("image_pooling"), "x")
    assert {"decoder/residual/biases", "image_pooling/BatchNorm/beta"} < v2.keys()
    v3 = official_from_layers(layer("MobilenetV3.Conv") | layer("image_pooling") | layer("aspp0"), "x")
    assert {"image_pooling/biases", "aspp0/BatchNorm/beta", "MobilenetV3/Conv/BatchNorm/beta"} < v3.keys()
    squeeze = official_from_layers(layer("MobilenetV3.expanded_conv.squeeze_excite.Conv"), "x")
    assert "MobilenetV3/expanded_conv/squeeze_excite/Conv/biases" in squeeze


def _rewrite(source: Path, target: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as out:
        for name in archive.namelist():
            data = archive.read(name)
            if name == "config.json":
                config = json.loads(data)
                change(config)
                data = json.dumps(config).encode()
            out.writestr(name, data)
    return target


def _lambda(config: dict[str, Any]) -> None:
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}
    layer = {"module": "keras.layers", "class_name": "Lambda", "config": {"name": "evil", "function": code}}
    config["config"]["layers"].append(layer)


def _custom(config: dict[str, Any]) -> None:
    config["config"]["layers"][3]["module"] = "os"


def _activation(config: dict[str, Any]) -> None:
    function = {"module": "builtins", "class_name": "function", "config": "exec", "registered_name": "exec"}
    config["config"]["layers"][3]["config"]["activation"] = function


def _no_input(config: dict[str, Any]) -> None:
    del config["config"]["layers"][0]


def _other_shape(config: dict[str, Any]) -> None:
    config["config"]["layers"] = "none"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_lambda, "may carry code"),
        (_custom, "'DepthwiseConv2D' of 'os'|of 'os', which may carry code"),
        (_activation, "'function' of 'builtins', which may carry code"),
        (_no_input, "layer list that does not fit"),
        (_other_shape, "layer list that does not fit"),
    ],
)
def test_code_and_unfit_layer_lists_are_refused(
    tmp_path: Path, keras_path: Path, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        read_keras_file(_rewrite(keras_path, tmp_path / "changed.keras", change))


def _extra_layer(file: h5py.File) -> None:
    file.create_group("layers/lstm/vars").create_dataset("7", data=np.zeros(3, np.float32))


def _soft_link(file: h5py.File) -> None:
    file["layers/link"] = h5py.SoftLink("/layers")


def _external_link(file: h5py.File) -> None:
    file["layers/link"] = h5py.ExternalLink("/etc/passwd", "/")


def _integers(file: h5py.File) -> None:
    group = file.create_group("layers/new/vars")
    group.attrs["name"] = "new"
    group.create_dataset("0", data=np.zeros(3, np.int32))


def _huge(file: h5py.File) -> None:
    group = file.create_group("layers/new/vars")
    group.attrs["name"] = "new"
    group.create_dataset("0", shape=(1 << 20, 1 << 20), dtype="f4", chunks=(1024, 1024), compression="gzip")


def _kernel_only(file: h5py.File) -> None:
    group = file.create_group("layers/new/vars")
    group.attrs["name"] = "new"
    group.create_dataset("0", data=np.zeros((1, 1, 1, 1), np.float32))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_extra_layer, "expected kernels and biases only"),
        (_soft_link, "holds a link"),
        (_external_link, "holds a link"),
        (_integers, "expected float weights"),
        (_huge, "more than 2048 MiB"),
        (_kernel_only, "expected a kernel and a bias each"),
    ],
)
def test_hostile_weight_files_are_refused(
    tmp_path: Path, network: Network, spoil: Callable[[h5py.File], None], reason: str
) -> None:
    path = tmp_path / "net.weights.h5"
    network.model.save_weights(path)
    with h5py.File(path, "a") as file:
        spoil(file)
    with pytest.raises(InputError, match=reason):
        read_keras_file(path)


def test_damaged_files_are_refused(tmp_path: Path, keras_path: Path) -> None:
    whole = keras_path.read_bytes()
    for name, data in {
        "empty.keras": b"",
        "text.keras": b"no archive",
        "cut.keras": whole[: len(whole) // 2],
        "noise.h5": b"\x89HDF\r\n\x1a\n" + b"\xff" * 200,
        "text.h5": b"no hdf5",
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match="not a readable"):
            read_keras_file(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "half.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(InputError, match="lacks"):
        read_keras_file(tmp_path / "half.keras")
