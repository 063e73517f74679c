"""``lmul sweep``: many designs, in parallel, stopped and resumed anywhere."""

import json
import math
from typing import Any

import click

from ...golden.files import atomic_write
from ..console import Failure, command_line, output_folder, progress


@click.command()
@click.argument("spec", metavar="SPEC.toml", type=click.Path())
@click.option("--scheduler", metavar="tcp://HOST:PORT", help="Run on the workers of a Dask scheduler, which must have "
              "lmul installed and need no shared folder. Default: on the cores of this machine.")
@click.option("--dry-run", is_flag=True, help="Say how many designs are missing, and how long they will take.")
@click.option("--cache", "cache", metavar="DIR", help="Of the workers: as for `lmul report`.")
@click.option("-o", "--output", required=True, help="Folder to write to; what it has of the same sweep is not measured "
              "again.")
def sweep(spec: str, scheduler: str | None, dry_run: bool, cache: str | None, output: str) -> None:
    """Measure all designs that SPEC.toml crosses its lists into; write report.json and a page with the Pareto front."""
    from ...synth.schedulers import Cluster, Cores
    from ...synth.sweep import Plan
    from ...synth.sweep_spec import read

    what = read(spec)
    folder = output_folder(output)
    plan = Plan(what, folder, cache)
    workers = Cluster(scheduler) if scheduler else Cores()
    missing = sum(len(plan.missing(setting)) for setting in what.settings)
    if dry_run:
        click.echo(f"{plan.count} designs, {missing} of them to be measured on {workers.workers} workers: "
                   f"{_shown(plan.seconds(max(workers.workers, 1)), missing)}")
        return
    if not workers.workers:
        click.echo("No worker has joined the scheduler yet: waiting for one", err=True)
    with progress("sweep") as update:
        failed = plan.run(workers, update)
    from ..front_page import write_front

    for setting in what.settings:
        record: Any = plan.record(setting, failed, command_line())
        place = folder if len(what.settings) == 1 else folder / setting.name
        with atomic_write(place / "report.json") as file:
            json.dump(record, file, indent=1, ensure_ascii=False, allow_nan=False)
        names = write_front(record, place)
        click.echo(f"written: {place / names[0]}, report.json and {len(names) - 1} files beside them")
    for (_, slug), why in failed.items():
        click.echo(f"{slug}: {why}", err=True)
    if failed:
        raise Failure(f"{len(failed)} of {plan.count} designs could not be measured; the same command tries them again")


def _shown(seconds, missing):
    if not missing:
        return "nothing to do"
    if seconds is None:
        return "how long is known once some are measured"
    return f"about {math.ceil(seconds / 60)} minutes, going by those that are measured"
