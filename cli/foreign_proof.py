"""Proofs of somebody else's Verilog, and what simulation of recorded operands shows where there is no proof."""

from dataclasses import replace

from ..golden.operands import operands
from ..hdl.foreign import Foreign
from ..prove.obligation import IN_PARTS, NOT_PROVED, PROVED, REFUTED, Proof
from ..synth.foreign import examine

VECTORS = 2000


def proofs(theirs: list[Foreign], seconds: float) -> list[Proof]:
    """A `Proof` of each `Foreign`, the difference that simulation found as its witness; with registers never more than
    ``not proved``, or ``in parts`` where every cycle is proved from registers that match.

    Parameters
    ----------
    theirs : list of Foreign
    seconds : float
        Time limit of the solver for each.
    """
    source = operands("recording", 1, None, [each.multiplier for each in theirs])
    return [_proof(each, examine(each, source, VECTORS, 1, seconds)) for each in theirs]


def _proof(foreign, found):
    proof = found.proof
    if found.difference and proof.verdict != REFUTED:
        return replace(proof, verdict=REFUTED, witness={"case": found.difference})
    if foreign.combinational:
        return proof if proof.verdict == PROVED else _simulated(proof, found)
    if proof.verdict == PROVED:
        return replace(_simulated(proof, found), verdict=IN_PARTS)
    return replace(_simulated(proof, found), verdict=NOT_PROVED)


def _simulated(proof, found):
    return replace(proof, means=f"{proof.means}; {found.results} results of recorded operands agree in simulation")
