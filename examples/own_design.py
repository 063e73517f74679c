"""A design of one's own in Amaranth around a unit of ours: a multiply-accumulate whose results are cut off at zero.

Simulates it in Amaranth beside the model, and prints the module's Verilog: `python examples/own_design.py`.
"""

import lmul
import numpy as np
from amaranth import Cat, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

UNIT = "mac_lmul_e4m3_fp32"


class Relu(wiring.Component):
    """Sums of products of e4m3 codes as fp32 codes, 0 where they are negative: ports and cycles of the unit inside."""

    def __init__(self):
        self.unit = lmul.component(UNIT)
        super().__init__({"en": In(1), "a": In(8), "b": In(8), "last": In(1), "c": Out(32), "valid": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.unit = unit = self.unit
        m.d.comb += [Cat(unit.en, unit.a, unit.b, unit.last).eq(Cat(self.en, self.a, self.b, self.last)),
                     self.c.eq(Mux(unit.c[-1], 0, unit.c)), self.valid.eq(unit.valid)]
        return m


def simulate(a, b):
    """The sums of the rows of ``a`` with those of ``b``, as the simulated component gives them."""
    dut, found = Relu(), []

    async def bench(ctx):
        ctx.set(dut.en, 1)
        for row, weights in zip(a, b, strict=True):
            for n, (x, w) in enumerate(zip(row, weights, strict=True)):
                for port, value in ((dut.a, int(x)), (dut.b, int(w)), (dut.last, n == len(row) - 1)):
                    ctx.set(port, value)
                await step(ctx)
        for _ in range(dut.unit.latency):
            await step(ctx)

    async def step(ctx):
        *_, valid, c = await ctx.tick().sample(dut.valid, dut.c)
        if valid:
            found.append(c)

    simulator = Simulator(dut)
    simulator.add_clock(1e-9)
    simulator.add_testbench(bench)
    simulator.run()
    return np.array(found, np.uint32)


def main():
    rng = np.random.default_rng(1)
    a, b = (lmul.quantise(rng.normal(size=(10, 6)), "e4m3").codes for _ in range(2))
    sums = lmul.matmul(a, b.T, UNIT).codes.diagonal()
    assert np.array_equal(simulate(a, b), np.where(sums >> 31, 0, sums)), "the design differs from the model"
    print(f"{len(sums)} sums as the model has them, {np.count_nonzero(sums >> 31)} of them cut off at zero")
    print(lmul.verilog(Relu(), "relu"))


if __name__ == "__main__":
    main()
