"""Generated Verilog evaluated as gates, 64 operand pairs to a machine word: every pair of a multiplier in milliseconds.

Yosys alone reads the Verilog and breaks it into one-bit gates; Amaranth and `hdl` have no part in it. A *plane* holds
one bit of a port for all patterns: packed uint64 words, pattern i in bit i % 64 of word i // 64.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..golden.codec import code_dtype
from ..golden.expected import products
from .logic import FALSE, TRUE, Logic
from .reading import Ports, modules

if TYPE_CHECKING:
    from ..golden.spec import Multiplier

# One-bit gates of Yosys' internal library: input pins, and the gate in a `Logic`.
_GATES = {
    "$_BUF_": ("A", lambda logic, a: a),
    "$_NOT_": ("A", lambda logic, a: a ^ 1),
    "$_AND_": ("AB", Logic.and_),
    "$_OR_": ("AB", Logic.or_),
    "$_XOR_": ("AB", Logic.xor),
    "$_XNOR_": ("AB", lambda logic, a, b: logic.xor(a, b) ^ 1),
    "$_MUX_": ("ABS", lambda logic, a, b, s: logic.mux(s, b, a)),
}


class Circuit(Ports):
    """One combinational module as gates."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        super().__init__(module)
        gates = {}  # output net -> (type, input nets)
        for cell in module["cells"].values():
            pins, _ = _GATES[cell["type"]]
            gates[cell["connections"]["Y"][0]] = cell["type"], [cell["connections"][pin][0] for pin in pins]
        self._gates = _ordered(gates, [bit for name in self.outputs for bit in self._bits[name]])

    def build(self, logic: Logic, inputs: Mapping[str, Iterable[int]]) -> dict[str, list[int]]:
        """Output literals from input literals, lists by port, in a `Logic`."""
        nets = {"0": FALSE, "1": TRUE, "x": FALSE}
        for name, literals in inputs.items():
            nets.update(zip(self._bits[name], literals, strict=True))
        for net, kind, sources in self._gates:
            nets[net] = _GATES[kind][1](logic, *(nets[source] for source in sources))
        return {name: [nets[bit] for bit in self._bits[name]] for name in self.outputs}

    @cached_property
    def _compiled(self):
        logic = Logic()
        inputs = {name: logic.inputs(width) for name, width in self.inputs.items()}
        outputs = self.build(logic, inputs)
        return logic.compiled([literal for port in inputs.values() for literal in port],
                              [literal for port in outputs.values() for literal in port])

    def evaluate(self, planes: Mapping[str, Sequence[np.ndarray]]) -> dict[str, list[np.ndarray]]:
        """Output planes from input planes: by port a list of arrays of uint64, one per bit, lowest first."""
        found = iter(self._compiled.evaluate([plane for name in self.inputs for plane in planes[name]]))
        return {name: [next(found) for _ in range(width)] for name, width in self.outputs.items()}

    def __call__(self, **codes: np.ndarray) -> dict[str, np.ndarray]:
        """Output codes from input codes: one-dimensional arrays of one length, by port name."""
        count = len(next(iter(codes.values())))
        planes = self.evaluate({name: to_planes(codes[name], width) for name, width in self.inputs.items()})
        return {name: from_planes(planes[name], count) for name in self.outputs}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_compiled"}


def _ordered(gates, outputs):
    """Gates in an order that evaluates: (net, type, source nets)."""
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
        order.append((net, *gates[net]))
        stack.pop()
    return order


def load(verilog: Mapping[str, str]) -> dict[str, Circuit]:
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
    found = modules(verilog, ["hierarchy -check", "proc", "flatten -noscopeinfo", "opt_expr", "opt_clean", "alumacc",
                              "techmap", "simplemap", "opt"])
    return {name: Circuit(module) for name, module in found.items()}


def to_planes(codes: np.ndarray, width: int) -> list[np.ndarray]:
    """The planes of an array of codes, ``width`` of them."""
    codes = np.asarray(codes)
    padded = np.zeros(-(-codes.size // 64) * 64, codes.dtype.newbyteorder("<"))
    padded[: codes.size] = codes
    octets = padded.view(np.uint8).reshape(padded.size, -1)
    return [np.packbits((octets[:, bit // 8] >> (bit % 8)) & 1, bitorder="little").view("<u8") for bit in range(width)]


def from_planes(planes: Sequence[np.ndarray], count: int) -> np.ndarray:
    """The first ``count`` codes of planes; the inverse of `to_planes`."""
    dtype = code_dtype(len(planes))
    octets = np.zeros((-(-count // 64) * 64, dtype.itemsize), np.uint8)
    for bit, plane in enumerate(planes):
        plane = np.ascontiguousarray(np.broadcast_to(plane, octets.shape[0] // 64))
        octets[:, bit // 8] |= np.unpackbits(plane.view(np.uint8), bitorder="little") << (bit % 8)
    return octets.view(dtype.newbyteorder("<")).reshape(-1)[:count].astype(dtype)


def expected(spec: Multiplier, wide: bool, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What golden says the product port carries."""
    return products(spec, wide, a, b)


def mismatches(circuit: Circuit, spec: Multiplier, wide: bool, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where a multiplier differs from golden.

    Returns
    -------
    array of int
        Indices into ``a`` and ``b``.
    """
    return np.flatnonzero(circuit(a=a, b=b)["p"] != expected(spec, wide, a, b))
