"""Figures that others have published, as data, each with its source."""

LMUL = "Luo and Sun, arXiv 2410.00907, October 2024"
HOROWITZ = "Horowitz, ISSCC 2014, 45 nm"
CHEN = "Chen, Lyu, Bao and da Silva, arXiv 2412.18948"
UCSD = "UCSD 2025, ninjakaib/hardware-accelerators, Nangate45 through OpenROAD"

#: Savings of energy that the paper claims: of an element-wise product, and of a dot product.
SAVINGS = {"multiplier": 0.95, "dot": 0.80}

#: Energy of one operation in pJ (`HOROWITZ`). There is no FP8 row.
OPERATION_PJ = {
    "int8 add": 0.03, "int16 add": 0.05, "int32 add": 0.1, "int8 mul": 0.2, "int32 mul": 3.1,
    "fp16 add": 0.4, "fp16 mul": 1.1, "fp32 add": 0.9, "fp32 mul": 3.7,
}

#: The paper's count of gates, (arithmetic, format) to gates.
GATES = {
    ("exact", "e4m3"): 325, ("exact", "e5m2"): 296, ("exact", "fp16"): 584,
    ("lmul", "e4m3"): 157, ("lmul", "e5m2"): 157, ("lmul", "fp16"): 256,
}

#: `CHEN`: UltraScale+, placed by hand, with registers at inputs and outputs, of both operands and of a sign, a mantissa
#: and an exponent of a bit more than the format's (tables V and VI, equations 6 and 7). None: not stated.
CHEN_FPGA = {
    "e4m3": {"luts": 22, "flip_flops": 25, "carry": 4, "fmax_mhz": 617, "power_mw": 1.34},
    "e5m2": {"luts": 21, "flip_flops": 25, "carry": 4, "fmax_mhz": None, "power_mw": None},
}

#: `UCSD`, e4m3: area in um2 of L-Mul and of the exact multiplier.
UCSD_AREA_UM2 = {"simple": (112.8, 236.2), "fast": (172.4, 347.4), "pipelined": (348.2, 473.7)}

#: `UCSD`, e4m3 with an fp32 adder: the part of the unit's area that the multiplier takes, and that L-Mul saves.
UCSD_MAC = {"multiplier_share": 0.068, "saving": 0.036}

LINDBERG = "Lindberg and Gustafsson, arXiv 2406.18441, June 2024"
FPNEW = "FPnew (CVFPU): Mach et al., IEEE TVLSI 29(4), 2021"
HARDFLOAT = "Berkeley HardFloat, release 1, Hauser"

#: Multipliers of others: who, what they compute, what they state of its cost, what is different from ours, and the
#: designs here that are nearest. ``states`` is None where no figure of a lone multiplier of such a format is stated.
MULTIPLIERS = (
    {"who": LMUL, "computes": "L-Mul of e4m3 and e5m2, exact products beside it",
     "states": f"gates counted by pencil: exact {GATES['exact', 'e4m3']} and {GATES['exact', 'e5m2']}, L-Mul "
               f"{GATES['lmul', 'e4m3']}",
     "differs": "No circuit: zero, range and specials are not counted, an XOR counts as four gates, and the exact "
                "product is an array of partial products with adders of 8 bits for exponents of 4 and 5",
     "nearest": ("mul_exact_e4m3_flush", "mul_exact_e5m2_flush", "mul_lmul_e4m3", "mul_lmul_e5m2")},
    {"who": LINDBERG, "computes": "exact e4m3 and e5m2, correctly rounded, by the addition of the fields and a carry",
     "states": None,
     "differs": "The method of our exact products of up to three mantissa bits. Their circuits are compared in a "
                "process and an FPGA of their own, and range and specials need not be handled as here",
     "nearest": ("mul_exact_e4m3_flush", "mul_exact_e5m2_flush")},
    {"who": UCSD, "computes": "L-Mul and exact e4m3",
     "states": "area in um2 in Nangate45, L-Mul and exact: " + "; ".join(
         f"{name} {ours} and {exact}" for name, (ours, exact) in UCSD_AREA_UM2.items()),
     "differs": "The exact one normalises and rounds a product of significands; placed, at a clock of their choice; "
                "the pipelined forms have registers inside",
     "nearest": ("mul_lmul_e4m3", "mul_exact_e4m3_flush")},
    {"who": CHEN, "computes": "L-Mul of e4m3 and e5m2 for FPGAs",
     "states": f"look-up tables in UltraScale+: {CHEN_FPGA['e4m3']['luts']} and {CHEN_FPGA['e5m2']['luts']}",
     "differs": "Placed by hand in LUT6_2 and CARRY8, with registers; what leaves the range wraps; the error given is "
                "the printed formula's, not the addition's",
     "nearest": ("mul_lmul_e4m3", "mul_lmul_e5m2")},
    {"who": FPNEW, "computes": "fused multiply-add of five formats, one of five exponent and two mantissa bits",
     "states": "up to 2.95 Tflop/s per W on 8-bit numbers, a whole unit measured in 22 nm",
     "differs": "A product is never rounded before it is added; five rounding modes, subnormals, Inf and NaN, flags; "
                "several formats share one datapath",
     "nearest": ("mul_exact_e5m2", "prod_exact_e5m2")},
    {"who": HARDFLOAT, "computes": "exact products of any format of IEEE's kind",
     "states": None,
     "differs": "Operands and results are recoded, the exponent a bit wider, so that subnormals come normalised, and "
                "the recoding is paid for elsewhere; rounding modes and flags; no saturation, and no e4m3 whose "
                "uppermost exponent has numbers",
     "nearest": ("mul_exact_e5m2", "mul_exact_fp16")},
)

MX_DOTP = "allmahdyy/mx-dotp, 2026, ASAP7 after clock-tree synthesis, K = 32"

#: `MX_DOTP`: by element um2 and fJ for each multiply-accumulate, without glitches.
MX_DOTP_MAC = {"e4m3": (70, 215), "int8": (58, 198), "e2m1": (24, 78)}
