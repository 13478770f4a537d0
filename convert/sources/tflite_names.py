"""Official scopes of the convolutions in a `.tflite` of a MobileNetV2 DeepLab, by structure.

Names do not survive conversion reliably and the order of the heads differs between converters; who feeds whom does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from portraitlite.convert.networks.build import LOGITS_SCOPE, RESIDUAL_SCOPE
from portraitlite.convert.networks.mobilenet_v2 import SCOPE
from portraitlite.convert.sources.tflite_graph import TfliteGraph, TfliteOp
from portraitlite.runtime.errors import InputError

__all__ = ["CONVOLUTIONS", "name_convolutions"]

BLOCKS = 17
DEPTHWISE = "DEPTHWISE_CONV_2D"
CONVOLUTIONS = ("CONV_2D", DEPTHWISE)
POOLS = ("AVERAGE_POOL_2D", "MEAN")


def name_convolutions(graph: TfliteGraph) -> dict[int, str]:
    """Index into `graph.ops` -> official scope, for every convolution.

    Raises:
        InputError: the graph is not wired like a MobileNetV2 DeepLab.
    """
    return _Namer(graph).names


class _Namer:
    def __init__(self, graph: TfliteGraph) -> None:
        self.graph, self.names = graph, dict[int, str]()
        self.producer = {tensor: i for i, op in enumerate(graph.ops) for tensor in op.outputs}
        self.convolutions = [i for i, op in enumerate(graph.ops) if op.kind in CONVOLUTIONS]
        # For each convolution: the convolutions right above it, with a pool on the way or not.
        self.above: Mapping[int, dict[int, bool]] = {i: dict(self._sources(graph.ops[i])) for i in self.convolutions}
        features = self._backbone()
        self._heads(features)
        unnamed = [i for i in self.convolutions if i not in self.names]
        if unnamed:
            raise self._refuse(f"{len(unnamed)} convolutions have no place in it (the first is op {unnamed[0]})")

    def _sources(self, op: TfliteOp) -> Iterator[tuple[int, bool]]:
        waiting, seen = [(op.inputs[0], False)] if op.inputs else [], set[int]()
        while waiting:
            tensor, pooled = waiting.pop()
            i = self.producer.get(tensor)
            if i is None or i in seen:
                continue
            seen.add(i)
            above = self.graph.ops[i]
            if above.kind in CONVOLUTIONS:
                yield i, pooled
            else:
                waiting += [(tensor, pooled or above.kind in POOLS) for tensor in above.inputs]

    def _below(self, i: int, *, depthwise: bool, pooled: bool = False) -> list[int]:
        """Convolutions right below `i` that are not named yet."""
        return [
            c
            for c in self.convolutions
            if self.above[c].get(i) is pooled and c not in self.names and self._is_depthwise(c) is depthwise
        ]

    def _is_depthwise(self, i: int) -> bool:
        return self.graph.ops[i].kind == DEPTHWISE

    def _backbone(self) -> int:
        """Name it; returns the last block's projection."""
        stems = [i for i in self.convolutions if not self.above[i]]
        if len(stems) != 1:
            raise self._refuse(f"it has {len(stems)} first convolutions")
        current = self._name(stems[0], f"{SCOPE}/Conv")
        for block in range(BLOCKS):
            scope = f"{SCOPE}/expanded_conv" + (f"_{block}" if block else "")
            if block:
                current = self._name(self._expansion(current), f"{scope}/expand")
            current = self._name(self._only(self._below(current, depthwise=True), scope), f"{scope}/depthwise")
            current = self._name(self._projection(current, block), f"{scope}/project")
        return current

    def _expansion(self, projection: int) -> int:
        """The next block's: the only convolution right below that feeds a depthwise one."""
        wide = [c for c in self._below(projection, depthwise=False) if self._below(c, depthwise=True)]
        return self._only(wide[:1], "the expansion of a block")

    def _projection(self, depthwise: int, block: int) -> int:
        """Not the decoder's feature projection, which no backbone block takes."""
        narrow = self._below(depthwise, depthwise=False)
        if len(narrow) > 1 and block < BLOCKS - 1:
            narrow = [c for c in narrow if self._below(c, depthwise=False)]
        return self._only(narrow, f"the projection of block {block}")

    def _heads(self, features: int) -> None:
        pooling = self._only(self._below(features, depthwise=False, pooled=True), "image_pooling")
        self._name(pooling, "image_pooling")
        branch = self._name(self._only(self._below(features, depthwise=False), "aspp0"), "aspp0")
        last = self._only(self._below(branch, depthwise=False), "concat_projection")
        if pooling not in self.above[last]:
            raise self._refuse("concat_projection does not take image_pooling")
        self._name(last, "concat_projection")
        logits = LOGITS_SCOPE
        if self._below(last, depthwise=True):
            if direct := self._below(last, depthwise=False):  # the residual head: logits before the decoder
                self._name(self._only(direct, LOGITS_SCOPE), LOGITS_SCOPE)
                logits = RESIDUAL_SCOPE
            last = self._decoder(last)
        self._name(self._only(self._below(last, depthwise=False), logits), logits)

    def _decoder(self, features: int) -> int:
        first = self._only(self._below(features, depthwise=True), "decoder_conv0")
        skips = [i for i in self.above[first] if i != features and i not in self.names]
        self._name(self._only(skips, "feature_projection0"), "decoder/feature_projection0")
        for i in range(2):
            scope = f"decoder/decoder_conv{i}"
            features = self._name(self._only(self._below(features, depthwise=True), scope), f"{scope}_depthwise")
            features = self._name(self._only(self._below(features, depthwise=False), scope), f"{scope}_pointwise")
        return features

    def _name(self, i: int, scope: str) -> int:
        self.names[i] = scope
        return i

    def _only(self, found: list[int], what: str) -> int:
        if len(found) != 1:
            raise self._refuse(f"{len(found)} convolutions could be {what}")
        return found[0]

    def _refuse(self, reason: str) -> InputError:
        return InputError(f"{self.graph.name} is not wired like a DeepLab on MobileNetV2: {reason}")
