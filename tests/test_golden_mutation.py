"""Faults in golden's own source: do its tests find them? Each is tried in a process of its own, until a test fails.

The compiled loops (`kernels.py`) are run as Python: compiling them anew takes longer than their tests. Faults that
change nothing anyone can see are listed by hand, each with its reason."""

import ast
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from broken_source import broken, faults

TESTS = Path(__file__).parent
#: Modules and the tests that are to find their faults.
WATCHED = {"products": ["golden_products"], "floats": ["golden_formats", "golden_products"],
           "integers": ["golden_families"], "signed_fields": ["golden_formats", "golden_logs"],
           "families.lmul": ["golden_formats", "golden_products", "golden_spec"],
           "families.exact": ["golden_formats", "golden_products", "golden_spec"],
           "families.integer": ["golden_families"], "families.xnor": ["golden_families"],
           "families.ternary": ["golden_families"], "families.powers": ["golden_families"],
           "families.log": ["golden_logs"], "families.conversion": ["golden_conversion"],
           "accumulators": ["golden_formats", "golden_spec"],
           "formats.base": ["golden_formats", "golden_codec", "golden_families"],
           "formats.floats": ["golden_formats", "golden_codec", "golden_spec"],
           "formats.integers": ["golden_formats", "golden_families"],
           "formats.signs": ["golden_formats", "golden_families"],
           "formats.powers": ["golden_formats", "golden_families"],
           "formats.fitting": ["golden_formats"],
           "formats.scales": ["golden_formats", "golden_families", "golden_tile"],
           "formats.blocks": ["golden_formats", "golden_families", "golden_tile"],
           "formats.logs": ["golden_logs", "golden_formats"],
           "spec": ["golden_spec", "golden_families", "golden_formats"],
           "formula": ["golden_offsets"], "offsets": ["golden_offsets"],
           "errors": ["golden_errors"], "stimulus": ["golden_stimulus"],
           "operands": ["golden_operands", "golden_families"], "tensors": ["golden_tensors"],
           "accumulate": ["golden_accumulate"], "matmul": ["golden_stacks", "golden_accumulate"],
           "kernels": ["golden_stacks", "golden_accumulate"],
           "tile": ["golden_tile"], "tile_sums": ["golden_tile"], "tile_kernels": ["golden_tile"],
           "tile_cut": ["golden_tile"],
           "tile_matrices": ["golden_tile"]}
