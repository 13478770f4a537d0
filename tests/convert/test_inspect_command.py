"""`portraitlite inspect`: measurements here, the matrix, the output, and files that bring nothing down."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from portraitlite.convert.inspect import measurement
from portraitlite.convert.inspect.commands import register
from portraitlite.convert.inspect.gpu import DEVICE_VARIABLES, measure_gpu, refused_kinds
from portraitlite.convert.inspect.measurement import Measurement, NotMeasured, run_probe
from portraitlite.convert.inspect.reader import read_graph
from portraitlite.convert.inspect.report import inspect_model
from portraitlite.convert.inspect.rules import Verdict
from portraitlite.runtime.bundled import MODELS_FOLDER
from portraitlite.runtime.errors import InputError

BUNDLED = MODELS_FOLDER / "portrait_int8.tflite"
LOG = """\
INFO: [delegate_webgpu.cc:363] Created a WebGPU environment.
ERROR: Following operations are not supported by GPU delegate:
ARG_MAX: Tensor type(INT64) is not supported. ArgMax
BATCH_TO_SPACE_ND: Operation is not supported.
71 operations will run on the GPU, and the remaining 2 operations will run on the CPU.
I0000 00:00:1 1 delegate_kernel.cc:984] Initializing WebGPU-based API from graph.
"""


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "gpu_here" not in request.fixturenames:
        for name in DEVICE_VARIABLES:
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def gpu_here() -> None:
    if not any(os.environ.get(name) for name in DEVICE_VARIABLES):
        names = ", ".join(DEVICE_VARIABLES)
        pytest.skip(reason=f"the GPU accelerator needs a Vulkan device: set one of {names}, see docs/delegates.md")


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    return app


@pytest.fixture
def odd(tmp_path: Path, oracle: Callable[[str], ModuleType]) -> Path:
    """A convolution between a batch pair, an activation nobody takes, an int64 argmax."""
    model = oracle("tiny_tflite").TinyModel()
    image, batches, filtered, whole, clipped = (
        model.tensor(shape) for shape in [(1, 8, 8, 4), (4, 4, 4, 4), (4, 4, 4, 4), (1, 8, 8, 4), (1, 8, 8, 4)]
    )
    block, crops = model.tensor((2,), "int32", value=2), model.tensor((2, 2), "int32", value=0)
    model.op("SPACE_TO_BATCH_ND", [image, block, crops], [batches])
    model.convolution(batches, filtered, (4, 3, 3, 4))
    model.op("BATCH_TO_SPACE_ND", [filtered, block, crops], [whole])
    model.op("RELU_0_TO_1", [whole], [clipped])
    labels = model.tensor((1, 8, 8), "int64")
    axis = model.tensor((), "int32", value=3)
    model.op("ARG_MAX", [clipped, axis], [labels], options_class="ArgMaxOptions", outputType=4)
    model.inputs, model.outputs = [image], [labels]
    path = tmp_path / "odd.tflite"
    path.write_bytes(model.data())
    return path


def _run(app: typer.Typer, *arguments: object) -> Any:
    return CliRunner().invoke(app, ["inspect", *map(str, arguments)], env={"COLUMNS": "200"})


def test_xnnpack_is_measured(odd: Path) -> None:
    xnnpack, gpu, npu = inspect_model(odd).delegates
    assert [v.verdict.value for v in xnnpack.verdicts] == ["refuses", "takes", "refuses", "refuses", "refuses"]
    assert {v.evidence.value for v in xnnpack.verdicts} == {"measured"}
    assert [v.rule for v in xnnpack.verdicts] == ["R20", "R1", "R20", "R9", "R7"]
    assert xnnpack.basis.startswith("measured: ai-edge-litert ")
    assert {v.evidence.value for v in (*gpu.verdicts, *npu.verdicts)} <= {"reported", "rule"}
    assert "no Vulkan device is named" in gpu.basis


def test_the_bundled_model(app: typer.Typer) -> None:
    document = json.loads(_run(app, BUNDLED, "--json", "--quiet").stdout)
    xnnpack, gpu, npu = document["delegates"]
    assert (xnnpack["takes"], xnnpack["refuses"], xnnpack["unknown"]) == (79, 3, 0)
    assert [(f["rule"], f["kinds"]) for f in xnnpack["findings"]] == [("R15", {"QUANTIZE": 2}), ("R12", {"SOFTMAX": 1})]
    assert "2 delegate nodes" in xnnpack["basis"]
    assert (gpu["delegate"], npu["delegate"]) == ("gpu", "npu")
    assert {f["rule"] for f in gpu["findings"]} == {"S12", "R26"}
    assert document["metadata"]["output_kind"] == "confidence"
    assert document["quantization"]["scheme"] == "int8"
    assert document["multiply_adds"] == sum(op["multiply_adds"] for op in document["ops"]) == 2_055_720_688
    assert document["inputs"][0]["shape"] == [1, 401, 401, 3]


def test_the_tables(app: typer.Typer, odd: Path) -> None:
    result = _run(app, odd)
    assert result.exit_code == 0, result.exception
    for piece in (
        "CPU (XNNPACK): takes 1 of 5 ops, refuses 4",
        "GPU (LiteRT ML Drift): takes 1 of 5 ops, refuses 4",
        "refuses: 1 SPACE_TO_BATCH_ND, 1 BATCH_TO_SPACE_ND (op 0, 2)",
        "R20, measured: this machine",
        "R7, rule: GPU gate source, 2.2.0",
        "compare CPU and delegate on the phone",
    ):
        assert piece in result.stdout
    assert "xnnpack: 4 of 5 ops stay outside" in result.stderr
    assert _run(app, odd, "--quiet").stderr == ""


def test_the_tables_fit_80_columns(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["inspect", str(BUNDLED), "--quiet"], env={"COLUMNS": "80"})
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    assert result.stdout.count("\u2513") == 4, "every table ends inside"


def test_names_with_markup_stay_as_they_are(app: typer.Typer, odd: Path) -> None:
    path = odd.with_name("[bold]odd[.tflite")
    path.write_bytes(odd.read_bytes())
    assert path.name in _run(app, path).stdout


def test_the_partitions_of_the_verdicts_are_those_of_the_runtime() -> None:
    """The rule by which verdicts become partitions, against the runtime's own count."""
    for model in ("apply_s8_uint8", "plan_landscape", "apply_s2_float32"):
        xnnpack = inspect_model(MODELS_FOLDER / "blur" / f"{model}.tflite").delegates[0]
        count = len(xnnpack.partitions)
        assert f"made {count} delegate node" in xnnpack.basis


