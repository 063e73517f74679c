"""Errors by mantissa width, the paper's own expectations, and its two claims about precision, under every framing.

Two framings are common. *The operation alone*: operands have k mantissa bits, and the product is compared with theirs.
*Shortened operands*: operands are truncated or rounded to k bits first, and the product is compared with that of the
operands as they were, so that most of the error is the operands'. The paper takes the second, truncates, and weighs the
expectation of the signed error, in which errors of opposite sign cancel.
"""

from functools import cache

import numpy as np

from ..golden.codec import decode
from ..golden.errors import mantissa_errors, mantissa_pairs, measure, operand_errors, significand_product
from ..golden.formats import float_format
from ..golden.offsets import best_offset
from ..golden.operands import operands, pairs
from ..golden.spec import Multiplier
from .rows import Row, named
from .verdict import check, claim

WIDTHS = range(1, 11)
OPERANDS = ("uniform", "gaussian", "recording")
PAIRS = 1 << 16  # of Gaussian numbers and of the recording
SEED = 1
WHOLE = 7  # mantissa bits of the operands that framings shorten: bfloat16's
COMPARABLE = 1.10  # errors in this ratio or less count as comparable

#: Ways to multiply: name, method of `mantissa_errors`, offset.
WAYS = (("add, offset paper", "add", "paper"), ("add, offset none", "add", "none"), ("add, offset best", "add", "best"),
        ("printed formula", "formula", "paper"), ("exact, truncated", "truncate", "none"),
        ("exact, rounded", "round", "none"))

#: Framings of a comparison: name, how operands are shortened, the exact product's rounding, which error.
FRAMINGS = (("operands truncated, mean signed error", "truncate", "truncate", "mean_signed"),
            ("operands truncated, mean error", "truncate", "truncate", "mean"),
            ("operands rounded, mean error", "round", "round", "mean"),
            ("operation alone, mean error", None, "round", "mean"))


def offset_value(offset: str, man_bits: int) -> int:
    """An offset's integer at a mantissa width."""
    if offset == "paper":
        return 1 << (man_bits - float_format(f"e8m{man_bits}").l_m)
    return best_offset(man_bits, man_bits) if offset == "best" else 0


@cache
def significands(source: str) -> tuple[np.ndarray, ...]:
    """Significands in [1, 2), float64, of pairs of numbers from a source of operands, zeros left out."""
    fmt = float_format("fp32")
    codes = pairs(operands(source, SEED), Multiplier.make("exact", fmt), PAIRS, SEED).codes
    a, b = (abs(decode(fmt, each)) for each in codes)
    kept = (a > 0) & (b > 0)
    return tuple(2 * np.frexp(each[kept])[0] for each in (a, b))


def shorten(significand: np.ndarray, man_bits: int, how: str) -> tuple[np.ndarray, np.ndarray]:
    """To ``man_bits`` bits, by ``truncate`` or ``round`` (to nearest even): mantissas, and the exponents' carries."""
    last = (np.floor if how == "truncate" else np.rint)(np.ldexp(significand, man_bits)).astype(np.int64)
    return last & ((1 << man_bits) - 1), last >> (man_bits + 1)


@cache
def by_width(source: str) -> list[Row]:
    """`Errors` of every way at every mantissa width; uniform mantissas are taken exhaustively, others are rounded."""
    table = []
    for man_bits in WIDTHS:
        given = None if source == "uniform" else [shorten(each, man_bits, "round")[0] for each in significands(source)]
        for name, method, offset in WAYS:
            errors = mantissa_errors(method, man_bits, offset=offset_value(offset, man_bits), mantissas=given)
            table.append(named(f"error/{source}/{man_bits}", operands=source, man_bits=man_bits, way=name,
                               **errors._asdict()))
    return table


def expectations(man_bits: int, kept: int) -> Row:
    """The paper's expectations of the signed error: mantissas uniform over ``man_bits`` bits, truncated to ``kept``.

    Returns
    -------
    dict
        ``f1 = E[1 + x]**2 - E[1 + x']**2``: what truncating the operands loses, so a truncating multiplier's error.
        ``f2 = E[x']**2 - 2**-l(kept)``: what the formula loses on top; ``lmul = abs(f1 + f2)``.
    """
    x, short = ((1 - 0.5**bits) / 2 for bits in (man_bits, kept))
    f1 = (1 + x) ** 2 - (1 + short) ** 2
    f2 = short**2 - 0.5 ** float_format(f"e8m{kept}").l_m
    return named(f"error/expectation/{kept}", man_bits=man_bits, kept=kept, f1=f1, f2=f2, lmul=abs(f1 + f2))


