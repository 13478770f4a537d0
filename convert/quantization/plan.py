"""Which engine quantizes a network, and how long it learns: by what the network and the photos allow."""

from __future__ import annotations

import dataclasses

from portraitlite.convert.quantization.graph import FloatGraph
from portraitlite.convert.quantization.learning import DEFAULT_STEPS
from portraitlite.convert.quantization.litert_quantizer import learning_obstacle
from portraitlite.convert.quantization.quantize import best_engine
from portraitlite.convert.quantization.types import Engine
from portraitlite.convert.types import Recipe

__all__ = ["LEAST_PHOTOS", "Plan", "plan_quantization"]

LEAST_PHOTOS = 50  # learnt from 40, a file fell behind on photos unlike them, see docs/quantization.md
LEARNING_LIMIT = 8_000_000_000  # multiply-adds; an Xception would take an hour and tens of gigabytes
LEARNING_RECIPES = frozenset({Recipe.INT8, Recipe.MIXED})


@dataclasses.dataclass(frozen=True)
class Plan:
    """What was decided.

    Attributes:
        engine: who quantizes.
        updates: steps of learning from the float network.
        remarks: lines for the result card, where it is not what the recipe takes by default.
    """

    engine: Engine
    updates: int = 0
    remarks: tuple[str, ...] = ()


def plan_quantization(
    recipe: Recipe,
    engine: Engine | None,
    updates: int | None,
    *,
    float_model: bytes,
    photos: int,
    multiply_adds: int,
) -> Plan:
    """Decide. An int8 file that cannot learn is better off with TFLiteConverter; what is stated wins.

    Args:
        recipe: how to quantize.
        engine: the user's; None leaves it to the recipe.
        updates: the user's; None takes the default where it can be done.
        float_model: the file that would be learnt from.
        photos: for calibration.
        multiply_adds: of one inference.
    """
    wanted = engine or best_engine(recipe)
    if recipe not in LEARNING_RECIPES or wanted is not Engine.LITERT_QUANTIZER:
        return Plan(wanted)
    stated = engine is not None or recipe is Recipe.MIXED  # which TFLiteConverter cannot make
    unlearnt = wanted if stated else Engine.TFLITE_CONVERTER
    if updates is not None:
        return Plan(wanted if updates else unlearnt, updates)
    if not stated and photos < LEAST_PHOTOS:
        obstacle: str | None = f"it wants {LEAST_PHOTOS} calibration photos or more, here are {photos}"
    elif multiply_adds > LEARNING_LIMIT:
        obstacle = f"{multiply_adds / 1e9:.0f} G multiply-adds are too many for it"
    else:
        obstacle = learning_obstacle(FloatGraph(float_model))
    if obstacle is None:
        return Plan(wanted, DEFAULT_STEPS)
    return Plan(unlearnt, 0, (f"quantized by {unlearnt} without learning from the float network: {obstacle}",))
