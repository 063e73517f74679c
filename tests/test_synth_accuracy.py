"""How right a design is on the operands that drive it, worked out again in fractions; and what has no such figure."""

from fractions import Fraction

import numpy as np
import pytest
import rational
from lmul.golden.codec import decode
from lmul.golden.operands import Operands, Product, gaussian, pairs
from lmul.golden.tile_matrices import matmul_floats
from lmul.hdl.designs import parse
from lmul.synth import record as records
from lmul.synth.accuracy import accuracy
from lmul.synth.drive import drive, sums

RESULTS = ("result_error", "result_gain", "result_error_of_codes", "result_gain_of_codes")
SUMS = ("mac_lmul_e4m3_fp32", "mac_int8_int32", "dot_exact_e4m3_flush_fixed_4", "dot_lmul_e2m1_fp32_3",
        "array_lmul_e4m3_carrysave_4x4_os", "array_exact_bf16xe4m3_fp32_2x3_ws")


def source(a, b):
    return Operands("x", "x", (Product("x", np.asarray(a, float), np.asarray(b, float)),), {"x": 1.0})


def ratio(actual, reference):
    """Error and gain, in fractions but for the last root."""
    power = sum(want**2 for want in reference)
    off = sum((got - want)**2 for got, want in zip(actual, reference, strict=True))
    return float(off / power)**0.5, float(sum(x * y for x, y in zip(actual, reference, strict=True)) / power)


def dots(a, b):
    """Every row of each matrix by every column, exactly."""
    return [sum(Fraction(x) * Fraction(y) for x, y in zip(row, col, strict=True))
            for left, right in zip(a.tolist(), b.transpose(0, 2, 1).tolist(), strict=True)
            for row in left for col in right]


@pytest.mark.parametrize("slug", SUMS)
def test_errors_of_results_in_fractions(slug, seed):
    design, operands = parse(slug), gaussian(3000, seed)
    row = accuracy(design, operands, 300, seed)
    found = sums(design, operands, 300, seed, least=256)
    a, b = found.operands
    actual = [Fraction(value) for value in decode(design.accumulator.result, found.results).ravel().tolist()]
    assert row["result_sums"] == {"count": len(actual), "depth": a.codes.shape[2]} and len(actual) >= 256
    assert [row[key] for key in RESULTS[:2]] == pytest.approx(ratio(actual, dots(a.values, b.values)), rel=1e-9)
    codes = decode(design.multiplier.a, a.codes), decode(design.multiplier.b, b.codes)
    assert [row[key] for key in RESULTS[2:]] == pytest.approx(ratio(actual, dots(*codes)), rel=1e-9, abs=1e-12)
    assert not row["reasons"]


@pytest.mark.parametrize("slug", SUMS)
def test_what_drives_comes_first(slug, seed):
    """The results that errors are of begin with those that the netlist must give."""
    design, operands = parse(slug), gaussian(3000, seed)
    driven, more = (sums(design, operands, 300, seed, least) for least in (0, 500))
    assert more.results.size >= 500 > driven.results.size
    assert np.array_equal(more.results[:len(driven.results)], driven.results)
    expected = drive(design, 1, operands, 300, seed).expected.get("c", [])
    assert len(expected) == 0 or np.array_equal(expected, driven.results.ravel())


@pytest.mark.parametrize("slug", ["mul_lmul_e4m3", "prod_mitchell_e2m1", "mul_exact_e5m2_flush", "mul_int8"])
def test_error_of_the_products_driven(slug, seed):
    design, operands = parse(slug), gaussian(3000, seed)
    spec, errors = design.multiplier, []
    for x, y in zip(*(codes.tolist() for codes in pairs(operands, design.multiplier, 300, seed).codes), strict=True):
        if spec.wide.integer:
            errors.append(0)
            continue
        exact = rational.magnitude(spec.a, x) * rational.magnitude(spec.b, y)
        size = rational.product(spec, x, y)
        if design.structure == "mul":
            size = rational.magnitude(spec.a, rational.narrow(spec, size))
        if exact:
            errors.append(abs(size / exact - 1))
    row = accuracy(design, operands, 300, seed)
    assert row["driven_relative_error"] == pytest.approx(float(sum(errors)) / len(errors), rel=1e-9)
    assert row["reasons"] == dict.fromkeys(RESULTS, "a lone product is no sum")


