"""One entry of the zoo's catalogue."""

from __future__ import annotations

import dataclasses
from typing import Any

from portraitlite.convert.spec import DeepLabSpec

__all__ = ["LICENCE", "PublishedResult", "ZooModel"]

BASE_URL = "https://download.tensorflow.org/models/"
LICENCE = "Apache-2.0, as published by tensorflow/models"
# The zoo rounds its sizes, so a tarball may be larger than stated; one without a stated size has a bound of its own.
SIZE_TOLERANCE = 1.5
UNSTATED_LIMIT_BYTES = 512 << 20


@dataclasses.dataclass(frozen=True)
class PublishedResult:
    """One evaluation that the authors published; nothing here was measured again.

    Attributes:
        output_stride: at evaluation.
        miou_percent: mean intersection over union.
        split: of the data set: `val` or `test`.
        scales: scales of the input that were averaged, as `first:step:last`.
        flip: mirrored inputs were averaged too.
        multiply_adds_billions: of the whole evaluation of one picture, all scales together; None is not published.
        pixel_accuracy_percent: share of right pixels; None is not published.
    """

    output_stride: int
    miou_percent: float
    split: str = "val"
    scales: str = "1.0"
    flip: bool = False
    multiply_adds_billions: float | None = None
    pixel_accuracy_percent: float | None = None

    @property
    def single_pass(self) -> bool:
        """The figure is that of the network run once, as a converted model runs."""
        return self.scales == "1.0" and not self.flip

    def describe(self) -> str:
        """`75.32 val, OS16` or `87.80 test, OS8, scales 0.5:0.25:1.75, flip`."""
        averaged = "" if self.scales == "1.0" else f", scales {self.scales}"
        flip = ", flip" if self.flip else ""
        accuracy = "" if self.pixel_accuracy_percent is None else f", pixel accuracy {self.pixel_accuracy_percent:g}"
        return f"{self.miou_percent:g} {self.split}, OS{self.output_stride}{averaged}{flip}{accuracy}"


@dataclasses.dataclass(frozen=True)
class ZooModel:
    """A tarball of the zoo.

    Attributes:
        name: as the zoo calls it.
        file: name of the tarball.
        dataset: what its classes are, or what a backbone was trained on.
        size_mib: of the tarball, as published and rounded there; None is not published.
        spec: the network as `convert` builds it from the name alone; None is a backbone without a segmentation head.
        results: published evaluations.
        quantized: trained with simulated 8-bit quantization.
        verified: an official sample of the network's family was at hand to compare the conversion with.
        note: what a user should know besides.
    """

    name: str
    file: str
    dataset: str
    size_mib: float | None
    spec: DeepLabSpec | None = None
    results: tuple[PublishedResult, ...] = ()
    quantized: bool = False
    verified: bool = False
    note: str = ""

    @property
    def url(self) -> str:
        """Where it is published. The zoo's page links the same host by http."""
        return BASE_URL + self.file

    @property
    def size_text(self) -> str:
        """`23 MB`, or `size not published`."""
        return "size not published" if self.size_mib is None else f"{self.size_mib:g} MB"

    @property
    def size_limit_bytes(self) -> int:
        """A download larger than this is not the tarball."""
        return UNSTATED_LIMIT_BYTES if self.size_mib is None else int(self.size_mib * SIZE_TOLERANCE * (1 << 20))

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "name": self.name,
            "file": self.file,
            "url": self.url,
            "dataset": self.dataset,
            "classes": None if self.spec is None else self.spec.classes,
            "published": [dataclasses.asdict(result) for result in self.results],
            "size_bytes_approximate": None if self.size_mib is None else int(self.size_mib * (1 << 20)),
            "licence": LICENCE,
            "quantized": self.quantized,
            "verified": self.verified,
            "convertible": self.spec is not None,
            "spec": None if self.spec is None else self.spec.to_dict(),
            "note": self.note or None,
        }
