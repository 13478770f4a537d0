"""Ranges of quantization-aware training, from a training graph to the scales of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from portraitlite.convert.infer import SpecFlags
from portraitlite.convert.pipeline import ConvertOptions, convert
from portraitlite.convert.quantization import Engine
from portraitlite.convert.quantization.learned_ranges import learned_ranges
from portraitlite.convert.types import Recipe
from portraitlite.runtime.backends import open_model
from portraitlite.runtime.types import OutputKind

RANGES = {
    "MobilenetV2/expanded_conv_3/expand/BatchNorm/FusedBatchNormV3": (-9.0, 9.0),
    "MobilenetV2/expanded_conv_3/expand/Relu6": (0.0, 5.0),
    "MobilenetV2/expanded_conv_3/add": (-2.0, 3.0),
    "MobilenetV2/expanded_conv_3/expand/weights": (-4.0, 4.0),
    "decoder/feature_projection0/Relu": (0.0, 7.0),
    "decoder/feature_projection1/Relu": (0.0, 8.0),
}


def test_nodes_find_their_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Graph:
        ops = tuple(type("Op", (), {"output": 10 + i})() for i in range(4))

    names = ["expanded_conv_3.expand", "expanded_conv_3.project", "expanded_conv_3.add", "decoder.feature_projection0"]
    monkeypatch.setattr("portraitlite.convert.quantization.learned_ranges.layer_names", lambda graph: names)
    graph: Any = Graph()
    assert learned_ranges(graph, RANGES) == {10: (0.0, 5.0), 12: (-2.0, 3.0), 13: (0.0, 7.0)}
    assert learned_ranges(graph, {}) == {}


def test_a_training_graph_brings_its_ranges(oracle: Any, photo_folder: Path, tmp_path: Path) -> None:
    """Every ReLU of the graph learned 0 to 6, whatever the photos reach."""
    official = oracle("mobilenet_v2_graph")
    variables = oracle("mobilenet_v2_deeplab").random_variables(np.random.default_rng(5), decoder=4)
    scales, remarked = {}, {}
    for style in ("plain", "quantized"):
        source = tmp_path / f"{style}.pb"
        source.write_bytes(official.build(variables, style=style, crop=(65, 65)).SerializeToString())
        options = ConvertOptions(
            Recipe.INT8,
            photo_folder,
            engine=Engine.LITERT_QUANTIZER,
            updates=0,
            output=OutputKind.LOGITS,
            flags=SpecFlags(crop=(65, 65)),
        )
        result = convert(source, tmp_path / f"{style}.tflite", options)
        runner: Any = open_model(result.model.read_bytes())
        activations = [
            t for t in runner.interpreter.get_tensor_details() if t["dtype"] == np.int8 and t["shape"][0] == 1
        ]
        scales[style] = next(t["quantization"] for t in activations if "aspp0" in t["name"])
        remarked[style] = [line for line in result.notices if "quantization-aware training learned" in line]
    assert scales["quantized"] == (pytest.approx(6 / 255), -128)
    assert scales["plain"][0] != pytest.approx(6 / 255, rel=0.05)
    assert (len(remarked["plain"]), len(remarked["quantized"])) == (0, 1)
    assert int(remarked["quantized"][0].split()[0]) > 40
