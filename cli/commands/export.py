"""``lmul export``: energy per action and area of units, in the files that other tools read."""

from pathlib import Path
from typing import Any

import click

from ..console import Failure, Number, cache, command_line, dont_use, output_folder, progress
from ..slugs import Slug

_TARGETS = ("accelergy", "timeloop", "zigzag", "csv")


@click.command()
@click.argument("slugs", metavar="SLUG...", nargs=-1, required=True, type=Slug())
@click.option("--to", "target", type=click.Choice(_TARGETS), required=True, help="Which tool is to read the files.")
@click.option("--tech", "technologies", multiple=True,
              help="sky130hd or asap7; may be repeated. Default: both, or just the library of --liberty.")
@click.option("--liberty", multiple=True, type=click.Path(), help="As for `lmul report`.")
@dont_use
@click.option("--operands", default="recording", show_default=True, help="As for `lmul report`.")
@click.option("--vectors", type=click.IntRange(min=200), default=2000, show_default=True,
              help="Operand pairs per netlist and action.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--clock", "clock_ps", type=Number(min=1), help="Period in ps. Default: that of the smallest netlist.")
@click.option("--effort", type=click.Choice(["low", "default", "high"]), default="default", show_default=True)
@click.option("--component", default="mac", show_default=True,
              help="Name of the arithmetic level in the architecture that Timeloop is given.")
@cache
@click.option("-o", "--output", required=True, help="Folder to write to.")
def export(slugs: tuple[str, ...], target: str, technologies: tuple[str, ...], liberty: tuple[str, ...],
           component: str, store: Any, output: str, **choices: Any) -> None:
    """Measure what units burn by action, new operands, a held weight, a zero operand, idle and gated, and write that
    with their areas for Accelergy, Timeloop or ZigZag, or as CSV."""
    folder = output_folder(output)
    from ...golden.files import write_together
    from ...synth.actions import measure
    from ...synth.drive import Mismatch
    from ...synth.options import Options
    from ..exports import TARGETS, lines

    with progress("export") as update:
        try:
            units = measure(slugs, technologies, liberty, options=Options(**choices), command=command_line(),
                            store=store, progress=update)
        except Mismatch as error:
            raise Failure(str(error)) from None
    files = TARGETS[target](units, component=component)
    write_together(folder, files)
    click.echo("\n".join(lines(units)))
    click.echo(f"written: {', '.join(str(Path(folder, name)) for name in files)}")
