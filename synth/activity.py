"""What switches in a mapped netlist when it is driven by operands.

Every cell delays an event by the delay of the arc that it takes, at the slew and load that static timing found, and
swallows a pulse shorter than that (the inertial delay of Verilog's path delays). So glitches are counted. Because a
netlist has no combinational loop, the cells are visited once per vector, drivers before loads, each turning the
waveforms at its inputs into those at its outputs: the result is that of an event queue, without the queue.
"""

from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np

from ..golden.refusal import Refusal
from . import boolean
from .netlist import CONST0, CONST1, Netlist
from .timing import Timing

MODES = ("timed", "zero")
_FS = 1000  # events are timed in whole femtoseconds


@dataclass(eq=False)
class Activity:
    """What `simulate` counted.

    Attributes
    ----------
    mode : str
        ``timed`` (with cell delays, so with glitches) or ``zero``.
    cycles : int
        Vectors counted; the warm-up is not among them.
    period_ps : float
        From one vector to the next.
    toggles : ndarray of int, shape (nets,)
        Transitions of each net.
    duty : ndarray of float, shape (nets,)
        Share of the time that each net was 1.
    outputs : dict of str to ndarray
        Of each output port, the code at the end of each cycle, the warm-up included: unsigned integers, Python's where
        the port has more than 64 bits.
    events : tuple of ndarray or None
        When recorded: (time in fs since the first counted vector, net), in order of time.
    start : ndarray of uint8, shape (nets,)
        Values when counting began.
    """

    netlist: Netlist
    mode: str
    cycles: int
    period_ps: float
    toggles: np.ndarray
    duty: np.ndarray
    outputs: dict
    events: tuple | None = None
    start: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint8), repr=False)

    @property
    def nets(self) -> int:
        """How many nets the design has, constants left out."""
        return len(self.toggles) - 2

    @property
    def covered(self) -> int:
        """How many of them switched at least once. The clock always does."""
        quiet = self.toggles[2:] == 0
        return int(self.nets - quiet.sum())


def simulate(netlist: Netlist, timing: Timing, inputs: dict[str, Any], mode: str = "timed",
             period_ps: float | None = None, warmup: int = 1, record: bool = False) -> Activity:
    """Drive a netlist with one vector after another and count what switches.

    A combinational design settles on each vector before the next. A registered one gets one vector per clock cycle: at
    the rising edge the registers take what stood at their data pins, and the inputs change just after it. Those behind
    a clock gate take it in the cycles before whose edge the gate's enable stood at 1; in these the gate's output is a
    pulse of half a period. All registers begin at 0.

    Parameters
    ----------
    netlist : Netlist
    timing : Timing
        Of this netlist; its delays are those of the events.
    inputs : dict of str to array_like
        Of each input port except the clock, its code in each cycle, shape (cycles,).
    mode : str
        ``timed`` or ``zero``.
    period_ps : float, optional
        At least `Timing.delay_ps`, which is the default.
    warmup : int
        Cycles at the start that are not counted, 1 at least: the first only sets the state.
    record : bool
        Keep every event, for `activity_files.write_vcd`.

    Raises
    ------
    Refusal
        If a port is missing, unknown or has codes that do not fit, the period is too short, there is nothing left to
        count after the warm-up, or a register is not a plain one.
    """
    if mode not in MODES:
        raise Refusal(f"Activity mode must be one of {', '.join(MODES)}, not {mode!r}")
    period = timing.delay_ps if period_ps is None else period_ps
    if period < timing.delay_ps:
        raise Refusal(f"Period must be {timing.delay_ps:.6g} ps at least, the longest path, not {period_ps!r}")
    nets, bits = _input_bits(netlist, inputs)
    if not 1 <= warmup < len(bits):
        raise Refusal(f"Warm-up must be 1 to {len(bits) - 1} cycles of {len(bits)}, not {warmup!r}")
    packed = timing.packed
    registers, data, state, out_net, out_inverted, out_first = _registers(netlist, packed)
    arrival = np.round(np.maximum(timing.arrival, 0.0) * _FS).astype(np.int64)
    delays = np.round(np.maximum(timing.edge_delay, 0.0) * _FS).astype(np.int64)
    cycle_fs = max(int(np.ceil(period * _FS)), 1)
    gates, opened = _gates(netlist)
    opens = np.array([netlist.enable(netlist.gate_of[i]) if i in netlist.gate_of else -1 for i in registers.tolist()],
                     np.int32)
    toggles, high, start, values, event_time, event_net = _run(
        netlist.order, netlist.kind, netlist.pin_start, netlist.pin_net, packed.inputs, packed.outputs,
        packed.truth_start, packed.truth, packed.choice_start, packed.choice, timing.edge_start, delays, data, opens,
        gates, opened, state, out_net, out_inverted, _clock_delays(timing, registers, out_first, delays), nets, bits,
        arrival, netlist.output_nets, len(netlist.net_names), cycle_fs, warmup, mode == "timed", record)
    cycles = len(bits) - warmup
    duty = high / (cycles * cycle_fs)
    duty[CONST1] = start[CONST1] = 1
    if netlist.clock:
        clock = netlist.ports[netlist.clock][1][0]
        toggles[clock], duty[clock] = 2 * cycles, 0.5
    events = None
    if record:
        order = np.argsort(event_time, kind="stable")
        events = event_time[order], event_net[order]
    return Activity(netlist, mode, cycles, cycle_fs / _FS, toggles, duty, _output_codes(netlist, values), events, start)


