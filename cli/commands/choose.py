"""``lmul choose``: which units multiply given tensors within an error at the least cost."""

import json
import re
from typing import Any

import click

from ...golden.operands import PAIRINGS, SOURCES
from ...golden.refusal import Refusal
from ..console import progress

_BY = {"energy": "energy_fj_per_mac", "area": "area_um2_per_mac", "luts": "luts_per_mac"}


def _part(_context, _option, text):
    """``3%`` or ``0.03`` as a part of 1."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(%?)\s*", text)
    part = float(found[1]) / (100 if found[2] else 1) if found else 0.0
    if not 0 < part < 1:
        raise click.BadParameter(f"must be a part of the result above 0 and below 1, such as 3% or 0.03, not {text!r}")
    return part


@click.command()
@click.option("--operands", required=True, help="Tensors: F.npz or F.safetensors with a and b, F:x,y with others, or "
              f"A.npy,B.npy; or {', '.join(SOURCES)}.")
@click.option("--error", required=True, callback=_part, help="Of the results, root mean square over that of the exact "
              "results: 3% or 0.03.")
@click.option("--by", type=click.Choice(list(_BY)), default="energy", show_default=True)
@click.option("--rows", type=click.Path(), help="A report.json of `lmul sweep` or `lmul report`. Default: that of "
              "examples/sweep.toml, kept with the program.")
@click.option("--tech", help="Of the rows. Default: each that has the figure.")
@click.option("--pairing", type=click.Choice(PAIRINGS), help="How tensors pair: as for `lmul report`.")
@click.option("--vectors", type=click.IntRange(min=200), default=2000, show_default=True,
              help="Operand pairs that errors are measured with.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--most", type=click.IntRange(min=1), default=10, show_default=True, help="Rows of the table.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def choose(operands: str, error: float, by: str, rows: str | None, tech: str | None, pairing: str | None, vectors: int,
           seed: int, most: int, as_json: bool) -> None:
    """Say which units multiply these tensors within an error at the least energy, area or LUTs.

    Errors are measured now, on these tensors, by the golden model; costs are those of the rows, on the operands that
    these were measured with.
    """
    from ...synth import margins
    from ...synth.choice import errors, kept
    from ...synth.record import read
    from ..choice import answer, chosen, table
    from ..front import points

    record = kept() if rows is None else read(rows)
    if tech is not None and tech not in (known := dict.fromkeys(row["technology"] for row in record["rows"])):
        raise Refusal(f"--tech must be one of {', '.join(known)}, which the rows have, not {tech!r}")
    with progress("choose") as update:
        found = errors(record, operands, pairing, vectors, seed, update)
    some = points(record | {"rows": [row | {"result_error": found.get(row["design"])} for row in record["rows"]
                                     if tech in (None, row["technology"])]})
    picks = chosen(some, error, _BY[by], margins.kept()["runs"], record["options"]["effort"])
    if as_json:
        found_rows: list[dict[str, Any]] = [each.as_row() for pick in picks for each in pick.within]
        click.echo(json.dumps({"error": error, "by": by, "answer": answer(picks, error, _BY[by]),
                               "rows": found_rows}, indent=1, ensure_ascii=False))
        return
    click.echo(answer(picks, error, _BY[by]))
    for pick in picks:
        click.echo()
        click.echo(table(pick, most))
    click.echo(f"\nErrors: of {vectors} pairs of {operands}. Costs: {record['operands']['source']}")
