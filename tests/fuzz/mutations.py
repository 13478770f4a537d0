"""Damage, as disks, networks and attackers do it; the same for the same seed."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

__all__ = ["mutate"]

_Damage = Callable[[bytearray, np.random.Generator], None]


def mutate(data: bytes, generator: np.random.Generator) -> bytes:
    """One to three kinds of damage, most of them near the front or the end, where formats keep their structure."""
    damaged = bytearray(data)
    for _ in range(int(generator.choice((1, 1, 1, 2, 3)))):
        if len(damaged) > 8:
            _KINDS[int(generator.integers(len(_KINDS)))](damaged, generator)
    # With its checksums right, a damaged PNG gets further than the first chunk.
    return _mend_png(damaged) if damaged[1:4] == b"PNG" and generator.random() < 0.7 else bytes(damaged)


def _mend_png(data: bytearray) -> bytes:
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = zlib.crc32(data[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(data)


def _place(data: bytearray, generator: np.random.Generator) -> int:
    start, stop = ((0, 1024), (-8192, 0), (0, len(data)))[int(generator.integers(3))]
    start, stop = max(0, start + len(data) if start < 0 else start), min(len(data), stop or len(data))
    return int(generator.integers(start, stop))


def _flip_bits(data: bytearray, generator: np.random.Generator) -> None:
    for _ in range(int(generator.integers(1, 9))):
        data[_place(data, generator)] ^= 1 << int(generator.integers(8))


def _set_bytes(data: bytearray, generator: np.random.Generator) -> None:
    for _ in range(int(generator.integers(1, 9))):
        data[_place(data, generator)] = int(generator.choice((0, 1, 0x7F, 0x80, 0xFF, int(generator.integers(256)))))


def _set_number(data: bytearray, generator: np.random.Generator) -> None:
    """A length or an offset becomes 0, huge, negative or slightly wrong; in both byte orders."""
    order = "little" if generator.random() < 0.5 else "big"
    size = int(generator.choice((2, 4)))
    at = min(_place(data, generator) & ~1, len(data) - size)
    old = int.from_bytes(data[at : at + size], order)
    limit = 1 << (8 * size)
    choices = (0, 1, limit - 1, limit // 2, limit // 2 - 1, old + 1, old - 1, old * 2, len(data), len(data) - at)
    data[at : at + size] = (int(choices[int(generator.integers(len(choices)))]) % limit).to_bytes(size, order)


def _cut(data: bytearray, generator: np.random.Generator) -> None:
    del data[max(8, int(generator.integers(len(data)))) :]


def _remove(data: bytearray, generator: np.random.Generator) -> None:
    at = _place(data, generator)
    del data[at : at + int(generator.integers(1, 65))]


def _repeat(data: bytearray, generator: np.random.Generator) -> None:
    at = _place(data, generator)
    data[at:at] = data[at : at + int(generator.integers(1, 257))]


def _copy_over(data: bytearray, generator: np.random.Generator) -> None:
    size = int(generator.integers(1, 65))
    source, at = _place(data, generator), _place(data, generator)
    block = data[source : source + size]
    data[at : at + len(block)] = block


_KINDS: tuple[_Damage, ...] = (
    _flip_bits,
    _flip_bits,
    _set_bytes,
    _set_bytes,
    _set_number,
    _set_number,
    _cut,
    _remove,
    _repeat,
    _copy_over,
)
