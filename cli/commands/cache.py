"""``lmul cache``: what is kept of earlier measurements."""

import json

import click

from ...golden.refusal import Refusal
from ..console import cache as option


@click.command()
@option
@click.option("--clear", is_flag=True, help="Remove all of it.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def cache(store: object, clear: bool, as_json: bool) -> None:
    """Show what is kept of earlier measurements, and where; LMUL_CACHE names another folder, LMUL_CACHE_MB its size."""
    from ...synth.store import Store

    if not isinstance(store, Store):
        raise Refusal("A folder must be named by --cache or LMUL_CACHE, not 'none'")
    if clear:
        store.clear()
    held = store.held()
    if as_json:
        entries = {kind: {"count": each.entries, "bytes": each.bytes} for kind, each in held.items()}
        click.echo(json.dumps({"folder": str(store.folder), "most_bytes": store.most, "entries": entries}, indent=1))
        return
    for kind, each in held.items():
        click.echo(f"{kind:10} {each.entries:7} {each.bytes / 1e6:10.2f} MB")
    click.echo(f"{sum(each.bytes for each in held.values()) / 1e6:.2f} MB of at most {store.most / 1e6:.0f} MB in "
               f"{store.folder}")
