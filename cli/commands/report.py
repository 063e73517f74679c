"""``lmul report``: area, delay, energy and error, with every assumption on the page."""

from collections.abc import Sequence
from typing import Any

import click

from ...golden.operands import PAIRINGS, SOURCES
from ...golden.refusal import Refusal
from ...hdl.designs import catalogue
from ...synth.fpga import TARGETS
from ..console import (
    Failure,
    Number,
    as_json,
    cache,
    command_line,
    dont_use,
    foreign,
    output_folder,
    print_json,
    progress,
)
from ..slugs import Slug


def _gating(_context, _option, chosen):
    """The option as `Options` has it."""
    return "auto" if chosen is None else "on" if chosen else "off"


@click.command()
@click.argument("slugs", metavar="[SLUG...]", nargs=-1, type=Slug())
@click.option("--rivals", "with_rivals", is_flag=True,
              help="Measure beside each SLUG what it is compared with, too: exact multipliers of the same operands and "
                   "policies in its place and, of sums, int8; or beside such a one what takes its place.")
@click.option("--tech", "technologies", multiple=True,
              help=f"sky130hd, asap7, {', '.join(TARGETS)}; may be repeated. Default: the first two.")
@click.option("--liberty", multiple=True, type=click.Path(),
              help="Liberty file (.lib, .lib.gz), instead of a technology; repeat for the files of one library. Or the "
                   "table (.json) that `lmul characterise` made of them.")
@dont_use
@foreign
@click.option("--fpga", "families", multiple=True,
              help=f"{', '.join(TARGETS)}, placed and routed by nextpnr: LUTs, registers and the clock reached; of xc7 "
                   "counts alone, which --tech gives of all. Without SLUG: multipliers, sums, a 4x4 array; minutes.")
@click.option("--fpga-seeds", type=click.IntRange(min=1), default=3, show_default=True,
              help="Placements of each design; the median clock counts.")
@click.option("--operands", default="recording", show_default=True,
              help=f"{', '.join(SOURCES)}, or tensors: F.npz or F.safetensors with a and b, F:x,y with others, or "
                   "A.npy,B.npy. recording is of a small sentence encoder, smollm2 of a language model.")
@click.option("--pairing", type=click.Choice(PAIRINGS),
              help="How tensors pair: one by one, or as matrices (..., rows, depth) and (..., depth, cols). Default: "
                   "as their shapes allow; square ones, and of one shape those with three dimensions, must be told.")
@click.option("--vectors", type=click.IntRange(min=200), default=2000, show_default=True,
              help="Operand pairs per netlist.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--activity", "mode", type=click.Choice(["timed", "zero"]), default="timed", show_default=True,
              help="With cell delays, so with glitches; or without, quicker.")
@click.option("--clock", "clock_ps", type=Number(min=1),
              help="Compare at this period in ps, not at the two that rivals share.")
@click.option("--wire-load", help="Name of a wire load model of the library. Default: none.")
@click.option("--effort", type=click.Choice(["low", "default", "high"]), default="default", show_default=True)
@click.option("--mapping-seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="In which order mapping meets the logic, as `lmul scatter` varies it.")
@click.option("--scatter", "scatter_file", type=click.Path(),
              help="File of `lmul scatter` that the margins of verdicts follow from. Default: that of the embedded "
                   "technologies, kept with the program.")
@click.option("--clock-gating/--no-clock-gating", "gating", default=None, callback=_gating,
              help="Whether registers with an enable get their clock through the library's clock gates. Default: as "
                   "the design's structure says.")
@click.option("--full", is_flag=True, help="Without SLUG: wide products, sums and an array as well; minutes.")
@click.option("--prove", is_flag=True, help="Prove the netlists of registered designs equal to their Verilog as well; "
              "minutes.")
@click.option("--keep", is_flag=True,
              help="Keep each row's netlist, constraints and activity, with scripts for OpenSTA and OpenROAD.")
@cache
@as_json
@click.option("-o", "--output", required=True, help="Folder to write to.")
def report(slugs: Sequence[str], technologies: tuple[str, ...], liberty: tuple[str, ...], families: tuple[str, ...],
           full: bool, keep: bool, scatter_file: str | None, output: str, foreign: tuple[str, ...],
           with_rivals: bool, as_json: bool, store: Any, **choices: Any) -> None:
    """Measure designs (default: L-Mul beside exact multipliers); write report.json, .md and .html."""
    if with_rivals and not slugs:
        raise Refusal("Rivals must be those of designs given as SLUG...")
    from ...hdl.foreign import read

    theirs = [read(each) for each in foreign]
    folder = output_folder(output)
    from ...synth import margins
    from ...synth.defaults import default_designs, fpga_designs
    from ...synth.drive import Mismatch
    from ...synth.measure import run_report
    from ...synth.options import Options
    from ...synth.rivals import compared
    from ..pages import summary, write_pages

    if with_rivals:
        given, slugs = slugs, compared(slugs, catalogue())
        if len(slugs) == len(given):
            click.echo("No rival is known of what is given: measured without", err=True)
    if not theirs:
        slugs = slugs or (fpga_designs() if families and not full else default_designs(full))
    scatter = None if scatter_file is None else margins.read(scatter_file)
    with progress("report") as update:
        try:
            record = run_report(slugs, technologies, liberty, families, foreign=theirs, options=Options(**choices),
                                command=command_line(), keep=folder if keep else None,
                                scatter=scatter, store=store, progress=update)
        except Mismatch as error:
            raise Failure(str(error)) from None
    write_pages(record, folder)
    if as_json:
        print_json(record)
        return
    click.echo(summary(record))
    click.echo(f"written: {folder / 'report.html'}, .md, .json")
