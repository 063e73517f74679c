"""What repeated reports say: the margins of verdicts, and ratios at each mapping effort, as tables of docs/effort.md.

    python benchmarks/bench_effort.py [F.json]     # by default the runs that are kept with the program
    python benchmarks/bench_effort.py A/report.json B/report.json ...    # one report at each effort, the highest last

Runs are made, or added to, by `lmul scatter SLUG... --effort low --effort default --effort high -o F.json`.
"""

import json
import math
import sys
from pathlib import Path

from lmul.hdl.designs import parse
from lmul.synth import margins
from lmul.synth.rivals import pairs

RATIOS = ("area", "shortest delay", "energy")
SHOWN = ("area", "energy", "shortest delay", "area, fast clock", "energy, fast clock")


def levels(paths):
    """Ratios of each report's pairs, and how much larger its netlists are than those of the last."""
    reports = [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]
    rows = [{(row["design"], row["technology"]): row for row in report["rows"]} for report in reports]
    heads = ("design", "technology", "effort", "area ratio", "shortest delay ratio", "energy ratio",
             "its area / the last's", "its rival's / the last's")
    print(f"| {' | '.join(heads)} |\n|{' --- |' * 3}{' ---: |' * 5}")
    slugs = dict.fromkeys(design for design, _ in rows[-1])
    for ours, rival in pairs([parse(slug) for slug in slugs]):
        for technology in dict.fromkeys(name for _, name in rows[-1]):
            keys = (ours.slug, technology), (rival.slug, technology)
            for report, some in zip(reports, rows, strict=True):
                row, other = (some[key] for key in keys)
                ratios = [each.ratio(row, other) for name in RATIOS for each in margins.ALL if each.name == name]
                ratios += [some[key]["area_um2"] / rows[-1][key]["area_um2"] for key in keys]
                cells = [f"`{ours.slug}`", technology, report["options"]["effort"], *(f"{each:.2f}" for each in ratios)]
                print(f"| {' | '.join(cells)} |")


def main(*paths):
    if len(paths) > 1:
        levels(paths)
        return
    path = next(iter(paths), None)
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