#: Modules of a few lines, with as few faults.
FEW = {"integers", "signed_fields", "families.integer", "families.ternary", "families.powers"}
#: Tests too long for loops that are not compiled.
LONG = {"kernels": "hold_their_depth or is_accumulate and 515"}
#: Loops that call each other: what is kept of a compiled one has the others as they were.
COMPILED = {"tile_kernels"}
_HEADER = "the type is near the header's beginning: more or less of what follows changes nothing"
_HALVES = "half of the draws is like the other half"
#: Faults that change nothing: the line, what is done to it, and why nobody can tell.
EQUIVALENT = {
    "accumulate": {
        **{f"if spec.a.per_code == spec.b.per_code == 1 and spec.wide.width <= 32: {change}":
               "the same sums, by another way" for change in ("LtE to Lt", "32 to 33", "32 to 31", "1 to 0")},
        **{f"{rule}: 0 to {other}{again}": "with this form a rule's other fields are not read"
           for rule, zeros in (("return kernels.Rule(kernels.TABLE, 0, 0, 0, term_table(spec))", 3),
                               ("table = kernels.Rule(kernels.TABLE, 0, 0, 0, terms(spec, x.ravel(), y.ravel()))", 3),
                               ("return kernels.Rule(kernels.SIGNIFICANDS, 0, 0, scale, _NO_TERMS)", 2))
           for other in (1, -1) for again in ("", ", again", ", again, again")[:zeros]},
        "block = max(1, _BLOCK // a.shape[1]): 1 to 2": "how the work is shared out among threads changes no result",
        'block = max(1, _BLOCK // a.shape[1]): FloorDiv to Mult':
            'how the work is shared out among threads changes no result',
        'return a.shape[:-1], a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1]): 1 to 2, again':
            'numpy takes any negative number for the size that it is to find',
        'return a.shape[:-1], a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1]): 1 to 2, again, again, again':
            'numpy takes any negative number for the size that it is to find',
    },
    "families.conversion": {
        "exp_bits: int = 0: 0 to 1": "a code of no bits is 0 under any mask",
    },
    "families.exact": {
        "small = exp < 1: Lt to LtE": "at exponent 1 both shifts are the same",
        "small = exp < 1: 1 to 2": "at exponent 1 both shifts are the same",
        "all_bits = self.wide.sig_bits + 1  # shifted by so many, nothing is left: 1 to 2": "nor by one more",
    },
    "families.lmul": {
        "small = field < fmt.min_normal: Lt to LtE": "the smallest normal is shifted by 0",
        'below = (~(smallest >> a.man_bits)).bit_length() if signed else 0: 0 to 1': "the sum's own bits are more",
        'below = (~(smallest >> a.man_bits)).bit_length() if signed else 0: 0 to -1': "the sum's own bits are more",
    },
    "floats": {
        "small = sig < fmt.min_normal: Lt to LtE": "the smallest normal is shifted by 0",
        "for step in (16, 8, 4, 2, 1): 16 to 15": "the steps still reach every number up to 23",
        "if step < width: Lt to LtE": "only a 0 has so many zeros",
        "bits = max(self.a.field_bits + 2, self.work_bits + 2): 2 to 3": "longer integers do as well",
        "bits = max(self.a.field_bits + 2, self.work_bits + 2): 2 to 3, again": "longer integers do as well",
        'bits = max(self.a.field_bits + 2, self.work_bits + 2): 2 to 1, again':
            'a bit less will do: sums of fields of numbers, and rounded products, stay below it',
        'bits = max(self.a.field_bits + 2, self.work_bits + 2): 2 to 1':
            'a bit less will do: sums of fields of numbers, and rounded products, stay below it',
        'dtype = np.int32 if bits < 32 else np.int64: Lt to LtE':
            'a bit less will do: sums of fields of numbers, and rounded products, stay below it',
        'dtype = np.int32 if bits < 32 else np.int64: 32 to 33':
            'a bit less will do: sums of fields of numbers, and rounded products, stay below it',
        "dtype = np.int32 if bits < 32 else np.int64: 32 to 31": "longer integers do as well",
    },
    "formats.base": {
        'up = (high - values < values - low) | ((high - values == values - low) & (abs(high) < abs(low))):'
        ' Lt to LtE, again':
            'neighbours of one magnitude have no zero between them, and no format is without zero',
        "return rng.integers(2, size=1 if rng.random() < 0.5 else shape): condition turned round": _HALVES,
        "return rng.integers(2, size=1 if rng.random() < 0.5 else shape): Lt to LtE": _HALVES,
        'if codes.size and not (codes.dtype == dtype and 8 * dtype.itemsize == fmt.width): 8 to 9':
            'only a check that could be left out is done',
        'return _value_table(self)[codes] if self.width <= TABLE_BITS else self._values(codes): LtE to Lt':
            'without a table the values are the same',
        'table = fmt._values(np.arange(1 << fmt.width, dtype=code_dtype(fmt.width))): 1 to 2':
            'no code reaches the upper half',
    },
    "formats.blocks": {
        "parts = values.reshape(*values.shape[:-1], -1, self.size): 1 to 2, again":
            'numpy takes any negative number for the size that it is to find',
        'by = np.where(by > 0, by, 1.0)  # a float\'s scale may be 0, of a block that is next to nothing: 1.0 to 2.0':
            "numbers of such a block become 0, half of them too",
    },
    "formats.fitting": {
        "if not next_error < error - _LEAST_GAIN * abs(error): Lt to LtE": "none is less by just so much",
    },
    "formats.logs": {
        "doubled = [power(place, man_bits, _SIGNIFICAND + 1) for place in range(1 << man_bits)]: 1 to 2, again":
            "no fraction reaches the upper half",
        "limits[0] = _above(_halfway_to_zero, fmt.man_bits, 0) * 0.5**fmt.bias: 0 to 1, again": "no place is read",
        "limits[0] = _above(_halfway_to_zero, fmt.man_bits, 0) * 0.5**fmt.bias: 0 to -1, again": "no place is read",
        "top, above = np.frexp(self.magnitude) if self.exp_bits <= _RANGE_BITS else (1.0, 1): 1.0 to 2.0":
            "mantissas are below 1",
        "steps = np.array([_above(way, fmt.man_bits, place) for place in range(1 << fmt.man_bits)]): 1 to 2":
            "no fraction reaches the upper half",
    },
    "formats.powers": {
        "if fmt.exp_bits > 4 or fmt.width > 16: 16 to 17": "17, a prime, is no number of parts of equal width",
    },
    "formats.floats": {
        'starts = [0, binade, *powers, (one + binade) // 2, self.max_finite + 1]: 0 to -1':
            'only 2 goes, which is a lone bit of the mantissa or the smallest normal',
    },
    "formats.integers": {
        'sizes = [(1 << bit) - step for bit in range(self.width) for step in (0, 1)]: 1 to 2':
            'one bit further the same codes come out: 2**width is 0, and its predecessor is -1',
    },
    "kernels": {
        "return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0)): 0 to 1": "compiled, it is not run here",
        "return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0)): 0 to -1": "compiled, it is not run here",
        "return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0)): 1 to 2": "compiled, it is not run here",
        "return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0)): 1 to 0": "compiled, it is not run here",
        'return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0)): 0 to 1, again':
            'compiled, it is not run here',
        'return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0)): 0 to -1, again':
            'compiled, it is not run here',
        "elif shift > 63: 63 to 64": "nothing is left in either case (compiled, 64 would leave all, and tests fail)",
        'man, biased = field & ((1 << fmt.man_bits) - 1), field >> fmt.man_bits: 1 to 2':
            'the bit let through is set anyway; subnormals have none there',
        'man, biased = field & ((1 << fmt.man_bits) - 1), field >> fmt.man_bits: 1 to 2, again, again':
            'the bit let through is set anyway; subnormals have none there',
        "left = _leading_zeros(man) - 2: 2 to 3": "a place lower does as well",
        "left = _leading_zeros(mag) - 2: 2 to 3": "a place lower does as well",
        "if small_exp > big_exp: Gt to GtE": "of two equal exponents either may be the larger",
        'right = min(big_exp - small_exp, 63): 63 to 64':
            'nothing is left in either case (compiled, 64 would leave all, and tests fail)',
        'right = min(big_exp - small_exp, 63): 63 to 62':
            'nothing is left in either case (compiled, 64 would leave all, and tests fail)',
        "if total < 0: Lt to LtE": "a total is not 0 here, and one below 0 is even",
        "if total < 0: 0 to 1": "a total is not 0 here, and one below 0 is even",
        "if total < 0: 0 to -1": "a total is not 0 here, and one below 0 is even",
        "return sign, 0, 0, NAN: 0 to 1": "what stands beside the flag of a special is not looked at",
        "return sign, 0, 0, NAN: 0 to 1, again": "what stands beside the flag of a special is not looked at",
        "return sign, 0, 0, NAN: 0 to -1, again": "what stands beside the flag of a special is not looked at",
        "return sign, 0, 0, flags & INF: 0 to 1, again": "what stands beside the flag of a special is not looked at",
        "return sign, 0, 0, flags & INF: 0 to -1, again": "what stands beside the flag of a special is not looked at",
        'return added(fmt, acc, sign, 0, 0, INF if field == fmt.inf else NAN): 0 to 1':
            'what stands beside the flag of a special is not looked at',
        'return added(fmt, acc, sign, 0, 0, INF if field == fmt.inf else NAN): 0 to -1':
            'what stands beside the flag of a special is not looked at',
        'return added(fmt, acc, sign, 0, 0, INF if field == fmt.inf else NAN): 0 to 1, again':
            'what stands beside the flag of a special is not looked at',
        'return added(fmt, acc, sign, 0, 0, INF if field == fmt.inf else NAN): 0 to -1, again':
            'what stands beside the flag of a special is not looked at',
        'i, j = (start + n) // repeat, (start + n) % len(b.sig): FloorDiv to Mult, again':
            'dots take their rows in pairs: repeat is 1',
        'i, j = (start + n) // repeat, (start + n) % len(b.sig): FloorDiv to Mult, again, again':
            'dots take their rows in pairs: repeat is 1',
        'codes[lane] = added(fmt, 1 << fmt.field_bits, sign, mag, exp, flags): LShift to RShift':
            'the accumulator is never -0, and to others it is the same which zero is added',
        'codes[lane] = added(fmt, 1 << fmt.field_bits, sign, mag, exp, flags): 1 to 2':
            'the accumulator is never -0, and to others it is the same which zero is added',
        'codes[lane] = added(fmt, 1 << fmt.field_bits, sign, mag, exp, flags): 1 to 0':
            'the accumulator is never -0, and to others it is the same which zero is added',
        "if width % 2: Mod to Add": "of an even number the copy is not looked at",
        "largest, seen, specials = -(1 << 62), 0, 0: 1 to 2": "any exponent below all others does",
        "largest, seen, specials = -(1 << 62), 0, 0: 62 to 63": "any exponent below all others does",
        "largest, seen, specials = -(1 << 62), 0, 0: 62 to 61": "any exponent below all others does",
        'aligned = (abs(mags[lane]) << left) >> max(0, min(largest - exps[lane], 63)): 0 to -1':
            'only a 0 is above the largest',
        'aligned = (abs(mags[lane]) << left) >> max(0, min(largest - exps[lane], 63)): 63 to 64':
            'nothing is left in either case (compiled, 64 would leave all, and tests fail)',
        'aligned = (abs(mags[lane]) << left) >> max(0, min(largest - exps[lane], 63)): 63 to 62':
            'nothing is left in either case (compiled, 64 would leave all, and tests fail)',
        "total += -aligned if mags[lane] < 0 else aligned: Lt to LtE": "-0 is 0",
        "total += -aligned if mags[lane] < 0 else aligned: 0 to 1": "-0 is 0",
        "for _ in range(2): 2 to 3": "the second time ends it",
        "while high > 1 and limbs[high] == 0: Gt to GtE": "before the lowest comes the last one, which is 0 then",
        "while high > 1 and limbs[high] == 0: 1 to 0": "before the lowest comes the last one, which is 0 then",
        "left = min(LIMB_BITS, _leading_zeros(limbs[high]) - 2): 2 to 3": "a place lower does as well",
        "left = min(LIMB_BITS, _leading_zeros(limbs[high]) - 2): 2 to 1": "a place higher does as well",
        "rest = limbs[high - 1] & ((1 << right) - 1): 1 to 2, again": "the bit let through is the last one kept",
        "seen |= 4 if flags & NAN else 1 << sign: 4 to 5": "from 3 on all mean NaN",
        "seen |= 4 if flags & NAN else 1 << sign: 4 to 3": "from 3 on all mean NaN",
    },
    "matmul": {
        'stacks = [array.reshape(-1, *array.shape[-2:]) for array in (a, b, out)]: 1 to 2':
            'numpy takes any negative number for the size that it is to find',
        'return np.array_split(tiles, max(1, min(len(tiles), _PARTS, count * rows * cols * depth // _PART))): 1 to 2':
            'how the work is shared out among threads changes no result',
        'return np.array_split(tiles, max(1, min(len(tiles), _PARTS, count * rows * cols * depth //'
        ' _PART))): FloorDiv to Mult':
            'how the work is shared out among threads changes no result',
        'return np.array_split(tiles, max(1, min(len(tiles), _PARTS, count * rows * cols * depth //'
        ' _PART))): Mult to Add':
            'how the work is shared out among threads changes no result',
        'return np.array_split(tiles, max(1, min(len(tiles), _PARTS, count * rows * cols * depth //'
        ' _PART))): Mult to Add, again':
            'how the work is shared out among threads changes no result',
        'return np.array_split(tiles, max(1, min(len(tiles), _PARTS, count * rows * cols * depth //'
        ' _PART))): Mult to Add, again, again':
            'how the work is shared out among threads changes no result',
        'return spec.wide.sig_bits + spec.wide.implicit_one <= _FP32.man_bits + 1: Add to Sub':
            "L-Mul's significands, which alone have an implicit one, are never as long",
        '_shared_tiles(out.shape, a.shape[2])): 2 to 1':
            'how the work is shared out among threads changes no result',
        'return table.reshape(-1, 1 << spec.a.width, 1 << spec.b.width): 1 to 2':
            'numpy takes any negative number for the size that it is to find',
    },
    "tile_cut": {
        "bits = spec.layout.sig_bits + spec.layout.implicit_one: Add to Sub":
            "L-Mul's significands, which alone have an implicit one, are never as long",
        **{f"{line}: {change}": "a float64 does as well" for line in (
               "real = np.finfo(np.float32 if bits <= np.finfo(np.float32).nmant + 1 else np.float64)",)
           for change in ("LtE to Lt", "Add to Sub", "1 to 0")},
        **{f"tops = [int(_factors(spec, fmt, np.array([[largest_field(fmt, codes)]]))[1][0, 0]) for fmt, codes in "
           f"operands]: 0 to -1{again}": "the last of one" for again in ("", ", again")},
        **{f"size = np.where(found.flags, 0, np.clip(size - top + reach, 0, reach)): 0 to {other}{again}":
               "far below every product that counts" for other in (1, -1) for again in ("", ", again")},
        "largest = field.max(initial=0): 0 to 1": "the place is the same for codes that are all zero",
        "return int(largest if largest <= fmt.max_finite else field[field <= fmt.max_finite].max(initial=0)): "
        "LtE to Lt": "the largest of all, once more",
        "return int(largest if largest <= fmt.max_finite else field[field <= fmt.max_finite].max(initial=0)): "
        "0 to 1": "the place is the same for codes of which none is a number",
        "if codes.size <= 1 << fmt.width: LtE to Lt": "the same by a table",
        "if codes.size <= 1 << fmt.width: 1 to 2": "the same without a table",
        "return Cut(*(table[0][codes] for table in tables)): 0 to -1": "the last of one",
        "bits = (fields << (real.nmant - frac)) + (operand.sign.astype(np.int64) << (real.bits - 1)): Add to Sub":
            "the highest bit is the same, added or subtracted",
    },
    "tile_kernels": {
        "word = 2 * np.int32(product) + (1 if product > 0 else -1): Gt to GtE": "what counts is not 0",
        "if passes.guard < 0: Lt to LtE": "the guard is never 0",
        "if passes.guard < 0: 0 to 1": "the guard is never 0",
        "result[j] += (scaled << passes.guard) >> min(short - b_exp[j], 63): 63 to 62":
            "a sum of a pass has never so many bits",
    },
    "tensors": {
        "return members(what, path, [name])[0]: 0 to -1": "the last of one",
        "return short[0]: 0 to -1": "the last of one",
        "start = file.read(6): 6 to 7": "what a file begins with is in the first six bytes",
        "start = file.read(10): 10 to 11": _HEADER,
        "start = file.read(10): 10 to 9": _HEADER,
        'head = start + file.read(int.from_bytes(start[8:], "little")): 8 to 7':
            "more than the header is read, and what follows is searched in vain",
    },
    "offsets": {
        "low, high = 0.0, 0.25: 0.0 to -1.0": "the slope has its one zero between them all the same",
        "low, high = 0.0, 0.25: 0.25 to 1.25": "the slope has its one zero between them all the same",
        "while high - low > 2.0 ** (-man_a - 8): Gt to GtE": "a halving more of an interval already short enough",
        "while high - low > 2.0 ** (-man_a - 8): 2.0 to 3.0": "more halvings of an interval already short enough",
        "while high - low > 2.0 ** (-man_a - 8): 8 to 9": "a halving more of an interval already short enough",
        "while high - low > 2.0 ** (-man_a - 8): 8 to 7": "a halving less of an interval shorter than need be",
        'bends = [np.clip(kink - x, first, last) for kink in kinks for x in (start, end)]: Sub to Add':
            'intervals of the quadrature meet elsewhere, which moves the slope by less than its error',
        "if _slope(middle, man_a, man_b) > 0: Gt to GtE": "where the slope is 0, either half ends beside the zero",
    },
    "operands": {
        "given[kind] += 1: 1 to 2": "counted in twos, the kinds compare as before",
        "if product.kind == kind], rng.spawn(1)[0]) for kind in source.shares}: 1 to 2": "other draws, as good",
        "if product.kind == kind], rng.spawn(1)[0]) for kind in source.shares}: 0 to -1": "the last of one",
    },
    "products": {
        "return _each(_narrow, spec, a, b, [code_dtype(spec.narrow_width)])[0]: 0 to -1": "the last of one",
        "if spec.a.width + spec.b.width <= _TABLE_BITS: LtE to Lt": "without a table the products are the same",
        "pairs = np.arange(1 << (spec.a.width + spec.b.width)): 1 to 2": "no pair reaches the upper half",
    },
}
SECONDS = 150  # a fault that makes a test hang counts as found


