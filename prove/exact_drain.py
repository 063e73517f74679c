"""The way out of exact sums: that what leaves is their value, rounded to fp32 once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from ..golden.formats import FORMATS
from ..hdl.fixed import FixedDrain
from . import machine
from .logic import FALSE, TRUE, Logic
from .obligation import PROVED, Answer, Obligation, Source
from .solver import Question
from .words import SINGLE, Number, concat

if TYPE_CHECKING:
    from ..hdl.fixed import Sum
    from .machine import Machine
    from .words import Word

FP32 = FORMATS["fp32"]
_INF, _NAN = cast(int, FP32.inf), cast(int, FP32.nan)


def in_fp32(window: Sum) -> bool:
    """Whether all sums other than 0 are in the range of normal numbers of fp32."""
    return 1 - FP32.bias <= window.unit <= FP32.bias - window.bits


def total_of(raw: Word, bits: int, words: int) -> Word:
    """The words of a sum as one."""
    return raw[:bits] if words == 1 else raw[:bits] + raw[bits : 2 * bits]


def _possible(word):
    """Whether a sum is one that can be: any number of the window but the least. Of 4 bits, 1000 is -8 and its negative
    is 1000 again, so that the magnitude would be wrong; the window is made so wide that the sum of ``depth`` products
    never gets there (here it stays within -7 and 7)."""
    return ~word.equals(1 << (word.width - 1))


def drained(circuits: Mapping[str, Machine], seconds: float, window: Sum, words: int, steps: int = 1) -> Answer:
    """What leaves an exact sum is its value, rounded to nearest even to fp32 once, out of whatever state before."""
    assert in_fp32(window)  # so rounding as an integer, then scaling, is exact
    logic, drain = Logic(), circuits["drain"]
    raw, state = logic.inputs(words * window.bits + window.flags), logic.inputs(drain.registers)
    _, state = drain.step(logic, state, {"raw": raw, "en": [TRUE]} | drain.running)
    for _ in range(FixedDrain(window, words, steps).latency - 1):
        _, state = drain.step(logic, state, {"en": [TRUE]} | drain.running)
    found, _ = drain.step(logic, state, {"en": [FALSE]} | drain.running)
    question = Question(logic)
    code, raw = question.word(found["c"]), question.word(raw)
    total, flags = total_of(raw, window.bits, words), [raw[n] for n in range(words * window.bits, raw.width)]
    scale = Number.power(total.value(window.unit, SINGLE[0]), SINGLE)
    value = Number.integer(total, SINGLE, signed=True) * scale
    inf, nan = (Number.special(question, name, SINGLE) for name in ("inf", "nan"))
    if len(flags) == 2:
        value = flags[1].choose(-inf, flags[0].choose(inf, value))
    if flags:
        value = (flags[0] & flags[-1]).choose(nan, value)
    same = value.is_nan.choose(code.equals(_NAN), Number.read(code, SINGLE).equals(value))
    return Answer(*question.never(_possible(total) & ~same, limit=seconds, shown={"raw": raw, "gives": code}))


def drained_in_cases(circuits: Mapping[str, Machine], seconds: float, window: Sum, words: int,
                     steps: int = 1) -> Answer:
    """As `drained`, for sums beyond fp32's range, which a solver's theory has no numbers for: from register to
    register, and the rounding for each place that the leading one of a magnitude may have. Tells how many places."""
    drain = circuits["drain"]
    for step in [_resolved] * (words == 2) + [_magnitude]:
        verdict, witness = step(drain, window, words, seconds)
        if verdict != PROVED:
            return Answer(verdict, witness, (0,))
    for top in range(-1, window.bits - 1):
        verdict, witness = _rounded(drain, window, top, steps, seconds)
        if verdict != PROVED:
            return Answer(verdict, witness, (top + 1,))
    return Answer(PROVED, told=(window.bits,))


def _held(drain, state, name):
    """The bits of a register, by its name, out of those of a state."""
    return [state[place] for place in _places(drain, name)]


def _places(drain, name):
    """Where the bits of a register are in a state; one alone has no number."""
    found = {int(match[1] or 0): place for place, each in enumerate(drain.names)
             if (match := re.fullmatch(rf"{name}(?:_(\d+))?", each))}
    return [found[bit] for bit in range(len(found))]


def _resolved(drain, window, words, limit):
    """Two words are added up, and the flags kept, in the first cycle."""
    logic, bits = Logic(), window.bits
    raw = logic.inputs(words * bits + window.flags)
    _, state = drain.step(logic, logic.inputs(drain.registers), {"raw": raw, "en": [TRUE]} | drain.running)
    question = Question(logic)
    found, raw = question.word(_held(drain, state, "resolved")), question.word(raw)
    wrong = ~found[:bits].equals(total_of(raw, bits, words))
    if window.flags:
        wrong = wrong | ~found[bits:].equals(raw[words * bits :])
    return question.never(wrong, limit=limit, shown={"raw": raw})


def _magnitude(drain, window, words, limit):
    """A word becomes sign and magnitude, and the flags are kept, in the next cycle."""
    logic, bits = Logic(), window.bits
    raw, state = logic.inputs(drain.inputs["raw"]), logic.inputs(drain.registers)
    word = raw if words == 1 else _held(drain, state, "resolved")
    _, state = drain.step(logic, state, {"raw": raw, "en": [TRUE]} | drain.running)
    question = Question(logic)
    word, found, kept = (question.word(each) for each in (
        word, _held(drain, state, "magnitude"), _held(drain, state, "held")))
    value = word[:bits]
    size = value[-1].choose(-value, value)
    lost = ~kept.equals(concat(value[-1], word[bits:]) if window.flags else value[-1])
    wrong = ~concat(found, value.value(0, 1)).equals(size) | lost
    return question.never(_possible(value) & wrong, limit=limit, shown={"raw": word})


def _rounded(drain, window, top, steps, limit):
    """A magnitude with its leading one at ``top``, or 0 (-1), becomes the code of the nearest fp32, ties to even."""
    logic = Logic()
    below = logic.inputs(max(top, 0))
    magnitude = [*below, TRUE] if top >= 0 else []
    magnitude += [FALSE] * (window.bits - 1 - len(magnitude))
    sign, *flags = [logic.input() if top >= 0 else FALSE, *logic.inputs(window.flags)]
    state = logic.inputs(drain.registers)
    for name, literals in (("magnitude", magnitude), ("held", [sign, *flags])):
        for place, literal in zip(_places(drain, name), literals, strict=True):
            state[place] = literal
    for _ in range(steps):
        _, state = drain.step(logic, state, {"en": [TRUE]} | drain.running)
    found = drain.step(logic, state, {"en": [FALSE]} | drain.running)[0]["c"]
    question = Question(logic)
    found, size, sign = (question.word(each) for each in (found, magnitude, [sign]))
    flags = [question.word([flag]) for flag in flags]

    # A place of fp32 at this exponent, as a place of the magnitude: what is below is rounded off.
    exp = top + window.unit
    place = max(exp - FP32.man_bits, 1 - FP32.bias - FP32.man_bits) - window.unit
    width, zero = 48, sign.value(0)
    kept = size[place : top + 1] if 0 <= place <= top else zero  # place > top: all of it is rounded off
    if place < 0 <= top:
        kept = concat(zero.value(0, -place), size[: top + 1])
    half = size[place - 1] if 0 < place <= top + 1 else zero
    rest = size[: place - 1].any() if place > 1 else zero
    up = half & (rest | kept[0])
    # The leading one adds 1 to the exponent of a normal number.
    base = max(exp + FP32.bias - 1, 0) << FP32.man_bits if top >= 0 else 0
    code = kept.extend(width) + up.extend(width) + base
    code = code.value(_INF).below(code).choose(code.value(_INF), code)
    code = concat(code[: FP32.field_bits], sign)
    if len(flags) == 2:
        for flag, sign_of in zip(flags, (0, FP32.sign_mask), strict=True):
            code = flag.choose(code.value(_INF | sign_of), code)
    if flags:
        code = (flags[0] & flags[-1]).choose(code.value(_NAN), code)
    return question.never(~found.equals(code), limit=limit, shown={"magnitude": size, "gives": found})


def of(name: str, window: Sum, words: int, steps: int = 1) -> Obligation:
    """The obligation of the way out of a sum called ``name``."""
    return by_theory(name, window, words, steps) if in_fp32(window) else by_cases(name, window, words, steps)


def by_theory(name: str, window: Sum, words: int, steps: int = 1) -> Obligation:
    return _of(name, window, words, steps, "SMT, floating-point theory", drained)


def by_cases(name: str, window: Sum, words: int, steps: int = 1) -> Obligation:
    return _of(name, window, words, steps, "SMT, bit vectors, {:,} places of the leading one", drained_in_cases)


def _of(name, window, words, steps, means, examine):
    return Obligation(name, "its sum leaves as fp32, rounded once", means, examine, (window, words, steps),
                      {"drain": Source(machine.load, FixedDrain, (window, words, steps))}, {"gives": FP32}, weight=20)
