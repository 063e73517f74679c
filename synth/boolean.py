"""Boolean expressions as Liberty writes them, and their truth tables.

Operators, tightest first: ``!`` before or ``'`` after a term, ``^``, ``*`` ``&`` or mere juxtaposition, ``+`` or ``|``.
A truth table over n inputs is a numpy array of 2**n bools; bit i of its index is the value of input i.
"""

import re
from collections.abc import Sequence
from functools import cache
from itertools import permutations

import numpy as np

from ..golden.refusal import Refusal

_TOKEN = re.compile(r'\s*(?:([A-Za-z_](?:[\w.\[\]]|\\\S)*|\\\S+)|([01])(?!\w)|(\|\|?|&&?|[!^*+()\'"]))')
MAX_INPUTS = 12
MAX_TOKENS = 300  # of an expression: more would not fit the stack; those of cells have a few dozen


@cache
def parse(text: str) -> tuple:
    """The expression as nested tuples: ``("pin", name)``, ``("const", 0)``, ``("not", e)``, ``("and", e, f)``, ...

    Raises
    ------
    Refusal
        If it is not an expression.
    """
    tokens = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if not match:
            raise _error(text)
        name, constant, operator = match.groups()
        if name:
            tokens.append(("pin", name.replace("\\", "")))
        elif constant:
            tokens.append(("const", int(constant)))
        elif operator != '"':
            tokens.append(operator[0])
        position = match.end()
    if len(tokens) > MAX_TOKENS:
        raise _error(text)
    parser = _Parser(text, tokens)
    try:
        expression = parser.sum()
    except RecursionError:
        raise parser.error() from None
    if parser.next is not None:
        raise parser.error()
    return expression


def _error(text):
    shown = text if len(text) < 80 else text[:76] + " ..."
    return Refusal(f"Function must be a Boolean expression, not {shown!r}")


class _Parser:
    def __init__(self, text, tokens):
        self.text = text
        self.tokens = tokens
        self.index = 0

    @property
    def next(self):
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    def error(self):
        return _error(self.text)

    def sum(self):
        left = self.product()
        while self.next in ("+", "|"):
            self.index += 1
            left = ("or", left, self.product())
        return left

    def product(self):
        left = self.exclusive()
        while self.next is not None and self.next not in ("+", "|", ")", "^", "'"):
            if self.next in ("*", "&"):
                self.index += 1
            left = ("and", left, self.exclusive())
        return left

    def exclusive(self):
        left = self.term()
        while self.next == "^":
            self.index += 1
            left = ("xor", left, self.term())
        return left

    def term(self):
        token = self.next
        self.index += 1
        if token == "!":
            return ("not", self.term())
        if token == "(":
            value = self.sum()
            if self.next != ")":
                raise self.error()
            self.index += 1
        elif isinstance(token, tuple):
            value = token
        else:
            raise self.error()
        while self.next == "'":
            self.index += 1
            value = ("not", value)
        return value


def pins(expression: str | tuple) -> list[str]:
    """The names in an expression (text or tuples), in order of appearance."""
    if isinstance(expression, str):
        expression = parse(expression)
    if expression[0] == "pin":
        return [expression[1]]
    if expression[0] == "const":
        return []
    return list(dict.fromkeys(name for part in expression[1:] for name in pins(part)))


@cache
def names(text: str) -> tuple[str, ...]:
    """The same of text, remembered; raises Refusal as `parse` does."""
    return tuple(pins(text))


@cache
def literal(text: str) -> tuple[str | None, bool]:
    """The name that an expression comes down to, and whether straight (True) or inverted; (None, True) if to none."""
    found = names(text)
    table = truth(text, found).tolist() if len(found) == 1 else None
    return (found[0], table[1]) if table in ([False, True], [True, False]) else (None, True)


def truth(expression: str | tuple, inputs: Sequence[str]) -> np.ndarray:
    """Truth table of an expression (text or tuples) over the ordered names ``inputs``.

    Raises
    ------
    Refusal
        If it is not an expression, names something else, or has more than `MAX_INPUTS` inputs.
    """
    return _truth(expression, tuple(inputs))


@cache
def _truth(expression, inputs):
    if isinstance(expression, str):
        expression = parse(expression)
    if len(inputs) > MAX_INPUTS:
        raise Refusal(f"Inputs of a function must be {MAX_INPUTS} at most, not {len(inputs)}")
    index = np.arange(1 << len(inputs))
    columns = {name: (index >> i) & 1 == 1 for i, name in enumerate(inputs)}
    table = _evaluate(expression, columns, index.shape)
    table.flags.writeable = False  # it is everybody's
    return table


def _evaluate(expression, columns, shape):
    kind = expression[0]
    if kind == "pin":
        if expression[1] not in columns:
            raise Refusal(f"Function must use the pins {', '.join(columns)}, not {expression[1]!r}")
        return columns[expression[1]]
    if kind == "const":
        return np.full(shape, bool(expression[1]))
    left = _evaluate(expression[1], columns, shape)
    if kind == "not":
        return ~left
    right = _evaluate(expression[2], columns, shape)
    return {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}[kind](left, right)


def truth_of_state(expression: str | tuple, inputs: Sequence[str], outputs: dict[str, np.ndarray]) -> np.ndarray:
    """Truth table over ``inputs`` of an expression that may name outputs too, whose own tables are ``outputs``."""
    table = truth(expression, [*inputs, *outputs])
    index = np.arange(1 << len(inputs))
    for i, own in enumerate(outputs.values(), len(inputs)):
        index |= own.astype(int) << i
    return table[index]


def in_any_order(table: np.ndarray, n: int) -> tuple[int, ...]:
    """The least of a truth table over n inputs and all that it becomes when they change places, as a tuple."""
    index = np.arange(len(table))
    return min(tuple(table[sum(((index >> i) & 1) << order[i] for i in range(n))].astype(int).tolist())
               for order in permutations(range(n)))


def difference(table: np.ndarray, i: int) -> np.ndarray:
    """Where a truth table depends on input ``i``: f(x_i = 0) xor f(x_i = 1), over the same index."""
    index = np.arange(len(table))
    return table[index | 1 << i] ^ table[index & ~(1 << i)]


def probability(table: np.ndarray, duties: np.ndarray) -> np.ndarray:
    """P(table) for independent inputs: ``duties`` (n, ...) gives P(input = 1). Returns an array of shape (...)."""
    values = np.where(table.reshape((-1,) + (1,) * (duties.ndim - 1)), 1.0, 0.0)
    values = np.broadcast_to(values, table.shape + duties.shape[1:])
    for duty in reversed(duties):  # the last input is the highest bit of the index
        half = len(values) // 2
        values = values[:half] * (1 - duty) + values[half:] * duty
    return values[0]