@cache
def framed(framing: str, method: str, kept: int, source: str) -> float:
    """The error of one way to multiply at ``kept`` mantissa bits, under one framing."""
    _, how, exact, key = next(each for each in FRAMINGS if each[0] == framing)
    method, offset = (exact, 0) if method == "exact" else (method, offset_value("paper", kept))
    if how is None:
        given = None if source == "uniform" else [shorten(each, kept, "round")[0] for each in significands(source)]
        return abs(getattr(mantissa_errors(method, kept, offset=offset, mantissas=given), key))
    whole = [1 + each / (1 << WHOLE) for each in mantissa_pairs(WHOLE, WHOLE)] if source == "uniform" \
        else significands(source)
    (x, x_carry), (y, y_carry) = (shorten(each, kept, how) for each in whole)
    actual = np.ldexp(significand_product(method, kept, kept, x, y, offset), (x_carry + y_carry).astype(np.int32))
    return abs(getattr(measure(actual, whole[0] * whole[1]), key))


@cache
def by_framing() -> list[Row]:
    """Every framing at 1 to 6 kept bits: the exact multiplier, the formula and the addition with the paper's offset."""
    return [named(f"error/framing/{number}/{kept}", framing=name, operands=source, kept=kept,
                  **{method: framed(name, method, kept, source) for method in ("exact", "formula", "add")})
            for number, (name, *_) in enumerate(FRAMINGS, 1) for source in OPERANDS for kept in range(1, WHOLE)]


@cache
def on_recording() -> list[Row]:
    """Errors of multipliers as built, narrow and wide, on the recording's pairs: range effects included."""
    rows = []
    for fmt in ("e4m3", "e5m2", "bf16", "fp16"):
        for kind, policies in (*(("lmul", {"offset": offset}) for offset in ("paper", "none", "best")),
                               ("exact", {"subnormals": "flush"}), ("exact", {})):
            spec = Multiplier.make(kind, fmt, **policies)
            a, b = pairs(operands("recording"), spec, PAIRS, SEED).codes
            for wide in (False, True):
                form = "wide" if wide else "narrow"
                rows.append(named(f"error/built/{spec.name}/{form}", multiplier=spec.name, product=form,
                                  **operand_errors(spec, a, b, wide)._asdict()))
    return rows


def agreement(man_bits: int) -> float:
    """The part of all pairs of mantissas for which the integer addition gives what the formula says."""
    x, y = mantissa_pairs(man_bits, man_bits)
    add, formula = (significand_product(method, man_bits, man_bits, x, y, offset_value("paper", man_bits))
                    for method in ("add", "formula"))
    return float(np.mean(add == formula))


def part() -> Row:
    """This part of the record."""
    return {"by_width": [row for source in OPERANDS for row in by_width(source)],
            "expectations": [expectations(WHOLE, kept) for kept in range(1, WHOLE)],
            "by_framing": by_framing(), "on_recording": on_recording()}


def claims() -> list[Row]:
    """The claims about precision, judged."""
    shares = {bits: agreement(bits) for bits in (2, 3, 4, 7, 10)}
    equal = [check(f"{bits}-bit mantissas", "equal for every pair", f"equal for {100 * share:.1f} % of the pairs",
                   share == 1) for bits, share in shares.items()]
    return [
        claim("integer-addition", "L-Mul as printed, (1 + xm + ym + 2^-l) 2^(xe+ye), is one integer addition of the "
              "fields.", "error", equal),
        claim("precision-4-bit", "L-Mul with a 4-bit mantissa is comparable in precision to e4m3 multiplication (3 "
              "bits).", "error", _checks(4, 3, COMPARABLE, f"error at most {COMPARABLE:g} x e4m3's")),
        claim("precision-3-bit", "L-Mul with a 3-bit mantissa is more precise than e5m2 multiplication (2 bits).",
              "error", _checks(3, 2, 1, "error below e5m2's")),
    ]


def _checks(ours, theirs, factor, criterion):
    f1, lmul = expectations(WHOLE, theirs)["f1"], expectations(WHOLE, ours)["lmul"]
    checks = [_compare("the paper's expectation formulas", criterion, lmul, f1,
                       factor)]
    for name, *_ in FRAMINGS:
        for source in OPERANDS:
            rival = framed(name, "exact", theirs, source)
            for method, words in (("formula", "printed formula"), ("add", "integer addition")):
                mine = framed(name, method, ours, source)
                checks.append(_compare(f"{name}, {words}, {source}", criterion, mine, rival, factor))
    return checks


def _compare(condition, criterion, ours, theirs, factor):
    return check(condition, criterion, f"{ours:.4f} against {theirs:.4f}",
                 ours <= factor * theirs if factor > 1 else ours < theirs)
