"""What others have published about L-Mul hardware, beside the same figures here, and why they differ."""

from ..golden.errors import mantissa_errors
from ..golden.formats import FORMATS
from . import published

FPGA = "xc7"


def part(figures):
    """This part of the record."""
    return {"chen": {"source": published.CHEN, "rows": fpga(figures), "errors": errors()},
            "ucsd": {"source": published.UCSD, "ratios": ratios(figures), "mac": mac(figures)}}


def fpga(figures):
    """Look-up tables and carry cells of FP8 L-Mul, theirs and ours, and of the exact multiplier that they lack."""
    rows = []
    for name, theirs in published.CHEN_FPGA.items():
        for who, design in (("L-Mul", f"mul_lmul_{name}"), ("exact", f"mul_exact_{name}_flush")):
            row = {"format": name, "multiplier": who, "design": design, "technology": FPGA,
                   "their_luts": theirs["luts"] if who == "L-Mul" else None,
                   "luts": figures.of(design, FPGA, "luts"), "carry": figures.of(design, FPGA, "carry")}
            rows.append(row | {"missing": figures.reason(design, "luts", FPGA)})
    return rows


def errors():
    """Mean relative error of the printed formula, which is what they give, and of the circuit, by format."""
    rows = []
    for name in published.CHEN_FPGA:
        bits, l_m = FORMATS[name].man_bits, FORMATS[name].l_m
        offset = 1 << (bits - l_m)
        rows.append({"format": name, "formula": mantissa_errors("formula", bits, offset=offset).mean,
                     "circuit": mantissa_errors("add", bits, offset=offset).mean,
                     "exact": mantissa_errors("round", bits).mean})
    return rows


def ratios(figures):
    """Area of an e4m3 L-Mul over the exact one: UCSD's by variant, ours by technology, policy and product."""
    rows = [{"who": "UCSD", "what": name, "technology": "Nangate45", "ratio": ours / exact, "missing": None}
            for name, (ours, exact) in published.UCSD_AREA_UM2.items()]
    for what, ours, exact in (("narrow, both flush", "mul_lmul_e4m3", "mul_exact_e4m3_flush"),
                              ("narrow, exact keeps subnormals", "mul_lmul_e4m3", "mul_exact_e4m3"),
                              ("wide, both flush", "prod_lmul_e4m3", "prod_exact_e4m3_flush")):
        rows += [_ratio(figures, what, ours, exact, technology) for technology in figures.libraries]
    return rows


def mac(figures):
    """What L-Mul saves of the area of an e4m3 multiply-accumulate unit with an fp32 adder."""
    rows = [{"who": "UCSD", "what": "multiply-accumulate into fp32", "technology": "Nangate45",
             "ratio": 1 - published.UCSD_MAC["saving"], "missing": None}]
    designs = "mac_lmul_e4m3_fp32", "mac_exact_e4m3_flush_fp32"
    return rows + [_ratio(figures, "multiply-accumulate into fp32", *designs, each) for each in figures.libraries]


def _ratio(figures, what, ours, exact, technology):
    mine, theirs = (figures.of(design, technology, "area_um2") for design in (ours, exact))
    missing = None
    if mine is None or theirs is None:
        missing = figures.reason(ours, "area_um2", technology) or figures.reason(exact, "area_um2", technology)
    return {"who": "here", "what": what, "technology": technology, "ratio": None if missing else mine / theirs,
            "missing": missing}
