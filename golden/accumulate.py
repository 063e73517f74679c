"""Sums of products as the accumulators form them, bit by bit and in the hardware's order."""

import numpy as np

from . import kernels, products
from .codec import as_codes, code_dtype, decode
from .parallel import in_threads
from .refusal import Refusal

MAX_LANES = 256
MAX_WINDOW = 53  # bits; with the carries of 256 lanes a sum stays below 2**61, as the kernels need
_BLOCK = 1 << 16  # products that a thread takes at a time


def accumulate(spec, accumulator, a, b):
    """Sum the products of ``a`` and ``b`` over their last axis, in its order.

    A float accumulator starts from +0 and takes every product unrounded: each step rounds once, to nearest even, with
    subnormals; a NaN has sign 0. A fixed-point sum is exact, its Inf and NaN sticky, and is rounded once to fp32 at
    the end. int32 wraps.

    Parameters
    ----------
    spec : Multiplier
    accumulator : Accumulator
    a, b : arrays of codes, (..., depth)
        They broadcast.

    Returns
    -------
    array of codes of ``accumulator.result``, (...)

    Raises
    ------
    Refusal
        If a code does not fit its format, the shapes do not broadcast, the depth is 0 or more than the accumulator
        holds, or the accumulator does not take the product.
    """
    shape, a, b = _stacks(spec, accumulator, a, b)
    return sums(spec, accumulator, a, b).reshape(shape)


def dot(spec, accumulator, lanes, a, b, window=32, tree=False):
    """As `accumulate`, for hardware that takes ``lanes`` products at a time. An exact or integer sum is the same.

    The products of a group are aligned to the largest exponent among them in a ``window`` of so many bits, what falls
    out being cut off, and summed exactly; the sum goes into the accumulator with one rounding. With ``tree`` each
    product is rounded to the accumulator's format instead, and so is every node of a tree of adders: lane 2i with
    lane 2i + 1, an odd one left over passing on. The last group is filled with products that are -0.

    Raises
    ------
    Refusal
        As `accumulate`; or if ``lanes`` is not 1 to 256, or the window does not hold a product's significand.
    """
    shape, a, b = _stacks(spec, accumulator, a, b)
    if not 1 <= lanes <= MAX_LANES:
        raise Refusal(f"Dot product lanes must be 1 to {MAX_LANES}, not {lanes!r}")
    if accumulator.kind != "float":
        return sums(spec, accumulator, a, b).reshape(shape)
    width = spec.wide.sig_bits + spec.wide.implicit_one
    if not tree and not width <= window <= MAX_WINDOW:
        raise Refusal(f"Window must be {width} to {MAX_WINDOW} bits for {spec.name}, not {window!r}")
    missing = ((0, 0), (0, -a.shape[1] % lanes))
    a, b = np.pad(a, missing, constant_values=spec.a.sign_mask), np.pad(b, missing)
    if tree:
        return _run(kernels.sum_tree, spec, accumulator, (lanes,), a, b).reshape(shape)
    return _run(kernels.sum_aligned, spec, accumulator, (lanes, window - width), a, b).reshape(shape)


def sums(spec, accumulator, a, b, every_pair=False):
    """Sums over rows of codes, (n, depth): of the rows of ``a`` with the rows of ``b``, in pairs; or of every row of
    ``a`` with every row of ``b``, those of ``b`` changing fastest. Checks nothing."""
    if accumulator.kind == "float":
        return _run(kernels.sum_steps, spec, accumulator, (), a, b, every_pair)
    if accumulator.kind == "int":
        return _int_sums(spec, a, b, every_pair)
    lowest, limbs = extent(spec)
    return _run(kernels.sum_exactly, spec, accumulator, (lowest, limbs), a, b, every_pair)


def check(spec, accumulator, depth):
    """Refuse an accumulator that does not take the products, or not so many."""
    if (accumulator.kind == "int") != (spec.kind == "int8"):
        wanted = "int32" if spec.kind == "int8" else "a float format, fixed or carrysave"
        raise Refusal(f"Accumulator must be {wanted} for {spec.name}, not {accumulator.name!r}")
    if depth < 1:
        raise Refusal(f"Depth must be at least 1, not {depth}")
    if accumulator.depth is not None and depth > accumulator.depth:
        raise Refusal(f"Depth must be at most {accumulator.depth} for {accumulator.name}, not {depth}")


def extent(spec):
    """Exponent of the last place of the smallest product, and how many limbs an exact sum of products takes."""
    wide = spec.wide
    lowest, highest = spec.exp_range
    bits = highest - lowest + wide.sig_bits + wide.implicit_one
    # One limb more, for carries and the upper part of the highest product.
    return lowest - wide.exp_bias - wide.frac_bits, bits // kernels.LIMB_BITS + 2


def target(fmt):
    """A format as the kernels take it."""
    return kernels.Target(fmt.man_bits, fmt.field_bits, fmt.bias, fmt.inf, fmt.nan)


def rule(spec):
    """How the kernels multiply."""
    return kernels.Rule(spec.is_add, spec.offset_value, spec.a.man_bits, -spec.wide.exp_bias - spec.wide.frac_bits)


def factors(spec, fmt, codes):
    """Codes of one operand, (n, depth), as the kernels take them."""
    codes = np.ascontiguousarray(codes)  # other layouts would be compiled for again
    field = codes.astype(np.int64) & fmt.field_mask
    zero, inf, nan = products.flags(fmt, field, spec.subnormals)
    if spec.is_add:
        sig = products.addends(fmt, field, spec.subnormals) << (spec.a.man_bits - fmt.man_bits)
        exp = np.zeros(codes.shape)
    else:
        sig, exp = products.factors(fmt, field, spec.subnormals)
    sign = (codes >> fmt.field_bits).astype(np.uint8)
    flags = kernels.ZERO * zero | kernels.INF * inf | kernels.NAN * nan
    return kernels.Factors(sig, exp.astype(np.int16), sign, flags.astype(np.uint8))


def _run(kernel, spec, accumulator, parameters, a, b, every_pair=False):
    """The rows that a kernel sums, shared out among threads."""
    a, b = factors(spec, spec.a, a), factors(spec, spec.b, b)
    repeat = len(b.sig) if every_pair else 1
    out = np.empty(len(a.sig) * repeat, np.int64)
    fmt = target(accumulator.result)
    block = max(1, _BLOCK // a.sig.shape[1])
    in_threads(lambda start: kernel(fmt, rule(spec), *parameters, a, b, repeat, start, out[start : start + block]),
               range(0, len(out), block))
    return out.astype(code_dtype(accumulator.result.width))


def _int_sums(spec, a, b, every_pair):
    total = exact_int_sums(spec, a, b.T) if every_pair else np.einsum("nk,nk->n", decode(spec.a, a), decode(spec.b, b))
    return (total.astype(np.int64) & 0xFFFFFFFF).astype(np.uint32).ravel()


def exact_int_sums(spec, a, b):
    """The matrix product of int8 codes, int64."""
    # 16-bit products: float64 sums are exact integers below 2**53, so up to a depth of 2**39.
    return (decode(spec.a, a) @ decode(spec.b, b)).astype(np.int64)


def _stacks(spec, accumulator, a, b):
    """Broadcast operands as two stacks of rows, and the shape of the result."""
    a, b = np.broadcast_arrays(as_codes(spec.a, a), as_codes(spec.b, b))
    if a.ndim == 0:
        raise Refusal("Operands must have a last axis to sum over, not be single codes")
    check(spec, accumulator, a.shape[-1])
    return a.shape[:-1], a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1])
