"""Builds the blur graphs that `portraitlite.runtime.blur` runs. Nothing is trained: the weights are formulas."""
