"""Multipliers in 6-input look-up tables and carry chains of AMD's FPGAs, mapped with effort, proved, and counted.

A LUT6_2 holds one function of six inputs, or two of five shared ones. Functions are mapped one by one; which of them
share a table is the largest matching of those that can.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..golden import products
from ..golden.bare import Bare
from ..hdl import yosys
from ..hdl.bare import BareMultiplier
from ..hdl.designs import parse
from ..hdl.verilog import convert, verilog
from ..prove.exhaust import from_planes, to_planes
from ..prove.logic import Logic
from ..prove.machine import Machine
from ..prove.reading import modules

#: What ABC does before it writes tables: {K} is the most inputs that one may have.
SCRIPTS = {
    "choices": "strash; dch -f; if -a {K}; mfs2 -a; lutpack -S 1",
    "resubstituted": "strash; ifraig; scorr; dc2; dc2; strash; dch -f; if -a {K}; mfs2 -a; mfs2 -a; lutpack -S 1",
    "balanced": "strash; &get -n; &syn4; &dch -f; &put; if -a {K}; mfs2 -a; lutpack -S 1",
    "sums of products": "strash; if -g; strash; dch -f; if -a {K}; mfs2 -a -e; st; if -g; st; dch -f; if -a {K} -C 32; "
                        "mfs2 -a -e; lutpack -S 1",
    "again": "strash; " + "dch -f; if -a {K}; mfs2 -a -e; st; " * 10 + "dch -f; if -a {K}; mfs2 -a -e",
    "collapsed": "collapse; strash; dch -f; if -a {K}; mfs2 -a",
}
#: Prices of tables of 1 to 6 inputs that ABC maps by: any at one price; half of one for what can share it.
PRICES = {"each": (1, 1, 1, 1, 1, 1), "shared": (1, 1, 1, 1, 1, 2)}

_LIBRARY = "+/xilinx/cells_sim.v"
_POSITIONS = 8  # of a CARRY8


class Table(NamedTuple):
    """A function: its output net, input nets, and its values, bit i for the inputs that count i."""

    output: str
    inputs: tuple[str, ...]
    values: int


@dataclass(frozen=True)
class Chain:
    """A carry chain: nets of ``x``, ``y``, ``c`` and ``s`` of a `lmul.hdl.bare.FieldChain`, and its constant.

    Attributes
    ----------
    positions : int
        How many of its positions anything needs; each takes a table.
    """

    x: tuple[str, ...]
    y: tuple[str, ...]
    c: str
    s: tuple[str, ...]
    constant: int
    positions: int


@dataclass(frozen=True)
class Subject:
    """What is mapped: a multiplier of codes, by its Verilog in one or more forms.

    Attributes
    ----------
    name : str
        A plain identifier.
    width, product_bits : int
    multiply : callable
        What the products of codes are.
    forms : tuple of Form
    cleared : bool
        Whether a port ``clear`` says that the product below its sign is zero: the registers' reset then makes it so.
    """

    name: str
    width: int
    product_bits: int
    multiply: Callable[[np.ndarray, np.ndarray], np.ndarray]
    forms: tuple[Form, ...]
    cleared: bool = False


class Form(NamedTuple):
    """Verilog of a multiplier, its top module, and the constant of the `lmul.hdl.bare.FieldChain` in it that is to
    become a carry chain, None for none."""

    said: str
    verilog: str
    top: str
    constant: int | None


def bare(spec: Bare, cleared: bool = False) -> Subject:
    """A multiplier with no more to it than is asked for: without a chain, and with chains that subtract nothing, the
    bias, and the bias and one exponent more, so that the sign says what is below the smallest normal number."""
    fmt = spec.fmt
    parts = {f"bare_{exponent}": BareMultiplier(spec, exponent, cleared)
             for exponent in (fmt.bias, 0, fmt.bias + 1)}
    texts = convert(parts)
    forms = [Form("tables alone", texts[f"bare_{fmt.bias}"], f"bare_{fmt.bias}", None)]
    for name, part in parts.items():
        said = f"a chain less {part.exponent << fmt.man_bits}" if part.exponent else "a chain"
        forms.append(Form(said, texts[name], name, part.constant))
    return Subject("bare", fmt.width, spec.product_bits, spec.multiply, tuple(forms), cleared)


def design(slug: str, cleared: bool = False) -> Subject:
    """A narrow multiplier of two operands of one format, as it is generated; it has no ``clear``."""
    assert not cleared
    spec = parse(slug).multiplier
    return Subject(slug, spec.a.width, spec.narrow_width, partial(products.multiply, spec),
                   (Form("tables alone", verilog(parse(slug)), slug, None),))


@dataclass(frozen=True)
class Mapped:
    """A multiplier between registers, as many as its ports have bits.

    Attributes
    ----------
    subject : Subject
    form, script, price : str
        How it was found: the form, and which of `SCRIPTS` and `PRICES`.
    tables : tuple of Table
        Those outside the chain.
    pairs : tuple of (int, int)
        Which of these share a LUT6_2.
    chain : Chain or None
    ports : dict of str to tuple of str
        Nets of ``a``, ``b``, ``p`` and, where cleared, ``clear``.
    """

    subject: Subject
    form: str
    script: str
    price: str
    tables: tuple[Table, ...]
    pairs: tuple[tuple[int, int], ...]
    chain: Chain | None
    ports: dict[str, tuple[str, ...]]

    @property
    def positions(self) -> int:
        return self.chain.positions if self.chain else 0

    @property
    def functions(self) -> int:
        """Look-up tables when each holds one function; a position of the chain takes one."""
        return len(self.tables) + self.positions

    @property
    def luts(self) -> int:
        """Look-up tables when two functions share one where they can."""
        return self.functions - len(self.pairs)

    @property
    def carry8(self) -> int:
        return -(-self.positions // _POSITIONS)

    @property
    def flip_flops(self) -> int:
        return 2 * self.subject.width + self.subject.product_bits

    @property
    def levels(self) -> int:
        """Tables one behind the other on the longest way between registers; a chain's are one."""
        level = {}
        gates = {table.output: table.inputs for table in self.tables}
        if self.chain:
            gates |= dict.fromkeys(self.chain.s, (*self.chain.x, *self.chain.y, self.chain.c))

        def of(net):
            if net not in level:
                level[net] = 1 + max(map(of, gates[net]), default=0) if net in gates else 0
            return level[net]

        return max(of(net) for nets in self.ports.values() for net in nets)