def _input_bits(netlist, inputs):
    """The input nets and their values, shape (cycles, nets), uint8."""
    names = netlist.inputs
    if set(inputs) != set(names):
        wrong = sorted(set(inputs) ^ set(names))[0]
        raise Refusal(f"Inputs must be given for the ports {', '.join(names) or 'none'} alone, {wrong!r} is amiss")
    lengths = {len(codes) for codes in inputs.values()}
    if len(lengths) != 1:
        raise Refusal(f"Inputs must all have one number of cycles, not {sorted(lengths)}")
    columns = [code_bits(inputs[name], len(netlist.ports[name][1]), name) for name in names]
    nets = np.concatenate([netlist.ports[name][1] for name in names])
    return nets.astype(np.int32), np.ascontiguousarray(np.concatenate(columns, axis=1))


def code_bits(codes: Any, width: int, name: str) -> np.ndarray:
    """Bits of codes, least significant first, shape (codes, width), uint8; refuses codes that need more."""
    codes = np.asarray(codes)
    if codes.dtype == object or width > 63:
        codes = [int(code) for code in codes]
        bad = [code for code in codes if code < 0 or code >> width]
    else:
        bad = codes[(codes < 0) | (codes >> width != 0)]
    if len(bad):
        raise Refusal(f"Codes of {name} must fit {width} bits, not {bad[0]}")
    if isinstance(codes, np.ndarray):
        return (codes.astype(np.int64)[:, None] >> np.arange(width) & 1).astype(np.uint8)
    size = (width + 7) // 8
    raw = np.frombuffer(b"".join(code.to_bytes(size, "little") for code in codes), np.uint8)
    return np.unpackbits(raw.reshape(len(codes), size), axis=1, bitorder="little")[:, :width]


