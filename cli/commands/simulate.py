"""``lmul simulate``: cocotb on the generated Verilog against golden."""

import functools

import click

from ...hdl.designs import parse
from ..console import Failure, foreign, output_folder, progress


@click.command()
@click.argument("slugs", metavar="SLUG...", nargs=-1)
@foreign
@click.option("--simulator", type=click.Choice(["verilator", "icarus"]), default="verilator", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of every random vector and stall.")
@click.option("--waves", is_flag=True, help="Keep a waveform beside the log.")
@click.option("-o", "--output", default="build/sim", show_default=True, help="Folder to build and run in.")
def simulate(slugs: tuple[str, ...], foreign: tuple[str, ...], simulator: str, seed: int, waves: bool,
             output: str) -> None:
    """Run the cocotb regression of each design; every mismatch is a failure."""
    if not slugs and not foreign:
        raise click.MissingParameter(param_hint="'SLUG...'", param_type="argument")
    from ...hdl.foreign import read

    designs = [*(parse(slug) for slug in slugs), *(read(each) for each in foreign)]
    folder = output_folder(output)
    from ...golden.pool import Pool
    from ...sim.runner import simulate as run

    click.echo(f"seed {seed}, {simulator}")
    job = functools.partial(run, simulator=simulator, seed=seed, waves=waves, folder=folder)
    with progress("simulate") as update, Pool(update) as pool:
        results = list(pool.run([(job, design) for design in designs], "simulations", lambda design: design.slug))
    order = {slug: n for n, slug in enumerate(design.slug for design in designs)}
    results.sort(key=lambda result: order[result.slug])
    for result in results:
        click.echo(result.line)
    failed = [result.slug for result in results if not result.passed]
    if failed:
        raise Failure(f"{len(failed)} of {len(results)} designs failed: {', '.join(failed)}")
