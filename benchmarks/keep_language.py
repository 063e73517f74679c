"""Keep what a language model was measured to lose: its page and picture in docs/measured, and a table in the README.

    lmul claims --only language --models -o DIR
    python benchmarks/keep_language.py DIR
"""

import json
import re
import shutil
import sys
from pathlib import Path

from lmul.claims.language import LEADING, ratio

ROOT = Path(__file__).parent.parent
#: Tiles of the README's table.
SHOWN = (*LEADING[:2], "tile_lmul_mxe4m3_16x16_w10", *LEADING[2:], "tile_log_mxl3f5_t7_16x16_w10",
         "tile_exact_mxe2m3_16x16_w10", "tile_exact_mxe2m1_16x16_w10")
BEGIN, END = "<!-- language: as benchmarks/keep_language.py DIR writes it -->\n", "<!-- language ends -->\n"


def table(rows: list[dict]) -> str:
    """Of tiles in blocks of 32."""
    found = {(row["design"], row["scope"]): row for row in rows}
    lines = ["| operands in blocks of 32, as a tile | fJ, asap7 | perplexity, attention's products | every product |",
             "| --- | ---: | ---: | ---: |"]
    for slug in SHOWN:
        some = [found[slug, scope] for scope in ("attention", "all")]
        ratios = " | ".join(ratio(row, 3) for row in some)
        energy = some[0]["energy_fj"]
        lines.append(f"| {some[0]['said']}: `{slug}` | {'–' if energy is None else f'{energy:.1f}'} | {ratios} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    folder = Path(sys.argv[1])
    record = json.loads((folder / "claims.json").read_text(encoding="utf-8"))
    # Without the name of this machine's folder in the command that made it.
    page = (folder / "claims.md").read_text(encoding="utf-8").replace(sys.argv[1], "DIR")
    (ROOT / "docs" / "measured" / "language.md").write_text(page, encoding="utf-8")
    shutil.copyfile(folder / "perplexity.svg", ROOT / "docs" / "measured" / "perplexity.svg")
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    made = f"{BEGIN}\n{table(record['language']['rows'])}\n{END}"
    text = re.sub(f"{BEGIN}.*{END}", lambda _: made, text, flags=re.S)
    readme.write_text(text, encoding="utf-8")
    print(f"{len(record['language']['rows'])} rows kept")


if __name__ == "__main__":
    main()
