"""What the commands share: progress, failures, output folders, options."""

import json
import math
import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from ..golden.compiled import announce
from ..golden.refusal import Refusal


class Number(click.FloatRange):
    """A `click.FloatRange` without NaN, which is below no bound, and without Inf."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number", param, ctx)
        return number


class Seeds(click.ParamType):
    """``A..B``: a `range` from A to B, both of them in it."""

    name = "A..B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> range:
        match = re.fullmatch(r"(-?\d+)\.\.(-?\d+)", str(value))
        if not match or int(match[1]) > int(match[2]):
            self.fail(f"{value!r} is not A..B, two numbers of which the second is not below the first", param, ctx)
        return range(int(match[1]), int(match[2]) + 1)


class Failure(Exception):
    """A check did not hold: exit status 1, as opposed to bad input."""


def output_folder(path: str | os.PathLike) -> Path:
    """Make ``path`` and see that it can be written, before any work is spent.

    Raises
    ------
    Refusal
        If it cannot; the sentence names it.
    """
    path = Path(path)
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        raise Refusal("A temporary folder must be writable, but none is; TMPDIR in the environment names one") from None
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise Refusal(f"Output folder must be writable, not {str(path)!r}: {error.strerror}") from None
    return path


def output_file(path: str | os.PathLike) -> Path:
    """Check that a file can be written at ``path``; raises Refusal as `output_folder` does."""
    path = Path(path)
    if path.is_dir():
        raise Refusal(f"Output must be a file, not the folder {str(path)!r}")
    output_folder(path.parent)
    return path


def read_lines(path: str | os.PathLike) -> list[str]:
    """The lines of a text file; raises Refusal if it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise Refusal(f"Sentences must be a text file in UTF-8, not {str(path)!r}") from None


def command_line() -> str:
    """This run's command as it would be typed, for a record; bytes of it that are no text are escaped."""
    return shlex.join(["lmul", *sys.argv[1:]]).encode(errors="backslashreplace").decode()


def dont_use(command: Callable) -> Callable:
    """The option ``--dont-use`` of a command that chooses a cell library: patterns, repeated, as one text."""
    return click.option("--dont-use", multiple=True, metavar="PATTERN", callback=lambda _, __, given: " ".join(given),
                        help="Cells that nothing is mapped to, as if their library said dont_use: names as a shell "
                             "matches them ('*_8'); may be repeated.")(command)


def _store(_context, _option, folder):
    from ..synth.store import user_store

    return user_store(folder)


def cache(command: Callable) -> Callable:
    """The option ``--cache`` of a command that measures: a `~lmul.synth.store.Store`, or None."""
    return click.option("--cache", "store", metavar="DIR", callback=_store,
                        help="Where results are kept, and taken from when nothing changed that they depend on; 'none': "
                             "nowhere. Default: the folder that `lmul cache` shows.")(command)


def foreign(command: Callable) -> Callable:
    """The option ``--verilog`` of a command that takes somebody else's Verilog in place of a design."""
    return click.option("--verilog", "foreign", multiple=True, metavar="F.v:TOP=SLUG",
                        help="Somebody else's module with the ports of a design, in its place; of several files "
                             "A.v,B.sv:TOP=SLUG; may be repeated.")(command)


#: The option ``--json`` of a command that prints its result.
as_json = click.option("--json", "as_json", is_flag=True,
                       help="Print one JSON document on standard output, and nothing else there.")


def print_json(document: Any) -> None:
    """A result on standard output; figures that are no finite numbers, which JSON has not, are a fault."""
    click.echo(json.dumps(document, indent=1, allow_nan=False))


@contextmanager
def progress(title: str) -> Iterator[Callable[..., None]]:
    """A progress bar on a terminal, a line per step elsewhere, with an estimate of what is left of a step. Yields
    ``update(done, total, text)``."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    left = _estimate()
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _announced(_tell, lambda done, total, text="": _tell(
            f"{title} {done}/{total} {text}{left(done, total)}".rstrip()))
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.fields[text]}"))
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(title, total=None, text="")
        yield _announced(bars.console.print, lambda done, total, text="": bars.update(
            task, completed=done, total=total, text=f"{text}{left(done, total)}"))


def _announced(tell, update):
    """``update``, and before the first one, when work begins, what that has to wait for: a refusal before is alone."""

    def told(*step):
        announce(tell)
        update(*step)

    return told


def _tell(line):
    with suppress(OSError):  # nobody to hear it: no reason to stop
        click.echo(line, err=True)


def _estimate():
    """``left(done, total)``: in words, what a step still takes if its jobs go on as they did."""
    began, first = time.monotonic(), 0

    def left(done, total):
        nonlocal began, first
        now = time.monotonic()
        if done <= first:  # a step begins
            began, first = now, done
        if done in (first, total):
            return ""
        seconds = (now - began) / (done - first) * (total - done)
        return f"; about {seconds:.0f} s left" if seconds < 100 else f"; about {seconds / 60:.0f} min left"

    return left
