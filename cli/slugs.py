"""Slugs on the command line: completed by a shell, and, of formats that no list has, with what they are."""

from contextlib import suppress
from typing import Any

import click
from click.shell_completion import CompletionItem

from ..golden.formats import FORMATS, FloatFormat
from ..golden.refusal import Refusal
from ..hdl.designs import Design, catalogue, parse


class Word(click.ParamType):
    """A word that may be a slug, and that a shell completes to those of the catalogue."""

    name = "word"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(slug) for slug in catalogue() if slug.startswith(incomplete)]


class Slug(Word):
    """The name of a design. What its formats are that follow from their names alone is said on standard error, once;
    whether there is such a design, the command sees."""

    name = "slug"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if ctx and not ctx.resilient_parsing:
            told = ctx.meta.setdefault(__name__, set())
            with suppress(Refusal):
                for note in notes(parse(value)):
                    if note not in told:
                        click.echo(note, err=True)
                    told.add(note)
        return value


def notes(design: Design) -> list[str]:
    """What the float formats of a design's operands are that are not in the list of formats, a line each."""
    return [f"{fmt} is no format of `lmul list`; its name means: {fmt.summary}, as in IEEE 754"
            for fmt in dict.fromkeys(design.multiplier.operands.values())
            if isinstance(fmt, FloatFormat) and fmt.name not in FORMATS]
