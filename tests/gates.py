"""Netlists of the tests, built gate by gate from whatever library they are for, and the libraries themselves."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from lmul.synth import library
from lmul.synth.liberty import read_text
from lmul.synth.netlist import Netlist

FIXTURES = Path(__file__).parent / "fixtures"
SMALL = FIXTURES / "small.lib"
_SHARED = Path(os.environ.get("LMUL_LIBERTY") or Path(__file__).resolve().parents[2] / "shared" / "liberty")
REAL = {
    "sky130hd": ["sky130hd_tt.lib.gz"],
    "asap7": [f"asap7sc7p5t_{name}_RVT_TT_nldm.lib.gz" for name in ("SIMPLE", "INVBUF", "SEQ", "AO", "OA")],
}


def small():
    return library.read([SMALL])


def real_paths(technology):
    """The full Liberty files of an embedded technology; skips the test where they are missing."""
    paths = [_SHARED / name for name in REAL[technology]]
    for path in paths:
        if not path.exists():
            pytest.skip(f"{path.name} is not in {_SHARED} (name the folder with LMUL_LIBERTY)")
    return paths


def find(lib, truth, inputs):
    """The smallest offered cell with this truth table over so many inputs, and its pins."""
    cells = [lib.cells[name] for name in lib.offered if not lib.cells[name].flop]
    found = [c for c in cells if len(c.inputs) == inputs and c.truth(c.outputs[0]).tolist() == truth]
    return min(found, key=lambda c: (c.area, c.name))


class Builder:
    """Collects instances and nets; `netlist` makes the `Netlist`."""

    def __init__(self, lib, name="design"):
        self.lib, self.name = lib, name
        self.net_names, self.ports, self.instances = ["0", "1"], {}, []
        self.inv = find(lib, [True, False], 1)
        self.nand = find(lib, [True, True, True, False], 2)
        self.xor = find(lib, [False, True, True, False], 2)

    def net(self, name=None):
        self.net_names.append(name or f"n{len(self.net_names)}")
        return len(self.net_names) - 1

    def input(self, name, width=1):
        nets = [self.net(f"{name}[{i}]" if width > 1 else name) for i in range(width)]
        self.ports[name] = ("input", np.array(nets, np.int32))
        return nets

    def output(self, name, nets):
        self.ports[name] = ("output", np.array(nets, np.int32))

    def gate(self, cell, *inputs, module=""):
        """An instance of a cell with one output; returns the output's net."""
        out = self.net()
        pins = dict(zip(cell.inputs, inputs, strict=True)) | {cell.outputs[0]: out}
        self.instances.append((f"u{len(self.instances)}", module, cell.name, pins))
        return out

    def flop(self, d, clock, module=""):
        cell = self.lib.cells[self.lib.flops[0]]
        out = self.net()
        pins = {cell.flop.data: d, cell.flop.clock: clock, cell.outputs[0]: out}
        self.instances.append((f"u{len(self.instances)}", module, cell.name, pins))
        inverted = cell.pins[cell.outputs[0]].function == cell.flop.qn
        return self.gate(self.inv, out, module=module) if inverted else out

    def full_adder(self, a, b, c, module=""):
        t = self.gate(self.xor, a, b, module=module)
        both, through = (self.gate(self.nand, x, y, module=module) for x, y in ((a, b), (t, c)))
        return self.gate(self.xor, t, c, module=module), self.gate(self.nand, both, through, module=module)

    def netlist(self):
        return Netlist(self.name, self.lib, self.ports, self.instances, self.net_names)


def multiplier(lib, bits=4, registered=False):
    """An array multiplier p = a * b, full of glitches; with registers, p one cycle after a and b are taken in."""
    build = Builder(lib, "multiplier")
    clock = build.input("clk")[0] if registered else None
    a, b = build.input("a", bits), build.input("b", bits)
    if registered:
        a, b = ([build.flop(net, clock, "operands") for net in nets] for nets in (a, b))
    zero = build.gate(build.nand, a[0], build.gate(build.inv, a[0]))
    zero = build.gate(build.inv, zero)
    rows = [[build.gate(build.inv, build.gate(build.nand, x, y, module="products"), module="products") for x in a]
            for y in b]
    total, product = rows[0] + [zero], []
    for row in rows[1:]:
        product.append(total[0])
        carry, sums = zero, []
        for x, y in zip(row, total[1:], strict=True):
            s, carry = build.full_adder(x, y, carry, "sum")
            sums.append(s)
        total = [*sums, carry]
    product += total
    if registered:
        product = [build.flop(net, clock, "result") for net in product]
    build.output("p", product)
    return build.netlist()


def opensta(folder, liberty, netlist, timing, *commands):
    """What OpenSTA prints for a netlist under its timing's constraints; skips the test where there is no ``sta``."""
    if not shutil.which("sta"):
        pytest.skip("sta (OpenSTA) is not on PATH")
    netlist.write_verilog(folder / "netlist.v")
    (folder / "netlist.sdc").write_text(timing.constraints.sdc(netlist, 100_000))
    files = []
    for path in liberty:
        files.append(folder / path.name.removesuffix(".gz"))
        files[-1].write_text(read_text(path))  # old versions read no compressed files
    script = [f"read_liberty {file}" for file in files]
    script += ["read_verilog netlist.v", f"link_design {netlist.name}",
               "set_cmd_units -time ps -capacitance fF -power nW", "source netlist.sdc", *commands, "exit"]
    (folder / "run.tcl").write_text("\n".join(script) + "\n")
    done = subprocess.run(["sta", "-no_splash", "-exit", "run.tcl"], cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=120)
    assert "rror" not in done.stdout, done.stdout[:2000]
    return done.stdout