def test_nothing_but_zeros_has_no_error():
    row = accuracy(parse("mac_lmul_e4m3_fp32"), source(np.zeros(64), np.ones(64)), 200, 1)
    assert row["driven_relative_error"] is None and all(row[key] is None for key in RESULTS)
    assert row["reasons"]["driven_relative_error"] == "Exact products must have at least one number other than zero"
    assert row["reasons"]["result_gain"] == "Results must have at least one that should be other than zero"
    assert row["operand_codes"]["a"] == {"zero": 192, "flushed": 0, "largest": 0, "distinct": 1, "total": 192}


def test_what_overflows_has_no_error():
    row = accuracy(parse("mac_exact_e5m2_fp16"), source(np.ones(64), np.ones(64)), 200, 1)
    assert row["reasons"]["result_error"] == "Results must be finite to have an error, not 256 Inf or NaN in 256"


def test_codes_are_counted():
    """448 takes the others of e4m3 to where its codes are: 2**-7 is a subnormal, 2**-11 rounds to zero."""
    numbers = np.array([448, -448, 2.0**-7, 2.0**-11, 0, -0.0, 1, 1])
    for slug, flushed in (("mul_lmul_e4m3", 2), ("mul_exact_e4m3", 1)):
        counts = accuracy(parse(slug), source(numbers, numbers), 8, 1)["operand_codes"]
        assert counts["a"] == counts["b"] == {"zero": 3, "flushed": flushed, "largest": 2, "distinct": 6, "total": 8}
    counts = accuracy(parse("mul_int8"), source([127, -127, 0.4, 0, 64], np.ones(5)), 5, 1)["operand_codes"]
    assert counts["a"] == {"zero": 2, "flushed": 1, "largest": 2, "distinct": 4, "total": 5}


def test_a_core_behind_a_bus_says_where_to_look():
    row = accuracy(parse("matmul_int8_int32_2x3_os"), gaussian(100, 1), 200, 1)
    assert set(row["reasons"]) == {"driven_relative_error", *RESULTS} and row["operand_codes"] is None


def test_a_gain_may_be_below_zero_and_an_error_may_not():
    row = records.new_row(parse("mac_int8_int32"), "asap7") | {"result_gain": -1.5}
    records.missing(row, "a test's")
    records._check_row(row)
    with pytest.raises(ValueError, match="result_error of mac_int8_int32 must be a figure or None, not -1"):
        records._check_row(row | {"result_error": -1.0})


TILES = ("tile_log_mxl3f4_16x2_w10", "tile_exact_nvfp4_8x2_w10", "tile_lmul_bf16xmxe4m3_16x3_w12", "tile_mxint8_32x2")


@pytest.mark.parametrize("slug", TILES)
def test_tiles_with_blocks_are_driven_by_what_their_operands_are_quantised_to(slug, seed):
    """Results are those of the float matrices drawn; beats have the scales of blocks above the codes."""
    design, operands = parse(slug), gaussian(20000, seed)
    tile, found = design.tile, sums(design, operands, 1000, seed)
    for a, b, results in zip(found.operands.a.values, found.operands.b.values, found.results, strict=True):
        if tile.a_block:
            wanted = matmul_floats(tile, a, b).values.astype(np.float32)
            assert np.array_equal(decode(design.result, results), wanted)
    driven, widths = drive(design, 3, operands, 1000, seed), (tile.multiplier.a.width, tile.multiplier.b.width)
    for n, (a, b) in enumerate(found.tiled[:3]):
        second = slice(tile.lanes, 2 * tile.lanes)
        length = tile.lanes + len(a.codes) + 1
        for name, block, count, width, codes, start, scales in (
                ("a", tile.a_block, tile.lanes, widths[0], a.codes[:, second], tile.lanes, a.scales),
                ("b", tile.b_block, design.cols, widths[1], b.codes[second], 0, b.scales)):
            beats = driven.inputs[f"i_{name}__data"][2 + n * length + start:][:len(codes)]
            for row, (beat, elements) in enumerate(zip(beats, codes.tolist(), strict=True)):
                low = sum(code << (width * lane) for lane, code in enumerate(elements))
                assert int(beat) & ((1 << (width * count)) - 1) == low
                above = int(beat) >> (width * count)
                if block is None:
                    assert above == 0
                elif name == "a":
                    assert above == scales[row, tile.lanes // block.size]
                else:
                    assert above == sum(int(code) << (block.scale.width * lane)
                                        for lane, code in enumerate(scales[tile.lanes // block.size]))
    assert set(driven.inputs["top"][2:].tolist()) > {0}
