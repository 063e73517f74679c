"""What a serial link adds to a matrix multiplier on an FPGA: LUTs, carry cells and flip-flops of receiver, transmitter,
frames and buffers, without the core, mapped by Yosys; block RAMs beside.

    python benchmarks/bench_link.py [SLUG...]

Some seconds for each design and family.
"""

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from lmul.hdl import yosys
from lmul.hdl.designs import parse
from lmul.hdl.link import LinkTop
from lmul.hdl.uart import Receiver, Transmitter
from lmul.hdl.verilog import convert
from lmul.synth.fpga import TARGETS

SLUGS = ("matmul_lmul_e4m3_fp32_4x4_os", "matmul_lmul_e4m3_16x16_w10", "matmul_exact_mxe4m3_32x8_w10")
CLOCK_HZ, BAUD = 25e6, 115200
MEMORIES = ("SB_RAM", "DP16KD")


def main(slugs):
    print("| design | family | LUTs | carry | flip-flops | block RAMs |\n| --- | --- | ---: | ---: | ---: | ---: |")
    for slug in slugs:
        top = LinkTop(parse(slug), CLOCK_HZ, BAUD)
        parts = {"link": top.link, "receiver": Receiver(top.divisor), "transmitter": Transmitter(top.divisor)}
        texts = convert(parts)
        for family in ("ice40", "ecp5"):
            found = sum((mapped(name, text, family) for name, text in texts.items()), Counter())
            print(f"| `{slug}` | {family} | {found['luts']} | {found['carry']} | {found['flip_flops']} | "
                  f"{found['memories']} |", flush=True)


def mapped(name, text, family):
    """Counts of a module."""
    target = TARGETS[family]
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        Path(folder, "top.v").write_text(text)
        yosys.run(["read_verilog top.v", f"{target.command} {target.without_dsp} -top {name}",
                   "tee -q -o stat.json stat -json"], folder)
        cells = json.loads(Path(folder, "stat.json").read_text())["design"]["num_cells_by_type"]
    kinds = {kind: getattr(target, kind) for kind in ("luts", "carry", "flip_flops")} | {
        "memories": dict.fromkeys(MEMORIES, 1)}
    return Counter({kind: sum(number * each for cell, number in cells.items() for start, each in starts.items()
                              if cell.startswith(start)) for kind, starts in kinds.items()})


if __name__ == "__main__":
    main(sys.argv[1:] or SLUGS)
