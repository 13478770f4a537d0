"""What to make for which part of a phone: `--target` as data, with the reasons.

Sources: the delegates' own op gates and measured runs, see docs/delegates.md.
"""

from __future__ import annotations

import dataclasses
import enum

from portraitlite.convert.types import Recipe
from portraitlite.runtime.types import OutputKind

__all__ = ["TARGETS", "Choice", "Target", "choose", "delegate_remarks"]


class Target(enum.StrEnum):
    """Where the file will run."""

    CPU = "cpu"
    GPU = "gpu"
    NPU = "npu"
    WEB = "web"


@dataclasses.dataclass(frozen=True)
class Choice:
    """Recipe and output kind of a target, each with its reason.

    Attributes:
        recipe: it also fixes the types at both ends.
        recipe_reason, output_reason: why.
        output: output kind.
        delegate: whose rules the file is held against.
    """

    recipe: Recipe
    recipe_reason: str
    output: OutputKind
    output_reason: str
    delegate: str


NO_ARGMAX = "low-resolution scores: the delegate leaves ARG_MAX to the CPU, and a full-size map costs a large copy"

TARGETS: dict[Target, Choice] = {
    Target.CPU: Choice(
        Recipe.MIXED,
        "uint8 in, float32 out; int8 with its beginning in float: XNNPACK runs both, and that is closer to float",
        OutputKind.LOGITS,
        "low-resolution scores: XNNPACK has no ARG_MAX and no CAST",
        "xnnpack",
    ),
    Target.GPU: Choice(
        Recipe.FP16,
        "float32 in and out; GPU delegates compute in float, int8 would run as float with extra steps",
        OutputKind.LOGITS,
        NO_ARGMAX,
        "gpu",
    ),
    Target.NPU: Choice(
        Recipe.INT8,
        "uint8 in and out; NPUs want every op in integers",
        OutputKind.LOGITS,
        "low-resolution scores: the smallest copy out of the NPU",
        "npu",
    ),
    Target.WEB: Choice(
        Recipe.FP16,
        "float32 in and out, as WebGPU takes float32 and int32 only; float16 weights halve the download",
        OutputKind.LOGITS,
        NO_ARGMAX,
        "gpu",
    ),
}
DEFAULT_RECIPE, DEFAULT_OUTPUT = Recipe.INT8, OutputKind.LABELS


def choose(
    target: Target | None, recipe: Recipe | None, output: OutputKind | None
) -> tuple[Recipe, OutputKind, tuple[str, ...]]:
    """(recipe, output kind, remarks); what is stated wins over what the target picks.

    Args:
        target: None takes int8 and labels where nothing is stated.
        recipe, output: what the user stated.
    """
    if target is None:
        return recipe or DEFAULT_RECIPE, output or DEFAULT_OUTPUT, ()
    picked = TARGETS[target]
    remarks = []
    for what, stated, own, reason in (
        ("recipe", recipe, picked.recipe, picked.recipe_reason),
        ("output", output, picked.output, picked.output_reason),
    ):
        if stated is None:
            remarks.append(f"target {target}: {what} {own} ({reason})")
        elif stated != own:
            remarks.append(f"target {target} would pick {what} {own} ({reason}); yours, {stated}, wins")
    return recipe or picked.recipe, output or picked.output, tuple(remarks)


def delegate_remarks(target: Target, model: bytes) -> list[str]:
    """What the target's delegate leaves to slower kernels, by the rules of docs/delegates.md; no device is asked.

    Args:
        target: where the file will run.
        model: the `.tflite`.
    """
    from portraitlite.convert.inspect.reader import read_graph
    from portraitlite.convert.inspect.rules import Delegate, Verdict, load_rules
    from portraitlite.convert.inspect.verdicts import group_findings, judge

    graph = read_graph(model, "the model")
    delegate = Delegate(TARGETS[target].delegate)
    verdicts = judge(graph, load_rules()[delegate])
    remarks = []
    for finding in group_findings(graph, verdicts):
        if finding.verdict is Verdict.TRAPS:
            continue
        ops = ", ".join(f"{count} {kind}" for kind, count in finding.kinds)
        advice = f"; {finding.fix}" if finding.fix else ""
        remarks.append(f"target {target}: {delegate}, {finding.verdict}: {ops} ({finding.why}{advice})")
    taken = sum(verdict.verdict is Verdict.TAKES for verdict in verdicts)
    summary = f"{delegate} takes {taken} of {len(verdicts)} ops by the rules of docs/delegates.md"
    return [f"target {target}: {summary}", *remarks]
