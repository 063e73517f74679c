"""``lmul multipliers``: every multiplier, what it computes and costs, beside those that others have published."""

from typing import Any

import click

from ..console import cache, command_line, output_folder, progress


@click.command()
@click.option("--format", "formats", multiple=True, help="Of this format alone; may be repeated. Default: all.")
@click.option("--effort", type=click.Choice(["low", "default", "high"]), default="default", show_default=True)
@click.option("--luts", is_flag=True,
              help="Only e4m3 and e5m2 in 6-input look-up tables, beside others', special by special (minutes).")
@cache
@click.option("-o", "--output", required=True, help="Folder to write to.")
def multipliers(formats: tuple[str, ...], effort: str, luts: bool, output: str, store: Any) -> None:
    """Measure every narrow multiplier; write multipliers.md, .html and .json, with what others have published."""
    folder = output_folder(output)
    if luts:
        from ...claims.luts import run as run_luts
        from ..luts_page import lead, write_luts

        with progress("look-up tables") as update:
            found = run_luts(formats, command_line(), update)
        write_luts(found, folder)
        click.echo(f"{lead(found)}\nwritten: {folder / 'luts.html'}, .md, .json")
        return
    from ...claims.multipliers import run
    from ...synth.options import Options
    from ..multipliers_page import write_multipliers

    with progress("multipliers") as update:
        found = run(formats, Options(effort=effort), command_line(), update, store)
    write_multipliers(found, folder)
    click.echo(f"written: {folder / 'multipliers.html'}, .md, .json")
