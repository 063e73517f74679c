"""The sentences kept in the project."""

from importlib.resources import files


def read_sentences(lines):
    """The sentences among ``lines``, one each; blank lines and lines that begin with ``#`` are left out."""
    lines = (line.strip() for line in lines)
    return [line for line in lines if line and not line.startswith("#")]


def _kept(name):
    return read_sentences((files(__package__) / "data" / name).read_text(encoding="utf-8").splitlines())


def evaluation_sentences():
    """260 varied sentences in 130 pairs: lines 2i and 2i + 1 say nearly the same thing in other words."""
    return _kept("sentences.txt")


def trace_sentences():
    """The sentences whose operands are in the recording."""
    return _kept("trace.txt")
