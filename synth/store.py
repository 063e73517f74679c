"""Results kept by content: each under the digest of all that it depends on, in files that processes share.

An entry is a file of its own, written whole, with a digest of what it holds: one that is damaged or cut off is taken as
absent, and made anew. Nothing is locked. A store that cannot be written, its disk full or its folder somebody else's,
keeps nothing, and whatever asked for it is made.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from ..golden.files import atomic_write
from ..golden.refusal import Refusal

#: Bytes that a store keeps, unless `SIZE` says how many MB.
MOST = 2 << 30
#: Names of the environment variables that say where the user's store is, and how large it may grow, in MB.
FOLDER, SIZE = "LMUL_CACHE", "LMUL_CACHE_MB"
#: In the place of a folder: keep nothing.
NONE = "none"
_MARK = ".lmul-store"


class Held(NamedTuple):
    """What a store has of one kind of entry."""

    entries: int
    bytes: int


class Store:
    """A folder of entries, each of a kind (a plain word) and under a key (`digest`).

    Parameters
    ----------
    folder : path
    most : int
        Bytes that `trim` leaves at most.
    """

    def __init__(self, folder: str | os.PathLike[str], most: int = MOST) -> None:
        self.folder, self.most = Path(folder), most

    def get(self, kind: str, key: str) -> bytes | None:
        """What was put there, or None."""
        path = self._path(kind, key)
        try:
            found = path.read_bytes()
            mark, content = found[:32], zlib.decompress(found[32:])
        except (OSError, zlib.error):
            return None
        if hashlib.sha256(content).digest() != mark:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # what was used last goes last
        return content

    def put(self, kind: str, key: str, content: bytes) -> None:
        """Keep something, if it can be kept."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / _MARK).touch()
            with atomic_write(self._path(kind, key), "wb") as file:
                file.write(hashlib.sha256(content).digest() + zlib.compress(content, 1))

    def data(self, kind: str, key: str) -> Any:
        """What was kept as JSON data, or None."""
        found = self.get(kind, key)
        return None if found is None else json.loads(found)

    def made(self, kind: str, key: str, make: Callable[[], Any]) -> Any:
        """JSON data that is kept, or else made, and kept. What is new is the same as what is read back."""
        found = self.get(kind, key)
        if found is None:
            found = json.dumps(make()).encode()
            self.put(kind, key, found)
        return json.loads(found)

    def held(self) -> dict[str, Held]:
        """By kind, in alphabetical order, how many entries there are, and bytes on the disk."""
        found: dict[str, Held] = {}
        for path, _, size in sorted(self._entries()):
            count, total = found.get(path.parent.parent.name, (0, 0))
            found[path.parent.parent.name] = Held(count + 1, total + size)
        return found

    def trim(self) -> None:
        """Remove what was not used for longest, until no more is left than may be."""
        entries = sorted(self._entries(), key=lambda entry: -entry[1])
        total = 0
        for path, _, size in entries:
            total += size
            if total > self.most:
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all entries.

        Raises
        ------
        Refusal
            If the folder has files and is no store.
        """
        if self.folder.exists() and any(self.folder.iterdir()) and not (self.folder / _MARK).exists():
            raise Refusal(f"A cache to be emptied must be one of lmul, {str(self.folder)!r} has other files")
        for path, _, _ in self._entries():
            path.unlink(missing_ok=True)

    def _path(self, kind, key):
        return self.folder / kind / key[:2] / key[2:]

    def _entries(self):
        """(path, time of last use, bytes) of each entry."""
        found = []
        for path in self.folder.glob("*/??/*"):
            with contextlib.suppress(OSError):  # another process removed it
                about = path.stat()
                found.append((path, about.st_mtime, about.st_size))
        return found


def digest(*parts: Any) -> str:
    """Hexadecimal SHA-256 of texts, bytes and JSON data, each told from the next."""
    total = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True).encode()
        total.update(f"{type(part).__name__} {len(content)} ".encode() + content)
    return total.hexdigest()


def user_store(folder: str | None = None) -> Store | None:
    """The store in a folder, or the user's; None where `NONE` is said in place of one.

    Raises
    ------
    Refusal
        If `SIZE` in the environment is no number of MB.
    """
    chosen = folder or os.environ.get(FOLDER) or os.path.join(platformdirs.user_cache_dir("lmul"), "results")
    size = os.environ.get(SIZE)
    if size is not None and not size.isdigit():
        raise Refusal(f"{SIZE} must be a number of MB, not {size!r}")
    return None if chosen == NONE else Store(chosen, int(size) << 20 if size else MOST)
