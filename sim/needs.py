"""What a machine must have besides Python's packages, by the name of the Debian package that has it.

`make` runs this file before it installs anything, so it needs no more than Python's own library, of any version 3.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig

PYTHON = (3, 11)  # the oldest, as pyproject.toml has it

LIBPYTHON = "libpython{}.{}".format(*sys.version_info[:2])


def _perl():
    """Whether there is a whole Perl: the one every Debian has lacks modules that Verilator's script uses."""
    perl = shutil.which("perl")
    return perl and not subprocess.call([perl, "-MPod::Usage", "-e", "1"], stderr=subprocess.DEVNULL)


def _libpython():
    """Whether the library that a simulator loads, to run Python in it, is there."""
    try:
        from find_libpython import find_libpython  # as cocotb does
    except ImportError:
        return _has_libpython()
    return find_libpython()


def _has_libpython():
    import ctypes

    names = {name for name in map(sysconfig.get_config_var, ("INSTSONAME", "LDLIBRARY")) if name} | {LIBPYTHON + ".so"}
    places = [sysconfig.get_config_var(name) for name in ("LIBDIR", "LIBPL", "PYTHONFRAMEWORKPREFIX")]
    for name in sorted(names):
        if name.endswith(".a"):
            continue
        if any(place and os.path.exists(os.path.join(place, name)) for place in places):
            return True
        try:
            ctypes.CDLL(name)
            return True
        except OSError:
            pass
    return False


#: To install: (Debian package, what is looked for, whether it is there).
TO_INSTALL = (
    ("python3", "Python {}.{} or newer".format(*PYTHON), lambda: sys.version_info >= PYTHON),
    ("python3-venv", "Python's ensurepip", lambda: importlib.util.find_spec("ensurepip")),
)

#: To run Python in a simulator.
TO_LOAD = ((LIBPYTHON, "Python's shared library, which cocotb loads", _libpython),)

#: To build one with Verilator and run it.
TO_SIMULATE = (
    *TO_LOAD,
    ("make", "make", lambda: shutil.which("make")),
    ("g++", "a C++ compiler (c++)", lambda: shutil.which("c++")),
    ("perl", "a whole Perl (with Pod::Usage)", _perl),
)


def missing(needs: "tuple[tuple, ...]") -> "str | None":
    """What of ``needs`` cannot be found, in a sentence, or None."""
    lacking = [(package, what) for package, what, there in needs if not there()]
    if not lacking:
        return None
    return "{} must be installed, but cannot be found (Debian: apt-get install {})".format(
        " and ".join(what for _, what in lacking), " ".join(package for package, _ in lacking))


if __name__ == "__main__":
    sentence = missing(TO_INSTALL + TO_SIMULATE)
    if sentence:
        sys.exit("lmul: {}; this is Python {}.{} of {}".format(sentence, *sys.version_info[:2], sys.executable))
