"""What a converted file says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import portraitlite
from portraitlite.convert.infer import Inferred
from portraitlite.convert.options import ConvertOptions
from portraitlite.runtime.errors import InputError
from portraitlite.runtime.metadata import ModelMetadata
from portraitlite.runtime.types import Fit

if TYPE_CHECKING:
    from portraitlite.convert.sources import Source

__all__ = ["MEAN", "STD", "describe", "label_index"]

MEAN = STD = 127.5  # (2 / 255) * x - 1, the official preprocessing of every convertible family


def describe(opened: Source, inferred: Inferred, labels: tuple[str, ...], options: ConvertOptions) -> ModelMetadata:
    """Metadata of the file.

    Args:
        opened: the source.
        inferred: what is known of its network.
        labels: names of its classes.
        options: what is made of it.
    """
    spec = inferred.spec
    camera = options.camera
    return ModelMetadata(
        name=options.name or opened.name.split(".")[0],
        labels=labels if options.output_label is None else _told_apart(labels, options.output_label),
        input_height=camera[0] if camera else spec.crop_height,
        input_width=camera[1] if camera else spec.crop_width,
        network_height=spec.crop_height if camera else None,
        network_width=spec.crop_width if camera else None,
        mean=0.0 if camera else MEAN,
        std=1.0 if camera else STD,
        fit=Fit.STRETCH if camera else options.fit,
        output_kind=options.output,
        output_label=options.output_label,
        resize_convention=spec.resize_convention,
        recipe=str(options.recipe),
        spec=spec.to_dict(),
        provenance={
            "source": {"name": opened.name, "kind": opened.kind, "sha256": opened.sha256},
            "converter": f"portraitlite {portraitlite.__version__}",
        },
    )


def _told_apart(labels: tuple[str, ...], label: str) -> tuple[str, ...]:
    """The two classes that a file of one class's confidence tells apart: it and the rest."""
    return labels if len(labels) == 2 else ("background" if label != "background" else "other", label)


def label_index(labels: tuple[str, ...], label: str | None) -> int | None:
    """Index of a class by its name; None of None.

    Raises:
        InputError: there is no such class.
    """
    if label is None:
        return None
    if label not in labels:
        raise InputError(f"no class is called {label!r}; this network has {', '.join(labels)}")
    return labels.index(label)
