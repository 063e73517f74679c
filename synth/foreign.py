"""What somebody else's Verilog does on the operands that drive it: whether it agrees, when it answers, its errors."""

import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from ..golden.codec import decode
from ..golden.errors import exact_product, mean_relative_error, measure, normal_pairs, result_errors
from ..golden.operands import Operands
from ..golden.refusal import Refusal
from ..hdl.foreign import Foreign
from ..hdl.verilog import component, generate
from ..prove import exhaust, machine
from ..prove.foreign import prove
from ..prove.logic import Logic
from ..prove.obligation import PROVED, REFUTED, Proof, shown
from .accuracy import RESULT, RESULTS, accuracy, filled, without
from .drive import Drive, drivable, drive, sums

SLACK = 64  # cycles that an answer may be later than ours
_ALL_BITS = 16  # of operands, up to which the products of all pairs are measured
_ONES = np.array([0, 2**64 - 1], np.uint64)


@dataclass(frozen=True)
class Examined:
    """What came of somebody else's module.

    Attributes
    ----------
    proof : Proof
    latency : int
        In cycles; 0 of a combinational module.
    results : int
        Results that were compared with golden.
    difference : str
        The first difference from the design in whose place it stands, or nothing.
    expected : dict of str to array
        What it gives, by port, where `drive.drive` has what golden gives.
    errors : dict
        Entries of a row, as `accuracy.accuracy` has them.
    """

    proof: Proof
    latency: int
    results: int
    difference: str
    expected: dict
    errors: dict

    @property
    def agrees(self) -> str:
        """``proved``, ``simulated only`` or ``differs: ...``, and what that rests on."""
        if self.difference:
            return f"differs: {self.difference}"
        if self.proof.verdict == PROVED:
            if self.latency:
                return f"proved of {self.proof.means}; from reset {self.results} results agree in simulation"
            return f"proved: {self.proof.means}"
        return f"simulated only: {self.results} results agree; not proved: {self.proof.means}"


def examine(foreign: Foreign, source: Operands, vectors: int, seed: int, seconds: float = 60.0) -> Examined:
    """Compare somebody else's Verilog with the design in whose place it stands: by proof, and on the operands that
    drive its netlists.

    Parameters
    ----------
    foreign : Foreign
    source, vectors, seed
        As `drive.drive` has them.
    seconds : float
        Time limit of the solver.

    Returns
    -------
    Examined

    Raises
    ------
    Refusal
        If a module with registers never says that a result is there.
    """
    design, proof = foreign.ours, prove(foreign, seconds)
    if why := drivable(design):
        return Examined(proof, component(design).latency, 0, "", {}, accuracy(design, source, vectors, seed)
                        | {"mean_relative_error": None, "reasons": dict.fromkeys(_PRODUCTS + RESULT, why)})
    if foreign.combinational:
        return _products(foreign, proof, source, vectors, seed)
    return _sums(foreign, proof, source, vectors, seed)


def about(foreign: Foreign, examined: Examined) -> dict:
    """Entries of the module's rows: whose it is and whether it agrees."""
    return {"design": foreign.ours.slug, "source": {
        "verilog": list(foreign.source.names), "top": foreign.source.top, "sha256": foreign.source.sha256,
        "agrees": examined.agrees, "latency": examined.latency}}


def driven(foreign: Foreign, examined: Examined, source: Operands, vectors: int, seed: int) -> Drive:
    """The `Drive` of the module's netlists: golden's operands, and what its own Verilog gives for them, so that mapping
    is checked whether or not it agrees with golden."""
    found = drive(foreign.ours, examined.latency, source, vectors, seed)
    return replace(found, expected=examined.expected, always=())


def write(foreign: Foreign, examined: Examined, folder: str | Path) -> None:
    """Write the module's Verilog, and the manifest of the design made to fit it."""
    with tempfile.TemporaryDirectory(prefix="lmul-") as own:
        generate(foreign.ours, own)
        known = json.loads(Path(own, f"{foreign.ours.slug}.json").read_text(encoding="utf-8"))
    known |= {"slug": foreign.slug, "module": foreign.slug, "verilog": f"{foreign.slug}.v",
              "latency": examined.latency}
    known.pop("modules", None)  # of ours, with their roles
    Path(folder, f"{foreign.slug}.v").write_text(foreign.text, encoding="utf-8")
    Path(folder, f"{foreign.slug}.json").write_text(json.dumps(known), encoding="utf-8")


_PRODUCTS = ("mean_relative_error", "driven_relative_error")


def _products(foreign, proof, source, vectors, seed):
    design, spec = foreign.ours, foreign.multiplier
    circuit = exhaust.load({foreign.slug: foreign.text})[foreign.slug]
    golden = drive(design, 0, source, vectors, seed)
    a = golden.inputs["a"]
    b = golden.inputs.get("b", np.zeros_like(a))  # of no bits it has no port
    found = circuit(a=a, b=b)["p"]
    wrong = np.flatnonzero(found != golden.expected["p"])
    difference = proof.case if proof.verdict == REFUTED else ""
    if wrong.size and not difference:
        place = wrong[0]
        given = " ".join(f"{name}={int(codes[place]):#x}" for name, codes in golden.inputs.items())
        difference = (f"{given} gives {shown(design.result, int(found[place]))}, not "
                      f"{shown(design.result, int(golden.expected['p'][place]))}")
    errors = accuracy(design, source, vectors, seed)
    if difference:
        filled(errors, lambda: [_error(design, found, a, b)], "driven_relative_error")
        if spec.a.width + spec.b.width <= _ALL_BITS:
            x, y = normal_pairs(spec)
            filled(errors, lambda: [_error(design, circuit(a=x, b=y)["p"], x, y)], "mean_relative_error")
        else:
            without(errors, "of products that differ from the design's not all pairs can be tried",
                     "mean_relative_error")
    else:
        errors["mean_relative_error"] = mean_relative_error(spec, wide=design.wide)
    return Examined(proof, 0, len(found), difference, {"p": found}, errors)


