"""How far each mapping effort moves the headline ratios: L-Mul over exact, at the relaxed clock.

    python benchmarks/bench_effort.py [FORMATS...]      # e4m3 bf16 by default; about half an hour on two cores

`high` tries everything that `lmul.synth.mapping` knows, so it also shows what the other levels leave lying: the area of
each side, in parts of what `high` found.
"""

import sys
import time

from lmul.synth.mapping import EFFORTS
from lmul.synth.measure import Options, run_report

STRUCTURES = ("mul_{}", "mac_{}_fp32")


def main(formats):
    pairs = [[structure.format(kind) for kind in (f"lmul_{fmt}", f"exact_{fmt}_flush")]
             for fmt in formats for structure in STRUCTURES]
    found, seconds = {}, {}
    for effort in EFFORTS:
        start = time.perf_counter()
        record = run_report([slug for pair in pairs for slug in pair], options=Options(effort=effort), progress=shown)
        seconds[effort] = time.perf_counter() - start
        found |= {(effort, row["technology"], row["design"]): row for row in record["rows"]}
    technologies = dict.fromkeys(technology for _, technology, _ in found)
    print("\n| design | technology | effort | area ratio | shortest delay ratio | energy ratio | L-Mul area / high | "
          "exact area / high |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for ours, exact in pairs:
        for technology in technologies:
            for effort in EFFORTS:
                rows = [found[effort, technology, slug] for slug in (ours, exact)]
                best = [found["high", technology, slug] for slug in (ours, exact)]
                ratios = [rows[0]["area_um2"] / rows[1]["area_um2"], rows[1]["fmax_mhz"] / rows[0]["fmax_mhz"],
                          rows[0]["energy_fj_per_op"] / rows[1]["energy_fj_per_op"],
                          *(row["area_um2"] / high["area_um2"] for row, high in zip(rows, best, strict=True))]
                print("|", " | ".join([f"`{ours}`", technology, effort, *(f"{ratio:.2f}" for ratio in ratios)]), "|")
    print("\nSeconds: " + ", ".join(f"{effort} {each:.0f}" for effort, each in seconds.items()))


def shown(done, total, text):
    print(f"\r{text} {done}/{total}   ", end="", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:] or ["e4m3", "bf16"])