def best(subject: Subject, scripts: Sequence[str] = tuple(SCRIPTS)) -> list[Mapped]:
    """The smallest netlists that were found of a multiplier, proved over all operands: the one of tables alone, and
    where there are forms with a chain the one with a chain.

    Raises
    ------
    AssertionError
        If a netlist differs from what the subject multiplies.
    YosysError
        If Yosys is missing or fails.
    """
    found: dict[bool, Mapped] = {}
    for each in candidates(subject, scripts):
        rival = found.get(each.chain is not None)
        if rival is None or _size(each) < _size(rival):
            found[each.chain is not None] = each
    for each in found.values():
        wrong = mismatches(each)
        assert not wrong, f"{subject.name}: {wrong} products differ"
    return list(found.values())


def _size(mapped):
    return mapped.luts, mapped.functions, mapped.carry8, mapped.levels


def candidates(subject: Subject, scripts: Sequence[str] = tuple(SCRIPTS)) -> Iterator[Mapped]:
    """Every netlist that is tried: each form, by each script, at each price."""
    tries = [(form, script, price) for form in subject.forms for script in scripts for price in PRICES]
    with tempfile.TemporaryDirectory(prefix="lmul-") as folder:
        yosys.run(_script(tries, folder), folder)
        for n, (form, script, price) in enumerate(tries):
            module = json.loads(Path(folder, f"{n}.json").read_text())["modules"]["mapped"]
            tables, chain, ports = _read(module, form.constant)
            pairs = matched(len(tables), lambda i, j, tables=tables: shared(tables[i], tables[j]))
            yield Mapped(subject, form.said, script, price, tables, tuple(pairs), chain, ports)


