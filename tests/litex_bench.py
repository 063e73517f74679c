"""A bench in LiteX's own simulation, run as a program: ``python litex_bench.py PLAN.json FOLDER``.

The plan lists cores: ``file`` and ``class`` of the module that was generated, and by endpoint the beats that go in, or
must come out, as [data, last]; of a core without streams by signal the values of each cycle. Operands come and results
are taken at random. Prints of each core how many beats came and how many were wrong.
"""

import importlib.util
import json
import sys
from functools import reduce
from operator import and_

from litex.build.generic_platform import Pins
from litex.build.sim import SimPlatform
from litex.build.sim.config import SimConfig
from litex.gen import LiteXModule
from migen import Cat, ClockDomain, Display, Finish, If, Memory, Signal

PATIENCE = 1 << 14  # cycles


class Played(LiteXModule):
    """Words of a list, one after the other: ``word`` until ``step``; ``done`` behind the last."""

    def __init__(self, words, width):
        self.step, self.done, self.word = Signal(), Signal(), Signal(width)
        self.count = count = Signal(max=len(words) + 2)
        memory = Memory(width, len(words) + 1, init=[*words, 0])
        port = memory.get_port(async_read=True)
        self.specials += memory, port
        self.comb += [port.adr.eq(count), self.word.eq(port.dat_r), self.done.eq(count == len(words))]
        self.sync += If(self.step & ~self.done, count.eq(count + 1))


class Chance(LiteXModule):
    """A bit that is 1 in half of the cycles, at random."""

    def __init__(self, seed):
        state = Signal(16, reset=seed % 65535 + 1)
        self.bit = state[0]
        self.sync += state.eq(Cat(state[15] ^ state[13] ^ state[12] ^ state[10], state[:15]))


class Bench(LiteXModule):
    def __init__(self, platform, plan):
        clock = platform.request("sys_clk")
        waiting = Signal(4, reset=15)
        self.cd_sys, self.cd_begin = ClockDomain("sys"), ClockDomain("begin", reset_less=True)
        self.comb += [self.cd_begin.clk.eq(clock), self.cd_sys.clk.eq(clock), self.cd_sys.rst.eq(waiting != 0)]
        self.sync.begin += If(waiting != 0, waiting.eq(waiting - 1))
        ends = []
        for number, each in enumerate(plan["cores"]):
            core = loaded(each)(platform)
            setattr(self.submodules, f"core_{number}", core)
            check = self.streamed if each["streams"] else self.plain
            ends.append(check(number, each, core, plan["seed"]))
        cycles = Signal(max=2 * PATIENCE)
        said = [Display(f"{each['class']} done %0d", end) for each, end in zip(plan["cores"], ends, strict=True)]
        self.sync += [cycles.eq(cycles + 1), If(reduce(and_, ends) | (cycles == PATIENCE), *said, Finish())]

    def streamed(self, number, plan, core, seed):
        """Joins a core's endpoints to lists; gives whether all results have come."""
        for place, (name, beats) in enumerate(plan["streams"].items()):
            endpoint = getattr(core, name)
            played = Played([data << 1 | last for data, last in beats], len(endpoint.data) + 1)
            chance = Chance(seed + 100 * number + place)
            setattr(self.submodules, f"played_{number}_{name}", played)
            setattr(self.submodules, f"chance_{number}_{name}", chance)
            moved = endpoint.valid & endpoint.ready
            self.comb += played.step.eq(moved)
            if name.startswith("sink"):
                offered = Signal()
                self.comb += [endpoint.valid.eq((chance.bit | offered) & ~played.done),
                              endpoint.data.eq(played.word[1:]), endpoint.last.eq(played.word[0])]
                self.sync += offered.eq(endpoint.valid & ~endpoint.ready)
            else:
                wrong = (endpoint.data != played.word[1:]) | (endpoint.last != played.word[0])
                self.comb += endpoint.ready.eq(chance.bit)
                self.sync += If(moved & (wrong | played.done),
                                Display(f"{plan['class']} wrong: beat %0d is %0x", played.count, endpoint.data))
                done = played.done
        return done

    def plain(self, number, plan, core, seed):
        """Puts values on a combinational core's signals, and looks at the others in the same cycle."""
        for name, values in plan["signals"].items():
            signal = getattr(core, name)
            played = Played(values, len(signal))
            setattr(self.submodules, f"played_{number}_{name}", played)
            self.comb += played.step.eq(1)
            if name in plan["inputs"]:
                self.comb += signal.eq(played.word)
            else:
                self.sync += If(~played.done & (signal != played.word),
                                Display(f"{plan['class']} wrong: value %0d is %0x", played.count, signal))
                done = played.done
        return done


def loaded(each):
    """The class that was generated."""
    spec = importlib.util.spec_from_file_location(each["class"], each["file"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, each["class"])


def main(plan, folder, run):
    with open(plan, encoding="utf-8") as file:
        plan = json.load(file)
    platform = SimPlatform("SIM", [("sys_clk", 0, Pins(1))])
    bench = Bench(platform, plan)
    config = SimConfig(default_clk="sys_clk", default_clk_freq=1000000)
    platform.build(bench, build_dir=folder, sim_config=config, interactive=False, opt_level="O0", run=run)


if __name__ == "__main__":
    main(*sys.argv[1:3], run="--no-run" not in sys.argv)
