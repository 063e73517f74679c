"""What can be proved of somebody else's Verilog: whether it computes what the design does in whose place it stands."""

import time

from ..golden.refusal import Refusal
from ..hdl.foreign import Foreign
from ..hdl.verilog import verilog
from . import exhaust, machine, multipliers
from .equivalence import Step, compare
from .obligation import NOT_PROVED, PROVED, UNDECIDED, Proof


def prove(foreign: Foreign, seconds: float = 60.0) -> Proof:
    """Prove somebody else's module, as far as there are means.

    Parameters
    ----------
    foreign : Foreign
    seconds : float
        Time limit of the solver.

    Returns
    -------
    Proof
        ``proved`` or ``refuted`` of a combinational module, with the first pair of operands that tells the two apart;
        ``undecided`` where the time was up. A module with registers is at most ``proved`` to do in every cycle what
        ours does *from registers that match*, which takes registers of the same names; else it is ``not proved``.
    """
    started = time.perf_counter()
    verdict, means, witness = (_product if foreign.combinational else _cycle)(foreign, seconds)
    return Proof(foreign.title, f"what {foreign.ours.slug} computes", means, verdict, time.perf_counter() - started,
                 witness)


def _product(foreign, seconds):
    design, spec = foreign.ours, foreign.multiplier
    theirs, pairs = exhaust.load({foreign.slug: foreign.text})[foreign.slug], multipliers.every_pair(design)
    if spec.a.width + spec.b.width <= multipliers.EXHAUSTED_BITS:
        answer = multipliers.exhausted({design.slug: theirs}, seconds, design)
        return answer.verdict, f"{pairs.means}, against golden", pairs.shown(answer.witness)
    [verdict] = compare(exhaust.load({design.slug: verilog(design)})[design.slug], [theirs], seconds)
    means = f"equivalence with our Verilog, {verdict.means}"
    found = verdict.counterexample
    case = pairs.shown(multipliers.witness(theirs, design, found)) if found else {}
    return verdict.state, means, case


def _cycle(foreign, seconds):
    design = foreign.ours
    ours = machine.load({design.slug: verilog(design)})[design.slug]
    theirs = machine.load({foreign.slug: foreign.text})[foreign.slug]
    if sorted(ours.names) != sorted(theirs.names):
        return NOT_PROVED, "its registers are not ours by name, so none are matched", {}
    try:
        [verdict] = compare(Step(ours, sorted(ours.names)), [Step(theirs, sorted(ours.names))], seconds)
    except Refusal as error:
        return NOT_PROVED, str(error), {}
    if verdict.state == PROVED:
        return PROVED, "every cycle, from registers that match by name", {}
    # A state that tells them apart need not be one that is ever reached.
    return (UNDECIDED if verdict.state == UNDECIDED else NOT_PROVED), "some state of matched registers differs", {}
