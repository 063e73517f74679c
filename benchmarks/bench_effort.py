"""What repeated reports say: the margins of verdicts, and ratios at each mapping effort, as tables of docs/effort.md.

    python benchmarks/bench_effort.py [F.json]     # by default the runs that are kept with the program

Runs are made, or added to, by `lmul scatter SLUG... --effort low --effort default --effort high -o F.json`.
"""

import math
import sys

from lmul.hdl.designs import parse
from lmul.synth import margins

SHOWN = ("area", "energy", "shortest delay", "area, fast clock", "energy, fast clock")


def main(path=None):
    found = margins.read(path) if path else margins.kept()
    efforts = [run["options"]["effort"] for run in found["runs"]]
    counts = ", ".join(f"{efforts.count(each)} at {each}" for each in dict.fromkeys(efforts))
    print(f"{len(efforts)} runs: {counts}\n")
    pooled = margins.Scatter(found["runs"], "default").pooled
    print(f"| structure | technology | {' | '.join(SHOWN)} |\n| --- | --- |{' ---: |' * len(SHOWN)}")
    for structure, technology in dict.fromkeys(key[:2] for key in pooled):
        factors = [f"{math.exp(pooled[structure, technology, name]):.2f}" for name in SHOWN]
        print(f"| {structure} | {technology} | {' | '.join(factors)} |")
    lines = {}
    for line in found["ratios"]:
        key = line["design"], line["rival"], line["technology"]
        if line["measure"] in ("area", "energy") and parse(line["design"]).structure != "prod":
            lines.setdefault(key, {})[line["effort"], line["measure"]] = line
    columns = [(effort, name) for effort in dict.fromkeys(efforts) for name in ("area", "energy")]
    print(f"\n| design | rival | technology | {' | '.join(f'{name}, {effort}' for effort, name in columns)} |")
    print("| --- | --- | --- |" + " ---: |" * len(columns))
    for key, some in lines.items():
        cells = ["–" if column not in some else "{lowest:.2f} to {highest:.2f}".format(**some[column])
                 for column in columns]
        print(f"| `{key[0]}` | `{key[1]}` | {key[2]} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
