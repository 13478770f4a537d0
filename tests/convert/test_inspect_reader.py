"""Reading files of anybody's making, damaged ones too, and counting what they cost."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from portraitlite.convert.inspect.counting import arena_bytes, op_costs
from portraitlite.convert.inspect.quantization import summarize
from portraitlite.convert.inspect.reader import read_graph
from portraitlite.runtime.bundled import MODELS_FOLDER
from portraitlite.runtime.errors import InputError

Oracle = Callable[[str], ModuleType]


@pytest.fixture
def tiny(oracle: Oracle) -> type:
    return oracle("tiny_tflite").TinyModel  # type: ignore[no-any-return]


@pytest.fixture
def bundled() -> bytes:
    return (MODELS_FOLDER / "portrait_int8.tflite").read_bytes()


def test_what_was_written_is_read(tiny: type) -> None:
    model = tiny()
    image = model.tensor((1, 8, 6, 3), dynamic=(1,))
    weights = model.tensor((4, 3, 3, 3), "int8", value=1, scale=[0.1, 0.2, 0.3, 0.4])
    result = model.tensor((1, 8, 6, 4), "int8", scale=0.5, zero_point=-3)
    model.op("CONV_2D", [image, weights, -1], [result], options_class="Conv2DOptions", strideH=2, strideW=1)
    model.op("CUSTOM", [result], [model.tensor((2,), "int32", value=[7, -7])], custom="Own")
    model.inputs, model.outputs = [image], [result]
    graph = read_graph(model.data(), "m.tflite")
    assert (graph.name, graph.description, graph.subgraphs) == ("m.tflite", "by hand", 1)
    assert (graph.inputs, graph.outputs) == ((image,), (result,))
    assert graph.tensors[image].shape == (1, -1, 6, 3)
    assert graph.tensors[image].dynamic
    assert graph.tensors[weights].quantization is not None
    assert graph.tensors[weights].quantization.scales == pytest.approx((0.1, 0.2, 0.3, 0.4))
    assert graph.tensors[result].quantization is not None
    assert graph.tensors[result].quantization.zero_points == (-3,)
    assert graph.tensors[-1].values == (7, -7)
    first, second = graph.ops
    assert (first.kind, first.inputs, first.options["strideH"]) == ("CONV_2D", (image, weights, -1), 2)
    assert graph.input(first, 2) is None
    assert (second.kind, second.title) == ("CUSTOM", "Own")
    assert not op_costs(graph)[0].measurable


def test_multiply_adds_and_parameters_by_hand(tiny: type) -> None:
    model = tiny()
    image, a, b, c, d = (model.tensor(s) for s in [(1, 9, 7, 3), (1, 9, 7, 5), (1, 9, 7, 5), (1, 18, 14, 2), (1, 10)])
    model.convolution(image, a, (5, 3, 3, 3))
    model.convolution(a, b, (1, 3, 2, 5))
    up = model.tensor((2, 2, 2, 5), value=1)
    model.op("TRANSPOSE_CONV", [model.tensor((4,), "int32", value=[1, 18, 14, 2]), up, b], [c])
    model.op("FULLY_CONNECTED", [c, model.tensor((10, 504), "float16", value=1), -1], [d])
    left, right, product = model.tensor((2, 4, 6)), model.tensor((2, 6, 3)), model.tensor((2, 4, 3))
    model.op("BATCH_MATMUL", [left, right], [product], options_class="BatchMatMulOptions", adjX=False, adjY=False)
    costs = op_costs(read_graph(model.data(), "m"))
    assert [cost.multiply_adds for cost in costs] == [
        9 * 7 * 5 * 27,
        9 * 7 * 5 * 6,
        9 * 7 * 5 * 2 * 2 * 2,
        10 * 504,
        2 * 4 * 3 * 6,
    ]
    assert [cost.parameters for cost in costs] == [5 * 27 + 5, 30 + 5, 40, 5040, 0]


def test_shared_and_dequantized_weights_count_once(tiny: type) -> None:
    model = tiny()
    stored = model.tensor((4, 1, 1, 4), "float16", value=1)
    weights, image = model.tensor((4, 1, 1, 4)), model.tensor((1, 2, 2, 4))
    model.op("DEQUANTIZE", [stored], [weights])
    for _ in range(2):
        result = model.tensor((1, 2, 2, 4))
        model.op("CONV_2D", [image, weights, -1], [result], options_class="Conv2DOptions")
        image = result
    graph = read_graph(model.data(), "m")
    assert [cost.parameters for cost in op_costs(graph)] == [0, 16, 0]
    assert summarize(graph).scheme == "float16 weights"
    assert summarize(graph).weights == {"float16": 16}


def test_the_arena_reuses_what_is_dead(tiny: type) -> None:
    model = tiny()
    tensors = [model.tensor((1, 4, 4, 16)) for _ in range(6)]  # 1024 bytes each
    for before, after in itertools.pairwise(tensors):
        model.op("RELU", [before], [after])
    model.inputs, model.outputs = tensors[:1], tensors[-1:]
    # The input stays for the whole run, two of the chain live at a time.
    assert arena_bytes(read_graph(model.data(), "m")) == 3 * 1024


@pytest.mark.parametrize(
    ("activation", "weights", "scheme"),
    [
        ("float32", "float32", "float32"),
        ("float32", "int8", "dynamic range"),
        ("int8", "int8", "int8"),
        ("uint8", "uint8", "uint8"),
        ("int16", "int8", "int16x8"),
        ("int8", "float32", "mixed"),
    ],
)
def test_schemes(tiny: type, activation: str, weights: str, scheme: str) -> None:
    model = tiny()
    kernel = model.tensor((2, 1, 1, 2), weights, value=1, scale=0.5)
    image, result = model.tensor((1, 2, 2, 2), activation), model.tensor((1, 2, 2, 2), activation)
    model.op("CONV_2D", [image, kernel, -1], [result])
    assert summarize(read_graph(model.data(), "m")).scheme == scheme


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_scales_that_are_none_are_named(tiny: type, scale: float) -> None:
    model = tiny()
    model.op("RELU", [model.tensor((1,), "int8", scale=scale)], [model.tensor((1,), "int8", scale=1.0)])
    assert summarize(read_graph(model.data(), "m")).unusable == ("t0",)


def test_the_bundled_model(bundled: bytes) -> None:
    graph = read_graph(bundled, "portrait_int8.tflite")
    summary = summarize(graph)
    assert summary.scheme == "int8"
    assert (summary.per_channel, summary.per_tensor) == (61, 0)
    assert dict(graph.metadata)["portraitlite"] > 100
    assert sum(cost.multiply_adds for cost in op_costs(graph)) == 2_055_720_688


def _tree(tiny: type) -> tuple[object, object]:
    model = tiny()
    model.op("RELU", [model.tensor((2, 2))], [model.tensor((2, 2), value=1)])
    return model, model.graph


def _too_many_sides(model: object, graph: object) -> None:
    graph.tensors[0].shape = np.ones(17, np.int32)  # type: ignore[attr-defined]


def _negative_side(model: object, graph: object) -> None:
    graph.tensors[0].shape = np.array([-5, 2], np.int32)  # type: ignore[attr-defined]


def _huge_sides(model: object, graph: object) -> None:
    graph.tensors[0].shape = np.full(4, 1 << 30, np.int32)  # type: ignore[attr-defined]


def _no_such_input(model: object, graph: object) -> None:
    graph.operators[0].inputs = np.array([7], np.int32)  # type: ignore[attr-defined]


def _no_such_output(model: object, graph: object) -> None:
    graph.operators[0].outputs = np.array([-1], np.int32)  # type: ignore[attr-defined]


def _no_such_buffer(model: object, graph: object) -> None:
    graph.tensors[0].buffer = 99  # type: ignore[attr-defined]


def _no_such_code(model: object, graph: object) -> None:
    graph.operators[0].opcodeIndex = 3  # type: ignore[attr-defined]


def _no_such_type(model: object, graph: object) -> None:
    graph.tensors[0].type = 77  # type: ignore[attr-defined]


def _graph_input(model: object, graph: object) -> None:
    model.inputs = [5]  # type: ignore[attr-defined]


def _no_subgraph(model: object, graph: object) -> None:
    model.tree.subgraphs = []  # type: ignore[attr-defined]


def _endless_buffer(model: object, graph: object) -> None:
    model.tree.buffers[1].data = None  # type: ignore[attr-defined]
    model.tree.buffers[1].offset, model.tree.buffers[1].size = 100, 1 << 40  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "damage",
    [
        _too_many_sides,
        _negative_side,
        _huge_sides,
        _no_such_input,
        _no_such_output,
        _no_such_buffer,
        _no_such_code,
        _no_such_type,
        _graph_input,
        _no_subgraph,
        _endless_buffer,
    ],
)
def test_absurd_files_are_one_line(tiny: type, damage: Callable[[object, object], None]) -> None:
    model, graph = _tree(tiny)
    damage(model, graph)
    with pytest.raises(InputError, match=r"^hostile\b") as caught:
        read_graph(model.data(), "hostile")  # type: ignore[attr-defined]
    assert "\n" not in str(caught.value)


def test_cut_off_and_foreign_files(bundled: bytes) -> None:
    foreign = [b"", b"no flatbuffer", b"\0\0\0\0TFL3", b"\xff\xff\xff\x7fTFL3" + b"\xff" * 50]
    cuts = [bundled[:n] for n in (100, 5000, len(bundled) // 2, len(bundled) - 40_000)]
    for data in foreign + cuts:
        with pytest.raises(InputError):
            read_graph(data, "m")


def test_flipped_bytes_end_in_a_line_or_a_graph(bundled: bytes) -> None:
    rng = np.random.default_rng(8)
    places = np.concatenate([np.arange(400), np.arange(len(bundled) - 60_000, len(bundled))])
    lines = []
    for _ in range(60):
        damaged = bytearray(bundled)
        for at in rng.choice(places, 12):
            damaged[at] ^= int(rng.integers(1, 256))
        try:
            graph = read_graph(bytes(damaged), "m")
            op_costs(graph)
            arena_bytes(graph)
            summarize(graph)
        except InputError as error:
            lines.append(str(error))
    assert 0 < len(lines) < 60
    assert not any("\n" in line for line in lines)


KNOWN = {
    "deeplabv3_257_mv_gpu": (70, "float32"),
    "deeplabv3_mnv2_ade20k_int8": (80, "int8"),
    "deeplabv3_mnv2_dm05_pascal_quant": (72, "uint8"),
    "deeplabv3_mnv2_pascal_quant": (72, "uint8"),
    "mobile_segmenter_r4_quant_argmax_uint8": (100, "uint8"),
    "selfie_segmentation": (246, "float16 weights"),
}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", KNOWN)
def test_other_peoples_files(shared: Path, name: str) -> None:
    graph = read_graph((shared / "models" / f"{name}.tflite").read_bytes(), name)
    ops, scheme = KNOWN[name]
    assert (len(graph.ops), summarize(graph).scheme) == (ops, scheme)
    assert sum(cost.multiply_adds for cost in op_costs(graph)) > 5e7
    assert arena_bytes(graph) > max(t.size_bytes for t in graph.tensors if not t.constant)
