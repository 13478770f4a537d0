"""Class names of the official data sets; they live in the runtime, where the accuracy checks find them too."""

from __future__ import annotations

from portraitlite.runtime.labels import label_names, label_set

__all__ = ["label_names", "label_set"]
