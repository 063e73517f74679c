"""``lmul list``: what there is, all of it or what words select."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from ...golden import families
from ...golden.accumulators import KINDS
from ...golden.formats import FORMATS, block_format
from ...golden.refusal import Refusal
from ...hdl.designs import catalogue, parse
from ...hdl.grammar import grammar
from ...hdl.summary import summary
from ...synth.fpga import TARGETS
from ..console import as_json, print_json
from ..slugs import Word, notes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...golden.formats import Block
    from ...hdl.designs import Design

SECTIONS = ("grammar", "formats", "blocks", "multipliers", "accumulators", "technologies", "designs")
BLOCKS = ("mxe5m2", "mxe4m3", "mxe3m2", "mxe2m3", "mxe2m1", "mxint8", "mxl3f4", "nvfp4")
TECHNOLOGIES = {
    "sky130hd": "SkyWater 130 nm, embedded cell table",
    "asap7": "ASAP7 predictive 7 nm, embedded cell table",
    **{name: f"{target.title}, mapping" for name, target in TARGETS.items()},
}


def describe(design: Design) -> str:
    """One line about a design."""
    return "; ".join([summary(design), *notes(design)])


def describe_block(block: Block) -> str:
    """One line about a format of blocks."""
    return f"{block.size} of {block.element} under a scale in {block.scale}: operands of tiles"


def contents() -> dict[str, dict[str, str]]:
    """Everything ``lmul list`` shows, as a dict of name to description by section."""
    return {
        "grammar": grammar(),
        "formats": {name: fmt.summary for name, fmt in FORMATS.items()},
        "blocks": {name: describe_block(block_format(name)) for name in BLOCKS},
        "multipliers": {kind: member.summary for kind, (member, _) in families.members().items()},
        "accumulators": {kind.example: kind.summary for kind in KINDS.values()},
        "technologies": TECHNOLOGIES,
        "designs": {slug: describe(parse(slug)) for slug in catalogue()},
    }


def selected(words: Sequence[str], sections: Sequence[str]) -> dict[str, dict[str, str]]:
    """The `contents` of ``sections``, by default all, that have every one of ``words`` in their name or description, or
    as a pattern of a shell in their name. A word that is a whole slug, listed or not, is that design alone.

    Raises
    ------
    Refusal
        If there is nothing of that kind.
    """
    chosen = {name: entries for name, entries in contents().items() if not sections or name in sections}
    slugs = {word: describe(parse(word)) for word in words if _is_slug(word)}
    if "designs" in chosen:
        chosen["designs"] |= slugs
    found = {name: {entry: text for entry, text in entries.items()
                    if all(word == entry if word in slugs else _has(word, entry, text) for word in words)}
             for name, entries in chosen.items()}
    found = {name: entries for name, entries in found.items() if entries}
    if not found:
        raise Refusal(f"Words must be of names or descriptions in {', '.join(chosen)}, but none has "
                      f"{' and '.join(map(repr, words))}; `lmul list` shows all")
    return found


def _is_slug(word):
    try:
        return bool(parse(word))
    except Refusal:
        return False


def _has(word, name, text):
    return word in name or word in text or fnmatchcase(name, word)


@click.command("list")
@click.argument("words", metavar="[WORD...]", nargs=-1, type=Word())
@click.option("--only", "sections", multiple=True, type=click.Choice(SECTIONS), help="May be repeated.")
@as_json
def list_command(words: tuple[str, ...], sections: tuple[str, ...], as_json: bool) -> None:
    """How slugs are spelled, formats, multipliers, accumulators, technologies and designs, a line each.

    With words what has all of them in its name or description: `lmul list mac e4m3 fixed`; a pattern is of names:
    `lmul list 'dot_*_16'`. A slug that is not among the designs is described as well."""
    found = selected(words, sections)
    if as_json:
        print_json(found)
        return
    for section, entries in found.items():
        click.echo(f"{section}:")
        width = max(map(len, entries))
        for name, text in entries.items():
            click.echo(f"  {name:<{width}}  {text}")
