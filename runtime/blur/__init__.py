"""The portrait blur: a photo and a subject mask become a picture with a blurred background.

plan_inputs (host)  ->  plan.tflite (low resolution)  ->  apply.tflite (full resolution, tile by tile)
"""

from portraitlite.runtime.blur.renderer import BlurRenderer
from portraitlite.runtime.blur.sizing import PlanChoice, choose_scale
from portraitlite.runtime.blur.spec import BlurSpec, Orientation, PixelType

__all__ = ["BlurRenderer", "BlurSpec", "Orientation", "PixelType", "PlanChoice", "choose_scale"]
