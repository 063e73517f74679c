"""What the first use of compiled loops has to wait for, said on standard error."""

import sys

from lmul.golden.compiled import announce


def first() -> None:
    """Say, once in a process, that loops are compiled, where they are not yet."""
    announce(lambda notice: print(f"lmul: {notice}", file=sys.stderr, flush=True))
