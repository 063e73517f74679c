"""The sentences kept in the project."""

from collections.abc import Iterable
from importlib.resources import files

from ..golden.refusal import Refusal

PAIRS = 130


def read_sentences(lines: Iterable[str]) -> list[str]:
    """The sentences among ``lines``, one each; blank lines and lines that begin with ``#`` are left out."""
    lines = (line.strip() for line in lines)
    return [line for line in lines if line and not line.startswith("#")]


def _kept(name):
    return read_sentences((files("lmul.models") / "data" / name).read_text(encoding="utf-8").splitlines())


def evaluation_sentences(pairs: int = PAIRS) -> list[str]:
    """Varied sentences in ``pairs`` pairs, 130 or fewer spread evenly over the topics: number 2i and number 2i + 1 say
    nearly the same thing in other words.

    Raises
    ------
    Refusal
        If there are not so many pairs.
    """
    if not 1 <= pairs <= PAIRS:
        raise Refusal(f"Pairs of sentences must be 1 to {PAIRS}, not {pairs!r}")
    sentences = _kept("sentences.txt")
    return [sentence for pair in range(pairs) for sentence in sentences[2 * (pair * PAIRS // pairs):][:2]]


def trace_sentences() -> list[str]:
    """The sentences whose operands are in the recording."""
    return _kept("trace.txt")