def _error(design, codes, a, b):
    """The mean relative error of products of two operands' codes."""
    actual, exact = design.result.decode(codes), exact_product(design.multiplier, a, b)
    if bad := np.count_nonzero(np.isfinite(exact) & ~np.isfinite(actual)):
        raise Refusal(f"Products must be finite to have an error, not {bad} Inf or NaN in {actual.size}")
    return measure(actual, exact).mean


def _sums(foreign, proof, source, vectors, seed):
    design, ours, given = foreign.ours, component(foreign.ours).latency, vectors
    gates = machine.load({foreign.slug: foreign.text})[foreign.slug]
    measured = sums(design, source, vectors, seed)
    if not design.rows:  # as many results as errors of our own sums are of
        measured = sums(design, source, vectors := max(vectors, RESULTS * measured.depth), seed)
    golden = drive(design, ours + SLACK, source, vectors, seed)
    outputs = run(gates, golden.inputs)
    [port] = golden.expected
    there = np.flatnonzero(outputs[cast(str, golden.valid)])
    if not there.size:
        raise Refusal(f"{foreign.source.top} must put {golden.valid!r} to 1 when a result is there, as {design.slug} "
                      f"does, and never did in {golden.cycles} cycles")
    wanted, found = golden.expected[port], [outputs[port][cycle] for cycle in there]
    last = golden.cycles - ours - SLACK - 2  # the cycle of the last operands
    latency = int(there[-1]) - last if len(found) == len(wanted) and there[-1] >= last else ours
    difference, errors = _difference(design, port, wanted, found), accuracy(design, source, given, seed)
    without(errors, "products inside somebody else's sum are not seen", *_PRODUCTS)
    if len(found) == len(wanted):
        codes = _elements(found, design).reshape(measured.results.shape)
        errors["result_sums"] = {"count": codes.size, "depth": measured.depth}
        actual, (a, b), spec = design.result.decode(codes), measured.operands, design.multiplier
        filled(errors, lambda: result_errors(actual, a.values @ b.values), *RESULT[:2])
        filled(errors, lambda: result_errors(actual, decode(spec.a, a.codes) @ decode(spec.b, b.codes)),
                 *RESULT[2:])
    else:
        without(errors, f"it gave {len(found)} results where {len(wanted)} belong", *RESULT)
    netlist = drive(design, latency, source, given, seed)
    outputs = run(gates, netlist.inputs)
    expected = [code for code, there in zip(outputs[port], outputs[cast(str, netlist.valid)], strict=True) if there]
    return Examined(proof, latency, len(found), difference, {port: expected}, errors)


def _difference(design, port, wanted, found):
    if len(found) != len(wanted):
        return f"it gave {len(found)} results where {len(wanted)} belong"
    for place, (x, y) in enumerate(zip(wanted, found, strict=True)):
        if int(x) != int(y):
            column = next(n for n, pair in enumerate(zip(_elements([x], design), _elements([y], design), strict=True))
                          if pair[0] != pair[1])
            right, wrong = (_elements([code], design)[column] for code in (x, y))
            return f"result {place} on {port!r} gives {shown(design.result, wrong)}, not {shown(design.result, right)}"
    return ""


def _elements(codes, design):
    """Result codes of a port that has those of all columns, element 0 lowest."""
    width = design.accumulator.result.width
    return np.array([int(code) >> (width * n) & ((1 << width) - 1) for code in codes for n in range(design.cols or 1)],
                    np.uint64)


def run(gates: machine.Machine, inputs: dict[str, np.ndarray]) -> dict[str, list[int]]:
    """Simulate clocked gates from registers that are 0, as `activity.simulate` simulates netlists.

    Parameters
    ----------
    gates : Machine
    inputs : dict of str to array
        Codes of each cycle, by port.

    Returns
    -------
    dict of str to list of int
        Codes of each cycle, by output.
    """
    logic = Logic()
    ports = {name: logic.inputs(width) for name, width in gates.inputs.items()}
    state = logic.inputs(gates.registers)
    found, following = gates.step(logic, state, ports)
    program = logic.compiled([*(bit for bits in ports.values() for bit in bits), *state],
                             [*(bit for bits in found.values() for bit in bits), *following])
    values, outputs = [_ONES[:1]] * len(state), {name: [] for name in found}
    for cycle in range(len(next(iter(inputs.values())))):
        codes = {name: int(inputs[name][cycle]) for name in ports}
        given = [_ONES[(bit := codes[name] >> n & 1):bit + 1] for name in ports for n in range(len(ports[name]))]
        done = program.evaluate([*given, *values])
        start = 0
        for name, bits in found.items():
            outputs[name].append(sum((int(done[start + n][0]) & 1) << n for n in range(len(bits))))
            start += len(bits)
        values = done[start:]
    return outputs
