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

#: `CHEN`: UltraScale+, placed by hand, with registers at inputs and outputs. None: not stated.
CHEN_FPGA = {
    "e4m3": {"luts": 22, "flip_flops": 25, "carry": 4, "fmax_mhz": 617, "power_mw": 1.34},
    "e5m2": {"luts": 21, "flip_flops": None, "carry": None, "fmax_mhz": None, "power_mw": None},
}

#: `UCSD`, e4m3: area in um2 of L-Mul and of the exact multiplier.
UCSD_AREA_UM2 = {"simple": (112.8, 236.2), "fast": (172.4, 347.4), "pipelined": (348.2, 473.7)}

#: `UCSD`, e4m3 with an fp32 adder: the part of the unit's area that the multiplier takes, and that L-Mul saves.
UCSD_MAC = {"multiplier_share": 0.068, "saving": 0.036}
