"""Every design, what is proved about it and by which means: jobs for several processes, kept as they end."""

import hashlib
import itertools
import json
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

from ..golden.files import atomic_write
from ..golden.formats import float_format
from ..golden.pool import Pool
from ..golden.spec import Multiplier
from ..golden.stimulus import all_pairs
from ..hdl.designs import Design, catalogue, parse
from ..hdl.verilog import component, convert
from ..hdl.yosys import yosys
from . import adders, dots, exhaust, handshake, theorems, words
from .solver import PROVED, REFUTED, UNDECIDED, Proof

NOT_PROVED = "not proved"
IN_PARTS = "in parts"  # all parts are proved
SECONDS = 600.0  # that a query may take
EXHAUSTED_BITS = 16

#: Pairs of formats of which every policy and offset is exhausted.
PAIRS = (("e4m3",), ("e5m2",), ("e3m4",), ("e2m3",), ("e3m2",), ("e2m1",), ("e4m3", "e2m1"), ("e4m3", "e2m3"),
         ("e5m2", "e2m1"), ("e5m2", "e3m2"), ("e6m5", "e2m1"))


def variants(a, b=None):
    """Every multiplier of a pair of formats, narrow and wide: all kinds, policies and named offsets, and of integers
    the ends and -1."""
    reach = float_format(a).man_mask
    overflows = ("saturate", "ieee") if float_format(a).has_nan else ("saturate",)
    for kind, subnormals in itertools.product(("lmul", "mitchell", "exact"), ("flush", "exact")):
        for offset in ("paper", "none", "best", *sorted({-reach, -1, reach})) if kind == "lmul" else ("none",):
            policies = {"subnormals": subnormals, "offset": offset}
            yield Design("prod", Multiplier.make(kind, a, b, **policies))
            yield from (Design("mul", Multiplier.make(kind, a, b, overflow=overflow, **policies))
                        for overflow in overflows)


def prove(slugs=None, seconds=SECONDS, folder=None, progress=None):
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
    jobs = _jobs(slugs)
    progress = progress or (lambda done, total, text="": None)
    kept = _Kept(folder, seconds)
    found = {name: kept.jobs[name] for name in jobs if name in kept.jobs}
    progress(len(found), len(jobs), "kept from before" if found else "")
    waiting = {name: job for name, job in jobs.items() if name not in found}
    before = len(found)
    with Pool(lambda done, _, text: progress(before + done, len(jobs), text)) as pool:
        for name, proofs in pool.run([(_run, name, job, seconds) for name, job in waiting.items()], "proofs", _name):
            found[name] = proofs
            kept.add(name, proofs)
    wanted = catalogue() if slugs is None else list(slugs)
    order = {slug: n for n, slug in enumerate(wanted)}
    proofs = [proof for name in jobs for proof in found[name]]
    proofs.sort(key=lambda proof: order.get(proof.name, len(order)))  # what is no design comes last
    return [*proofs, *_structures(wanted, proofs)]


def _name(name, *_):
    return name


def _jobs(slugs):
    """Work by name: (kind, slugs or a pair of formats); multipliers of one pair of formats go together."""
    jobs, sums = {}, {}
    for slug in dict.fromkeys(catalogue() if slugs is None else slugs):
        design = parse(slug)
        if not design.combinational:
            if design.lanes:
                sums[_lanes(design)] = ("lanes", design.slug)
            if design.rows:
                sums["streams of {}, {}".format(*handshake.kind(design))] = ("streams", handshake.kind(design))
            if design.protocol == "axis":
                sums["stream registers"] = ("stream registers", None)
            if _steps(design):
                sums[_sum(design)] = ("sum", Design("mac", design.multiplier, accumulator=design.accumulator).slug)
            if slugs is None:
                continue
            slug = Design("prod", design.multiplier).slug
        jobs.setdefault(design.multiplier.formats, ("multipliers", []))[1].append(slug)
    jobs = {name if slugs is None else f"{name}: {' '.join(dict.fromkeys(job[1]))}":
            (job[0], list(dict.fromkeys(job[1]))) for name, job in jobs.items()}
    jobs |= sums
    if slugs is None:
        jobs |= {"policies of " + "x".join(pair): ("variants", pair) for pair in PAIRS}
        jobs |= {"sums": ("sums", None)}
    return dict(sorted(jobs.items(), key=lambda job: -_weight(job[1])))


