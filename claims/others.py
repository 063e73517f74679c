"""What others have published about L-Mul hardware, beside the same figures here, and why they differ."""

from ..golden.errors import mantissa_errors
from ..golden.formats import FORMATS
from . import published
from .figures import Figures
from .rows import Row, named

FPGA = "xc7"

#: Of what look-up tables are counted, at each format: (what, slug). Forms that leave something out show what it costs.
COUNTED = (("L-Mul", "mul_lmul_{}"), ("L-Mul without the constant", "mul_mitchell_{}"),
           ("L-Mul, wide: never too large or small", "prod_lmul_{}"), ("exact", "mul_exact_{}_flush"),
           ("exact, subnormals kept", "mul_exact_{}"), ("exact, wide", "prod_exact_{}_flush"))

#: Areas of e4m3, L-Mul over exact: (what, L-Mul, exact).
COMPARED = (("narrow, both flush", "mul_lmul_e4m3", "mul_exact_e4m3_flush"),
            ("narrow, exact keeps subnormals", "mul_lmul_e4m3", "mul_exact_e4m3"),
            ("narrow, both keep subnormals", "mul_lmul_e4m3_sub", "mul_exact_e4m3"),
            ("wide, both flush", "prod_lmul_e4m3", "prod_exact_e4m3_flush"),
            ("multiply-accumulate into fp32", "mac_lmul_e4m3_fp32", "mac_exact_e4m3_flush_fp32"))


def part(figures: Figures) -> Row:
    """This part of the record."""
    return {"chen": published.CHEN, "luts": luts(figures), "errors": errors(),
            "ucsd": published.UCSD, "areas": theirs() + ours(figures)}


def luts(figures: Figures) -> list[Row]:
    """Look-up tables and carry cells of FP8 multipliers, theirs where they have one, and ours."""
    rows = []
    for name, chen in published.CHEN_FPGA.items():
        for what, slug in COUNTED:
            design = slug.format(name)
            rows.append({
                "row": f"others/{design}", "format": name, "multiplier": what, "design": design, "technology": FPGA,
                "their_luts": chen["luts"] if slug == COUNTED[0][1] else None,
                "luts": figures.of(design, FPGA, "luts"), "carry": figures.of(design, FPGA, "carry"),
                "missing": figures.reason(design, "luts", FPGA), "designs": [design],
                "command": figures.command([design], FPGA)})
    return rows


def errors() -> list[Row]:
    """Mean relative error of the printed formula, which is what they give, and of the circuit, by format."""
    rows = []
    for name in published.CHEN_FPGA:
        bits, l_m = FORMATS[name].man_bits, FORMATS[name].l_m
        offset = 1 << (bits - l_m)
        rows.append(named(f"others/errors/{name}", format=name,
                          formula=mantissa_errors("formula", bits, offset=offset).mean,
                          circuit=mantissa_errors("add", bits, offset=offset).mean,
                          exact=mantissa_errors("round", bits).mean))
    return rows


def theirs() -> list[Row]:
    """Area of an e4m3 L-Mul over the exact one, as UCSD has it; of the multiply-accumulate unit with an fp32 adder it
    is what L-Mul leaves."""
    found = {name: ours / exact for name, (ours, exact) in published.UCSD_AREA_UM2.items()}
    found["multiply-accumulate into fp32"] = 1 - published.UCSD_MAC["saving"]
    return [{"row": "others/ucsd", "who": "UCSD", "what": what, "technology": "Nangate45", "ratio": ratio,
             "missing": None, "command": None} for what, ratio in found.items()]


def ours(figures: Figures) -> list[Row]:
    """The same by technology, policy and product."""
    rows = []
    for what, *designs in COMPARED:
        for technology in figures.libraries:
            areas = [figures.of(design, technology, "area_um2") for design in designs]
            missing = next(filter(None, (figures.reason(design, "area_um2", technology) for design in designs)), None)
            missing = missing or figures.undriven(designs, technology)
            rows.append({"row": f"others/{designs[0]}", "who": "here", "what": what, "technology": technology,
                         "ratio": None if missing else areas[0] / areas[1], "missing": missing,
                         "designs": designs, "command": figures.command(designs, technology)})
    return rows
