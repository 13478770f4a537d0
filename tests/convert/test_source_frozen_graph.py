"""Frozen graphs: read without running, and what they reveal. TensorFlow runs them here only as the oracle."""

from __future__ import annotations

import contextlib
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from portraitlite.convert.networks import build_network
from portraitlite.convert.sources import graph_def as graph_def_module
from portraitlite.convert.sources.checkpoint import read_checkpoint
from portraitlite.convert.sources.facts import GraphFacts, Reading
from portraitlite.convert.sources.frozen_graph import read_frozen_graph
from portraitlite.convert.sources.graph_def import Graph, parse_graph_def
from portraitlite.convert.sources.graph_facts import find_cut, graph_facts
from portraitlite.convert.spec import DeepLabSpec
from portraitlite.convert.weights import load_variables
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import ResizeConvention

PICTURE = (50, 90)  # smaller than the crop: part of what the network sees is padding


@pytest.fixture(scope="session")
def official(oracle: Any) -> Any:
    return oracle("mobilenet_v2_graph")


@pytest.fixture(scope="session")
def variables(oracle: Any) -> dict[str, np.ndarray]:
    return oracle("mobilenet_v2_deeplab").random_variables(np.random.default_rng(5), decoder=4)


def _write(path: Path, graph: Any) -> Path:
    path.write_bytes(graph.SerializeToString())
    return path


