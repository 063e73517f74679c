"""``lmul simulate``: cocotb on the generated Verilog against golden."""

import functools

import click

from ...hdl.designs import parse
from ..console import Failure, Seeds, as_json, foreign, output_folder, print_json, progress
from ..slugs import Slug


@click.command()
@click.argument("slugs", metavar="SLUG...", nargs=-1, type=Slug())
@foreign
@click.option("--simulator", type=click.Choice(["verilator", "icarus"]), default="verilator", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of every random vector and stall.")
@click.option("--seeds", type=Seeds(), help="One run with each seed from A to B, in place of --seed.")
@click.option("--waves", is_flag=True, help="Keep a waveform beside the log.")
@as_json
@click.option("-o", "--output", default="build/sim", show_default=True, help="Folder to build and run in.")
def simulate(slugs: tuple[str, ...], foreign: tuple[str, ...], simulator: str, seed: int, seeds: range | None,
             waves: bool, as_json: bool, output: str) -> None:
    """Run the cocotb regression of each design; every mismatch is a failure.

    Functional coverage, with its holes listed, has the bench that `lmul bench` writes."""
    if not slugs and not foreign:
        raise click.MissingParameter(param_hint="'SLUG...'", param_type="argument")
    from ...hdl.foreign import read

    designs = [*(parse(slug) for slug in slugs), *(read(each) for each in foreign)]
    folder = output_folder(output)
    from ...golden.pool import Pool
    from ...sim.runner import simulate_seeds

    seeds = seeds or range(seed, seed + 1)
    if not as_json:
        click.echo(f"seed{f' {seed}' if len(seeds) == 1 else f's {seeds[0]} to {seeds[-1]}'}, {simulator}")
    job = functools.partial(simulate_seeds, seeds=seeds, simulator=simulator, waves=waves, folder=folder)
    with progress("simulate") as update, Pool(update) as pool:
        found = pool.run([(job, design) for design in designs], "simulations", lambda design: design.slug)
        results = [result for some in found for result in some]
    order = {slug: n for n, slug in enumerate(design.slug for design in designs)}
    results.sort(key=lambda result: order[result.slug])
    if as_json:
        print_json({"runs": [result.record for result in results]})
    else:
        for result in results:
            click.echo(result.line)
    failed = [f"{result.slug} (seed {result.seed})" if seeds[1:] else result.slug for result in results
              if not result.passed]
    if failed:
        raise Failure(f"{len(failed)} of {len(results)} {'runs' if seeds[1:] else 'designs'} failed: "
                      f"{', '.join(failed)}")