@pytest.mark.parametrize("content", [b"", b"\0\0\0\0TFL3", b"PK\3\4 not a model"])
def test_bad_files_are_one_line(app: typer.Typer, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.tflite"
    path.write_bytes(content)
    error = _run(app, path).exception
    assert isinstance(error, InputError)
    assert "\n" not in str(error)
    assert isinstance(_run(app, tmp_path / "nowhere.tflite").exception, InputError)
    assert isinstance(_run(app, tmp_path).exception, InputError)


def test_a_runtime_that_dies_is_no_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = tmp_path / "probe.py"
    monkeypatch.setattr(measurement, "__file__", str(tmp_path / "measurement.py"))
    for body, reason in (
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended with code -9"),
        ("print('no json')", "ended with code 0"),
        ("print('log'); print('{\"error\": \"it says so\"}')", "does not load it: it says so"),
        ("import time; time.sleep(60)", "within 1 s"),
    ):
        probe.write_text(body)
        monkeypatch.setattr(measurement, "TIMEOUT_S", 1 if "sleep" in body else 60)
        result = run_probe("xnnpack", BUNDLED, 0)
        assert isinstance(result, NotMeasured)
        assert reason in result.reason
    assert isinstance(run_probe("xnnpack", BUNDLED, 3 << 30), NotMeasured)


def test_what_the_runtime_does_not_load_is_judged_by_rules(tmp_path: Path, oracle: Callable[[str], ModuleType]) -> None:
    model = oracle("tiny_tflite").TinyModel()
    image, result = model.tensor((1, 2)), model.tensor((1, 2))
    model.op("CUSTOM", [image], [result], custom="NobodyHasIt")
    model.inputs, model.outputs = [image], [result]
    path = tmp_path / "m.tflite"
    path.write_bytes(model.data())
    xnnpack = inspect_model(path).delegates[0]
    assert "NobodyHasIt" in xnnpack.basis
    assert [(v.verdict, v.rule) for v in xnnpack.verdicts] == [(Verdict.REFUSES, "R25")]


def test_the_accelerator_s_log_names_what_it_refuses() -> None:
    assert refused_kinds(LOG) == {
        "ARG_MAX": "Tensor type(INT64) is not supported. ArgMax",
        "BATCH_TO_SPACE_ND": "Operation is not supported.",
    }
    assert refused_kinds("ARG_MAX: something else\n") == {}


def test_of_two_ops_of_a_kind_the_log_does_not_tell(odd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = LOG.replace("BATCH_TO_SPACE_ND", "ADD") + "Selected adapter: Some Device, arch=x\n"
    answer = {"version": "1", "complete": False}
    monkeypatch.setenv(DEVICE_VARIABLES[0], "icd.json")
    monkeypatch.setattr("portraitlite.convert.inspect.gpu.run_probe", lambda *_: (answer, log))
    graph = read_graph(odd.read_bytes(), "odd")
    run = measure_gpu(odd, graph, 0)
    assert isinstance(run, Measurement)
    assert run.taken == {0: True, 1: True, 2: True, 3: True, 4: False}
    assert "WebGPU on Some Device" in run.version
    bundled = read_graph(BUNDLED.read_bytes(), "bundled")
    run = measure_gpu(BUNDLED, bundled, 0)
    assert isinstance(run, Measurement)
    adds = {op.index for op in bundled.ops if op.kind == "ADD"}
    assert len(adds) > 1
    assert run.taken.keys() == {op.index for op in bundled.ops} - adds
    silent = {"version": "1", "complete": False}
    monkeypatch.setattr("portraitlite.convert.inspect.gpu.run_probe", lambda *_: (silent, "Selected adapter: D,\n"))
    assert isinstance(measure_gpu(odd, graph, 0), NotMeasured)


@pytest.mark.usefixtures("gpu_here")
def test_the_gpu_is_measured_where_there_is_a_device(odd: Path) -> None:
    gpu = inspect_model(odd).delegates[1]
    assert [v.verdict.value for v in gpu.verdicts] == ["refuses", "takes", "refuses", "refuses", "refuses"]
    assert {v.evidence.value for v in gpu.verdicts} == {"measured"}


def _matrix(**changes: Any) -> dict[str, Any]:
    entries = [
        {"op": "CONV_2D", "status": "delegated", "provenance": "measured", "dtypes": ["float32"]},
        {"op": "CONV_2D", "status": "crash", "provenance": "measured", "constraints": {"operand_b": "activation"}},
        {
            "op": "ARG_MAX",
            "status": "fallback",
            "provenance": "vendor_doc",
            "conditions": "int64 stays\noutside",
            "rewrite_hints": [{"symptom": "slow", "rewrite": "use int32"}],
        },
        {"op": "SPACE_TO_BATCH_ND", "status": "incorrect", "provenance": "inferred"},
        {"op": "RELU_0_TO_1", "status": "delegated", "provenance": "example"},
    ]
    return {
        "schema_version": "1.2",
        "litert_version": "9.9.9",
        "backend": "gpu_somewhere",
        "target": {"device": "a phone"},
        "generated_at": "2026-01-01",
        "entries": entries,
        **changes,
    }


def test_a_matrix_adds_its_own_delegate(odd: Path, tmp_path: Path) -> None:
    path = tmp_path / "matrix.json"
    path.write_text(json.dumps(_matrix()))
    report = inspect_model(odd, matrix=path).delegates[3]
    assert (report.name, report.basis) == ("gpu_somewhere", "matrix snapshot of 9.9.9 on a phone")
    pair, conv, back, relu, arg = report.verdicts
    assert [v.verdict.value for v in report.verdicts] == ["unknown", "takes", "unknown", "unknown", "refuses"]
    assert [trap.why for trap in pair.traps] == [""]
    assert (conv.evidence.value, conv.version) == ("reported", "9.9.9")
    assert (arg.why, arg.fix, arg.evidence.value) == ("int64 stays outside", "use int32", "rule")
    assert back.evidence.value == relu.evidence.value == "none"


@pytest.mark.parametrize(
    ("constraints", "fits"),
    [
        ({"rank": 4}, True),
        ({"rank": 3}, False),
        ({"max_rank": 4}, True),
        ({"max_rank": 3}, False),
        ({"min_rank": 4}, True),
        ({"min_rank": "4"}, False),
        ({"weight_source": "constant", "weight_dtype": "float32"}, True),
        ({"weight_dtype": "int8"}, False),
        ({"operand_a": "activation", "operand_b": "constant"}, True),
        ({"dynamic_shape": False}, True),
        ({"dynamic_shape": 0}, False),
        ({"nobody_knows": 1}, False),
    ],
)
def test_constraints_of_a_matrix(odd: Path, tmp_path: Path, constraints: dict[str, Any], fits: bool) -> None:
    path = tmp_path / "matrix.json"
    entry = {"op": "CONV_2D", "status": "fallback", "provenance": "measured", "constraints": constraints}
    path.write_text(json.dumps(_matrix(entries=[entry])))
    verdict = inspect_model(odd, matrix=path).delegates[3].verdicts[1].verdict
    assert verdict is (Verdict.REFUSES if fits else Verdict.UNKNOWN)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        json.dumps(_matrix(schema_version="2.0")),
        json.dumps(_matrix(entries={})),
        json.dumps(_matrix(entries=[{"op": "ADD"}])),
        json.dumps(_matrix(entries=[{"op": "ADD", "status": "fine", "provenance": "measured"}])),
        json.dumps(_matrix(entries=[{"op": 7, "status": "crash", "provenance": "measured"}])),
        json.dumps(_matrix(target=7)),
    ],
)
def test_a_bad_matrix_is_one_line(app: typer.Typer, tmp_path: Path, content: str) -> None:
    path = tmp_path / "matrix.json"
    path.write_text(content)
    error = _run(app, BUNDLED, "--matrix", path).exception
    assert isinstance(error, InputError)
    assert "\n" not in str(error)
    assert "matrix.json" in str(error)


