"""Read a Keras file of a network of this project: `.keras`, `.weights.h5` or `.h5`.

Only the numbers and the layer list are read. No layer is built from the file, so that nothing in it can run.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.sources.checkpoint import MAX_VARIABLE_BYTES
from portraitlite.convert.sources.facts import GraphFacts, GraphOp, Reading, facts_of
from portraitlite.convert.sources.graph_def import read_bounded
from portraitlite.convert.sources.keras_names import official_from_layers
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.types import ResizeConvention

__all__ = ["SUFFIXES", "read_keras_file"]

SUFFIXES = (".keras", ".h5")
CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MAX_CONFIG_BYTES = 16 << 20  # 300 kB for a MobileNetV2 DeepLab
MAX_WEIGHTS = 4096
OWN_LAYERS = "portraitlite.convert.networks"
CODE_LAYERS = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
OWN_FUNCTIONS = {"hard_sigmoid", "hard_swish"}  # activations of MobileNetV3, which Keras stores by name
CONVOLUTIONS = {"Conv2D", "DepthwiseConv2D"}

Weights = dict[str, npt.NDArray[Any]]


def read_keras_file(path: Path) -> Reading:
    """Variables, and facts where the file has the layer list (`.weights.h5` has none).

    Args:
        path: a file saved with `model.save` or `model.save_weights`.

    Raises:
        InputError: damaged, too large, not a network of this project, or with layers that carry code.
    """
    data = read_bounded(path, MAX_VARIABLE_BYTES)
    if path.suffix == ".keras":
        config, data = _unzip(path, data)
        return Reading(official_from_layers(_hdf5_weights(path, data)[0], path.name), _facts(path, config))
    weights, text = _hdf5_weights(path, data)
    return Reading(official_from_layers(weights, path.name), _facts(path, text) if text else GraphFacts())


def _unzip(path: Path, data: bytes) -> tuple[bytes, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name, limit in ((CONFIG, MAX_CONFIG_BYTES), (WEIGHTS, MAX_VARIABLE_BYTES)):
                if archive.getinfo(name).file_size > limit:
                    raise InputError(f"{path.name}: {name} unpacks to more than {limit >> 20} MiB; refused")
            return archive.read(CONFIG), archive.read(WEIGHTS)
    except InputError:
        raise
    except KeyError as error:
        raise InputError(f"{path.name} lacks {CONFIG} or {WEIGHTS}; expected a .keras file of Keras 3") from error
    except Exception as error:  # zlib.error and lzma.LZMAError share no base class but Exception
        raise InputError(f"{path.name} is not a readable .keras file ({error}); save it again") from error


def _hdf5_weights(path: Path, data: bytes) -> tuple[Weights, bytes]:
    """`LAYER/kernel` and `LAYER/bias` -> value, and the layer list of a legacy `.h5` (empty elsewhere)."""
    import h5py  # type: ignore[import-untyped]

    weights: Weights = {}
    config = b""
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            if "model_weights" in file or "layer_names" in file.attrs:
                config = str(file.attrs.get("model_config", "")).encode()
            elements = 0
            for name, dataset in _datasets(file, path.name):
                elements += int(np.prod(dataset.shape, dtype=np.int64))
                if elements * 4 > MAX_VARIABLE_BYTES or len(weights) >= MAX_WEIGHTS:
                    raise InputError(f"{path.name} holds more than {MAX_VARIABLE_BYTES >> 20} MiB of weights; refused")
                weights[name] = dataset[()]
    except InputError:
        raise
    except Exception as error:  # h5py raises whatever fits: OSError, KeyError, RuntimeError, ValueError
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{path.name} is not a readable Keras file ({reason}); save it again") from error
    return weights, config


def _datasets(group: Any, source: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Datasets under Keras paths. Links are not followed: they may lead to other files, or in circles."""
    import h5py

    if depth > 8:
        raise InputError(f"{source} nests groups deeper than any Keras file; refused")
    for key in group:
        if depth == 0 and key.startswith("optimizer"):
            continue
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise InputError(f"{source} holds a link ({key!r}); a Keras file has plain groups only")
        item = group[key]
        if isinstance(item, h5py.Group):
            yield from _datasets(item, source, depth + 1)
            continue
        if item.external or item.is_virtual:
            raise InputError(f"{source}: {key!r} lies in another file; save the network into one")
        if item.dtype.kind != "f":
            raise InputError(f"{source}: {item.name!r} is {item.dtype}; expected float weights")
        layer = group.attrs.get("name")
        if key in ("0", "1") and isinstance(layer, str):  # Keras 3: `layers/conv2d_7/vars/0`, named by an attribute
            yield f"{layer}/{('kernel', 'bias')[int(key)]}", item
        elif key.split(":")[0] in ("kernel", "bias"):  # legacy: `model_weights/LAYER/LAYER/kernel`
            yield f"{group.name.rpartition('/')[2]}/{key.split(':')[0]}", item
        else:
            raise InputError(f"{source} holds the weight {item.name!r}; expected kernels and biases only")


def _facts(path: Path, config: bytes) -> GraphFacts:
    try:
        document = json.loads(config)
        _refuse_code(document, path.name)
        layers = document["config"]["layers"]
        crop = next(layer["config"]["batch_shape"][1:3] for layer in layers if layer["class_name"] == "InputLayer")
        ops = [_op(layer) for layer in layers]
        return facts_of(ops, (int(crop[0]), int(crop[1])), f"the input layer takes {crop[0]}x{crop[1]}")
    except (KeyError, TypeError, ValueError, IndexError, StopIteration, RecursionError, AttributeError) as error:
        raise InputError(f"{path.name} has a layer list that does not fit ({error}); save it again") from error


def _refuse_code(document: Any, source: str) -> None:
    """Raise for any object of the configuration that is neither Keras' own nor this project's."""
    waiting = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += item
        if not isinstance(item, dict):
            continue
        waiting += item.values()
        name, module = item.get("class_name"), item.get("module") or "keras"
        if name is None or name == "__keras_tensor__":
            continue
        ours = str(module).startswith(OWN_LAYERS) or (name == "function" and item.get("config") in OWN_FUNCTIONS)
        if name in CODE_LAYERS or not (ours or str(module).split(".")[0] == "keras"):
            raise InputError(
                f"{source} holds {name!r} of {module!r}, which may carry code; refused: rebuild the network"
            )


def _op(layer: dict[str, Any]) -> GraphOp:
    kind, config = layer["class_name"], layer["config"]
    name = str(config["name"])
    inputs = tuple(_histories(layer.get("inbound_nodes", [])))
    if kind in CONVOLUTIONS:
        scope = name.replace(".", "/")
        return GraphOp(name, "conv", inputs, scope, _pair(config["strides"]), _pair(config["dilation_rate"])[0])
    if kind == "MaxPooling2D":
        return GraphOp(name, "max_pool", inputs, strides=_pair(config["strides"]))
    if kind == "AveragePooling2D":
        return GraphOp(name, "pool", inputs, strides=_pair(config["strides"]), window=_pair(config["pool_size"]))
    if kind == "BilinearResize":
        return GraphOp(name, "resize", inputs, convention=ResizeConvention(config["convention"]))
    return GraphOp(name, "other", inputs)


def _histories(node: Any) -> Iterator[str]:
    """Names of the layers a call takes its tensors from."""
    if isinstance(node, dict):
        if "keras_history" in node:
            yield str(node["keras_history"][0])
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _histories(item)


def _pair(values: Any) -> tuple[int, int]:
    return int(values[0]), int(values[1])
