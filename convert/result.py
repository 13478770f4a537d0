"""The result card of a conversion, as an object; `card` prints it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

from portraitlite.convert.cost import Cost
from portraitlite.convert.measure import Measures
from portraitlite.convert.quantization.choose import Choice
from portraitlite.convert.quantization.sensitivity import SensitivityReport
from portraitlite.runtime.metadata import ModelMetadata

__all__ = ["ConvertResult", "count_ops"]


@dataclasses.dataclass(frozen=True)
class ConvertResult:
    """What a conversion made.

    Attributes:
        model: the `.tflite` written.
        sidecar: the `.json` beside it.
        size_bytes, sha256: of the model.
        metadata: what the model says about itself.
        ops: number of ops by kind.
        reasons: field of the spec -> where its value comes from.
        verified: an official sample of the network's family was at hand to compare the conversion with.
        cost: of the network in the file.
        source_cost: of the network as the source has it, where flags changed it; otherwise None.
        measures: agreement with the float model and latency beside it; None for a float file.
        float_choice: what `--mixed auto` chose and what it tried; otherwise None.
        sensitivity: where it was asked for; otherwise None. It has a file of its own.
        notices: one-line remarks.
    """

    model: Path
    sidecar: Path
    size_bytes: int
    sha256: str
    metadata: ModelMetadata
    ops: dict[str, int]
    reasons: dict[str, str]
    verified: bool
    cost: Cost
    source_cost: Cost | None
    measures: Measures | None
    float_choice: Choice | None
    sensitivity: SensitivityReport | None
    notices: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; this is the sidecar's content."""
        return {
            "model": self.model.name,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "metadata": self.metadata.to_dict(),
            "ops": self.ops,
            "reasons": self.reasons,
            "verified": self.verified,
            "cost": self.cost.to_dict(),
            "source_cost": self.source_cost.to_dict() if self.source_cost else None,
            "measures": self.measures.to_dict() if self.measures else None,
            "float_choice": self.float_choice.to_dict() if self.float_choice else None,
            "notices": list(self.notices),
        }


def count_ops(model: bytes) -> dict[str, int]:
    """Number of ops by kind, most frequent first."""
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    root = schema.Model.GetRootAs(model, 0)
    codes = [root.OperatorCodes(i) for i in range(root.OperatorCodesLength())]
    kinds = [max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) for code in codes]
    graph = root.Subgraphs(0)
    count = Counter(names[kinds[graph.Operators(i).OpcodeIndex()]] for i in range(graph.OperatorsLength()))
    return dict(count.most_common())
