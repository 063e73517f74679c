"""What Verilator compiles again for every design, compiled once: a compiler launcher, called by Verilator's makefile.

The makefile puts ``$(OBJCACHE)`` in front of each compiler command, which ends in ``-c -o OBJECT SOURCE``. In the
folder ``LMUL_OBJCACHE``, by default one in the output folder, under a hash of tools and flags, this keeps the objects
of the run-time library (sources in ``LMUL_OBJCACHE_SOURCES``) and a precompiled header of it for the sources of a
design: a small design then costs one second of compiling instead of thirteen. ``ccache`` would do the first half, but
is one more program to install.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

HEADER = '#include "verilated.h"\n#include "verilated_vpi.h"\n#include "verilated_dpi.h"\n'


def main(command: list[str]) -> int:
    """Run one compiler command; gives its exit status."""
    *flags, compile_only, to, target, source = command
    if (compile_only, to) != ("-c", "-o"):
        return subprocess.call(command)
    # The makefile gives -Os to some and -MMD to all: one level for all lets them share one header.
    flags = [flag for flag in flags if flag not in ("-Os", "-MMD")]
    folder = Path(os.environ["LMUL_OBJCACHE"])
    key = hashlib.sha256("\0".join([os.environ["LMUL_OBJCACHE_TOOLS"], HEADER, *flags]).encode()).hexdigest()[:16]
    header = folder / f"runtime-{key}.h"
    try:
        keep(header, lambda path: path.write_text(HEADER))
        keep(folder / f"{header.name}.gch", lambda path: run([*flags, "-x", "c++-header", header, "-o", path]))
        flags += ["-include", header, "-c", source, "-o"]
        if Path(source).resolve().is_relative_to(os.environ["LMUL_OBJCACHE_SOURCES"]):
            kept = folder / f"{Path(source).stem}-{key}.o"
            keep(kept, lambda path: run([*flags, path]))
            shutil.copy(kept, target)
        else:
            run([*flags, target])
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


def keep(path: Path, make: Callable[[Path], object]) -> None:
    """Have one of those who want ``path`` at once make it while the others wait; nobody sees it half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f".{path.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = path.with_name(f".{path.name}")
            make(unfinished)
            unfinished.replace(path)


def run(command: Iterable[str | Path]) -> None:
    subprocess.run([str(word) for word in command], check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
