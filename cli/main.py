"""``lmul``: one group of commands, one place where refusals become a line and an exit status."""

import os
import signal
import sys

import click

from ..hdl.yosys import YosysError
from .commands import COMMANDS
from .console import Failure


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="lmul", message="lmul %(version)s")
def cli():
    """RTL for L-Mul processing elements: generate it, verify it, measure what it costs."""


for command in COMMANDS:
    cli.add_command(command)


def main(arguments=None):
    """Run the command line and exit: 0 when all of it held, 1 when a check failed, 2 for bad arguments or input,
    130 when interrupted. Set ``LMUL_DEBUG=1`` to see the traceback behind a refusal."""
    signal.signal(signal.SIGTERM, _interrupt)
    sys.stdout.reconfigure(errors="backslashreplace")  # file names may be no text
    try:
        status = cli.main(arguments, prog_name="lmul", standalone_mode=False) or 0
    except (click.Abort, KeyboardInterrupt):
        status = _say("interrupted; files already written are whole, nothing else was written", 130)
    except click.ClickException as error:
        status = _say(error.format_message(), 2)
    except Failure as failure:
        status = _say(str(failure), 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141
    except (ValueError, OSError, YosysError) as refusal:
        if os.environ.get("LMUL_DEBUG"):
            raise
        status = _say(_sentence(refusal), 2)
    sys.exit(status)


def _interrupt(*_):
    raise KeyboardInterrupt


def _sentence(error):
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _say(text, status):
    print("lmul: " + " ".join(text.split()), file=sys.stderr)
    return status


if __name__ == "__main__":
    main()
