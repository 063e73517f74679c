"""Slugs on the command line: read, completed by a shell, and, of formats that no list has, with what they are."""

from collections.abc import Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

from ..golden.formats import FORMATS, FloatFormat
from ..hdl.designs import Design, catalogue, parse


class Slug(click.ParamType):
    """The name of a design, which a shell completes to those of the catalogue."""

    name = "slug"

    def shell_complete(self, ctx: click.Context, param: click.Parameter,
                       incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(slug) for slug in catalogue() if slug.startswith(incomplete)]


def read(slugs: Iterable[str]) -> list[Design]:
    """The designs of slugs; what a format is that follows from its name alone is said on standard error."""
    designs = [parse(slug) for slug in slugs]
    for note in dict.fromkeys(note for design in designs for note in notes(design)):
        click.echo(note, err=True)
    return designs


def notes(design: Design) -> list[str]:
    """What the float formats of a design's operands are that are not in the list of formats, a line each."""
    operands: dict[str, Any] = design.multiplier.operands
    return [f"{fmt} is no format of `lmul list`; its name means: {fmt.summary}, as in IEEE 754"
            for fmt in dict.fromkeys(operands.values())
            if isinstance(fmt, FloatFormat) and fmt.name not in FORMATS]
