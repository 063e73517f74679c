"""What clock gates bring, by the number of registers that share an enable: area, and energy with the clock's net, of a
bank of registers with gates over that without, at an enable that is 1 in all, in half and in one of sixteen cycles.

    python benchmarks/bench_gating.py

`gating.LEAST` and `gating.MOST` follow from the two tables: the first has a bank behind one gate, the second one of 64
registers behind gates of so many each. Data are random. Effort ``low``, in each embedded technology; a minute or two.
"""

import tempfile
from pathlib import Path

import numpy as np
from lmul.hdl.designs import parse
from lmul.synth import gating, library, mapping
from lmul.synth.activity import simulate
from lmul.synth.energy import estimate
from lmul.synth.netlist import Netlist
from lmul.synth.timing import analyse

SHELL = "mac_lmul_e2m1_fixed16"  # a bank is mapped as a registered design is, under the name of one
BANK = """module {name}(input clk, input en, input [{top}:0] d, output reg [{top}:0] q);
  always @(posedge clk) if (en) q <= d;
endmodule
"""
SHARES = (1.0, 1 / 2, 1 / 16)
CYCLES = 512


def candidates(bits, folder, libraries):
    """Netlists of a bank, without and with gates."""
    (folder / "bank.v").write_text(BANK.format(name=SHELL, top=bits - 1))
    found = mapping.map_design(parse(SHELL), folder / "bank.v", libraries, "low", folder, gated=list(libraries))
    return found.netlists, found.gated


def weigh(candidate, lib, bits):
    """Area, and fJ per cycle at each share of cycles in which the enable is 1."""
    netlist = Netlist.read(candidate.source, lib)
    timing, rng = analyse(netlist), np.random.default_rng(1)
    data = [int.from_bytes(rng.bytes(8), "little") & (1 << bits) - 1 for _ in range(CYCLES)]
    spent = []
    for share in SHARES:
        inputs = {"en": (np.arange(CYCLES) % round(1 / share) == 0).astype(int), "d": data}
        found = estimate(netlist, timing, simulate(netlist, timing, inputs, period_ps=10 * timing.delay_ps))
        spent.append(found.energy_fj_per_op + found.by_kind["clock_net"])
    return np.array([netlist.area_um2, *spent])


def table(rows, heading):
    """Prints lines of ratios, as they come."""
    print(f"| {heading} | technology | area | energy, always | every other cycle | one of 16 |\n" + "| --- " * 6 + "|")
    for first, name, ratios in rows:
        print(f"| {first} | {name} | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} |", flush=True)


def ratios(bits, folder, libraries):
    """Of the netlist with gates over that without, the smallest of each."""
    plain, gated = candidates(bits, folder, libraries)
    for name, lib in libraries.items():
        without, with_gates = (min((weigh(each, lib, bits) for each in found[name]), key=lambda figures: figures[0])
                               for found in (plain, gated))
        yield name, with_gates / without


def main():
    libraries = {name: library.load(name) for name in library.EMBEDDED}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        gating.LEAST = 1
        table(((bits, *each) for bits in (1, 2, 3, 4, 6, 8, 16, 32)
               for each in ratios(bits, Path(folder), libraries)), "registers")
        rows = []
        for most in (8, 16, 32, 64):
            gating.MOST = most
            rows += [(most, *each) for each in ratios(64, Path(folder), libraries)]
        table(rows, "of 64 behind a gate")


if __name__ == "__main__":
    main()
