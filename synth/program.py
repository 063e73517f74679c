"""Which program made a record: digests of its own sources, the commit they belong to, and versions of its tools."""

import functools
import hashlib
import os
import platform
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from ..golden import families
from ..hdl.yosys import yosys

#: The folder of the rooms: that of a checkout, or the installed package.
ROOT = Path(__file__).resolve().parent.parent


def sources() -> dict[str, Path]:
    """The program's own files, code and data, by their names within `ROOT`; a checkout and an installed wheel have the
    same."""
    rooms = {path.parent for path in ROOT.glob("*/__init__.py")} - {ROOT / "api"}  # `lmul` itself: no figure is of it
    paths = (path for room in rooms for path in room.rglob("*") if path.is_file())
    names = ((path.relative_to(ROOT), path) for path in paths)
    return {name.as_posix(): path for name, path in sorted(names)
            if not any(part == "__pycache__" or part.startswith(".") for part in name.parts)}


@functools.cache
def digest(*rooms: str) -> str:
    """Twelve hexadecimal digits of the SHA-256 of `sources`, their names with them; of some rooms, or of all."""
    return _digest({name: path for name, path in sources().items() if not rooms or name.split("/")[0] in rooms})


@functools.cache
def identity(*rooms: str) -> list[str]:
    """All that a result depends on apart from what it is made from: sources of these rooms, packages that bring
    families of their own, and versions of the tools.

    Raises
    ------
    YosysError
        If Yosys is missing.
    """
    packages = {path.split(".")[0] for name, path in families.sources().items() if name not in families.OURS}
    outside = [_digest(_package(name)) for name in sorted(packages)]
    tools = [f"{name} {version(name)}" for name in ("amaranth", "numpy", "numba", "bitwuzla")]
    return [digest(*rooms), *outside, f"yosys {yosys()[1]}", *tools, f"python {platform.python_version()}"]


def _package(name):
    """The files of somebody else's package, by their names."""
    found = find_spec(name)
    folders = found.submodule_search_locations if found else None
    return {path.as_posix(): path for folder in folders or () for path in sorted(Path(folder).rglob("*.py"))}


def _digest(files):
    total = hashlib.sha256()
    for name, path in files.items():
        content = path.read_bytes()
        total.update(f"{name} {len(content)}\n".encode() + content)
    return total.hexdigest()[:12]


@functools.cache
def commit() -> str | None:
    """The git commit that is checked out, with ``-dirty`` if files differ from it; None outside a checkout."""
    # A program that is installed inside somebody else's repository is no part of it.
    if _git("ls-files", "--error-unmatch", Path(__file__).name) is None:
        return None
    return _git("describe", "--always", "--abbrev=12", "--dirty", "--exclude=*")


def _git(*arguments):
    """What git says about this folder; None if it fails or there is none."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True,
                              check=False, env=environment | {"GIT_OPTIONAL_LOCKS": "0"})
    except OSError:
        return None
    return None if done.returncode else done.stdout.strip()
