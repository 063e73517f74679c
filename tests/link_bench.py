"""A bench of the serial link in Amaranth's simulator: bytes in and out, with a stand-in for the core."""

import binascii
from collections import deque

from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator
from lmul.hdl.link import Link

QUIET = 40  # ticks, of a cycle each
SPACE = 10  # cycles from byte to byte
SIZES = (3, 2, 4)  # of two streams that go in, and of the results


def framed(which, sequence, payload=b"", sync=0xA5):
    """A command, by a CRC that is not ours."""
    body = bytes([which, sequence, len(payload) & 255, len(payload) >> 8]) + payload
    return bytes([sync]) + body + binascii.crc32(body).to_bytes(4, "little")


def record(stream, data, last=0):
    return bytes([stream | 0x80 * last]) + data


class Board:
    """A link whose core notes beats, takes or leaves them, and gives what ``results`` has.

    Attributes
    ----------
    beats : list of (int, bytes, int)
        Stream, bytes and ``last`` of what went to the core.
    taking : bool
        Whether the core takes beats.
    """

    def __init__(self, slug="matmul", sizes=SIZES, places=False, buffer=64):
        self.link = Link(slug, sizes, places, QUIET, buffer)
        self.sizes, self.beats, self.results, self.taking, self.cleared = sizes, [], deque(), True, 0

    def run(self, story):
        """Run until ``story(self)``, a coroutine, ends."""
        m, domain = Module(), ClockDomain("sync")
        m.domains += domain
        m.submodules.link = self.link
        simulator = Simulator(m)
        simulator.add_clock(1e-6)

        async def bench(ctx):
            self.ctx = ctx
            ctx.set(domain.rst, 1)
            await ctx.tick()
            ctx.set(domain.rst, 0)
            ctx.set(self.link.tick, 1)
            await story(self)

        simulator.add_testbench(bench)
        simulator.add_testbench(self._core, background=True)
        simulator.run()

    async def say(self, data, errors=()):
        """Bytes of the line; a stop bit is missing from those with these numbers."""
        ctx, link = self.ctx, self.link
        for number, byte in enumerate(data):
            ctx.set(link.busy, 1)
            await ctx.tick().repeat(SPACE - 1)
            ctx.set(link.data, byte)
            ctx.set(link.error if number in errors else link.valid, 1)
            ctx.set(link.busy, 0)
            await ctx.tick()
            ctx.set(link.valid, 0)
            ctx.set(link.error, 0)

    async def hear(self, patience=400):
        """Bytes that are sent until there are none for a while."""
        ctx, link, data, waited = self.ctx, self.link, bytearray(), 0
        while waited < patience:
            ctx.set(link.send_ready, 1)
            _, _, valid, byte = await ctx.tick().sample(link.send_valid, link.send)
            waited += 1
            if valid:
                data.append(byte)
                ctx.set(link.send_ready, 0)
                await ctx.tick().repeat(SPACE)
                waited, patience = 0, 60
        return bytes(data)

    async def ask(self, data, errors=()):
        """Say this, and hear the answer: (status, flags, sequence, room, payload), its CRC being right; or None."""
        await self.say(data, errors)
        heard = await self.hear()
        if not heard:
            return None
        assert heard[0] == 0x5A
        assert binascii.crc32(heard[1:-4]) == int.from_bytes(heard[-4:], "little")
        assert len(heard) == 11 + int.from_bytes(heard[3:5], "little")
        return heard[1] & 15, heard[1] >> 6, heard[2], int.from_bytes(heard[5:7], "little"), heard[7:-4]

    async def _core(self, ctx):
        link = self.link
        while True:
            ctx.set(link.i_ready, 3 * self.taking)
            ctx.set(link.o_valid, bool(self.results))
            if self.results:
                ctx.set(link.o_data, int.from_bytes(self.results[0], "little"))
            _, _, valid, taken, data, last, out, clear = await ctx.tick().sample(
                link.i_valid, link.i_ready, link.i_data, link.i_last, link.o_valid & link.o_ready, link.clear)
            self.cleared += clear
            for stream, size in enumerate(self.sizes[:-1]):
                if (valid & taken) >> stream & 1:
                    whole = int(data).to_bytes(len(link.i_data) // 8, "little")
                    self.beats.append((stream, whole[-size:], last))
            if out:
                self.results.popleft()
