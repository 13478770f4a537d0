"""Quantization: recipes, two engines behind one function, and what makes the 8-bit file follow the float one."""

from portraitlite.convert.quantization.plan import Plan, plan_quantization
from portraitlite.convert.quantization.quantize import best_engine, quantize_network
from portraitlite.convert.quantization.types import CALIBRATED, Engine, FloatNetwork, QuantizeOptions

__all__ = [
    "CALIBRATED",
    "Engine",
    "FloatNetwork",
    "Plan",
    "QuantizeOptions",
    "best_engine",
    "plan_quantization",
    "quantize_network",
]
