from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.blur.build import blur_model, build_blur_models
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.blur.spec import PLAN_CHANNELS, BlurSpec, Orientation, PixelType, bundled_folder
from portraitlite.runtime.errors import InputError

SPEC = BlurSpec()
PLANS = SPEC.plan_files()
APPLIES = [SPEC.apply_file(scale, pixel_type) for scale in SPEC.scales for pixel_type in PixelType]
FILLS = [SPEC.fill_file(scale, pixel_type) for scale in SPEC.scales for pixel_type in PixelType]
TINY = dataclasses.replace(SPEC, long_side=64, short_side=48, guide_side=32, scales=(2,), tile_height=32, tile_width=64)

# What CPU and GPU delegates take.
ALLOWED = {
    "ABS", "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DIV", "MAXIMUM", "MINIMUM", "MUL", "RELU", "RESHAPE",
    "RESIZE_BILINEAR", "SQRT", "STRIDED_SLICE", "SUB", "TRANSPOSE",
}  # fmt: skip


def parsed(model: bytes) -> tuple[Any, list[tuple[str, Any]]]:
    """(model object, [(op name, op)]) of a file."""
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    root = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    codes = [names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in root.operatorCodes]
    return root, [(codes[op.opcodeIndex], op) for op in root.subgraphs[0].operators]


@pytest.mark.parametrize("name", [*PLANS, *APPLIES, *FILLS])
def test_the_bundled_graph_is_what_the_code_builds(name: str) -> None:
    bundled, built = open_model((bundled_folder() / name).read_bytes()), open_model(blur_model(name, SPEC))
    assert built.inputs == bundled.inputs
    rng = np.random.default_rng(0)
    inputs: dict[str, np.ndarray] = {}
    for info in bundled.inputs:
        if info.dtype == np.uint8:
            inputs[info.name] = rng.integers(0, 256, info.shape, dtype=np.uint8)
        else:
            inputs[info.name] = (rng.random(info.shape) * (4 if info.name == "coc" else 1)).astype(np.float32)
    (old,), (new,) = bundled.run(inputs), built.run(inputs)
    assert np.isfinite(old).all()
    assert np.ptp(old) > 0.1
    if old.dtype == np.uint8:
        assert np.abs(old.astype(int) - new).max() <= 1
    else:
        np.testing.assert_allclose(old, new, atol=1 / 255)


@pytest.mark.parametrize("name", [*PLANS, *APPLIES, *FILLS])
def test_bundled_graphs_keep_the_delegates_rules(name: str) -> None:
    model = (bundled_folder() / name).read_bytes()
    root, operators = parsed(model)
    (graph,) = root.subgraphs
    kinds = Counter(kind for kind, _ in operators)
    bytes_in = name.endswith("_uint8.tflite")  # or out
    assert set(kinds) <= ALLOWED | ({"DEQUANTIZE", "QUANTIZE"} if bytes_in else set())
    assert len(operators) < (230 if name in PLANS else 100)
    constant = {i for i, t in enumerate(graph.tensors) if root.buffers[t.buffer].data is not None}
    for kind, op in operators:
        shapes = [list(graph.tensors[i].shape) for i in op.inputs]
        if kind in {"ADD", "SUB", "MUL", "DIV", "MINIMUM", "MAXIMUM"}:
            assert [len(shape) for shape in shapes] == [4, 4], f"{kind} {shapes}"
            assert len(constant & set(op.inputs)) <= 1
        if kind == "DIV":  # GPUs keep channels by fours, and divide what is left of them as well
            assert shapes[1][3] % 4 == 0
        if kind == "CONV_2D":
            assert shapes[1][1:3] in ([1, 1], [1, 2], [1, 3], [1, 5])
        if kind == "RESIZE_BILINEAR":
            assert op.builtinOptions.halfPixelCenters
            assert not op.builtinOptions.alignCorners
    assert all(-1 not in (t.shapeSignature if t.shapeSignature is not None else []) for t in graph.tensors)
    (signature,) = root.signatureDefs
    wanted = {"plan": {"rgb", "mask", "coc", "boost"}, "apply": {"rgb", "noise", "plan"}, "fill": {"noise", "plan"}}
    assert {entry.name.decode() for entry in signature.inputs} == wanted[name.split("_")[0]]


