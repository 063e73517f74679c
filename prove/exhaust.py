"""Generated Verilog evaluated as gates, 64 operand pairs to a machine word: every pair of a multiplier in milliseconds.

Yosys alone reads the Verilog and breaks it into one-bit gates; Amaranth and `hdl` have no part in it. A *plane* holds
one bit of a port for all patterns: packed uint64 words, pattern i in bit i % 64 of word i // 64.
"""

import json
import tempfile
from pathlib import Path

import numpy as np

from ..golden.codec import code_dtype
from ..golden.products import multiply, pack, product
from ..hdl import yosys

_BLOCK = 1 << 18  # patterns evaluated at a time: the planes alive then stay in cache

# One-bit gates of Yosys' internal library: a function of the input planes.
_GATES = {
    "$_BUF_": ("A", lambda a: a),
    "$_NOT_": ("A", lambda a: ~a),
    "$_AND_": ("AB", lambda a, b: a & b),
    "$_OR_": ("AB", lambda a, b: a | b),
    "$_XOR_": ("AB", lambda a, b: a ^ b),
    "$_XNOR_": ("AB", lambda a, b: ~(a ^ b)),
    "$_MUX_": ("ABS", lambda a, b, s: a ^ ((a ^ b) & s)),
}


class Circuit:
    """One combinational module as gates.

    Attributes
    ----------
    inputs, outputs : dict of str to int
        Widths of the ports.
    """

    def __init__(self, module):
        ports = module["ports"]
        self.inputs = {name: len(port["bits"]) for name, port in ports.items() if port["direction"] == "input"}
        self.outputs = {name: len(port["bits"]) for name, port in ports.items() if port["direction"] == "output"}
        self._bits = {name: port["bits"] for name, port in ports.items()}
        gates = {}  # output net -> (function, input nets)
        for cell in module["cells"].values():
            pins, function = _GATES[cell["type"]]
            gates[cell["connections"]["Y"][0]] = function, [cell["connections"][pin][0] for pin in pins]
        self._steps = _ordered(gates, [bit for name in self.outputs for bit in self._bits[name]])

    def evaluate(self, planes):
        """Output planes from input planes.

        Parameters
        ----------
        planes : dict of str to list of array of uint64
            For each input one plane per bit, lowest first; they broadcast.

        Returns
        -------
        dict of str to list of array of uint64
        """
        nets = {"0": np.uint64(0), "1": ~np.uint64(0), "x": np.uint64(0)}
        for name in self.inputs:
            nets.update(zip(self._bits[name], planes[name], strict=True))
        for net, function, sources, last_used in self._steps:
            nets[net] = function(*(nets[source] for source in sources))
            for source in last_used:
                del nets[source]
        return {name: [nets[bit] for bit in self._bits[name]] for name in self.outputs}

    def __call__(self, **codes):
        """Output codes from input codes: one-dimensional arrays of one length, by port name."""
        count = len(next(iter(codes.values())))
        outputs = {name: np.empty(count, code_dtype(width)) for name, width in self.outputs.items()}
        for start in range(0, count, _BLOCK):
            part = slice(start, min(start + _BLOCK, count))
            planes = self.evaluate({name: to_planes(codes[name][part], width) for name, width in self.inputs.items()})
            for name, output in outputs.items():
                output[part] = from_planes(planes[name], part.stop - part.start)
        return outputs


def _ordered(gates, outputs):
    """Gates in an order that evaluates: (net, function, source nets, nets that are not needed afterwards)."""
    order, done, stack = [], set(), list(dict.fromkeys(outputs))
    while stack:
        net = stack[-1]
        if net in done or net not in gates:
            stack.pop()
            continue
        waiting = [source for source in gates[net][1] if source in gates and source not in done]
        if waiting:
            stack += waiting
            continue
        done.add(net)
        order.append(net)
        stack.pop()
    kept, steps = set(outputs), []
    for net in reversed(order):
        function, sources = gates[net]
        last_used = [source for source in dict.fromkeys(sources) if source not in kept and source in gates]
        kept.update(last_used)
        steps.append((net, function, sources, last_used))
    return steps[::-1]


def load(verilog):
    """The modules of Verilog texts as circuits, in one run of Yosys.

    Parameters
    ----------
    verilog : dict of str to str
        Verilog text by the name of its top module, which must be combinational.

    Returns
    -------
    dict of str to Circuit

    Raises
    ------
    YosysError
        If Yosys is missing, or cannot read a text.
    """
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name, text in verilog.items():
            (folder / f"{name}.v").write_text(text)
        yosys.run([f"read_verilog {' '.join(f'{name}.v' for name in verilog)}", "hierarchy -check", "proc",
                   "flatten -noscopeinfo", "opt_expr", "opt_clean", "techmap", "simplemap", "opt",
                   "write_json gates.json"], folder)
        modules = json.loads((folder / "gates.json").read_text())["modules"]
    return {name: Circuit(modules[name]) for name in verilog}


def to_planes(codes, width):
    """The planes of an array of codes, ``width`` of them."""
    codes = np.asarray(codes)
    padded = np.zeros(-(-codes.size // 64) * 64, codes.dtype.newbyteorder("<"))
    padded[: codes.size] = codes
    octets = padded.view(np.uint8).reshape(padded.size, -1)
    return [np.packbits((octets[:, bit // 8] >> (bit % 8)) & 1, bitorder="little").view("<u8") for bit in range(width)]


def from_planes(planes, count):
    """The first ``count`` codes of planes; the inverse of `to_planes`."""
    dtype = code_dtype(len(planes))
    octets = np.zeros((-(-count // 64) * 64, dtype.itemsize), np.uint8)
    for bit, plane in enumerate(planes):
        plane = np.ascontiguousarray(np.broadcast_to(plane, octets.shape[0] // 64))
        octets[:, bit // 8] |= np.unpackbits(plane.view(np.uint8), bitorder="little") << (bit % 8)
    return octets.view(dtype.newbyteorder("<")).reshape(-1)[:count].astype(dtype)


def expected(spec, wide, a, b):
    """What golden says the product port carries."""
    return pack(spec, product(spec, a, b)) if wide else multiply(spec, a, b)


def mismatches(circuit, spec, wide, a, b):
    """Where a multiplier differs from golden.

    Returns
    -------
    array of int
        Indices into ``a`` and ``b``.
    """
    return np.flatnonzero(circuit(a=a, b=b)["p"] != expected(spec, wide, a, b))
