"""The rules as data, the page written from them, and what each condition fires on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from portraitlite.convert.inspect.conditions import CONDITIONS
from portraitlite.convert.inspect.documentation import rules_page
from portraitlite.convert.inspect.graph import Graph
from portraitlite.convert.inspect.measurement import Measurement
from portraitlite.convert.inspect.reader import read_graph
from portraitlite.convert.inspect.rules import Delegate, Evidence, Rule, Verdict, load_rules, load_sources
from portraitlite.convert.inspect.verdicts import group_findings, judge, partitions

ROOT = Path(__file__).resolve().parents[2]
TINY = Any


@pytest.fixture
def tiny(oracle: Callable[[str], ModuleType]) -> TINY:
    return oracle("tiny_tflite").TinyModel


def _rules() -> list[Rule]:
    return [rule for rules in load_rules().values() for rule in rules]


def test_every_rule_is_complete() -> None:
    kinds = _builtin_kinds()
    sources = load_sources()
    for rule in _rules():
        assert rule.ops
        assert set(rule.ops) <= kinds | {"*"}, rule
        assert set(rule.when) <= CONDITIONS.keys(), rule
        assert rule.version, rule
        assert rule.evidence in (Evidence.REPORTED, Evidence.RULE), rule
        known = [name for name in (*sources, "LiteRT#") if name in rule.source]
        assert known, f"{rule.source} is in no list of sources"
        if rule.verdict in (Verdict.REFUSES, Verdict.TRAPS):
            assert rule.why, rule
            assert rule.fix, rule


def _builtin_kinds() -> set[str]:
    from ai_edge_litert import schema_py_generated as schema

    return {name for name in vars(schema.BuiltinOperator) if not name.startswith("_")}


def test_no_family_and_no_condition_is_forgotten() -> None:
    ids = {rule.id for rule in _rules()}
    assert ids == {f"R{n}" for n in range(1, 28)} | {f"S{n}" for n in range(1, 15)}
    assert {name for rule in _rules() for name in rule.when} == CONDITIONS.keys()


def test_the_page_agrees_with_the_rules() -> None:
    page = (ROOT / "docs" / "delegates.md").read_text(encoding="utf-8")
    assert page == rules_page(), "python -m portraitlite.convert.inspect.documentation docs/delegates.md"
    rows = [line for line in page.splitlines() if line.startswith(("| R", "| S"))]
    assert len(rows) == len(_rules())


def _found(graph: Graph, delegate: Delegate) -> set[tuple[str, str]]:
    findings = group_findings(graph, judge(graph, load_rules()[delegate]))
    return {(found.verdict.value, found.rule) for found in findings}


def _one(model: Any, kind: str, inputs: list[int], output: int, **options: Any) -> Graph:
    model.op(kind, inputs, [output], **options)
    return read_graph(model.data(), "m")


def _resize(model: Any, align: bool, half: bool) -> Graph:
    return _one(
        model,
        "RESIZE_BILINEAR",
        [model.tensor((1, 4, 4, 2)), model.tensor((2,), "int32", value=8)],
        model.tensor((1, 8, 8, 2)),
        options_class="ResizeBilinearOptions",
        alignCorners=align,
        halfPixelCenters=half,
    )


@pytest.mark.parametrize(("align", "half"), [(False, False), (True, False), (False, True), (True, True)])
def test_only_both_resize_flags_are_refused_by_the_gpu(tiny: TINY, align: bool, half: bool) -> None:
    graph = _resize(tiny(), align, half)
    assert _found(graph, Delegate.GPU) == ({("refuses", "R4")} if align and half else set())
    assert _found(graph, Delegate.XNNPACK) == set()
    (verdict,) = judge(graph, load_rules()[Delegate.GPU])
    reported = align and not half
    assert verdict.evidence is (Evidence.REPORTED if reported else Evidence.RULE)


@pytest.mark.parametrize(("dtype", "gpu"), [("int64", {("refuses", "R7")}), ("int32", set())])
def test_arg_max(tiny: TINY, dtype: str, gpu: set[tuple[str, str]]) -> None:
    model = tiny()
    axis = model.tensor((), "int32", value=3)
    graph = _one(model, "ARG_MAX", [model.tensor((1, 4, 4, 3)), axis], model.tensor((1, 4, 4), dtype))
    assert _found(graph, Delegate.GPU) == gpu
    assert _found(graph, Delegate.XNNPACK) == {("refuses", "R7")}


def test_space_to_batch_is_refused_by_cpu_and_gpu(tiny: TINY) -> None:
    model = tiny()
    block, crops = model.tensor((2,), "int32", value=2), model.tensor((2, 2), "int32", value=0)
    graph = _one(model, "SPACE_TO_BATCH_ND", [model.tensor((1, 8, 8, 2)), block, crops], model.tensor((4, 4, 4, 2)))
    for delegate in (Delegate.XNNPACK, Delegate.GPU):
        assert _found(graph, delegate) == {("refuses", "R20")}
    assert _found(graph, Delegate.NPU) == set()


@pytest.mark.parametrize(
    ("kernel", "xnnpack", "gpu"),
    [
        ((1, 5, 5, 2), set(), set()),
        ((1, 1, 25, 2), set(), {("traps", "R2")}),
        ((1, 1, 27, 2), {("traps", "R2")}, {("traps", "R2")}),
        ((1, 7, 7, 2), {("traps", "R2")}, set()),
    ],
)
def test_taps_of_a_depthwise_kernel(tiny: TINY, kernel: tuple[int, ...], xnnpack: Any, gpu: Any) -> None:
    model = tiny()
    model.convolution(model.tensor((1, 40, 40, 2)), model.tensor((1, 40, 40, 2)), kernel)
    graph = read_graph(model.data(), "m")
    assert _found(graph, Delegate.XNNPACK) == xnnpack
    assert _found(graph, Delegate.GPU) == gpu


@pytest.mark.parametrize(("dtype", "found"), [("float32", set()), ("int8", {("refuses", "R6")})])
def test_8_bit_average_pool(tiny: TINY, dtype: str, found: Any) -> None:
    model = tiny()
    graph = _one(model, "AVERAGE_POOL_2D", [model.tensor((1, 4, 4, 2), dtype)], model.tensor((1, 1, 1, 2), dtype))
    assert _found(graph, Delegate.XNNPACK) == found


def test_8_bit_ends_of_the_graph(tiny: TINY) -> None:
    model = tiny()
    image, inner = model.tensor((1, 4, 4, 3), "uint8", scale=1.0), model.tensor((1, 4, 4, 3), "int8", scale=1.0)
    model.inputs = [image]
    graph = _one(model, "QUANTIZE", [image], inner)
    assert _found(graph, Delegate.GPU) == {("traps", "S12")}
    assert _found(graph, Delegate.XNNPACK) == {("refuses", "R15")}


def test_dynamic_sides_and_int16_and_rank_5_beat_the_op_s_own_rule(tiny: TINY) -> None:
    for tensor, rule in (
        ({"shape": (1, 4, 4, 2), "dynamic": (1,)}, "R24"),
        ({"shape": (1, 4, 4, 2), "dtype": "int16"}, "R27"),
        ({"shape": (1, 1, 4, 4, 2)}, "R22"),
    ):
        model = tiny()
        graph = _one(model, "RELU", [model.tensor(**tensor)], model.tensor(**tensor))
        assert _found(graph, Delegate.GPU) == {("refuses", rule)}


def test_what_nobody_measured_is_unknown(tiny: TINY) -> None:
    model = tiny()
    graph = _one(model, "MAX_POOL_2D", [model.tensor((1, 4, 4, 2))], model.tensor((1, 2, 2, 2)))
    for rules in load_rules().values():
        (verdict,) = judge(graph, rules)
        assert (verdict.verdict, verdict.evidence) == (Verdict.UNKNOWN, Evidence.NONE)


def _traps(graph: Graph) -> set[str]:
    return {rule for verdict, rule in _found(graph, Delegate.GPU) if verdict == "traps"}


@pytest.mark.parametrize(
    ("axes", "side", "traps"),
    [([1, 2], 300, {"S1", "S2"}), ([1, 2], 120, {"S2"}), ([1, 2], 20, set()), ([1], 20_000, {"S2"}), ([-2], 9, set())],
)
def test_sums(tiny: TINY, axes: list[int], side: int, traps: set[str]) -> None:
    model = tiny()
    image = model.tensor((1, side, side if len(axes) > 1 else 1, 2))
    axis = model.tensor((len(axes),), "int32", value=axes)
    assert _traps(_one(model, "SUM", [image, axis], model.tensor((1, 2)))) == traps


@pytest.mark.parametrize(
    ("left", "right", "constant", "traps"),
    [
        ((1, 8, 8, 4), (1, 8, 8, 4), False, set()),
        ((1, 8, 8, 4), (1, 1, 1, 4), False, set()),
        ((1, 8, 8, 4), (1, 1, 8, 4), False, {"S8"}),
        ((1, 8, 8, 4), (), True, {"S7"}),
        ((8, 4), (1, 8, 4), True, {"S7"}),
        ((1, 64, 64, 4), (1, 64, 64, 4), True, {"S5"}),
    ],
)
def test_products(tiny: TINY, left: Any, right: Any, constant: bool, traps: set[str]) -> None:
    model = tiny()
    second = model.tensor(right, value=0.5 if constant else None)
    graph = _one(model, "MUL", [model.tensor(left), second], model.tensor(max(left, right, key=len)))
    assert _traps(graph) == traps


def test_a_channel_scale_before_a_residual(tiny: TINY) -> None:
    model = tiny()
    image, scaled, other = (model.tensor((1, 8, 8, 4)) for _ in range(3))
    model.op("MUL", [image, model.tensor((1, 1, 1, 4), value=2)], [scaled])
    graph = _one(model, "ADD", [scaled, other], model.tensor((1, 8, 8, 4)))
    assert _traps(graph) == {"S6"}


def test_the_square_of_a_difference(tiny: TINY) -> None:
    for kind, traps in (("SUB", {"S3"}), ("ADD", set())):
        model = tiny()
        difference = model.tensor((1, 8, 8, 4))
        model.op(kind, [model.tensor((1, 8, 8, 4)), model.tensor((1, 8, 8, 4))], [difference])
        assert _traps(_one(model, "MUL", [difference, difference], model.tensor((1, 8, 8, 4)))) == traps


def test_hot_activations_are_read_off_the_scale(tiny: TINY) -> None:
    for scale, traps in ((1.0, {"R26"}), (40.0, {"R26", "S4"})):
        model = tiny()
        weights = model.tensor((2, 1, 1, 2), "int8", value=1, scale=0.1)
        image, result = model.tensor((1, 2, 2, 2), "int8", scale=1.0), model.tensor((1, 2, 2, 2), "int8", scale=scale)
        assert _traps(_one(model, "CONV_2D", [image, weights, -1], result)) == traps


def test_a_rank_3_pad_and_a_rank_3_product(tiny: TINY) -> None:
    for paddings, traps in (([[0, 0], [0, 0], [0, 2]], set()), ([[0, 0], [1, 0], [0, 0]], {"S9"})):
        model = tiny()
        constant = model.tensor((3, 2), "int32", value=paddings)
        assert _traps(_one(model, "PAD", [model.tensor((1, 4, 4)), constant], model.tensor((1, 5, 4)))) == traps
    for shape, traps in (((1, 2, 4, 4), set()), ((2, 4, 4), {"S13"}), ((1, 2, 4, 40), {"S13"})):
        model = tiny()
        operands = [model.tensor(shape), model.tensor(shape)]
        assert _traps(_one(model, "BATCH_MATMUL", operands, model.tensor(shape))) == traps


def test_a_large_16_bit_concatenation_before_an_add(tiny: TINY) -> None:
    for side, found in ((64, set()), (200, {("traps", "S10")})):
        model = tiny()
        halves = [model.tensor((1, side, side, 8), "int16") for _ in range(2)]
        whole, other = model.tensor((1, side, side, 16), "int16"), model.tensor((1, side, side, 16), "int16")
        model.op("CONCATENATION", halves, [whole])
        assert (
            _found(_one(model, "ADD", [whole, other], model.tensor((1, side, side, 16), "int16")), Delegate.NPU)
            == found
        )


def test_a_run_beats_the_rules_and_the_rules_explain_it(tiny: TINY) -> None:
    model = tiny()
    image, a, b = (model.tensor((1, 4, 4, 2)) for _ in range(3))
    model.op("RESIZE_NEAREST_NEIGHBOR", [image, model.tensor((2,), "int32", value=4)], [a])
    graph = _one(model, "RELU", [a], b)
    run = Measurement({0: False, 1: False}, "runtime 9", "measured", {1: "its own words"})
    first, second = judge(graph, load_rules()[Delegate.XNNPACK], run)
    assert (first.verdict, first.rule, first.evidence, first.version) == (
        Verdict.REFUSES,
        "R5",
        Evidence.MEASURED,
        "runtime 9",
    )
    assert (second.verdict, second.rule, second.why) == (Verdict.REFUSES, "", "its own words")
    taken = judge(graph, load_rules()[Delegate.XNNPACK], dataclasses.replace(run, taken={0: True}))
    assert [v.verdict for v in taken] == [Verdict.TAKES, Verdict.TAKES]
    assert [v.evidence for v in taken] == [Evidence.MEASURED, Evidence.RULE]


def test_partitions(tiny: TINY) -> None:
    """0 -> 1 -> 2 and 0 -> 3, all into 4: what is ready goes along with its own side."""
    model = tiny()
    t = [model.tensor((1,)) for _ in range(6)]
    for inputs, output in (([t[0]], t[1]), ([t[1]], t[2]), ([t[2]], t[3]), ([t[1]], t[4]), ([t[3], t[4]], t[5])):
        model.op("ADD", inputs, [output])
    graph = read_graph(model.data(), "m")
    assert partitions(graph, {0, 1, 2, 3, 4}) == [(0, 1, 2, 3, 4)]
    assert partitions(graph, {0, 2, 3, 4}) == [(0, 3), (2, 4)]
    assert partitions(graph, {1, 2, 3, 4}) == [(1, 2, 3, 4)]
    assert partitions(graph, set()) == []


def test_ops_that_wait_for_each_other_do_not_hang(tiny: TINY) -> None:
    model = tiny()
    a, b = model.tensor((1,)), model.tensor((1,))
    model.op("RELU", [a], [b])
    model.op("RELU", [b], [a])
    assert partitions(read_graph(model.data(), "m"), {0, 1}) == []
