"""Frames of any film to upright 8-bit RGB and back, by FFmpeg's swscale.

The same matrix goes both ways, so a film keeps its colours even where it does not say which ones they are. HDR (HLG,
PQ) becomes SDR: the network and the blur graphs work on bytes, and eight bits are too few for HDR's curves.
"""

from __future__ import annotations

import dataclasses
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Orientation", "describe_hdr", "frame_orientation", "to_film", "to_rgb"]

Bytes = npt.NDArray[np.uint8]

# Numbers of ITU-T H.273.
_BT709, _UNSPECIFIED, _BT2020 = 1, 2, 9
_HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}  # of a film -> as swscale numbers them
_BT601 = 6
_HD_ROWS = 720  # what players take for BT.709 where a film does not say
_LIMITED, _FULL = 1, 2  # ranges


@dataclasses.dataclass(frozen=True)
class Orientation:
    """How a stored frame becomes upright: swap the axes, then flip."""

    swap: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    def upright(self, stored: Bytes) -> Bytes:
        """(H, W, 3) as stored -> upright, C-contiguous."""
        turned = stored.swapaxes(0, 1) if self.swap else stored
        turned = turned[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]
        return np.ascontiguousarray(turned)


def frame_orientation(frame: Any) -> Orientation:
    """Of a decoded frame, from its display matrix; other angles than quarter turns are taken for the nearest one."""
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d, *_ = struct.unpack("=9i", bytes(data)[:36])
            swap = abs(b) + abs(c) > abs(a) + abs(d)
            return Orientation(swap, flip_rows=(b if swap else d) < 0, flip_columns=(c if swap else a) < 0)
    return Orientation()


def describe_hdr(frame: Any) -> str | None:
    """`PQ` or `HLG`; None for SDR."""
    return _HDR.get(int(frame.color_trc))


def to_rgb(frame: Any, orientation: Orientation) -> Bytes:
    """(H, W, 3) uint8 RGB, upright, of a decoded frame.

    HDR is brought to BT.709 with what is brighter than its reference white cut off.
    """
    if int(frame.color_range) == 0:
        frame.color_range = _FULL if frame.format.name.startswith("yuvj") else _LIMITED
    if int(frame.colorspace) == _UNSPECIFIED and not frame.format.is_rgb:
        frame.colorspace = _matrix(frame)
    options: dict[str, Any] = {}
    if describe_hdr(frame):
        options = {"dst_color_trc": _BT709, "dst_color_primaries": _BT709}
    rgb = frame.reformat(format="rgb24", **options)
    return orientation.upright(rgb.to_ndarray())


def to_film(pixels: Bytes, like: Any) -> Any:
    """A yuv420p frame of limited range for the encoder, with the colours and the time of the frame `like`.

    Args:
        pixels: (H, W, 3) uint8 RGB; an odd last row or column is left out, as H.264 has none in 4:2:0.
        like: the decoded frame that they were made of.
    """
    import av

    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[:height, :width]), format="rgb24")
    hdr = describe_hdr(like) is not None
    matrix = _BT709 if hdr else _matrix(like)
    frame = rgb.reformat(format="yuv420p", dst_colorspace=_MATRICES[matrix], dst_color_range=_LIMITED)
    frame.colorspace = matrix
    frame.color_primaries = _BT709 if hdr else int(like.color_primaries)
    frame.color_trc = _BT709 if hdr else int(like.color_trc)
    return frame


def _matrix(frame: Any) -> int:
    matrix = int(frame.colorspace)
    if matrix in _MATRICES:
        return matrix
    return _BT709 if frame.format.is_rgb or frame.height >= _HD_ROWS else _BT601
