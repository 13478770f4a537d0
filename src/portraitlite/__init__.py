"""portraitlite: convert DeepLab-v3+ to TFLite, blur portraits with it, and measure both.

The parts are `portraitlite.convert`, `portraitlite.runtime`, `portraitlite.benchmarks` and
`portraitlite.android_harness`; importing this package imports none of them.
"""

__version__ = "0.1.0"
