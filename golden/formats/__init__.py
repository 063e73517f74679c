"""The formats: every width, limit and special code used anywhere is derived from one `Format`."""


from ..refusal import Refusal
from . import blocks, integers, logs, powers, scales, signs
from .base import Format, SignedFields, as_codes, code_dtype
from .blocks import Block, Blocks
from .floats import FORMATS, MIXED_PAIRS, FloatFormat, Specials, float_format
from .integers import INT8, IntFormat
from .logs import LogFormat
from .powers import Powers
from .scales import SCALES
from .signs import Signs, Ternary

__all__ = [
    "FORMATS", "INT8", "MIXED_PAIRS", "SCALES", "Block", "Blocks", "FloatFormat", "Format", "IntFormat", "LogFormat",
    "Powers", "SignedFields", "Signs", "Specials", "Ternary", "as_codes", "block_format", "code_dtype", "float_format",
    "format_named",
]

#: Each gives the format of a name, or None. Families add theirs.
READERS = [integers.read, signs.read, powers.read, scales.read, logs.read]


def format_named(name: str) -> Format:
    """The format called ``name``: of floats, integers, logarithms, signs, powers of two, scales, or of a family's own.

    Raises
    ------
    Refusal
        If there is none of that name.
    """
    for read in READERS:
        if (fmt := read(name)) is not None:
            return fmt
    return float_format(name)


def block_format(name: str) -> Block:
    """The `Block` called ``name``: ``mx`` before the name of an element, or ``nvfp4``.

    Raises
    ------
    Refusal
        If there is none of that name.
    """
    if (fmt := blocks.read(name, format_named)) is None:
        raise Refusal(f"Block format must be nvfp4 or mx{{element}}, as in mxe4m3, not {name!r}")
    return fmt