def _script(tries, folder):
    lines, last = [], None
    for n, (form, script, price) in enumerate(tries):
        if form is not last:
            last = form
            Path(folder, f"{n}.v").write_text(form.verilog)
            lines += ["design -reset", f"read_verilog {n}.v",
                      *([f"blackbox {form.top}_field_chain"] if form.constant is not None else []),
                      f"synth -flatten -top {form.top} -run begin:fine", f"rename {form.top} mapped", "opt -full",
                      "techmap", "opt -full", "clean", "design -save before"]
        Path(folder, f"{n}.abc").write_text(SCRIPTS[script].format(K="-K 6" if price == "each" else "") + "\n")
        prices = ",".join(map(str, PRICES[price]))
        lines += ["design -load before", f"abc -luts {prices} -script {n}.abc", "clean", f"write_json {n}.json"]
    return lines


def _read(module, constant) -> tuple[tuple[Table, ...], Chain | None, dict[str, tuple[str, ...]]]:
    """Tables, chain and ports of a mapped module in Yosys' JSON."""
    tables, box = [], None
    for cell in module["cells"].values():
        pins = {name: tuple(_net(bit) for bit in bits) for name, bits in cell["connections"].items()}
        if cell["type"] == "$lut":
            tables.append(Table(pins["Y"][0], pins["A"], int(cell["parameters"]["LUT"], 2)))
        else:
            assert box is None, cell["type"]
            box = pins
    ports = {name: tuple(map(_net, port["bits"])) for name, port in module["ports"].items()}
    used = {net for table in tables for net in table.inputs} | {net for nets in ports.values() for net in nets}
    chain = None
    if box:
        field_bits = len(box["x"])
        high = max((i for i, net in enumerate(box["s"]) if net in used), default=0)
        # The carry of the field's last bit is the bit above it; a constant above that takes a position more.
        positions = min(high + 1, field_bits + (constant != 0))
        chain = Chain(box["x"], box["y"], box["c"][0], box["s"], constant, positions)
    return tuple(sorted(tables)), chain, ports


def _net(bit):
    return f"1'b{bit}" if isinstance(bit, str) else f"n{bit}"


def shared(one: Table, other: Table) -> bool:
    """Whether one LUT6_2 holds two functions."""
    return len({*one.inputs, *other.inputs} - {"1'b0", "1'b1"}) <= 5


def matched(count: int, joined: Callable[[int, int], bool]) -> list[tuple[int, int]]:
    """A largest matching of a graph, by Edmonds' algorithm: pairs of its nodes, none in two of them.

    Parameters
    ----------
    count : int
        Of nodes.
    joined : callable
        Whether two nodes, the first below the second, may be a pair.
    """
    near: list[list[int]] = [[] for _ in range(count)]
    for i in range(count):
        for j in range(i + 1, count):
            if joined(i, j):
                near[i].append(j)
                near[j].append(i)
    mate = [-1] * count
    for root in range(count):
        if mate[root] < 0:
            _augment(root, near, mate)
    return [(i, j) for i, j in enumerate(mate) if i < j]