def text(module):
    return (TESTS.parent / "golden" / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")


def source(module):
    return ast.parse(text(module))


def names(module):
    """Of every fault its line of the source and what is done to it; of equal ones on a line the later say so."""
    lines, found = text(module).splitlines(), []
    for _, _, words in faults(source(module)):
        number, what = words.removeprefix("line ").split(": ", 1)
        name = f"{lines[int(number) - 1].strip().rstrip(':')}: {what}"
        while name in found:
            name += ", again"
        found.append(name)
    return found


def is_found(module, number, seed):
    """Whether a test fails with this fault; "none" is no fault."""
    command = [sys.executable, "-m", "pytest", "-p", "broken_source", "-p", "no:cacheprovider",
               "-p", "no:hypothesispytest",  # loaded for a second as tests end, and none of these uses it
               "-n", "0", "-x", "-q", "--seed", str(seed), *(TESTS / f"test_{name}.py" for name in WATCHED[module])]
    environment = os.environ | {"PYTHONPATH": str(TESTS), "LMUL_BROKEN": f"lmul.golden.{module}:{number}"}
    if module in LONG:
        command += ["-k", f"not ({LONG[module]})"]
        environment["NUMBA_DISABLE_JIT"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        if module in COMPILED:
            environment["NUMBA_CACHE_DIR"] = folder
        try:
            done = subprocess.run(command, cwd=TESTS.parent, env=environment, capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return True
    # Any other end is a find: a fault may show as a test file is imported, or crash compiled loops.
    assert done.returncode != pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout
    return done.returncode != 0


def score(module, count, seed, record_property):
    start, every = time.monotonic(), faults(source(module))
    visible = [number for number, name in enumerate(names(module)) if name not in EQUIVALENT.get(module, ())]
    tried = random.Random(f"{seed} {module}").sample(visible, min(count, len(visible)))
    survivors = [every[number][2] for number in tried if not is_found(module, number, seed)]
    listed = "".join(f"\n  survivor: {words}" for words in survivors)
    record_property("score", f"golden/{module}.py: {len(tried) - len(survivors)} of {len(tried)} faults found, of "
                             f"{len(visible)} possible, {time.monotonic() - start:.0f} s{listed}")
    return len(survivors) / len(tried)


def test_a_sample(seed, record_property):
    assert score("stimulus", 1, seed, record_property) == 0


@pytest.mark.regress
@pytest.mark.parametrize("module", WATCHED)
def test_faults(module, seed, record_property):
    if module == "tensors":
        pytest.importorskip("safetensors", reason="the extra `models` is not installed")
    assert score(module, 10, seed, record_property) == 0


def test_equivalent_faults_are_faults():
    for module, listed in EQUIVALENT.items():
        assert set(listed) <= set(names(module))


@pytest.mark.parametrize("module", [pytest.param(module, marks=[pytest.mark.regress] * (module != "stimulus"))
                                    for module in WATCHED])
def test_every_fault_is_a_change(module):
    tree = source(module)
    whole = ast.dump(tree)
    found = faults(tree)
    assert len(found) > (2 if module in FEW else 15)
    texts = [ast.dump(broken(tree, number)) for number in range(0, len(found), 7)]
    assert whole not in texts and len(set(texts)) == len(texts)


@pytest.mark.regress
@pytest.mark.parametrize("module", WATCHED)
def test_sound_source_is_not_faulted(module, seed):
    assert not is_found(module, "none", seed)
