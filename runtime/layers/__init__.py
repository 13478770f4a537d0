"""A photo split into labelled layers that are processed separately.

segmentation -> split_layers (soft weights that follow the photo) -> paint_layers (colours, alpha, effects)
-> Canvas (the merged picture), write_layers (PNGs and an OpenRaster file)
"""

from portraitlite.runtime.layers.effects import Blur, Brightness, Desaturate, Replace
from portraitlite.runtime.layers.folder import LayerFolder, write_layers
from portraitlite.runtime.layers.openraster import OpenRasterWriter
from portraitlite.runtime.layers.paint import Canvas, Effect, PaintedLayer, paint_layers
from portraitlite.runtime.layers.stack import Layer, LayerStack, split_layers

__all__ = [
    "Blur",
    "Brightness",
    "Canvas",
    "Desaturate",
    "Effect",
    "Layer",
    "LayerFolder",
    "LayerStack",
    "OpenRasterWriter",
    "PaintedLayer",
    "Replace",
    "paint_layers",
    "split_layers",
    "write_layers",
]
