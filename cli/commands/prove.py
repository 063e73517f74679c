"""``lmul prove``: what holds for every input of the generated Verilog."""

from dataclasses import asdict, replace

import click

from ...golden.refusal import Refusal
from ..console import Failure, Number, as_json, foreign, output_folder, print_json, progress
from ..slugs import Slug


@click.command()
@click.argument("slugs", metavar="SLUG... | --all", nargs=-1, type=Slug())
@click.option("--all", "everything", is_flag=True,
              help="Every design of the catalogue, every policy and offset of narrow formats, sums and streams.")
@foreign
@click.option("--limit", type=Number(min=1), default=600, show_default=True,
              help="Seconds that one query of the solver may take.")
@as_json
@click.option("-o", "--output", help="Folder for proofs.json; a run that was stopped goes on there.")
def prove(slugs: tuple[str, ...], foreign: tuple[str, ...], everything: bool, limit: float, output: str | None,
          as_json: bool) -> None:
    """Prove designs: by exhaustion up to 16 operand bits, by a solver beyond; exit status 1 if one is not proved.

    Larger designs are proved part by part, and simulated as a whole: `in parts` is a success, `not proved`, where some
    part has no means, only with --all."""
    if bool(slugs or foreign) == everything:
        raise Refusal("Designs to prove must be given as SLUG..., as --verilog or as --all")
    from ...hdl.designs import parse

    for slug in slugs:
        parse(slug)
    from ...hdl.foreign import read

    theirs = [read(each) for each in foreign]
    folder = output_folder(output) if output else None
    from ...prove.catalogue import prove as run
    from ...prove.obligation import COMPARED, IN_PARTS, NOT_PROVED, PROVED

    with progress("prove") as update:
        proofs = run(None if everything else slugs, limit, folder, update) if slugs or everything else []
    if theirs:
        from ..foreign_proof import proofs as of

        proofs += of(theirs, limit)
    if as_json:
        print_json({"limit_seconds": limit, "proofs": [
            asdict(replace(proof, seconds=round(proof.seconds, 3))) for proof in proofs]})
    else:
        click.echo(_table(proofs, limit))
    good = (PROVED, IN_PARTS, *((COMPARED, NOT_PROVED) if everything else ()))
    failed = [proof for proof in proofs if proof.verdict not in good]
    if failed:
        raise Failure(f"{len(failed)} of {len(proofs)} not proved: " + ", ".join(
            f"{proof.name} {proof.verdict}{': ' + proof.case if proof.witness else ''}" for proof in failed[:5]))


def _table(proofs, limit):
    """A line per proof, and how many there are of each verdict."""
    verdicts = {"undecided": f"not decided in {limit:g} s"}
    rows = [(proof.name, verdicts.get(proof.verdict) or proof.verdict, f"{proof.seconds:.2f} s",
             f"{proof.claim}; {proof.means}") for proof in proofs]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"{name:{widths[0]}}  {verdict:{widths[1]}}  {seconds:>{widths[2]}}  {about}"
             for name, verdict, seconds, about in rows]
    counts = {verdict: sum(row[1] == verdict for row in rows) for verdict in dict.fromkeys(row[1] for row in rows)}
    return "\n".join([*lines, ", ".join(f"{count} {verdict}" for verdict, count in counts.items())])
