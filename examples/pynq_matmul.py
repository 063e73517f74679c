"""A matrix product by a core in a Zynq, on PYNQ: three DMA engines, matrices of codes (docs/zynq.md).

`python pynq_matmul.py SLUG.json A.npy B.npy --overlay cores.bit -o C.npy` on the board, SLUG.json being the manifest
that `lmul generate` wrote; with `--show` it prints what the engines are given, anywhere. It needs numpy, and pynq.
"""

import argparse
import json

import numpy as np


class Core:
    """A core by its manifest: a systolic array or a tile behind three AXI4-Streams."""

    def __init__(self, about):
        streams = [stream["name"] for stream in about["streams"]]
        sides = [port["name"] for port in about["ports"] if port["name"] in ("place", "top")]
        if streams != ["s_axis_a", "s_axis_b", "m_axis_c"] or sides:
            raise SystemExit(f"{about['slug']} has {', '.join(streams + sides)}: this script is for s_axis_a, s_axis_b "
                             "and m_axis_c alone")
        self.a, self.b, self.c = about["streams"]
        self.neutral, self.tiled = about["neutral"], about["protocol"] == "tiles"
        self.high, self.wide = self.a["elements"], self.b["elements"]
        # Rows of results of a run: an array's, or as many partial sums as a tile's core keeps.
        self.rows = about["parameters"]["partial_sums"] if self.tiled else self.high

    def runs(self, a, b):
        """A product of codes, (rows, depth) by (depth, cols): of each run its place in the result, how many rows it
        has, and transfers in order, each the name of an engine and its beats. A transfer ends with tlast."""
        b = filled(b, 1, self.wide, self.neutral["b"])
        if self.tiled:
            a = filled(a, 1, self.high, self.neutral["a"])
            b = filled(b, 0, self.high, self.neutral["b"])
        else:
            a = filled(a, 0, self.high, self.neutral["a"])
        for row in range(0, len(a), self.rows):
            for col in range(0, b.shape[1], self.wide):
                some, weights = a[row : row + self.rows], b[:, col : col + self.wide]
                transfers = [("dma_b", to_beats(weights, self.b))]
                if self.tiled:  # a transfer for each pass: rows of A, of each what meets the pass's weights
                    passes = np.split(some, some.shape[1] // self.high, axis=1)
                    transfers += [("dma_a", to_beats(each, self.a)) for each in passes]
                else:  # columns of A
                    transfers += [("dma_a", to_beats(some.T, self.a))]
                yield (row, col), len(some), transfers

    def multiply(self, a, b, overlay, allocate):
        """Codes of the product, by the engines `dma_a`, `dma_b` and `dma_c` of an overlay, with its buffers."""
        result = np.zeros((len(a) + self.rows, b.shape[1] + self.wide), f"u{self.c['stride'] // 8}")
        for (row, col), count, transfers in self.runs(a, b):
            busy, results = {}, allocate(shape=(count, beat_bytes(self.c)), dtype=np.uint8)
            overlay.dma_c.recvchannel.transfer(results)  # somewhere to put results before there are any
            for name, beats in transfers:
                if name in busy:
                    busy[name].wait()
                busy[name] = getattr(overlay, name).sendchannel
                buffer = allocate(shape=beats.shape, dtype=np.uint8)
                buffer[:] = beats
                busy[name].transfer(buffer)
            for channel in (*busy.values(), overlay.dma_c.recvchannel):
                channel.wait()
            result[row : row + count, col : col + self.wide] = from_beats(results, self.c)
        return result[: len(a), : b.shape[1]]


def beat_bytes(stream):
    """Of a stream's beat in memory: a power of two, as of the core with padded streams."""
    return max(1, 1 << (stream["data_bits"] // 8 - 1).bit_length())


def to_beats(codes, stream):
    """Codes, (beats, elements), as bytes, (beats, bytes): element 0 first, each in its bytes from the lowest up."""
    size = stream["stride"] // 8
    data = np.ascontiguousarray(codes, "<u8").view(np.uint8).reshape(*codes.shape, 8)[..., :size]
    data = data.reshape(len(codes), -1)
    return np.pad(data, ((0, 0), (0, beat_bytes(stream) - data.shape[1])))


def from_beats(data, stream):
    """The codes of beats."""
    size = stream["stride"] // 8
    data = np.asarray(data)[:, : size * stream["elements"]]
    return np.ascontiguousarray(data).view(f"<u{size}")


def filled(codes, axis, step, code):
    """Codes with as many more along an axis as make a multiple."""
    after = [(0, 0), (0, 0)]
    after[axis] = (0, -codes.shape[axis] % step)
    return np.pad(codes, after, constant_values=code)


def show(core, a, b):
    for (row, col), count, transfers in core.runs(a, b):
        print(f"rows {row} to {row + count - 1}, columns {col} to {col + core.wide - 1}")
        for name, beats in transfers:
            for number, beat in enumerate(beats):
                last = "  tlast" if number == len(beats) - 1 else ""
                print(f"  {name}  {' '.join(f'{byte:02x}' for byte in beat)}{last}")
        print(f"  dma_c  {count} beats of {beat_bytes(core.c)} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest")
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--overlay")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("-o", "--output", default="C.npy")
    given = parser.parse_args()
    with open(given.manifest) as file:
        core = Core(json.load(file))
    a, b = np.load(given.a), np.load(given.b)
    if given.show:
        return show(core, a, b)
    from pynq import Overlay, allocate

    np.save(given.output, core.multiply(a, b, Overlay(given.overlay), allocate))


if __name__ == "__main__":
    main()
