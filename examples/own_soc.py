"""A matrix multiplier in a system of one's own in Amaranth: two lines, and it has streams of `amaranth.lib.stream`.

Here results go through a queue. Simulates it in Amaranth beside the model: `python examples/own_soc.py`.
"""

import lmul
import numpy as np
from amaranth import Module, Value
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.sim import Simulator
from lmul import soc

UNIT = "matmul_lmul_e4m3_fp32_4x4_os"


class Queued(wiring.Component):
    """Products of matrices whose rows wait in a queue of 16."""

    def __init__(self):
        self.mm = soc.Core(UNIT)
        streams = self.mm.signature.members
        super().__init__({"a": streams["a"], "b": streams["b"], "rows": streams["c"]})

    def elaborate(self, platform):
        m = Module()
        m.submodules.mm = mm = self.mm
        m.submodules.queue = queue = SyncFIFOBuffered(width=len(Value.cast(mm.c.payload)), depth=16)
        wiring.connect(m, wiring.flipped(self.a), mm.a)
        wiring.connect(m, wiring.flipped(self.b), mm.b)
        m.d.comb += [queue.w_data.eq(mm.c.payload), queue.w_en.eq(mm.c.valid), mm.c.ready.eq(queue.w_rdy),
                     Value.cast(self.rows.payload).eq(queue.r_data), self.rows.valid.eq(queue.r_rdy),
                     queue.r_en.eq(self.rows.ready)]
        return m


def simulate(a, b):
    """The codes of the product of codes, (4, depth) by (depth, 4), as the simulated component gives them."""
    dut, rows = Queued(), []

    def sent(stream, beats):
        async def send(ctx):
            for n, codes in enumerate(beats):
                ctx.set(stream.payload, {"elements": codes.tolist(), "last": n == len(beats) - 1})
                ctx.set(stream.valid, 1)
                await ctx.tick().until(stream.ready)
            ctx.set(stream.valid, 0)
        return send

    async def receive(ctx):
        ctx.set(dut.rows.ready, 1)
        while not rows or not rows[-1].last:
            row, = await ctx.tick().sample(dut.rows.payload).until(dut.rows.valid)
            rows.append(row)

    simulator = Simulator(dut)
    simulator.add_clock(1e-9)
    simulator.add_testbench(sent(dut.a, a.T))  # columns of A
    simulator.add_testbench(sent(dut.b, b))  # rows of B
    simulator.add_testbench(receive)
    simulator.run()
    return np.array([[int(code) for code in row.elements] for row in rows], np.uint32)


def main():
    rng = np.random.default_rng(1)
    a = lmul.quantise(rng.normal(size=(4, 10)), "e4m3").codes
    b = lmul.quantise(rng.normal(size=(10, 4)), "e4m3").codes
    product = lmul.matmul(a, b, UNIT)
    assert np.array_equal(simulate(a, b), product.codes), "the system differs from the model"
    print(f"{product.codes.shape[0]} rows of {product.codes.shape[1]} results as the model has them")
    print(lmul.verilog(Queued(), "queued"))


if __name__ == "__main__":
    main()
