"""What to make for which part of a phone: `--target` as data, with the reasons.

Sources: the delegates' own op gates and measured runs, see docs/delegates.md.
"""

from __future__ import annotations

import dataclasses
import enum

from portraitlite.convert.types import Recipe
from portraitlite.runtime.types import OutputKind

__all__ = ["TARGETS", "Choice", "Target", "choose"]


class Target(enum.StrEnum):
    """Where the file will run."""

    CPU = "cpu"
    GPU = "gpu"
    NPU = "npu"
    WEB = "web"


@dataclasses.dataclass(frozen=True)
class Choice:
    """Recipe and output kind of a target, each with its reason."""

    recipe: Recipe
    recipe_reason: str
    output: OutputKind
    output_reason: str


NO_ARGMAX = "low-resolution scores: the delegate leaves ARG_MAX to the CPU, and a full-size map costs a large copy"

TARGETS: dict[Target, Choice] = {
    Target.CPU: Choice(
        Recipe.MIXED,
        "int8 with its stem in float: XNNPACK runs both, here in 0.99x of int8's time, and closer to the float network",
        OutputKind.LOGITS,
        "low-resolution scores: XNNPACK has no ARG_MAX and no CAST",
    ),
    Target.GPU: Choice(
        Recipe.FP16,
        "GPU delegates compute in float and take float in and out; int8 would run as float with extra steps",
        OutputKind.LOGITS,
        NO_ARGMAX,
    ),
    Target.NPU: Choice(
        Recipe.INT8,
        "NPUs want every op in integers, uint8 in and out",
        OutputKind.LOGITS,
        "low-resolution scores: the smallest copy out of the NPU",
    ),
    Target.WEB: Choice(
        Recipe.FP16,
        "WebGPU takes float32 and int32 in and out only; float16 weights halve the download",
        OutputKind.LOGITS,
        NO_ARGMAX,
    ),
}
DEFAULT = Choice(Recipe.INT8, "default", OutputKind.LABELS, "default")


def choose(
    target: Target | None, recipe: Recipe | None, output: OutputKind | None
) -> tuple[Recipe, OutputKind, tuple[str, ...]]:
    """(recipe, output kind, remarks); what is stated wins over what the target picks.

    Args:
        target: None takes int8 and labels where nothing is stated.
        recipe, output: what the user stated.
    """
    picked = TARGETS[target] if target else DEFAULT
    remarks = []
    if target:
        if recipe is None:
            remarks.append(f"target {target}: recipe {picked.recipe} ({picked.recipe_reason})")
        elif recipe is not picked.recipe:
            remarks.append(f"target {target} would pick recipe {picked.recipe} ({picked.recipe_reason}); yours wins")
        if output is None:
            remarks.append(f"target {target}: output {picked.output} ({picked.output_reason})")
    return recipe or picked.recipe, output or picked.output, tuple(remarks)
