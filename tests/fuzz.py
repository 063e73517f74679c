"""Hostile input: valid files spoilt at random, and what a reader may do with them."""

import copy
import random
import signal
import string
from contextlib import contextmanager

from lmul.golden.refusal import Refusal

SECONDS = 5  # that one case may take; readers need milliseconds
_WORDS = ["0", "-1", "1e308", "-1e999", "nan", "inf", "1" * 400, "9" * 5000, "١", "ä", "\0", "\ud800", "\n", '"', "'",
          "\\", "(", ")", "{", "}", "/*", "*/", "//", ";", ":", ",", "_", "x", "[", "]", "null", "true", "e4m3",
          "../", "%s"]


class Hang(Exception):
    """A case took longer than `SECONDS`."""


@contextmanager
def alarm(seconds=SECONDS):
    """Raise `Hang` after so many seconds."""
    def ring(*_):
        raise Hang(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def spoilt_bytes(data, rng):
    """``data`` with bits flipped, pieces cut, doubled, swapped or overwritten; or something else altogether."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at, size = rng.randrange(len(data) + 1), rng.choice((1, 2, 8, 100))
        match rng.randrange(8):
            case 0:
                data[at:at + 1] = bytes([rng.randrange(256)])
            case 1 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                del data[at:at + size]
            case 3:
                data[at:at] = data[at:at + size] * rng.choice((1, 3, 50))
            case 4:
                data[at:at] = rng.randbytes(size)
            case 5:
                data[at:at + size] = bytes([rng.choice((0, 255))]) * size
            case 6:
                del data[at:]
            case 7:
                other = rng.randrange(len(data) + 1)
                data[at:at + size], data[other:other + size] = data[other:other + size], data[at:at + size]
    return bytes(data)


def spoilt_text(text, rng):
    """``text`` with words and signs put in, taken out, repeated or replaced."""
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at, size = rng.randrange(len(text) + 1), rng.choice((0, 1, 1, 5, 40))
        piece = rng.choice((rng.choice(_WORDS), rng.choice(string.printable), chr(rng.randrange(0x3000)),
                            text[at:at + size]))
        text = text[:at] + piece * rng.choice((0, 1, 1, 1, 2, 30, 300)) + text[at + size:]
    return text


def spoilt_tree(tree, rng):
    """JSON data in which some values, keys or whole branches are replaced, dropped or moved."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 2, 5))):
        holder, key = rng.choice(list(_places(tree)))
        match rng.randrange(5):
            case 0:
                del holder[key]
            case 1:
                holder[key] = copy.deepcopy(rng.choice(list(_places(tree)))[0])
            case 2 if isinstance(holder, dict):
                holder[rng.choice(_WORDS)] = holder.pop(key)
            case _:
                holder[key] = rng.choice((None, True, -1, 0, 10**400, 1e308, -0.5, float("nan"), "", [], {}, [[]],
                                          rng.choice(_WORDS), [1.5] * 7, {"": None}))
        if not tree:
            break
    return tree


def _places(tree):
    """(holder, key) of everything inside a nest of dicts and lists."""
    todo = [tree]
    while todo:
        holder = todo.pop()
        for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
            yield holder, key
            if isinstance(holder[key], dict | list):
                todo.append(holder[key])


def fuzz(read, spoil, count, seed):
    """Give a reader ``count`` cases; it must return, or refuse with a Refusal that says something, in time.

    Parameters
    ----------
    read : callable
        Takes what ``spoil(rng)`` gives.
    spoil : callable

    Returns
    -------
    int
        How many were read without a complaint: some must be, and some not, or the cases are of no use.
    """
    accepted = 0
    for case in range(count):
        rng = random.Random(f"{seed} {case}")
        given = spoil(rng)
        try:
            with alarm():
                read(given)
            accepted += 1
        except Refusal as refusal:
            assert str(refusal), f"case {case}: a refusal without a word, of {_shown(given)}"
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise AssertionError(f"case {case} of seed {seed}: {what}\n{_shown(given)}") from error
    assert 0 < accepted < count, f"{accepted} of {count} cases accepted"
    return accepted


def _shown(given):
    text = repr(given)
    return text if len(text) < 2000 else f"{text[:2000]} ..."
