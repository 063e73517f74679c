"""Matrices as the beats of an array's streams, and back: the order of elements in time, and of bits in a beat.
Stand-alone benches have this file too.

The order is that of `docs/ARCHITECTURE.md`, "Ports and cycles of the registered designs".
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Beats(NamedTuple):
    """What moves on one stream: codes (beats, elements), ``last`` of each, and what else its beats are taken with."""

    codes: np.ndarray
    lasts: Sequence[int]
    beside: int = 0


def run(codes: np.ndarray) -> Beats:
    """Codes, (beats, elements), as one run."""
    return Beats(codes, lasts(len(codes)))


def lasts(count: int) -> list[int]:
    """``last`` of each of a run's beats."""
    return [0] * (count - 1) + [1]


def whole_bytes(bits: int) -> int:
    """Bits that an element of so many takes on AXI4-Stream."""
    return 8 * -(-bits // 8)


def pack(codes: np.ndarray, bits: int) -> list[int]:
    """Beats of codes, (beats, elements), as one integer each: element i from bit ``i * bits`` up."""
    elements = np.ascontiguousarray(codes, "<u8").view(np.uint8).reshape(*codes.shape, 8)
    stream = np.unpackbits(elements, axis=2, bitorder="little")[:, :, :bits].reshape(len(codes), -1)
    return [int.from_bytes(beat, "little") for beat in np.packbits(stream, axis=1, bitorder="little")]


def unpack(words: Sequence[int], elements: int, bits: int) -> np.ndarray:
    """Beats as integers back to codes, uint64 (beats, elements)."""
    size = -(-elements * bits // 8)
    stream = np.frombuffer(b"".join(word.to_bytes(size, "little") for word in words), np.uint8)
    stream = np.unpackbits(stream.reshape(len(words), size), axis=1, bitorder="little")[:, : elements * bits]
    codes = np.zeros((len(words), elements, 64), np.uint8)
    codes[:, :, :bits] = stream.reshape(len(words), elements, bits)
    return np.packbits(codes, axis=2, bitorder="little").view("<u8").reshape(len(words), elements)