def _output_codes(netlist, values):
    codes, at = {}, 0
    for name in netlist.outputs:
        width = len(netlist.ports[name][1])
        bits = values[:, at:at + width]
        at += width
        if width > 64:
            packed = np.packbits(bits, axis=1, bitorder="little")
            codes[name] = np.array([int.from_bytes(row.tobytes(), "little") for row in packed], object)
        else:
            codes[name] = (bits.astype(np.uint64) << np.arange(width, dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
    return codes


def _registers(netlist, packed):
    """Registers, their data nets, their first state, and their outputs: nets, whether inverted, index of the first."""
    registers = np.flatnonzero(netlist.is_flop)
    data, nets, inverted, first = [], [], [], [0]
    for i in registers.tolist():
        cell = netlist.cells[netlist.kind[i]]
        pins = netlist.pin_nets(i)
        flop = cell.flop
        for condition in filter(None, (flop.clear, flop.preset)):
            _must_be_idle(condition, pins, cell)
        if flop.data not in cell.inputs:
            raise Refusal(f"Registers must take a pin as it is, {cell.name} takes {flop.data!r}")
        data.append(pins[flop.data])
        for output in cell.outputs:
            nets.append(pins[output])
            # over (q, qn), the state is index 1 when q is 1 and index 2 when it is 0
            inverted.append(bool(boolean.truth(cell.pins[output].function, [flop.q, flop.qn])[2]))
        first.append(len(nets))
    return (registers, np.array(data, np.int32), np.zeros(len(registers), np.uint8), np.array(nets, np.int32),
            np.array(inverted, np.uint8), np.array(first, np.int32))


def _gates(netlist):
    """The nets that clock gates drive, and those that open them."""
    gates = np.flatnonzero(netlist.is_gate).tolist()
    outputs = [netlist.pin_nets(i)[netlist.cells[netlist.kind[i]].gate.output] for i in gates]
    return np.array(outputs, np.int32), np.array([netlist.enable(i) for i in gates], np.int32)


def _must_be_idle(condition, pins, cell):
    names = boolean.pins(condition)
    values = [pins[name] for name in names]
    index = sum((value == CONST1) << i for i, value in enumerate(values))
    if any(value not in (CONST0, CONST1) for value in values) or boolean.truth(condition, names)[index]:
        raise Refusal(f"Set and reset of registers must be held idle, {condition!r} of {cell.name} is not")


def _clock_delays(timing, registers, out_first, delays):
    """fs from the clock to each register output, rising and falling; one row per output and the register's index."""
    netlist, packed = timing.netlist, timing.packed
    rows = np.zeros((int(out_first[-1]), 3), np.int64)
    for n, i in enumerate(registers.tolist()):
        k = netlist.kind[i]
        for e in range(packed.edge_start[k], packed.edge_start[k + 1]):
            row = rows[out_first[n] + packed.edge_out[e]]
            rf = packed.edge_out_rf[e]
            row[rf] = max(row[rf], delays[timing.edge_start[i] + e - packed.edge_start[k]])
        rows[out_first[n]:out_first[n + 1], 2] = n
    return rows


@numba.njit(cache=True)
def _grow(array):
    bigger = np.empty(2 * len(array) + 1024, array.dtype)
    for i in range(len(array)):  # a slice would bring numba's words for shapes that differ
        bigger[i] = array[i]
    return bigger


@numba.njit(cache=True)
def _run(order, kind, pin_start, pin_net, inputs, outputs, truth_start, truth, choice_start, choice, edge_start,
         delays, data, opens, gates, opened, state, out_net, out_inverted, clock_delay, input_nets, bits, arrival,
         output_nets, nets, cycle_fs, warmup, timed, record):
    """The cycles, one after another: ``wave[first[net]:first[net] + count[net]]`` are a net's transitions in each.

    ``opens`` is of each register the net that opens its clock gate, or -1; ``gates`` are the nets that clock gates
    drive, ``opened`` those that open them.
    """
    value = np.zeros(nets, np.uint8)
    value[1] = 1
    toggles = np.zeros(nets, np.int64)
    high = np.zeros(nets, np.int64)
    first = np.zeros(nets, np.int64)
    count = np.zeros(nets, np.int32)
    wave = np.empty(4 * nets + 1024, np.int64)
    sampled = np.zeros((len(bits), len(output_nets)), np.uint8)
    event_time = np.empty(1024 if record else 0, np.int64)
    event_net = np.empty(1024 if record else 0, np.int32)
    events = 0
    start = value.copy()
    head = np.zeros(32, np.int64)
    last = np.zeros(32, np.int64)
    for cycle in range(len(bits)):
        settle = cycle == 0
        counted = cycle >= warmup
        if cycle == warmup:
            start = value.copy()
        used = 0
        # registers take their data, then their outputs and the inputs of the design change
        if not settle:
            for n in range(len(data)):
                if opens[n] < 0 or value[opens[n]]:
                    state[n] = value[data[n]]
        for g in range(len(gates)):
            first[gates[g]] = used
            count[gates[g]] = 0
            if not settle and value[opened[g]]:
                wave[used] = 0
                wave[used + 1] = cycle_fs // 2
                used += 2
                count[gates[g]] = 2
        for o in range(len(out_net)):
            net = out_net[o]
            new = state[clock_delay[o, 2]] ^ out_inverted[o]
            first[net] = used
            count[net] = 0
            if new != value[net]:
                wave[used] = clock_delay[o, 0 if new else 1]
                used += 1
                count[net] = 1
        for j in range(len(input_nets)):
            net = input_nets[j]
            new = bits[cycle, j]
            first[net] = used
            count[net] = 0
            if new != value[net]:
                wave[used] = arrival[net, 0 if new else 1]
                used += 1
                count[net] = 1
        for position in range(len(order)):
            i = order[position]
            k = kind[i]
            n = inputs[k]
            pins = pin_start[i]
            now = 0
            waiting = 0
            for j in range(n):
                net = pin_net[pins + j]
                now |= np.int64(value[net]) << j
                waiting += count[net]
            for o in range(outputs[k]):
                target = pin_net[pins + n + o]
                first[target] = used
                count[target] = 0
                table = truth_start[k] + (o << n)
                if settle or not timed:
                    final = now
                    for j in range(n):
                        net = pin_net[pins + j]
                        if count[net] & 1:
                            final ^= 1 << j
                    if (settle or waiting) and truth[table + final] != value[target]:
                        wave[used] = 0
                        used += 1
                        count[target] = 1
                elif waiting:
                    while used + waiting + 1 > len(wave):
                        wave = _grow(wave)
                    used = _follow(n, pins, pin_net, first, count, wave, used, now, truth, table, value[target],
                                   choice, choice_start[k] + ((o * n) << n), edge_start[i], delays, head, last)
                    count[target] = used - first[target]
                if used + 1 > len(wave):
                    wave = _grow(wave)
        for net in range(2, nets):
            changes = count[net]
            if changes:
                if counted:
                    toggles[net] += changes
                    up = value[net]
                    previous = 0
                    for at in range(first[net], first[net] + changes):
                        if up:
                            high[net] += wave[at] - previous
                        previous = wave[at]
                        up ^= 1
                    if up:
                        high[net] += cycle_fs - previous
                    if record:
                        for at in range(first[net], first[net] + changes):
                            if events == len(event_time):
                                event_time, event_net = _grow(event_time), _grow(event_net)
                            event_time[events] = (cycle - warmup) * cycle_fs + wave[at]
                            event_net[events] = net
                            events += 1
                value[net] ^= changes & 1
                count[net] = 0
            elif counted and value[net]:
                high[net] += cycle_fs
        for j in range(len(output_nets)):
            sampled[cycle, j] = value[output_nets[j]]
    return toggles, high, start, sampled, event_time[:events], event_net[:events]


@numba.njit(cache=True)
def _follow(n, pins, pin_net, first, count, wave, used, now, truth, table, value, choice, choices, edges, delays, head,
            last):
    """Append the transitions of one output of one cell to ``wave``; returns the new end."""
    for j in range(n):
        net = pin_net[pins + j]
        head[j] = first[net]
        last[j] = head[j] + count[net]
    pending = np.int64(-1)
    while True:
        time = np.int64(9223372036854775807)
        for j in range(n):
            if head[j] < last[j] and wave[head[j]] < time:
                time = wave[head[j]]
        if 0 <= pending <= time:
            wave[used] = pending
            used += 1
            value ^= 1
            pending = -1
        if time == 9223372036854775807:
            return used
        changed = 0
        for j in range(n):
            if head[j] < last[j] and wave[head[j]] == time:
                head[j] += 1
                now ^= 1 << j
                changed |= 1 << j
        new = truth[table + now]
        if new == value:
            pending = -1  # a pulse shorter than the delay
        elif pending < 0:
            delay = np.int64(-1)
            for j in range(n):
                if changed >> j & 1:
                    e = choice[choices + (j << n) + now]
                    if e >= 0 and (delay < 0 or delays[edges + e] < delay):
                        delay = delays[edges + e]
            if delay < 0:  # inputs changed together and no single one explains it: the fastest that could
                for j in range(n):
                    e = choice[choices + (j << n) + now]
                    if e >= 0 and (delay < 0 or delays[edges + e] < delay):
                        delay = delays[edges + e]
            pending = time + max(delay, 0)
