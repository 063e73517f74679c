"""Where libraries keep what they compile, on machines where a user has no place of their own."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path


def find_places() -> None:
    """Libraries keep compiled code and fonts in the user's folders. Where these cannot be written, or there is no home,
    they get a folder in the temporary one, which stays, for the next run; the environment's own choice goes first."""
    home = Path(os.path.expanduser("~"))
    theirs = [Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache"),
              Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")]
    places = [] if all(map(_writable, theirs)) else ["YOWASP_CACHE_DIR", "MPLCONFIGDIR"]
    if not _writable(Path(__file__).parents[1] / "golden" / "__pycache__") and (places or not _writable(theirs[0])):
        places.append("NUMBA_CACHE_DIR")
    places = [name for name in places if name not in os.environ]
    if not places:
        return
    with contextlib.suppress(OSError):  # nowhere at all: libraries do without, or say so
        folder = _own_folder()
        for name in places:
            place = folder / name.lower()
            place.mkdir(exist_ok=True)
            os.environ[name] = str(place)


def _writable(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _own_folder():
    """Nobody else's, since compiled code is read from it: if another made one of this name, a new one."""
    folder = Path(tempfile.gettempdir(), f"lmul-cache-{os.getuid()}")
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    about = folder.lstat()
    own = stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o077
    return folder if own else Path(tempfile.mkdtemp(prefix="lmul-"))
