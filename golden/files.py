"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a temporary file beside ``path`` and rename it into place when the block ends without an exception.

    Whoever reads ``path`` at any moment, even after the process was killed, sees the old file or the new one. Of a
    process killed by force the temporary file may remain; its name begins with ``.lmul-``.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".lmul-")
    try:
        with os.fdopen(handle, mode, **text) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        try:
            require_space(path.parent)  # numpy says how many bytes it wrote, not why
        finally:
            Path(temporary).unlink(missing_ok=True)
        raise


def require_space(*folders: str | os.PathLike) -> None:
    """Raise OSError, ENOSPC or whatever else it is, with the folder's name, if a file of some kilobytes cannot be
    written: after other programs wrote there, who may say nothing of a full disk."""
    for folder in folders:
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(1 << 16))
                file.flush()
        except OSError as error:
            raise OSError(error.errno, os.strerror(error.errno or errno.EIO), str(folder)) from None


def write_together(folder: str | os.PathLike, texts: dict[str, str]) -> None:
    """Write text files that belong together: all are whole on the disk before the first takes its place.

    They are renamed one after the other, in the order given, and two processes do so in turn: what stays is the set of
    one of them. A process killed between two renames leaves each file the old one or the new one, but not all the
    same; so one of a set should say which others it belongs to.

    Parameters
    ----------
    folder : path
    texts : dict of str to str
        Contents by file name.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder), contextlib.ExitStack() as files:
        for name, text in reversed(texts.items()):  # a stack is left in reverse
            file = files.enter_context(atomic_write(folder / name))
            file.write(text)
            file.flush()
            os.fsync(file.fileno())


@contextlib.contextmanager
def _alone(folder):
    """Hold the folder's lock, which the system releases even if this process is killed."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: nobody is kept waiting
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
