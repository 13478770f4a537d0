"""SavedModels: TF1 ones of an official graph, TF2 ones of a network of this project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.networks import build_network
from portraitlite.convert.sources.saved_model import is_saved_model, read_saved_model
from portraitlite.convert.spec import DeepLabSpec
from portraitlite.convert.weights import load_variables, official_variables
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import ResizeConvention

SPEC = DeepLabSpec(
    classes=3,
    crop_height=65,
    crop_width=97,
    depth_multiplier=0.5,
    decoder_stride=4,
    aspp_filters=24,
    decoder_filters=20,
    resize_convention=ResizeConvention.LEGACY,
)


@pytest.fixture(scope="module")
def variables(oracle: Any) -> dict[str, np.ndarray]:
    return oracle("mobilenet_v2_deeplab").random_variables(np.random.default_rng(5), decoder=4)


@pytest.fixture(scope="module")
def tf1_folder(tmp_path_factory: pytest.TempPathFactory, oracle: Any, variables: dict[str, np.ndarray]) -> Path:
    import tensorflow as tf

    tf1 = tf.compat.v1
    folder = tmp_path_factory.mktemp("tf1") / "saved"

    def variable(name: str, value: np.ndarray) -> Any:
        return tf1.get_variable(name, initializer=value, use_resource=False)

    with tf1.Graph().as_default() as graph, tf1.Session() as session:
        oracle("mobilenet_v2_graph").add_network(variables, align_corners=False, variable=variable)
        session.run(tf1.global_variables_initializer())
        builder = tf1.saved_model.Builder(str(folder))
        builder.add_meta_graph_and_variables(session, ["serve"])
        builder.save()
        assert graph.get_operations()
    return folder


@pytest.fixture(scope="module")
def tf2_folder(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, np.ndarray]) -> tuple[Path, Any]:
    network = build_network(SPEC)
    load_variables(network, variables)
    folder = tmp_path_factory.mktemp("tf2") / "saved"
    network.model.export(str(folder), verbose=False)
    return folder, network


def test_a_tf1_saved_model_holds_the_official_variables(tf1_folder: Path, variables: dict[str, np.ndarray]) -> None:
    assert is_saved_model(tf1_folder)
    assert not is_saved_model(tf1_folder.parent)
    reading = read_saved_model(tf1_folder)
    assert reading.variables.keys() == variables.keys()
    assert all(np.array_equal(reading.variables[name], variables[name]) for name in variables)
    facts = reading.facts
    assert (facts.crop, facts.output_stride, facts.resize_convention) == ((65, 97), 16, ResizeConvention.LEGACY)


def test_a_frozen_saved_model_holds_them_as_constants(
    tmp_path: Path, oracle: Any, variables: dict[str, np.ndarray]
) -> None:
    _write_saved_model(tmp_path, oracle("mobilenet_v2_graph").build(variables))
    reading = read_saved_model(tmp_path)
    assert all(np.array_equal(reading.variables[name], variables[name]) for name in variables)


def test_a_tf2_saved_model_of_our_network_comes_back(tf2_folder: tuple[Path, Any]) -> None:
    folder, network = tf2_folder
    reading = read_saved_model(folder)
    wanted = official_variables(network)
    assert reading.variables.keys() == wanted.keys()
    assert all(np.array_equal(reading.variables[name], wanted[name]) for name in wanted)
    facts = reading.facts
    assert (facts.crop, facts.output_stride, facts.resize_convention) == ((65, 97), 16, ResizeConvention.LEGACY)
    assert "signature" in facts.reasons["crop"]


def test_hostile_and_damaged_ones_are_refused(tmp_path: Path, oracle: Any, variables: dict[str, np.ndarray]) -> None:
    graph = oracle("mobilenet_v2_graph").build(variables)
    stem = next(node for node in graph.node if node.name == "MobilenetV2/MobilenetV2/input")
    graph.node.add(name="extra", op="PyFunc").input.append(stem.input[0])
    stem.input[0] = "extra"
    _write_saved_model(tmp_path, graph)
    with pytest.raises(InputError, match=r"PyFunc.*refused"):
        read_saved_model(tmp_path)
    for data in (b"no protobuf", b""):
        (tmp_path / "saved_model.pb").write_bytes(data)
        with pytest.raises(InputError, match=r"is not a SavedModel|holds 0 graphs"):
            read_saved_model(tmp_path)


def test_damaged_variables_are_refused(tmp_path: Path, tf2_folder: tuple[Path, Any]) -> None:
    import shutil

    folder = tmp_path / "saved"
    shutil.copytree(tf2_folder[0], folder)
    index = folder / "variables" / "variables.index"
    index.write_bytes(b"\0" * 100)
    with pytest.raises(InputError, match="is not readable"):
        read_saved_model(folder)
    (folder / "variables" / "variables.data-00000-of-00001").unlink()
    with pytest.raises(InputError, match="give both files"):
        read_saved_model(folder)


def _write_saved_model(folder: Path, graph: Any) -> None:
    from tensorflow.core.protobuf import saved_model_pb2

    message = saved_model_pb2.SavedModel()
    message.meta_graphs.add().graph_def.CopyFrom(graph)
    (folder / "saved_model.pb").write_bytes(message.SerializeToString())