def _logits(reading: Reading, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """What our network makes of the reading alone: its spec comes from the facts."""
    facts = reading.facts
    assert facts.crop is not None
    assert facts.resize_convention is not None
    spec = DeepLabSpec(
        classes=3,
        crop_height=facts.crop[0],
        crop_width=facts.crop[1],
        depth_multiplier=0.5,
        output_stride=facts.output_stride or 0,
        decoder_stride=4,
        aspp_filters=24,
        decoder_filters=20,
        resize_convention=facts.resize_convention,
    )
    network = build_network(spec)
    load_variables(network, reading.variables)
    padded = np.full((1, *facts.crop, 3), 127.5, np.float32)
    padded[:, : picture.shape[1], : picture.shape[2]] = picture
    return np.asarray(network.model((2 / 255) * padded - 1))


@pytest.mark.parametrize(
    ("style", "output_stride", "align_corners", "crop"),
    [
        ("plain", 16, True, (65, 97)),
        ("plain", 8, False, (64, 96)),
        ("folded", 16, False, (65, 97)),
        ("quantized", 16, True, (65, 97)),
    ],
)
def test_a_frozen_graph_alone_rebuilds_the_network(
    tmp_path: Path,
    official: Any,
    variables: dict[str, np.ndarray],
    style: str,
    output_stride: int,
    align_corners: bool,
    crop: tuple[int, int],
) -> None:
    options = {"crop": crop, "output_stride": output_stride, "align_corners": align_corners, "spare_nodes": 5}
    graph = official.build(variables, style=style, **options)
    reading = read_frozen_graph(_write(tmp_path / "g.pb", graph))
    facts = reading.facts
    convention = ResizeConvention.ALIGN_CORNERS if align_corners else ResizeConvention.LEGACY
    assert (facts.crop, facts.output_stride, facts.resize_convention) == (crop, output_stride, convention)
    assert facts.atrous_rates == ()
    assert facts.image_pooling_crop is None
    assert set(facts.spec_fields()) == set(facts.reasons) - {"crop"} | {"crop_height", "crop_width"}
    if style != "folded":
        assert reading.variables.keys() == variables.keys()
        assert all(np.array_equal(reading.variables[name], variables[name]) for name in variables)

    picture = np.random.default_rng(0).integers(0, 256, (1, *PICTURE, 3), np.uint8)
    # Fake quantization rounds; the float network is the one without it.
    float_graph = official.build(variables, **options) if style == "quantized" else graph
    cut = find_cut(parse_graph_def(float_graph.SerializeToString(), "g"))
    wanted = official.run(float_graph, cut.logits, picture)
    found = _logits(reading, picture)
    assert np.abs(found - wanted).max() <= 1e-4 * np.ptp(wanted)
    assert official.run(float_graph, cut.network_input, picture).shape == (1, *crop, 3)


def test_the_cut_does_not_depend_on_node_numbers(official: Any, variables: dict[str, np.ndarray]) -> None:
    cuts = []
    for spare_nodes in (0, 7):
        graph = parse_graph_def(official.build(variables, spare_nodes=spare_nodes).SerializeToString(), "g")
        cuts.append(find_cut(graph))
    assert cuts[0].network_input != cuts[1].network_input
    assert {cut.logits for cut in cuts} == {"logits/semantic/BiasAdd"}


def test_learned_ranges_are_kept_and_fake_quantization_is_dropped(
    tmp_path: Path, official: Any, variables: dict[str, np.ndarray]
) -> None:
    graph = official.build(variables, style="quantized")
    ranges = read_frozen_graph(_write(tmp_path / "g.pb", graph)).ranges
    assert ranges["MobilenetV2/Conv/Relu6"] == (0.0, 6.0)
    assert ranges["MobilenetV2/Conv/weights"] == (-4.0, 4.0)
    plain = read_frozen_graph(_write(tmp_path / "p.pb", official.build(variables)))
    assert plain.ranges == {}


def test_tarball_checkpoint_and_graph_give_the_same(
    tmp_path: Path, official: Any, variables: dict[str, np.ndarray], checkpoint_writer: Any
) -> None:
    from portraitlite.convert.sources import open_source

    prefix = checkpoint_writer(variables, tmp_path / "model.ckpt-3")
    pb = _write(tmp_path / "frozen_inference_graph.pb", official.build(variables, output_stride=8))
    with tarfile.open(tmp_path / "zoo.tar.gz", "w:gz") as archive:
        for path in (pb, *tmp_path.glob("model.ckpt-3.*")):
            archive.add(path, f"zoo/{path.name}")
    sources = [open_source(path) for path in (tmp_path / "zoo.tar.gz", prefix, pb)]
    for source in sources[1:]:
        assert source.variables.keys() == sources[0].variables.keys()
        assert all(np.array_equal(source.variables[k], sources[0].variables[k]) for k in source.variables)
    picture = np.random.default_rng(1).integers(0, 256, (1, *PICTURE, 3), np.uint8)
    facts = read_frozen_graph(pb).facts
    labels = [_logits(Reading(source.variables, facts), picture).argmax(-1) for source in sources]
    assert all(np.array_equal(labels[0], other) for other in labels[1:])


def test_an_epsilon_of_its_own_is_absorbed(tmp_path: Path, official: Any, variables: dict[str, np.ndarray]) -> None:
    graph = official.build(variables)
    for node in graph.node:
        if node.name == "aspp0/BatchNorm/FusedBatchNormV3":
            node.attr["epsilon"].f = 0.01
    variance = read_frozen_graph(_write(tmp_path / "g.pb", graph)).variables["aspp0/BatchNorm/moving_variance"]
    np.testing.assert_allclose(variance, variables["aspp0/BatchNorm/moving_variance"] + (0.01 - 1e-5), rtol=1e-6)


def test_the_padding_reveals_the_crop_of_a_graph_without_upsampling(
    official: Any, variables: dict[str, np.ndarray]
) -> None:
    facts = _facts_without_upsampling(parse_graph_def(official.build(variables).SerializeToString(), "g"))
    assert facts.crop == (65, 97)
    assert "pads pictures" in facts.reasons["crop"]


def _facts_without_upsampling(graph: Graph) -> GraphFacts:
    keep = graph.ancestors(find_cut(graph).logits)
    short = Graph([node for name, node in graph.nodes.items() if name in keep], "g")
    return graph_facts(short, find_cut(short))


def _spoil(graph: Any, kind: str) -> None:
    from tensorflow.core.framework import types_pb2

    if kind in ("PyFunc", "ReadFile", "VariableV2", "Enter"):
        graph.node.add(name="extra", op=kind)
    elif kind == "function":
        graph.library.function.add().signature.name = "f"
    elif kind == "cycle":
        next(node for node in graph.node if node.name == "MobilenetV2/expanded_conv_2/add").input[1] = "ArgMax"
    elif kind == "twice":
        graph.node.add(name="ArgMax", op="NoOp")
    elif kind == "training":
        next(node for node in graph.node if node.op == "FusedBatchNormV3").attr["is_training"].b = True
    elif kind == "bomb":
        tensor = next(node for node in graph.node if node.name == "aspp0/weights").attr["value"].tensor
        del tensor.tensor_shape.dim[:]
        for side in (1 << 20, 1 << 20):
            tensor.tensor_shape.dim.add().size = side
        tensor.ClearField("tensor_content")
        tensor.float_val.append(1.0)
    elif kind == "bytes":
        tensor = next(node for node in graph.node if node.name == "aspp0/weights").attr["value"].tensor
        tensor.tensor_content = b"123"
    elif kind == "unfrozen":
        node = next(node for node in graph.node if node.name == "aspp0/weights")
        node.op = "Placeholder"
        node.attr["dtype"].type = types_pb2.DT_FLOAT
    elif kind == "inputs":
        del next(node for node in graph.node if node.name == "aspp0/Conv2D").input[:]
    elif kind == "no network":
        del graph.node[5:]
    elif kind == "conventions":
        next(node for node in graph.node if node.op == "ResizeBilinear").attr["align_corners"].b = False
    elif kind == "stride":
        next(node for node in graph.node if node.name == "MobilenetV2/Conv/Conv2D").attr["strides"].list.i[1] = 1


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("PyFunc", "holds the op 'PyFunc'.*refused"),
        ("ReadFile", "holds the op 'ReadFile'.*refused"),
        ("VariableV2", "holds the op 'VariableV2'"),
        ("Enter", "holds the op 'Enter'"),
        ("function", "holds functions"),
        ("cycle", "has a cycle"),
        ("twice", "two called 'ArgMax'"),
        ("training", "export the graph for inference"),
        ("bomb", "has 1099511627776 elements"),
        ("bytes", "'aspp0/weights' is damaged"),
        ("unfrozen", "aspp0/weights is not constant"),
        ("inputs", "lacks input 0|first convolutions"),
        ("no network", "holds no convolutions"),
        ("conventions", "several conventions"),
        ("stride", "multiply to 8|multiply to 4"),
    ],
)
def test_hostile_and_unfit_graphs_are_refused(
    tmp_path: Path, official: Any, variables: dict[str, np.ndarray], kind: str, reason: str
) -> None:
    graph = official.build(variables, output_stride=8)
    _spoil(graph, kind)
    with pytest.raises(InputError, match=reason) as caught:
        read_frozen_graph(_write(tmp_path / "g.pb", graph))
    assert "\n" not in str(caught.value)


