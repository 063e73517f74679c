"""Bench of ``matmul_*`` behind somebody else's bus model: the AXI4-Stream sources and sinks of cocotbext-axi."""

from collections.abc import Iterable
from math import prod
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import with_timeout
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from ..golden.formats import Format
from ..golden.matmul import matmul
from . import bench
from .cocotb_systolic import TIMEOUT, operands_of_all_kinds
from .core import Core
from .streams import PATIENCE, PERIOD, TRAFFIC


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(traffic=["always", "stalls", "gaps", "blocks"])
async def frames_are_golden(dut: Any, traffic: str) -> None:
    """Each run is one frame on every stream."""
    core, rng = Core(dut), bench.generator()
    await core.start()
    design = core.design
    sources, sink = bus_ends(dut, "ab", traffic, rng)
    operands = operands_of_all_kinds(design, rng)
    spec = design.multiplier
    for a, b in operands:
        await sources["a"].send(AxiStreamFrame(dirtied(a.T, spec.a, core.bits["a"], rng)))
        await sources["b"].send(AxiStreamFrame(dirtied(b, spec.b, core.bits["b"], rng)))
    wrong = []
    for index, (a, b) in enumerate(operands):
        frame = await with_timeout(sink.recv(), PATIENCE * PERIOD, "step")
        expected = as_bytes(matmul(design.multiplier, design.summed_by, a, b), core.bits["o"])
        if bytes(frame.tdata) != expected:
            wrong.append((index, len(b), expected.hex(), bytes(frame.tdata).hex()))
    bench.count(vectors=len(operands) * prod(design.grid))
    bench.check(wrong, len(operands), lambda index, depth, expected, actual: (
        f"frame {index}, depth {depth}: expected {expected}, actual {actual}"))
    assert sink.empty(), f"{bench.run()}: {sink.count()} frames more than were asked for"


def bus_ends(dut: Any, names: Iterable[str], traffic: str,
             rng: np.random.Generator) -> tuple[dict[str, AxiStreamSource], AxiStreamSink]:
    """Sources of the streams that go into a core, by name, and the sink of its results, in a traffic."""
    reset = {"reset": dut.aresetn, "reset_active_level": False}
    sources = {name: AxiStreamSource(AxiStreamBus.from_prefix(dut, f"s_axis_{name}"), dut.aclk, **reset)
               for name in names}
    sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_c"), dut.aclk, **reset)
    go_source, go_sink = TRAFFIC[traffic]
    for end, go in (*((source, go_source) for source in sources.values()), (sink, go_sink)):
        end.set_pause_generator(not each for each in go(rng.spawn(1)[0]))
    return sources, sink


def as_bytes(codes: np.ndarray, bits: int) -> bytes:
    """Beats of codes, (beats, elements), as the bytes of a frame."""
    return np.ascontiguousarray(codes, "<u8").view(np.uint8).reshape(-1, 8)[:, : bits // 8].tobytes()


def dirtied(codes: np.ndarray, fmt: Format, bits: int, rng: np.random.Generator) -> bytes:
    """A frame's bytes, with rubbish above the codes, where the core must not look."""
    rubbish = rng.integers(1 << 63, size=codes.shape, dtype=np.uint64) & ~np.uint64((1 << fmt.width) - 1)
    return as_bytes(rubbish | codes.astype(np.uint64), bits)
