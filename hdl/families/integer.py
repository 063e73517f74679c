"""Products of integers, exact: alone, in a structure that Yosys chooses; in sums, as the ANDs that make them up."""

from amaranth.hdl import Module, Value

from ...golden.families.integer import Integer
from ..integers import IntegerPart, number
from ..partials import Partial


class IntMultiplier(IntegerPart):
    """``p = a * b``, exact, of integers in two's complement or unsigned."""

    spec: Integer

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.p.eq(number(self.spec.a, self.a) * number(self.spec.b, self.b))
        return m


def partials(m: Module, spec: Integer, a: Value, b: Value) -> list[Partial]:
    """The AND of each bit of one operand with each of the other; what has the sign bit of just one of them counts less
    than nothing."""
    def sign(fmt, place):
        return fmt.signed and place == fmt.width - 1

    return [Partial(x & y, i + j, sign(spec.a, i) != sign(spec.b, j)) for j, y in enumerate(b) for i, x in enumerate(a)]


#: Products may be made of the second operand's digits, which a tile holds in the weight's place.
RECODABLE = True
component = IntMultiplier
