"""Invented records: figures that mean nothing, and margins to judge them by."""

import math
import random

from lmul.hdl.designs import parse
from lmul.synth import margins
from lmul.synth.record import check, missing, new_row

MARGIN = 0.05
SLUGS = ("mul_lmul_e4m3", "mul_mitchell_e4m3", "mul_exact_e4m3_flush", "mul_exact_e4m3", "mul_lmul_e4m3_sub",
         "mul_lmul_bf16", "mul_exact_bf16_flush", "mul_int8", "prod_lmul_e5m2", "prod_exact_e5m2_flush",
         "mac_lmul_bf16_fp32", "mac_int8_int32", "mac_exact_bf16_flush_fp32")
NO_ENERGY = "invented | reason: the operands were <lost>"


def scattered(record, margin=MARGIN):
    """The record with one margin for every ratio of its rows, in parts of 1."""
    ratios = margins.logarithms([record | {"options": {"effort": "low"}}])
    return record | {"scatter": {"source": "invented", "rule": "A rule.", "runs": 3, "margins": [
        dict(zip(("design", "rival", "technology", "measure"), key, strict=True))
        | {"margin": math.log1p(margin), "of": "a test's"} for key in ratios]}}


def invented(seed):
    """A record whose figures mean nothing."""
    rng, rows = random.Random(seed), []
    for technology, scale in (("sky130hd", 10.0), ("asap7", 0.1)):
        for slug in SLUGS:
            size = scale * rng.uniform(5, 50) * (3 if "exact" in slug else 1)
            rows.append(invented_row(slug, technology, size, rng))
    no_energy = rows[-1]
    for place in (no_energy, *no_energy["at"].values()):
        place["energy_fj_per_op"] = None
    no_energy["energy_fj_by_role"] = None
    no_energy["reasons"]["energy_fj_per_op"] = NO_ENERGY
    for slug in SLUGS[:3]:
        counts = {"luts": rng.randrange(9, 99), "carry": 5, "dsp": 0, "flip_flops": 0}
        rows.append(new_row(parse(slug), "ice40") | counts | {"with_dsp": counts | {"luts": 7, "dsp": 1}})
        missing(rows[-1], "FPGAs have no areas")
    record = {"command": "lmul report -o somewhere", "limits": ["Invented for a test: nothing here was measured."],
              "versions": {"yosys": "Yosys of a test"}, "rows": rows,
              "operands": {"source": "invented", "seed": seed, "vectors": 5, "glitches": True},
              "options": {"effort": "low", "wire_load": None},
              "libraries": [{"name": "asap7", "source": "nowhere", "corner": "a test's"}]}
    record = scattered(record)
    check(record)
    return record


def invented_row(slug, technology, size, rng):
    parts = {part: size * rng.uniform(0.1, 1) for part in ("multiplier", "accumulator", "operand registers", "clock")}
    at = {clock: {"clock_ps": period, "area_um2": size * more, "energy_fj_per_op": sum(parts.values()) * more,
                  "script": f"a {clock} script"}
          for clock, period, more in (("relaxed", 1000.0, 1), ("fast", 300.0, rng.uniform(1.2, 1.9)))}
    row = new_row(parse(slug), technology) | {
        "area_um2": at["relaxed"]["area_um2"], "area_ge": size / 3, "gates": int(3 * size),
        "transistors": int(9 * size), "flip_flops": 0, "delay_ps": 9 * size, "clock_ps": 1000.0, "fmax_mhz": 2e5 / size,
        "energy_fj_per_op": at["relaxed"]["energy_fj_per_op"], "ground_fj_per_op": size / 8,
        "input_nets_fj_per_op": size / 7,
        "clock_net_fj_per_op": size / 9, "leakage_nw": size / 70, "at": at, "driven_relative_error": 0.1 / size,
        "result_error": 0.2 / size, "result_gain": 1.1, "result_error_of_codes": 0.1, "result_gain_of_codes": -0.9,
        "energy_fj_by_role": parts, "clock_gates": 2, "gated_flip_flops": 40, "area_um2_ungated": 1.1 * size,
        "energy_fj_ungated": 4 * size, "clock_net_fj_ungated": size / 5,
        "curve": [{"delay_ps": size / k, "area_um2": size * k, "energy_fj_per_op": 2 * size * k, "proof": proof}
                  for k, proof in ((1, {"state": "proved", "means": "sat"}), (2, None), (3, {"state": "undecided"}))],
        "path": [{"pin": "a[0]"}, {"pin": "p[7]"}],
        "activity": {"mode": "timed", "vectors": 5, "nets": 90, "nets_that_switched": 88},
    }
    missing(row, "a cell library has none")
    return row
