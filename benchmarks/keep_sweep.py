"""Keep a sweep of examples/sweep.toml with the program: its page in docs/measured, its rows for `lmul choose`.

    lmul sweep examples/sweep.toml -o DIR
    python benchmarks/keep_sweep.py DIR
"""

import gzip
import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: What the page and `lmul choose` do without: netlists, paths and parts of each row.
LEFT_OUT = {"curve": [], "at": {}, "path": None, "area_um2_by_role": None, "energy_fj_by_role": None,
            "energy_fj_by_kind": None, "activity": None}


def _read(path):
    """A text, without the name of this machine's folder in the command that made it."""
    return path.read_text(encoding="utf-8").replace(sys.argv[1], "DIR")


def main() -> None:
    folder = Path(sys.argv[1])
    record = json.loads(_read(folder / "report.json"))
    measured = [row for row in record["rows"] if row["energy_fj_per_op"] or row["luts"]]
    record["rows"] = [row | LEFT_OUT for row in measured]
    content = gzip.compress(json.dumps(record, separators=(",", ":")).encode(), mtime=0)
    (ROOT / "synth" / "data" / "sweep.json.gz").write_bytes(content)
    for name in ("front.md", "front.csv"):
        (ROOT / "docs" / "measured" / name.replace("front", "sweep")).write_text(_read(folder / name), encoding="utf-8")
    for picture in folder.glob("front-*-energy_fj_per_mac.svg"):
        shutil.copyfile(picture, ROOT / "docs" / "measured" / picture.name.replace("front", "sweep"))
    print(f"{len(measured)} rows kept, {len(content)} bytes")


if __name__ == "__main__":
    main()