def _weight(job):
    """What takes minutes first; then multipliers, those that take longest before others."""
    kind, what = job
    if kind in ("sums", "streams"):
        return 1000
    if kind == "stream registers":
        return 1
    if kind in ("sum", "lanes"):
        return parse(what).multiplier.a.width
    return 0 if kind == "variants" else parse(what[0]).multiplier.a.width * len(what)


def _sum(design):
    return adders.sum_name(design.multiplier, design.accumulator)


def _steps(design):
    """Whether the sum of a design is proved by the steps of `adders`: a mac and an array add one product per cycle; a
    `dot` adds a number per cycle too, but only its exact sum is added and drained as that of a mac is."""
    return not design.lanes or design.accumulator.kind in ("fixed", "carrysave")


def _lanes(design):
    return dots.name(design.multiplier, design.accumulator, design.lanes)


def _run(name, job, seconds):
    """A job's name and its proofs: jobs end in another order than they began, and the name says which this is."""
    return name, _proofs(*job, seconds)


def _proofs(kind, what, seconds):
    if kind == "sums":
        return list(adders.results(limit=seconds))
    if kind == "streams":
        return list(handshake.results(*what, limit=seconds))
    if kind == "stream registers":
        return handshake.registers(seconds)
    if kind == "sum":
        return list(adders.of(parse(what).multiplier, parse(what).accumulator, seconds))
    if kind == "lanes":
        design = parse(what)
        return list(dots.of(design.multiplier, design.accumulator, design.lanes, seconds))
    return _variants(what) if kind == "variants" else _multipliers([parse(slug) for slug in what], seconds)


def _multipliers(designs, seconds):
    """Proofs of ``mul`` and ``prod`` designs."""
    texts = convert({design.slug: component(design) for design in designs})
    small = {design.slug for design in designs if _bits(design) <= EXHAUSTED_BITS}
    gates = exhaust.load({slug: text for slug, text in texts.items() if slug in small}) if small else {}
    read = [design for design in designs if design.slug not in small or _by_theory(design)]
    circuits = words.load({design.slug: texts[design.slug] for design in read}) if read else {}
    proofs = []
    for design in designs:
        spec, wide = design.multiplier, design.wide
        if design.slug in small:
            proofs.append(_exhausted(design, gates[design.slug]))
        else:
            proofs.append(_timed(design, "what the specification says", theorems.specified, circuits[design.slug], spec,
                                 wide, seconds))
        if _by_theory(design):
            proofs.append(_timed(design, "what the solver's theory of IEEE 754 says", theorems.ieee,
                                 circuits[design.slug], spec, seconds))
    return proofs


def _bits(design):
    return design.multiplier.a.width + design.multiplier.b.width


def _by_theory(design):
    return design.combinational and not design.wide and theorems.ieee_applies(design.multiplier)


def _exhausted(design, circuit):
    started = time.perf_counter()
    spec, wide = design.multiplier, design.wide
    a, b = all_pairs(spec)
    wrong = exhaust.mismatches(circuit, spec, wide, a, b)
    witness = ""
    if wrong.size:
        a, b = a[wrong[:1]], b[wrong[:1]]
        witness = _witness(design, a[0], b[0], circuit(a=a, b=b)["p"][0], exhaust.expected(spec, wide, a, b)[0])
    return Proof(design.slug, "what golden says", f"exhaustion, {1 << _bits(design):,} pairs",
                 REFUTED if wrong.size else PROVED, time.perf_counter() - started, witness)


def _timed(design, claim, examine, *arguments):
    started = time.perf_counter()
    verdict, means, witness = examine(*arguments)
    if verdict == REFUTED:
        codes = {name: int(code, 16) for name, code in (each.split() for each in witness.split(", "))}
        witness = _witness(design, codes["a"], codes["b"], codes["p"], codes.get("not"))
    return Proof(design.slug, claim, means, verdict, time.perf_counter() - started, witness)


