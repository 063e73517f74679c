"""A design in words: what it is, and what it does with numbers that are not plain."""

from .designs import Design

SUBNORMALS = {"flush": "subnormals flushed", "exact": "subnormals kept"}


def summary(design: Design) -> str:
    """One line about a design."""
    spec = design.multiplier
    words = [design.declared.summary + ":", *[spec.kind] * spec.spelled]
    formats = spec.formats.replace("x", " x ")
    if design.declared.tiled:
        formats = " x ".join(dict.fromkeys(map(str, (design.a_block or spec.a, design.b_block or spec.b))))
    words += [f"{formats},", SUBNORMALS[spec.subnormals]] if spec.a.floating else [formats]
    if design.accumulator is not None:
        words.append(f"into {design.accumulator.name}")
    return " ".join(filter(None, [*words, design.declared.shape.describe(design)]))


def special_values(design: Design) -> list[str]:
    """What becomes of subnormals, NaN, Inf and of results that do not fit, a sentence each."""
    found, spec = [], design.multiplier
    floats = [fmt for fmt in spec.operands.values() if fmt.floating]
    if floats:
        found.append({"flush": "Subnormal operands count as zero.", "exact": "Subnormal operands count as they are."}
                     [spec.subnormals])
        if any(getattr(fmt, "has_nan", False) for fmt in floats):
            found.append("A NaN operand gives NaN.")
        if any(getattr(fmt, "has_inf", False) for fmt in floats):
            found.append("Inf times zero gives NaN, Inf times another number Inf.")
    accumulator = design.accumulator
    if design.declared.tiled:
        found.append(_tile_sums(design))
    elif accumulator is not None:
        found.append(_sums(accumulator))
    elif design.wide and floats:
        found.append("The flags of p go before its other fields: nan, then inf, then zero.")
    elif floats:
        found.append({"saturate": "Beyond the largest finite number p is that number.",
                      "ieee": "Beyond the largest finite number p is Inf, or where the format has none NaN."}
                     [spec.overflow])
    return found


def _sums(accumulator):
    if accumulator.rounds:
        parts, order = accumulator.interleave, ""
        if parts > 1:
            order = (f" Partial sum j of {parts} has what is j modulo {parts} from the end of its run; then pairs "
                     "are added.")
        return f"Sums are rounded to nearest even at each step; Inf and NaN as in IEEE 754.{order}"
    if accumulator.exact:
        return f"Sums of up to {accumulator.depth} products are exact, and rounded once on the way out."
    return f"Sums are modulo 2 to the power of {accumulator.bits}."


def _tile_sums(design):
    tile = design.tile
    flag = " NaN or Inf, of operands or scales, makes its sums NaN." if tile.flags else ""
    way_out = " Results are rounded once." if design.declared.memory and not tile.result.integer else ""
    return f"Sums are words of {tile.word_bits} bits, enough for {tile.depth} products.{way_out}{flag}"
