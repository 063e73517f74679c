"""How long Verilog of large tiles takes: `lmul generate` of 64 lanes by 64 columns, each in a process of its own.

    python benchmarks/bench_tile_verilog.py [SLUG ...]

Seconds of the wall clock and of the processor; the machine should be idle.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SLUGS = [f"tile_{words}" for words in ("lmul_e4m3_64x64_w10", "log_l3f4_64x64_w10", "exact_e4m3_64x64_w10",
                                       "int8_64x64", "lmul_bf16xe4m3_64x64_w12", "lmul_e4m3_64x64_w10_p3")]


def generated(slug):
    """Seconds, the processor's, and the size of the text in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        before, start = os.times(), time.perf_counter()
        subprocess.run([sys.executable, "-m", "lmul.cli.main", "generate", slug, "-o", folder, "--period", "2"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wall, after = time.perf_counter() - start, os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        return wall, spent, (Path(folder) / f"{slug}.v").stat().st_size


if __name__ == "__main__":
    print("design                             seconds  processor  KB of Verilog")
    for slug in sys.argv[1:] or SLUGS:
        wall, spent, size = generated(slug)
        print(f"{slug:34} {wall:7.1f}  {spent:9.1f}  {size / 1024:13.0f}")
