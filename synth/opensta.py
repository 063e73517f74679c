"""OpenSTA, where a new one is on PATH: what it makes of a row that was handed over."""

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

MINIMUM = (3, 0)  # the first with the rules of power that ours follow; older ones lack `read_saif`, or weigh otherwise


@functools.cache
def opensta() -> tuple[str, str] | None:
    """Path and version of the ``sta`` on PATH, when it is no older than `MINIMUM`; else None."""
    path = shutil.which("sta")
    if not path:
        return None
    said = subprocess.run([path, "-version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"\s*(\d+)\.(\d+)\S*", said)
    if not match or tuple(map(int, match.groups())) < MINIMUM:
        return None
    return path, match[0].strip()


def versions(kept: object) -> dict[str, str]:
    """Its version, when it has a part in a report that is ``kept``."""
    found = opensta()
    return {"opensta": f"{found[1]} (on PATH)"} if kept and found else {}


def sign_off(folder: str | Path, path: str, liberty: Sequence[str | Path] = ()) -> dict[str, float | None]:
    """Run ``opensta.tcl`` in a folder of `handover.hand_over`, on the files ``liberty`` or else on ``cells.lib``.

    Returns
    -------
    dict
        ``area_um2``, ``delay_ps`` and ``power_w`` as OpenSTA has them; None where it does not say.
    """
    environment = {name: value for name, value in os.environ.items() if name != "LIBERTY"}
    if liberty:
        environment["LIBERTY"] = " ".join(f"{{{Path(file).resolve()}}}" for file in liberty)  # a list of Tcl's
    done = subprocess.run([path, "-no_splash", "-no_init", "-exit", "opensta.tcl"], cwd=Path(folder), env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return read(done.stdout)


def read(text: str) -> dict[str, float | None]:
    """The figures in what ``opensta.tcl`` prints, as `sign_off` gives them."""
    area = re.search(r"^area (\S+)", text, re.MULTILINE)
    arrival = re.search(r"^ *(-?[\d.]+).* data arrival time", text, re.MULTILINE)  # a wide figure fills its column
    setup = re.search(r"^ *(-?[\d.]+).* library setup time", text, re.MULTILINE)
    power = re.search(r"^Total +\S+ +\S+ +\S+ +(\S+)", text, re.MULTILINE)
    return {
        "area_um2": float(area[1]) if area and float(area[1]) else None,
        "delay_ps": float(arrival[1]) - (float(setup[1]) if setup else 0.0) if arrival else None,
        "power_w": float(power[1]) if power else None,
    }
