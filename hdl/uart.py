"""A serial line of eight data bits, no parity and one stop bit: receiver, transmitter, and the divisor of the clock."""

import contextlib

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from ..golden.refusal import Refusal
from .operand import named
from .part import Part

#: Clock cycles that a bit must have, so that three samples around its middle are its own.
LEAST = 4
#: How far the rate may be from the one that is asked for. Two ends together have 5 % before a bit is read as another.
TOLERANCE = 0.02
#: Rates that every host has, the fastest first.
USUAL = (115200, 57600, 38400, 19200, 9600)


def divisor(clock_hz: float, baud: float) -> int:
    """Clock cycles to a bit.

    Raises
    ------
    Refusal
        If a bit would have too few of them, or the rate be too far off.
    """
    if not clock_hz > 0 or not baud > 0:
        raise Refusal(f"Clock and baud rate must be above 0, not {clock_hz:g} and {baud:g}")
    count = round(clock_hz / baud)
    if count < LEAST:
        raise Refusal(f"Baud rate must be at most {clock_hz / LEAST:.0f} with a clock of {clock_hz:.0f} Hz, "
                      f"not {baud:g}")
    off = abs(clock_hz / count / baud - 1)
    if off > TOLERANCE:
        raise Refusal(f"Baud rate must be within {TOLERANCE:.0%} of a whole part of the clock of {clock_hz:.0f} Hz, "
                      f"not {baud:g}, from which the nearest, {clock_hz / count:.0f}, is {off:.1%} off")
    return count


def usual_baud(clock_hz: float) -> int:
    """The fastest of the `USUAL` rates that a clock can be divided to.

    Raises
    ------
    Refusal
        If there is none.
    """
    for baud in USUAL[:-1]:
        with contextlib.suppress(Refusal):
            divisor(clock_hz, baud)
            return baud
    divisor(clock_hz, USUAL[-1])
    return USUAL[-1]


class Receiver(Part):
    """Bytes from a serial line.

    The line is taken into the clock's domain by two registers, and is what two of three samples say. A start bit must
    still be there in its middle, else it was none. A stop bit that is 0 is a framing error; the next start bit is
    looked for when the line has been 1 again.

    Timing: a byte is there for one cycle, in the middle of its stop bit. Reset drops what is half received.

    Parameters
    ----------
    divisor : int
        Clock cycles to a bit.

    Members
    -------
    rx : ``In(1)``
    data, valid : ``Out(8)``, ``Out(1)``
    error : ``Out(1)``
        One cycle: a framing error.
    busy : ``Out(1)``
        Whether the line is 0, or a byte is on its way.
    """

    rx: Signal
    data: Signal
    valid: Signal
    error: Signal
    busy: Signal

    def __init__(self, divisor: int) -> None:
        self.divisor = divisor
        super().__init__({"rx": In(1), "data": Out(8), "valid": Out(1), "error": Out(1), "busy": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        samples = Signal(4, init=0b1111, name="samples")  # the latest lowest; the first may be unsettled
        line, before = Signal(init=1, name="line"), Signal(init=1, name="before")
        two = (samples[1] & samples[2]) | (samples[1] & samples[3]) | (samples[2] & samples[3])
        m.d.sync += [samples.eq(Cat(self.rx, samples)), line.eq(two), before.eq(line)]
        wait = Signal(range(self.divisor), name="wait")  # cycles to the next middle
        left = Signal(range(11), name="left")  # bits to come, start and stop among them
        first, last = named(m, "first", left == 10), named(m, "last", left == 1)
        middle, begin = Signal(name="middle"), Signal(name="begin")
        m.d.comb += [
            middle.eq(left.any() & ~wait.any()), begin.eq(~left.any() & before & ~line),
            self.busy.eq(left.any() | ~line),
        ]
        m.d.sync += [self.valid.eq(middle & last & line), self.error.eq(middle & last & ~line)]
        with m.If(begin):
            m.d.sync += [left.eq(10), wait.eq(self.divisor // 2 - 1)]
        with m.Elif(middle):
            m.d.sync += [left.eq(Mux(first & line, 0, left - 1)), wait.eq(self.divisor - 1)]
            with m.If(~last):
                m.d.sync += self.data.eq(Cat(self.data, line)[1:])
        with m.Elif(left.any()):
            m.d.sync += wait.eq(wait - 1)
        return m


class Transmitter(Part):
    """Bytes to a serial line.

    Timing: a byte is taken in a cycle in which ``valid`` and ``ready`` are 1; its start bit begins with the next tick.
    Bytes may follow each other without a gap. After reset the line is 1.

    Parameters
    ----------
    divisor : int
        Clock cycles to a bit.

    Members
    -------
    data, valid, ready : ``In(8)``, ``In(1)``, ``Out(1)``
    tx : ``Out(1)``
    tick : ``Out(1)``
        One cycle of each bit, whether or not there is anything to send.
    """

    data: Signal
    valid: Signal
    ready: Signal
    tx: Signal
    tick: Signal

    def __init__(self, divisor: int) -> None:
        self.divisor = divisor
        super().__init__({"data": In(8), "valid": In(1), "ready": Out(1), "tx": Out(1), "tick": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = Signal(range(self.divisor), name="count")
        bits, left = Signal(10, reset_less=True, name="bits"), Signal(range(11), name="left")
        line = Signal(init=1, name="line")
        m.d.comb += [self.tx.eq(line), self.tick.eq(~count.any()), self.ready.eq(~left.any())]
        m.d.sync += count.eq(Mux(self.tick, self.divisor - 1, count - 1))
        with m.If(self.ready & self.valid):
            m.d.sync += [bits.eq(Cat(Const(0, 1), self.data, Const(1, 1))), left.eq(10)]
        with m.Elif(self.tick & ~self.ready):
            m.d.sync += [bits.eq(bits >> 1), left.eq(left - 1)]
        with m.If(self.tick):
            m.d.sync += line.eq(self.ready | bits[0])
        return m
