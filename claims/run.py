"""The record of `lmul claims`: every part that was asked for, and the claims judged from it."""

from ..synth.measure import Options, run_report
from ..synth.record import FIGURES, check
from . import attention, corrections, energy, error, gates, others, published
from .energy import FORMATS, LONE, SUMS
from .figures import Figures, rival
from .verdict import RULE, VERDICTS

PARTS = ("error", "gates", "energy", "attention", "corrections", "others")
HARDWARE = ("gates", "energy", "corrections", "others")  # parts that need figures of designs
TECHNOLOGIES = ("sky130hd", "asap7")

#: Sums that the quick form measures: the formats at which their mapping and simulation are quick.
QUICK_SUMS = {"multiply-accumulate into fp32": ("bf16", "e4m3"), "16-lane dot product into fp32": (),
              "8x8 array into fp32": ()}


def designs(parts, full=False):
    """Slugs whose figures the parts need; ``full`` adds the sums that take long."""
    slugs = []
    if "gates" in parts:
        slugs += [gates.slug(structure, kind, name) for kind, name in published.GATES for structure in ("mul", "prod")]
    if "energy" in parts:
        sums = {name: FORMATS if full else QUICK_SUMS[name] for name in SUMS}
        for name, formats in ({LONE[0]: FORMATS, LONE[1]: FORMATS if full else FORMATS[1:]} | sums).items():
            for each in formats:
                slug = energy.design(name, each)
                slugs += [slug, rival(slug)]
    if "corrections" in parts:
        for row in corrections.recommended(Figures(None)):
            slugs += [row["design"], *(corrections.slug(row["formats"], offset) for offset in ("paper", None))]
    if "others" in parts:
        slugs += [f"{structure}_{kind}" for structure in ("mul", "prod") for kind in ("lmul_e4m3", "exact_e4m3_flush")]
        slugs += ["mul_exact_e4m3", "mac_lmul_e4m3_fp32", "mac_exact_e4m3_flush_fp32"]
    return list(dict.fromkeys(slugs))


def fpga_designs(parts):
    return [row["design"] for row in others.fpga(Figures(None))] if "others" in parts else []


def measure(parts, full=False, effort="low", progress=None):
    """A record of the designs that the parts need; None if they need none."""
    slugs = designs(parts, full)
    if not slugs:
        return None
    record = run_report(slugs, TECHNOLOGIES, options=Options(effort=effort), progress=progress)
    on_fpga = fpga_designs(parts)
    if on_fpga:
        record["rows"] += run_report(on_fpga, [others.FPGA], options=Options(effort=effort), progress=progress)["rows"]
    return record


def run(parts=None, report=None, models=False, full=False, command="", progress=None):
    """Judge the claims.

    Parameters
    ----------
    parts : sequence of str or None
        Of `PARTS`; None is all of them.
    report : dict or None
        A record of `lmul report` to take figures of designs from; None measures them, at low effort.
    models : bool
        Run the transformer on all sentences, not on a few.
    full : bool
        Measure the sums that take long as well.
    command : str
        For the record.
    progress : callable or None
        Called with (steps done, steps, text).

    Returns
    -------
    dict, fit for JSON
        ``command``, ``source``, ``rule``, ``parts``, ``claims`` (see `verdict`), a key for each part, ``hardware``: the
        rows of the designs that were looked up and where they come from.

    Raises
    ------
    ValueError
        If there is no such part, or ``report`` is not a record.
    """
    parts = tuple(dict.fromkeys(parts or PARTS))
    for part in parts:
        if part not in PARTS:
            raise ValueError(f"Part must be one of {', '.join(PARTS)}, not {part!r}")
    measured = measure(parts, full, progress=progress) if report is None else report
    if measured is not None:
        check(measured)
    figures = Figures(measured)
    record = {"command": command, "source": published.LMUL, "rule": RULE, "parts": list(parts), "claims": []}
    if "error" in parts:
        record |= {"error": error.part()}
        record["claims"] += error.claims()
    if "gates" in parts:
        record |= {"gates": {"pencil": gates.count(), "measured": gates.measured(figures)}}
        record["claims"] += gates.claims(figures)
    if "energy" in parts:
        record |= {"energy": {"operation_pj": published.OPERATION_PJ, "source": published.HOROWITZ,
                              "derived": energy.horowitz(), "savings": energy.savings(figures),
                              "finding": energy.sentence(figures)}}
        record["claims"] += energy.claims(figures)
    if "attention" in parts:
        record |= {"attention": attention.part(models, progress)}
        record["claims"] += attention.claims(record["attention"])
    if "corrections" in parts:
        record |= {"corrections": corrections.part(figures)}
    if "others" in parts:
        record |= {"others": others.part(figures)}
    for claim in record["claims"]:
        claim["command"] = f"lmul claims --only {claim['part']} -o DIR" + _options(claim["part"], report, models, full)
    return record | {"hardware": _hardware(measured)}


def _options(part, report, models, full):
    """What to add to the command that reruns a part as it was run."""
    if part == "attention":
        return " --models" if models else ""
    if part in HARDWARE:
        return " --record FILE" if report is not None else " --full" if full else ""
    return ""


def _hardware(measured):
    """Where the figures of designs come from, and the rows without curves and paths."""
    if measured is None:
        return None
    keys = ("design", "technology", *FIGURES, "reasons")
    about = {key: measured[key] for key in ("versions", "operands", "options", "libraries", "limits")}
    return {**about, "command": measured["command"],
            "rows": [{key: row[key] for key in keys} for row in measured["rows"]]}


def counts(record):
    """How many claims have each verdict."""
    return {verdict: sum(each["verdict"] == verdict for each in record["claims"]) for verdict in VERDICTS}
