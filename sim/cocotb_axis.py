"""Bench of ``matmul_*`` behind somebody else's bus model: the AXI4-Stream sources and sinks of cocotbext-axi."""

import cocotb
import numpy as np
from cocotb.triggers import with_timeout
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from ..golden.matmul import matmul
from . import beats, bench
from .cocotb_systolic import TIMEOUT, operands_of_all_kinds
from .core import Core
from .streams import PATIENCE, PERIOD, TRAFFIC


@cocotb.test(**TIMEOUT)
@cocotb.parametrize(traffic=list(TRAFFIC))
async def frames_are_golden(dut, traffic):
    """Each run is one frame on every stream; ``tkeep`` leaves out what lies beyond the depth."""
    core, rng = Core(dut), bench.generator()
    await core.start()
    design = core.design
    reset = {"reset": dut.aresetn, "reset_active_level": False}
    source_a, source_b = (AxiStreamSource(AxiStreamBus.from_prefix(dut, name), dut.aclk, **reset)
                          for name in ("s_axis_a", "s_axis_b"))
    sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_c"), dut.aclk, **reset)
    go_source, go_sink = TRAFFIC[traffic]
    for end, go in ((source_a, go_source), (source_b, go_source), (sink, go_sink)):
        end.set_pause_generator(not each for each in go(rng.spawn(1)[0]))

    operands = operands_of_all_kinds(design, rng)
    spec = design.multiplier
    for a, b in operands:
        a_beats, b_beats = beats.of_matrices(design, a, b)
        data, keep = dirtied(a_beats, spec.a, core.bits[0], outside(design, a, a_beats), rng)
        await source_a.send(AxiStreamFrame(data, keep if core.a.keep is not None else None))
        data, _ = dirtied(b_beats, spec.b, core.bits[1], np.zeros(b_beats.shape, bool), rng)
        await source_b.send(AxiStreamFrame(data))
    wrong = []
    for index, (a, b) in enumerate(operands):
        frame = await with_timeout(sink.recv(), PATIENCE * PERIOD, "step")
        expected = as_bytes(matmul(design.multiplier, design.accumulator, a, b), core.bits[2])
        if bytes(frame.tdata) != expected:
            wrong.append((index, len(b), expected.hex(), bytes(frame.tdata).hex()))
    bench.count(vectors=len(operands) * design.rows * design.cols)
    bench.check(wrong, len(operands), lambda index, depth, expected, actual: (
        f"frame {index}, depth {depth}: expected {expected}, actual {actual}"))
    assert sink.empty(), f"{bench.run()}: {sink.count()} frames more than were asked for"


def as_bytes(codes, bits):
    """Beats of codes, (beats, elements), as the bytes of a frame."""
    return np.ascontiguousarray(codes, "<u8").view(np.uint8).reshape(-1, 8)[:, : bits // 8].tobytes()


def outside(design, a, a_beats):
    """Which elements of the beats of ``a`` lie beyond the depth: of a weight-stationary run, in the last segment."""
    beyond = np.zeros(a_beats.shape, bool)
    if design.dataflow == "ws" and a.shape[1] % design.rows:
        beyond[-design.rows :, a.shape[1] % design.rows :] = True
    return beyond


def dirtied(codes, fmt, bits, left_out, rng):
    """A frame's bytes with rubbish wherever the core must not look, above the codes and in elements left out, and its
    ``tkeep``, in which each element left out lacks at least one byte."""
    rubbish = rng.integers(1 << 63, size=codes.shape, dtype=np.uint64)
    mask = np.uint64((1 << fmt.width) - 1)
    data = np.where(left_out, rubbish, (rubbish & ~mask) | codes.astype(np.uint64))
    keep = np.ones((*codes.shape, bits // 8), bool)
    keep[left_out] = rng.random(keep[left_out].shape) < 0.5
    keep[left_out, rng.integers(bits // 8)] = False
    return as_bytes(data, bits), keep.ravel().astype(int).tolist()
