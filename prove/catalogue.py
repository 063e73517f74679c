"""Every design, and what is to be proved of it: obligations for several processes, their proofs kept as they come."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..golden.files import atomic_write
from ..golden.pool import Pool
from ..hdl.designs import Design, catalogue, parse
from ..hdl.integer_sum import Halves
from ..hdl.partials import Partials
from ..hdl.yosys import yosys
from . import (
    dots,
    exact_sums,
    float_sums,
    float_theory,
    handshake,
    integer_sums,
    interleaved,
    interleaved_order,
    multipliers,
    partials,
    tiles,
)
from .float_sums import Sum
from .obligation import IN_PARTS, NOT_PROVED, PROVED, REFUTED, UNDECIDED, Proof, discharge

if TYPE_CHECKING:
    from ..golden.formats import FloatFormat, IntFormat
    from ..golden.spec import Accumulator, Multiplier
    from .obligation import Obligation

SECONDS = 600.0  # that a query may take


def parts(design: Design) -> dict[str, list[Obligation]]:
    """What is to be proved of a design.

    Returns
    -------
    dict of str to list of Obligation
        By part, in words; a combinational design is its own only part. A part without obligations has no means.
    """
    spec, accumulator = design.multiplier, design.accumulator
    if design.combinational:
        return {design.slug: multipliers.of(design)}
    if design.declared.tiled:
        return tiles.parts(design)
    assert accumulator is not None  # all but combinational designs have one
    found = _products(spec, accumulator, negative=bool(design.lanes))
    if design.lanes:
        name = f"{design.lanes} lanes of {spec.name} into {accumulator.name}"
        found[f"sum, {name}"] = dots.of(name, spec, accumulator, design.lanes)
    if accumulator.exact or not design.lanes:  # exact sums of lanes leave by the same drain
        name = f"{spec.name} into {accumulator.name}"
        found[f"sum, {name}"] = sums(name, spec, accumulator)
    if accumulator.interleave > 1:
        found["enable"] = [interleaved.unit(design)]
        found["order of partial sums"] = interleaved_order.of(design)
    if design.rows:
        small = handshake.followed(design)
        shapes = ", ".join(f"{each.rows}x{each.cols}" for each in map(parse, small))
        found[f"streams, at {shapes}"] = [each for slug in small for each in handshake.of(slug)]
    if design.protocol == "axis":
        found["stream registers"] = handshake.registers()
    return found


def _products(spec, accumulator, negative):
    """The obligations of the products of a sum, by part: of partials where they are added as such."""
    if accumulator.integer and Partials.of(spec) is not None:
        return {f"partials of {'-' * negative}{spec.name}": partials.of(spec, negative)}
    product = Design("prod", spec)
    return {f"multiplier, {product.slug}": multipliers.of(product)}


def sums(name: str, spec: Multiplier, accumulator: Accumulator) -> list[Obligation]:
    """The obligations of the sum, called ``name``, into which a `mac`, `array` or `matmul` adds its products."""
    if accumulator.exact:
        return exact_sums.of(name, spec, accumulator)
    if accumulator.integer:
        held, added = cast("IntFormat", accumulator.result), cast("IntFormat", spec.wide)
        if each := Partials.of(spec):
            return integer_sums.of_halves(name, Halves(held.width, each))
        return [integer_sums.of(name, "every product is added exactly", held, added)]
    if accumulator.interleave > 1:
        return interleaved.of(name, spec, accumulator)
    return float_theory.of(Sum(cast("FloatFormat", accumulator.result), spec))


def everything() -> list[Obligation]:
    """The obligations beyond those of designs: every policy and offset of narrow formats, and adders."""
    return [*map(multipliers.of_variants, multipliers.PAIRS), *float_sums.obligations(), *float_theory.obligations()]


def prove(slugs: Iterable[str] | None = None, seconds: float = SECONDS, folder: str | Path | None = None,
          progress: Callable[..., object] | None = None) -> list[Proof]:
    """Prove what can be proved.

    Parameters
    ----------
    slugs : list of str, optional
        By default the whole catalogue, the policies and offsets of all narrow formats, adders and streams.
    seconds : float
        Time limit of one query of the solver.
    folder : path, optional
        Where ``proofs.json`` is written after each job, and read again: what was done there with the same program
        and tools is not done again.
    progress : callable, optional
        Called with (jobs done, jobs, text).

    Returns
    -------
    list of Proof
        In the order of the slugs, larger structures last; ``verdict`` is ``proved``, ``refuted``, ``undecided`` (in
        the time given), ``in parts`` (all parts are proved) or ``not proved`` (no means for some part).

    Raises
    ------
    Refusal
        If a slug is refused.
    YosysError
        If Yosys is missing or fails.
    """
    wanted = catalogue() if slugs is None else list(dict.fromkeys(slugs))
    of = {slug: parts(parse(slug)) for slug in wanted}
    obligations = {each.key: each for found in of.values() for some in found.values() for each in some}
    obligations |= {each.key: each for each in everything()} if slugs is None else {}
    proofs = _discharged(obligations, seconds, _Kept(folder, seconds), progress or (lambda done, total, text="": None))
    order = {slug: n for n, slug in enumerate(wanted)}
    found = sorted(proofs.values(), key=lambda proof: order.get(proof.name, len(order)))  # what is no design comes last
    return [*found, *(whole for slug in wanted for whole in _whole(parse(slug), of[slug], proofs))]


def _discharged(obligations, seconds, kept, progress):
    """The `Proof` of each obligation, by its key: those that are kept, and the others by batches in processes."""
    proofs = {key: kept.proofs[key] for key in obligations if key in kept.proofs}
    before = len(proofs)
    progress(before, len(obligations), "kept from before" if before else "")
    batches = defaultdict(list)
    for key, each in obligations.items():
        if key not in proofs:
            batches[each.batch or key].append(each)
    jobs = [(_batch, some, seconds) for some in
            sorted(batches.values(), key=lambda batch: -max(each.weight for each in batch))]
    with Pool(lambda done, _, text: progress(len(proofs), len(obligations), text)) as pool:
        for found in pool.run(jobs, "proofs", _subjects):
            proofs |= found
            kept.add(found)
    return {key: proofs[key] for key in obligations}


def _subjects(obligations, _):
    """What a batch is about, for progress: its first subject, and how many more there are."""
    names = list(dict.fromkeys(each.name for each in obligations))
    return names[0] + (f" and {len(names) - 1} more" if names[1:] else "")


def _batch(obligations, seconds):
    return {each.key: proof for each, proof in zip(obligations, discharge(obligations, seconds), strict=True)}


def _whole(design, found, proofs):
    """A line for a design that is proved in parts, or for which there are no means; none for one that has its own."""
    if design.combinational:
        if not found[design.slug]:
            yield Proof(design.slug, "what golden says", "no specification for so many bits: by `lmul simulate`",
                        NOT_PROVED)
        return
    verdicts = {part: _worst([proofs[each.key] for each in some]) for part, some in found.items()}
    yield Proof(design.slug, "what golden says, as a whole", "by `lmul simulate`; its " + "; its ".join(
        f"{part}: {verdict}" for part, verdict in verdicts.items()),
        IN_PARTS if set(verdicts.values()) == {PROVED} else NOT_PROVED)


def _worst(proofs):
    """The verdict on a part, of all that was tried to prove about it."""
    verdicts = {proof.verdict for proof in proofs}
    return next((verdict for verdict in (REFUTED, UNDECIDED, PROVED) if verdict in verdicts), NOT_PROVED)


class _Kept:
    """Proofs that came before, in ``proofs.json``."""

    def __init__(self, folder, seconds):
        self.path = Path(folder) / "proofs.json" if folder else None
        self.seconds, self.proofs = seconds, {}
        self.about = {"versions": {name: version(name) for name in ("lmul", "amaranth", "bitwuzla", "numpy")}
                      | {"yosys": yosys()[1]}, "program_sha256": _program()}
        try:
            before = json.loads(self.path.read_text(encoding="utf-8")) if self.path else {}
            if {name: before.get(name) for name in self.about} == self.about:
                self.proofs = {key: Proof(**each) for key, each in before["proofs"].items()
                               if each["verdict"] != UNDECIDED}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            pass  # nothing that can be used again

    def add(self, found):
        self.proofs |= found
        if self.path:
            record = self.about | {"seconds": self.seconds, "proofs": {
                key: asdict(replace(proof, seconds=round(proof.seconds, 3))) for key, proof in self.proofs.items()}}
            with atomic_write(self.path) as file:
                file.write(json.dumps(record, indent=1) + "\n")


def _program():
    """Digest of all that proofs depend on but tools: the sources of the Verilog, of what it is compared with, and of
    this room."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for room in ("golden", "hdl", "prove"):
        for path in sorted((root / room).rglob("*.py")):
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