@pytest.mark.parametrize("name", [*PLANS, *(name for name in APPLIES + FILLS if "float32" in name)])
def test_float_graphs_are_one_xnnpack_partition(name: str) -> None:
    runner: Any = open_model((bundled_folder() / name).read_bytes())
    ops = [detail["op_name"] for detail in runner.interpreter._get_ops_details()]
    assert ops.count("DELEGATE") == 1


@pytest.mark.parametrize("orientation", list(Orientation))
@pytest.mark.parametrize("nearest", range(SPEC.layers - 1))
def test_two_layers_give_the_plan_of_the_whole_bank(orientation: Orientation, nearest: int) -> None:
    rng = np.random.default_rng(nearest)
    size = SPEC.plan_size(orientation)
    coarse = {"rgb": rng.random((9, 9, 3)), "mask": rng.random((9, 9, 1)), "boost": 4 * (rng.random((9, 9, 3)) > 0.9)}
    inputs = {name: np.resize(values.repeat(56, 0).repeat(56, 1)[: size[0], : size[1]], (1, *size, values.shape[-1]))
              for name, values in coarse.items()}  # fmt: skip
    inputs["coc"] = nearest + rng.random((1, *size, 1))
    inputs["coc"][0, 0, :2, 0] = nearest, nearest + 1
    feed = {name: values.astype(np.float32) for name, values in inputs.items()}
    plans = [
        open_model((bundled_folder() / SPEC.plan_file(orientation, layers)).read_bytes()).run(feed)[0]
        for layers in (None, nearest)
    ]
    np.testing.assert_allclose(plans[1], plans[0], rtol=0, atol=1e-5)
    assert np.ptp(plans[0][..., 4:7]) > 0.3


@pytest.mark.parametrize("scale", SPEC.scales)
@pytest.mark.parametrize("pixel_type", list(PixelType))
def test_fill_equals_apply_on_pure_background(scale: int, pixel_type: PixelType) -> None:
    rng = np.random.default_rng(scale)
    height, width = SPEC.tile_size(scale)
    plan = rng.uniform(0, 1, (1, *SPEC.plan_tile_size(scale), PLAN_CHANNELS)).astype(np.float32)
    plan[..., :3] -= 0.5
    plan[..., 3] = -np.maximum(plan[..., :3], 0).sum(-1)  # alpha is 0 whatever the photo
    plan[..., 7] = 1
    plan[..., 8:11] = 2 * plan[..., 8:11] - 1
    plan[..., 11] = 0
    noise = rng.normal(0, 0.2, (1, height, width, 1)).repeat(3, -1).astype(np.float32)  # clipped at both ends
    rgb = rng.integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    inputs = {"noise": noise, "plan": plan}
    photo = rgb if pixel_type is PixelType.UINT8 else rgb / np.float32(255)
    (filled,) = open_model((bundled_folder() / SPEC.fill_file(scale, pixel_type)).read_bytes()).run(inputs)
    apply = open_model((bundled_folder() / SPEC.apply_file(scale, pixel_type)).read_bytes())
    (applied,) = apply.run(inputs | {"rgb": photo})
    unit = 255 if pixel_type is PixelType.UINT8 else 1
    assert (filled.dtype, filled.shape) == (applied.dtype, applied.shape)
    np.testing.assert_allclose(filled.astype(np.float64), applied, rtol=0, atol=unit / 255)
    assert (np.abs(filled - applied.astype(np.float64)) > 1e-5).mean() < 1e-3  # few bytes round otherwise
    assert filled.min() == 0
    assert filled.max() == unit


def test_building_twice_gives_the_same_bytes_and_a_usable_folder(tmp_path: Path) -> None:
    first = build_blur_models(tmp_path / "a" / "b", TINY)
    second = build_blur_models(tmp_path / "c", TINY)
    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert {path.name for path in (tmp_path / "c").iterdir()} == {path.name for path in second}
    assert BlurSpec.load(tmp_path / "c") == TINY


def test_no_path_of_the_building_machine_is_inside() -> None:
    for path in bundled_folder().iterdir():
        content = path.read_bytes()
        assert b"/home" not in content
        assert b"/tmp" not in content
        assert b"site-packages" not in content


def test_an_unknown_name() -> None:
    with pytest.raises(InputError, match="apply_s5"):
        blur_model("apply_s5_uint8.tflite", SPEC)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        build_blur_models(tmp_path / "file", TINY)
    assert (tmp_path / "file").read_text() == "in the way"