def _augment(root, near, mate):
    """One path more from a free node, if there is one; ``mate`` is changed."""
    count = len(near)
    base, parent, outer = list(range(count)), [-1] * count, [False] * count
    outer[root], queue = True, [root]

    def common(a, b):
        """Where the paths of two outer nodes to the root meet, in bases of blossoms."""
        passed = set()
        while True:
            a = base[a]
            passed.add(a)
            if mate[a] < 0:
                break
            a = parent[mate[a]]
        while base[b] not in passed:
            b = parent[mate[base[b]]]
        return base[b]

    def mark(node, meeting, child, blossom):
        while base[node] != meeting:
            blossom |= {base[node], base[mate[node]]}
            parent[node], child = child, mate[node]
            node = parent[child]

    for node in queue:
        for other in near[node]:
            if base[node] == base[other] or mate[node] == other:
                continue
            if other == root or (mate[other] >= 0 and parent[mate[other]] >= 0):
                meeting, blossom = common(node, other), set()
                mark(node, meeting, other, blossom)
                mark(other, meeting, node, blossom)
                for each in range(count):
                    if base[each] in blossom:
                        base[each] = meeting
                        if not outer[each]:
                            outer[each] = True
                            queue.append(each)
            elif parent[other] < 0:
                parent[other] = node
                if mate[other] < 0:
                    while other >= 0:  # the path is turned over
                        before = parent[other]
                        after = mate[before]
                        mate[other], mate[before] = before, other
                        other = after
                    return
                outer[mate[other]] = True
                queue.append(mate[other])


def netlist(mapped: Mapped, name: str) -> str:
    """The multiplier as Verilog of AMD's cells: LUT1 to LUT6, LUT6_2, CARRY8, FDRE; ``clk``, ``a``, ``b``, ``p``.
    Operands are registered, and products, a cycle later."""
    ports, width, bits = mapped.ports, mapped.subject.width, mapped.subject.product_bits
    lines = [f"module {name} (input clk, input [{width - 1}:0] a, input [{width - 1}:0] b, output [{bits - 1}:0] p);"]
    names = {net: f"{port}_held[{i}]" for port in "ab" for i, net in enumerate(ports[port])}
    inner = sorted({table.output for table in mapped.tables} | set(mapped.chain.s if mapped.chain else ()))
    lines += [f"  wire [{width - 1}:0] a_held, b_held;"] + [f"  wire {net};" for net in inner if net[0] == "n"]

    def net(one):
        return names.get(one, one)

    for port in "ab":
        lines += [f"  FDRE {port}_{i} (.C(clk), .CE(1'b1), .R(1'b0), .D({port}[{i}]), .Q({port}_held[{i}]));"
                  for i in range(width)]
    if mapped.chain:
        lines += _chain(mapped.chain, net)
    paired = {i for pair in mapped.pairs for i in pair}
    for i, j in mapped.pairs:
        one, other = mapped.tables[i], mapped.tables[j]
        nets = sorted({*one.inputs, *other.inputs})
        low, high = _values(one, nets), _values(other, nets)  # O5 and O6
        pins = _pins([net(each) for each in nets] + ["1'b0"] * (5 - len(nets)) + ["1'b1"])
        init = sum((low >> (k % (1 << len(nets))) & 1) << k | (high >> (k % (1 << len(nets))) & 1) << k + 32
                   for k in range(32))
        lines.append(f"  LUT6_2 #(.INIT(64'h{init:016x})) u{i} ({pins}, .O5({one.output}), .O6({other.output}));")
    for i, table in enumerate(mapped.tables):
        if i not in paired:
            size = len(table.inputs)
            lines.append(f"  LUT{size} #(.INIT({1 << size}'h{table.values:x})) u{i} "
                         f"({_pins([net(each) for each in table.inputs])}, .O({table.output}));")
    clears = [net(*ports.get("clear", ["1'b0"]))] * (bits - 1) + ["1'b0"]
    lines += [f"  FDRE p_{i} (.C(clk), .CE(1'b1), .R({clear}), .D({net(ports['p'][i])}), .Q(p[{i}]));"
              for i, clear in enumerate(clears)]
    return "\n".join([*lines, "endmodule", ""])


def _values(table, nets):
    """The values of a function over more nets than its own."""
    place = [nets.index(each) for each in table.inputs]
    return sum((table.values >> sum((k >> p & 1) << i for i, p in enumerate(place)) & 1) << k
               for k in range(1 << len(nets)))


