"""Read the official variables out of a SavedModel, without loading it: loading runs its functions.

Supported are a TF1 SavedModel of an official graph (variables under their official names, or frozen into constants) and
a TF2 one of a network of this project (`model.export` or `tf.saved_model.save`: layers under the official scopes with
dots for slashes). Every other naming is refused by the check of the variables.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from portraitlite.convert.sources.checkpoint import MAX_VARIABLE_BYTES, checkpoint_prefix, read_checkpoint
from portraitlite.convert.sources.facts import Reading
from portraitlite.convert.sources.frozen_graph import constant_variables, fake_quant_ranges
from portraitlite.convert.sources.graph_def import ALLOWED_OPS, Graph, parse_message, read_bounded
from portraitlite.convert.sources.graph_facts import CONVOLUTIONS, find_cut, graph_facts
from portraitlite.convert.sources.keras_names import official_from_layers
from portraitlite.runtime.errors import InputError

__all__ = ["is_saved_model", "read_saved_model"]

GRAPH_FILE = "saved_model.pb"
OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
VALUE_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
# What a network adds where its variables are not frozen. Saving, restoring and initialising lie outside the network.
VARIABLE_OPS = frozenset({"VarHandleOp", "ReadVariableOp", "VariableV2", "Variable"})

Float32 = npt.NDArray[np.float32]


def is_saved_model(folder: Path) -> bool:
    """Whether `folder` holds a SavedModel."""
    return (folder / GRAPH_FILE).is_file()


def read_saved_model(folder: Path) -> Reading:
    """Variables and facts.

    Args:
        folder: with `saved_model.pb` and, unless the graph is frozen, `variables/`.

    Raises:
        InputError: damaged, several graphs, a network with ops that no inference needs, or no variables.
    """
    meta = _meta_graph(read_bounded(folder / GRAPH_FILE), folder.name)
    graph = _network(meta.graph_def, folder.name)
    index = folder / "variables" / "variables.index"
    variables = _checkpoint_variables(checkpoint_prefix(index)) if index.is_file() else constant_variables(graph)
    facts = graph_facts(graph, find_cut(graph), _signature_size(meta))
    return Reading(variables, facts, fake_quant_ranges(graph))


def _meta_graph(data: bytes, name: str) -> Any:
    from tensorflow.core.protobuf import saved_model_pb2

    message = parse_message(saved_model_pb2.SavedModel(), data, f"{name}/{GRAPH_FILE} is not a SavedModel")
    if len(message.meta_graphs) != 1:
        raise InputError(f"{name}/{GRAPH_FILE} holds {len(message.meta_graphs)} graphs; expected one, for serving")
    return message.meta_graphs[0]


def _network(graph_def: Any, name: str) -> Graph:
    """The network's nodes alone: the main graph (TF1), or the function with most convolutions (TF2)."""

    def convolutions(nodes: Any) -> int:
        return sum(node.op in CONVOLUTIONS for node in nodes)

    bodies = [graph_def.node, *(function.node_def for function in graph_def.library.function)]
    graph = Graph(max(bodies, key=convolutions), name)
    network = graph.ancestors(find_cut(graph).scores)
    graph = Graph([node for key, node in graph.nodes.items() if key in network], name)
    graph.require_ops(ALLOWED_OPS | VARIABLE_OPS)
    return graph


def _signature_size(meta: Any) -> tuple[int, int] | None:
    """(height, width) of the only picture that the model is served with, where it is fixed."""
    sizes = {
        tuple(int(dim.size) for dim in tensor.tensor_shape.dim)[1:3]
        for signature in meta.signature_def.values()
        for tensor in signature.inputs.values()
        if len(tensor.tensor_shape.dim) == 4
    }
    if len(sizes) != 1:
        return None
    height, width = sizes.pop()
    return (height, width) if height > 0 and width > 0 else None


def _checkpoint_variables(prefix: Path) -> dict[str, Float32]:
    import tensorflow as tf

    try:
        reader: Any = tf.train.load_checkpoint(str(prefix))
        shapes = reader.get_variable_to_shape_map()
        if OBJECT_GRAPH not in shapes:
            return read_checkpoint(prefix)
        names = _layer_names(reader.get_tensor(OBJECT_GRAPH), prefix)
        if 4 * sum(int(np.prod(shapes.get(key, ()))) for key in names) > MAX_VARIABLE_BYTES:
            raise InputError(f"{prefix} holds more than {MAX_VARIABLE_BYTES >> 20} MiB of variables; refused")
        values = {name: np.asarray(reader.get_tensor(key)) for key, name in names.items() if key in shapes}
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{prefix} is not readable ({reason}); export the SavedModel again") from error
    return official_from_layers(values, str(prefix.parent.parent.name))


def _layer_names(serialized: bytes, prefix: Path) -> dict[str, str]:
    """Checkpoint key -> Keras path such as `MobilenetV2.Conv/kernel`."""
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    what = f"{prefix} has a damaged object graph; export the SavedModel again"
    graph = parse_message(trackable_object_graph_pb2.TrackableObjectGraph(), serialized, what)
    return {
        attribute.checkpoint_key: attribute.full_name
        for node in graph.nodes
        for attribute in node.attributes
        if attribute.checkpoint_key.endswith(VALUE_SUFFIX) and attribute.full_name.count("/") == 1
    }