def _witness(design, a, b, found, wanted=None):
    """Codes, and their values."""
    spec, result = design.multiplier, design.result

    def text(fmt, code):
        return f"{int(code):#x} ({fmt.read(code)})"

    words = f"a={text(spec.a, a)} b={text(spec.b, b)} gives {text(result, found)}"
    return words if wanted is None else f"{words}, not {text(result, wanted)}"


def _variants(pair):
    """One proof of all variants of a pair of formats; of the first that is refuted its witness."""
    started = time.perf_counter()
    designs = list(variants(*pair))
    circuits = exhaust.load(convert({design.slug: component(design) for design in designs}))
    proofs = [_exhausted(design, circuits[design.slug]) for design in designs]
    bad = next((proof for proof in proofs if proof.verdict != PROVED), None)
    pairs = sum(1 << _bits(design) for design in designs)
    return [Proof("x".join(pair), f"what golden says, {len(designs)} designs: every policy and offset",
                  f"exhaustion, {pairs:,} pairs", bad.verdict if bad else PROVED, time.perf_counter() - started,
                  f"{bad.name}: {bad.witness}" if bad else "")]


def _structures(slugs, proofs):
    """Of designs above a multiplier: what is proved of their parts; as a whole they are simulated."""
    for slug in slugs:
        design = parse(slug)
        if design.combinational:
            continue
        part = Design("prod", design.multiplier).slug
        parts = {f"multiplier, {part}": [proof for proof in proofs if proof.name == part]}
        if design.lanes:
            parts[f"sum, {_lanes(design)}"] = [proof for proof in proofs if proof.name == _lanes(design)]
        if _steps(design):
            parts[f"sum, {_sum(design)}"] = [proof for proof in proofs if proof.name == _sum(design)]
        if design.rows:
            small = handshake.followed(*handshake.kind(design))
            shapes = ", ".join(f"{each.rows}x{each.cols}" for each in map(parse, small))
            parts[f"streams, at {shapes}"] = [proof for proof in proofs if proof.name in small]
        if design.protocol == "axis":
            parts["stream registers"] = [proof for proof in proofs if proof.name.startswith("stream register,")]
        verdicts = {name: _worst(some) for name, some in parts.items()}
        yield Proof(slug, "what golden says, as a whole", "by `lmul simulate`; its " + "; its ".join(
            f"{name}: {verdict}" for name, verdict in verdicts.items()),
            IN_PARTS if set(verdicts.values()) == {PROVED} else NOT_PROVED, 0.0)


def _worst(proofs):
    """The verdict on a part, of all that was tried to prove about it."""
    verdicts = {proof.verdict for proof in proofs}
    return next((verdict for verdict in (REFUTED, UNDECIDED, PROVED) if verdict in verdicts), NOT_PROVED)


class _Kept:
    """Proofs of jobs that ended, in ``proofs.json``."""

    def __init__(self, folder, seconds):
        self.path = Path(folder) / "proofs.json" if folder else None
        self.seconds, self.jobs = seconds, {}
        self.about = {"versions": {name: version(name) for name in ("lmul", "amaranth", "bitwuzla", "numpy")}
                      | {"yosys": yosys()[1]}, "program_sha256": _program()}
        try:
            before = json.loads(self.path.read_text(encoding="utf-8")) if self.path else {}
            if {name: before.get(name) for name in self.about} == self.about:
                self.jobs = {name: [Proof(**each) for each in proofs] for name, proofs in before["jobs"].items()
                             if not any(each["verdict"] == UNDECIDED for each in proofs)}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            pass  # nothing that can be used again

    def add(self, name, proofs):
        self.jobs[name] = proofs
        if self.path:
            record = self.about | {"seconds": self.seconds, "jobs": {
                job: [asdict(replace(proof, seconds=round(proof.seconds, 3))) for proof in found]
                for job, found in self.jobs.items()}}
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