def _pins(nets):
    return ", ".join(f".I{i}({each})" for i, each in enumerate(nets))


def _chain(chain, net):
    """A chain in cells. Where the constant has no bits yet, a position adds x and y. From its first bit on, the sum of
    x, y and the constant's bit, without carries, is added to the carries of the position below: one table has both,
    O6 for the sum of the two and O5 for the carry."""
    constant, size = chain.constant & ((1 << len(chain.s)) - 1), len(chain.x)
    first = (constant & -constant).bit_length() - 1 if constant else len(chain.s)
    lines = [f"  wire [{_POSITIONS - 1}:0] propagate, generate_, sum, carry;"]
    x, y = ([*map(net, nets), "1'b0", "1'b0"] for nets in (chain.x, chain.y))
    for i in range(_POSITIONS):
        if i >= chain.positions:
            lines.append(f"  assign propagate[{i}] = 1'b0, generate_[{i}] = 1'b0;")
            continue
        below = i > first
        bits = [x[i], y[i], x[i - 1] if below else "1'b0", y[i - 1] if below else "1'b0"]
        init = 0
        for k in range(32):
            xi, yi, xb, yb = (k >> n & 1 for n in range(4))
            ones = xb + yb + (constant >> (i - 1) & 1) if below else 0
            added = ones >= 2
            ahead = xi ^ yi ^ ((constant >> i & 1) if i >= first else 0)
            init |= (added if i >= first else xi) << k | (ahead ^ added) << (k + 32)
        pins = _pins([*bits, "1'b0", "1'b1"])
        lines.append(f"  LUT6_2 #(.INIT(64'h{init:016x})) c{i} ({pins}, .O5(generate_[{i}]), .O6(propagate[{i}]));")
    lines.append("  CARRY8 chain (.CI(" + net(chain.c) + "), .CI_TOP(1'b0), .DI(generate_), .S(propagate), .O(sum), "
                 ".CO(carry));")
    for i, name in enumerate(chain.s):
        top = i >= chain.positions
        value = f"sum[{i}]" if not top else (
            ("~" if constant >> i & 1 else "") + f"carry[{i - 1}]" if i == chain.positions and i >= size else "1'b0")
        lines.append(f"  assign {name} = {value};")
    return lines


def mismatches(mapped: Mapped) -> int:
    """How many products of the netlist, over all operands and whatever its registers held before, are wrong. The cells
    are Yosys' models of AMD's."""
    name, width = "multiplier", mapped.subject.width
    module = modules({name: netlist(mapped, name)}, [
        f"read_verilog {_LIBRARY}", f"hierarchy -check -top {name}", "proc", "flatten -noscopeinfo",
        "setattr -unset init w:*", "opt_expr", "opt_clean", "techmap", "simplemap", "opt -nodffe -nosdff",
        "dfflegalize -cell $_DFF_P_ x", "opt_clean"])[name]
    machine, logic = Machine(module), Logic()
    before = logic.inputs(machine.registers)
    operands = {port: logic.inputs(width) for port in "ab"}
    state = machine.step(logic, before, operands)[1]
    state = machine.step(logic, state, {})[1]
    product = machine.step(logic, state, {})[0]["p"]
    known = {literal >> 1 for port in operands.values() for literal in port}
    loose = {node for node in logic.cone(product) if logic.nodes[node][0] == 0} - known - {0}
    assert not loose, "products must depend on their operands alone"
    a, b = (codes.ravel() for codes in np.meshgrid(*[np.arange(1 << width)] * 2, indexing="ij"))
    program = logic.compiled(operands["a"] + operands["b"], product)
    planes = program.evaluate([*to_planes(a, width), *to_planes(b, width)])
    return int((from_planes(planes, a.size) != mapped.subject.multiply(a, b)).sum())