def test_damaged_files_are_refused(
    tmp_path: Path, official: Any, variables: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "g.pb"
    for data in (b"", b"not a graph at all", b"\x0a\xff\xff\xff\x7f"):
        path.write_bytes(data)
        with pytest.raises(InputError):
            read_frozen_graph(path)
    whole = official.build(variables).SerializeToString()
    rng = np.random.default_rng(2)
    for _ in range(12):
        damaged = bytearray(whole)
        for at in rng.integers(0, 20_000, 6):
            damaged[at] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        with contextlib.suppress(InputError):  # a changed number inside a weight is no damage that anyone could see
            read_frozen_graph(path)
    monkeypatch.setattr(graph_def_module, "MAX_NODES", 100)
    path.write_bytes(whole)
    with pytest.raises(InputError, match="more than 100 nodes"):
        read_frozen_graph(path)


SAMPLES = {
    "mnv2_dm05_pascal": ((513, 513), 16, ResizeConvention.ALIGN_CORNERS, None),
    "mlperf_mnv2_ade20k32": ((512, 512), 16, ResizeConvention.LEGACY, None),
    "mnv3_small_cityscapes": ((1025, 2049), 32, ResizeConvention.ALIGN_CORNERS, (769, 769)),
}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", SAMPLES)
def test_official_graph_and_checkpoint_hold_the_same(shared: Path, tmp_path: Path, name: str) -> None:
    (tarball,) = (shared / "official" / name).glob("*.tar.gz")
    with tarfile.open(tarball) as archive:
        archive.extractall(tmp_path, filter="data")
    (path,) = tmp_path.glob("*/frozen_inference_graph.pb")
    (index,) = tmp_path.glob("*/*.index")
    reading, checkpoint = read_frozen_graph(path), read_checkpoint(index.with_suffix(""))
    assert reading.variables.keys() == checkpoint.keys()
    assert all(np.array_equal(reading.variables[key], checkpoint[key]) for key in checkpoint)
    facts = reading.facts
    found = (facts.crop, facts.output_stride, facts.resize_convention, facts.image_pooling_crop)
    assert found == SAMPLES[name]
    assert _facts_without_upsampling(parse_graph_def(path.read_bytes(), "g")).crop == facts.crop
    if name.startswith("mnv3"):
        assert facts.image_pooling_stride == (4, 5)
