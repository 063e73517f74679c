"""The headline rows by release, `history.json`: so that a regression of area, energy, delay or error is seen.

    python benchmarks/history.py                                # every release against the one before it
    python benchmarks/history.py build/report/report.json       # adds a release's rows, and tells what has changed
    python benchmarks/history.py build/report/report.json 0.2.0 # under this name; by default version and commit

The report should be a default one, as `make report` makes it: its rows are the headline.
"""

import json
import sys
from pathlib import Path

from lmul.cli.changes import lines
from lmul.golden.files import atomic_write
from lmul.golden.refusal import Refusal
from lmul.synth import margins
from lmul.synth.compare import ERRORS, compare
from lmul.synth.record import read
from lmul.synth.scatter import cut_down

HISTORY = Path(__file__).with_name("history.json")


def headlines(record):
    """What of a record is kept: the rows of our own designs, with the figures that are compared."""
    kept = cut_down(record)
    rows = [row | {key: whole[key] for key in ERRORS} for row, whole in zip(kept["rows"], record["rows"], strict=True)
            if not whole["source"]]
    return {key: kept[key] for key in ("versions", "operands", "options")} | {"rows": rows}


def add(path, record, name=None):
    """Put a record's headline rows at the end of a history; gives the history.

    Raises
    ------
    Refusal
        If the history has a release of this name.
    """
    releases = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    versions = record["versions"]
    name = name or f"{versions['lmul']}+{(versions.get('commit') or 'unknown')[:7]}"
    if name in [release["release"] for release in releases]:
        raise Refusal(f"A release must be added once, and {name} is there already")
    releases.append({"release": name} | headlines(record))
    with atomic_write(path) as file:
        file.write("[" + ",\n".join(map(_text, releases)) + "]\n")
    return releases


def _text(release):
    """A release, a line for each row."""
    head = json.dumps({key: value for key, value in release.items() if key != "rows"}, ensure_ascii=False)
    rows = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in release["rows"])
    return f'{head[:-1]}, "rows": [\n{rows}]}}'


def told(releases):
    """What changed from each release to the next, in lines."""
    runs = margins.kept()["runs"]
    for before, after in zip(releases, releases[1:], strict=False):
        yield f"from {before['release']} to {after['release']}"
        yield from lines(compare(before, after, runs))


def main(arguments):
    if arguments:
        releases = add(HISTORY, read(arguments[0]), *arguments[1:2])
        print(f"{releases[-1]['release']}: {len(releases[-1]['rows'])} rows added to {HISTORY.name}")
        releases = releases[-2:]
    else:
        releases = json.loads(HISTORY.read_text(encoding="utf-8"))
    print("\n".join(told(releases)))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refusal as refused:
        sys.exit(str(refused))