def test_importing_the_verb_is_light() -> None:
    import subprocess

    code = (
        "import sys; import portraitlite.convert.inspect.report; "
        "print([m for m in ('tensorflow', 'keras', 'ai_edge_litert') if m in sys.modules])"
    )
    source = Path(__file__).resolve().parents[2] / "src"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=source)
    assert run.stdout.strip() == "[]"


# Ops that XNNPACK leaves to the plain kernels.
OUTSIDE = {
    "deeplabv3_257_mv_gpu": {},
    "deeplabv3_mnv2_ade20k_int8": {"QUANTIZE": 1, "AVERAGE_POOL_2D": 1, "ARG_MAX": 1},
    "deeplabv3_mnv2_dm05_pascal_quant": {"AVERAGE_POOL_2D": 1, "ARG_MAX": 1},
    "deeplabv3_mnv2_pascal_quant": {"AVERAGE_POOL_2D": 1, "ARG_MAX": 1},
    "mobile_segmenter_r4_quant_argmax_uint8": {"AVERAGE_POOL_2D": 3, "ARG_MAX": 1},
    "selfie_segmentation": {},
}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", OUTSIDE)
def test_other_peoples_files(shared: Path, name: str) -> None:
    xnnpack, gpu, npu = inspect_model(shared / "models" / f"{name}.tflite").delegates
    found = {kind: count for f in xnnpack.findings if f.verdict is Verdict.REFUSES for kind, count in f.kinds}
    assert found == OUTSIDE[name]
    assert f"made {len(xnnpack.partitions)} delegate node" in xnnpack.basis
    assert all(f.rule for f in xnnpack.findings), "a rule explains every op that stayed outside"
    refused = [v.op for v in gpu.verdicts if v.verdict is Verdict.REFUSES]
    assert len(refused) == ("pascal" in name)  # the int64 argmax
    assert not any(report.count(Verdict.UNKNOWN) for report in (xnnpack, gpu, npu))
