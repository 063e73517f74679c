"""Designs and their one name. A slug is the name on the command line, the Verilog module, the folder and the row."""

import contextlib
import difflib
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ..golden import families
from ..golden.formats import FORMATS, MIXED_PAIRS, Block, Format, block_format, blocks
from ..golden.refusal import Refusal
from ..golden.spec import Accumulator, Multiplier, parse_accumulator
from ..golden.tile import Tile
from .structures import STRUCTURES, Structure

if TYPE_CHECKING:
    from .foreign import Source

MAX_SIDE = 64
MAX_WINDOW = 53  # the golden model's
MAX_STAGES = 3  # of a tile


@dataclass(frozen=True)
class Design:
    """One design: its structure, its multiplier and, above a lone multiplier, its accumulator and shape.

    Parameters
    ----------
    structure : str
        ``mul`` (narrow product), ``prod`` (wide product), ``conv`` (conversion of codes), ``mac``, ``dot``, ``array``,
        ``matmul``, ``tile``, or ``core``, which slugs call ``matmul`` too: that of a tile.
    multiplier : Multiplier
    accumulator : Accumulator or None
        None where the structure has none: it is combinational, or a tile.
    lanes : int or None
        Lanes of a ``dot`` or a tile.
    window : int or None
        Bits to which a ``dot`` aligns the products of one step before it adds them to a float; bits of a tile's words,
        or None where these are integers.
    tree : bool
        Whether a ``dot`` sums floats in a plain adder tree instead.
    rows, cols : int or None
        Shape of an ``array`` or ``matmul``, 1..64; columns of a tile.
    dataflow : str or None
        ``os`` (output-stationary) or ``ws`` (weight-stationary).
    stages : int
        Of a tile: cycles from an activation to the sum of the lanes, 1 to 3.
    a_block, b_block : Block or None
        Of a tile whose operands come in blocks.

    Raises
    ------
    Refusal
        If the combination is impossible; the sentence names the value.
    """

    structure: str
    multiplier: Multiplier
    accumulator: Accumulator | None = None
    lanes: int | None = None
    window: int | None = 32
    tree: bool = False
    rows: int | None = None
    cols: int | None = None
    dataflow: str | None = None
    stages: int = 1
    a_block: Block | None = None
    b_block: Block | None = None
    source: ClassVar["Source | None"] = None  # files, of what somebody else built: `foreign.Foreign`

    def __post_init__(self) -> None:
        if self.multiplier.kind not in self._kinds():
            alone = next((word for word, each in STRUCTURES.items() if each.kind == self.multiplier.kind), None)
            raise Refusal(f"Structure of {self.multiplier.title} must be {alone}, not {self.structure}" if alone else
                          f"A {self.structure} must be of kind {self.declared.kind}, not {self.multiplier.kind}")
        if not self.unrounded:
            self.multiplier.check_narrow()
        if self.wide and self.multiplier.overflow != "saturate":
            raise Refusal("A wide product never overflows, so 'ieee' must be left out of a prod design")
        for policy in self.multiplier.given():
            if policy.name in self.multiplier.wide_policies and not self.unrounded:
                word = policy.write(getattr(self.multiplier, policy.name))
                raise Refusal(f"A narrow product has no {policy.name}, so {word!r} must be left out of a "
                              f"{self.structure} design")
        if self.accumulator is not None:
            self.accumulator.check(self.multiplier.wide, self.multiplier.name)
        if self.accumulator is not None and self.accumulator.interleave > 1 and self.protocol != "runs":
            article = "an" if self.structure[0] in "aeiou" else "a"
            raise Refusal(f"Interleaved sums must be those of a mac or a dot, which take runs, not those of {article} "
                          f"{self.structure}: {self.accumulator.result.name!r} must stand for "
                          f"{self.accumulator.name!r}")
        if self.accumulator is not None and self.multiplier.overflow != "saturate":
            raise Refusal("An accumulator takes wide products, which never overflow: 'ieee' must be left out")
        for name, value in (("rows", self.rows), ("cols", self.cols)):
            if value is not None and not 1 <= value <= MAX_SIDE:
                raise Refusal(f"Array {name} must be 1 to {MAX_SIDE}, not {value}")
        if self.declared.tiled:
            assert self.tile
            if not 1 <= self.stages <= MAX_STAGES:
                raise Refusal(f"Stages of a tile must be 1 to {MAX_STAGES}, not {self.stages}")
            return
        if self.lanes is not None and not 2 <= self.lanes <= 256:
            raise Refusal(f"Dot product lanes must be 2 to 256, not {self.lanes}")
        if self.dataflow == "ws" and self.multiplier.neutral is None:
            raise Refusal(f"A weight-stationary array needs a pair of codes whose product is 0, which "
                          f"{self.multiplier.name} has not: _os must stand for _ws")
        if self.lanes is not None:
            self._check_sum()

    def _kinds(self):
        """Kinds of multipliers that the structure may be of."""
        if self.declared.kind:
            return [self.declared.kind]
        return families.members().keys() - {each.kind for each in STRUCTURES.values()}

    def _check_sum(self):
        assert self.accumulator is not None
        assert self.window is not None
        if not self.accumulator.rounds:
            if self.tree or self.window != Design.window:
                raise Refusal(f"A window or a tree of adders must go with a float accumulator, not "
                                 f"{self.accumulator.name!r}")
            return
        if self.tree and self.window != Design.window:
            raise Refusal(f"A tree of adders has no window, so {self.window} must be left out")
        least = self.multiplier.layout.sig_bits + self.multiplier.layout.implicit_one
        if not self.tree and not least <= self.window <= MAX_WINDOW:
            raise Refusal(f"Window must be {least} to {MAX_WINDOW} bits for {self.multiplier.name}, "
                             f"not {self.window}")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Multipliers along each of its dimensions, lanes, rows and columns, of those that it has; of a lone one 1."""
        return tuple(size for size in (self.lanes, self.rows, self.cols) if size) or (1,)

    @property
    def multipliers(self) -> int:
        """How many it has: products that it can begin in a cycle."""
        return prod(self.sizes)

    @property
    def slug(self) -> str:
        accumulator = [self.accumulator.name] if self.accumulator is not None else []
        multiplier = self.multiplier.named(self.tile.formats) if self.declared.tiled else self.multiplier.name
        word = self.declared.word or self.structure
        return "_".join([word, multiplier, *accumulator, *self.declared.shape.write(self)])

    @cached_property
    def tile(self) -> Tile:
        """Of a structure that is one."""
        assert self.lanes is not None
        return Tile(self.multiplier, self.lanes, self.window, self.a_block, self.b_block)

    @property
    def declared(self) -> Structure:
        """What the structure is declared to be."""
        return STRUCTURES[self.structure]

    @property
    def unrounded(self) -> bool:
        """Whether products are taken as they are, by an accumulator or as the result."""
        return self.declared.wide

    @property
    def wide(self) -> bool:
        """Whether the result is the unrounded product."""
        return self.combinational and self.unrounded

    @property
    def result(self) -> Format:
        """Format of the codes that come out."""
        if self.accumulator is not None:
            return self.accumulator.result
        if self.declared.tiled:
            return self.tile.result
        return self.multiplier.wide if self.wide else self.multiplier.narrow

    @property
    def summed_by(self) -> Accumulator:
        """``accumulator`` of a design that has one."""
        return cast(Accumulator, self.accumulator)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of an array; of a tile lanes and columns."""
        return cast(int, self.rows or self.lanes), cast(int, self.cols)

    @property
    def protocol(self) -> str:
        """How operands come in and results go out: ``combinational``, ``runs`` (of pairs, one in each cycle with
        ``en``), ``streams`` (of a matrix's columns and rows), ``axis`` (the same streams as AXI4-Stream), or ``passes``
        (of vectors by weights that stay, from partial sums to partial sums)."""
        return self.declared.protocol

    @property
    def combinational(self) -> bool:
        return self.protocol == "combinational"


def parse(slug: str) -> Design:
    """The design called ``slug``; ``parse(slug).slug == slug``.

    Raises
    ------
    Refusal
        If there is no such design: one sentence, with the nearest valid names.
    """
    try:
        design = _parse(slug)
    except ValueError as error:
        near = difflib.get_close_matches(slug, catalogue(), n=3, cutoff=0.5)
        hint = f"; nearest: {', '.join(near)}" if near else "; `lmul list` shows the designs"
        raise Refusal(f"Unknown design {slug!r}: {error}{hint}") from None
    if design.slug != slug:
        raise Refusal(f"Unknown design {slug!r}: its one spelling is {design.slug!r}")
    return design


def _parse(slug):
    word, *words = slug.split("_")
    structure = _meant(word, words)
    declared, fields = STRUCTURES[structure], cast("dict[str, Any]", {})
    if not words:
        raise Refusal(f"a {'format' if declared.kind else 'multiplier'} must follow {word!r}")
    if declared.tiled:
        fields |= _take_blocks(words)
    multiplier, words = families.parse(words, declared.kind)
    if declared.accumulates:
        if not words:
            raise Refusal(f"an accumulator must follow {multiplier.name!r}")
        fields["accumulator"] = parse_accumulator(words.pop(0))
    fields |= declared.shape.read(word, words)
    if words:
        raise Refusal(f"nothing may follow, but {words[0]!r} does")
    return Design(structure, multiplier, **fields)


def _meant(word, words):
    """The structure that a slug's first word stands for: of several the one whose shape follows the multiplier."""
    names = [name for name, each in STRUCTURES.items() if (each.word or name) == word]
    if not names:
        *known, last = dict.fromkeys(each.word or name for name, each in STRUCTURES.items())
        raise Refusal(f"a design begins with {', '.join(known)} or {last}, not {word!r}")
    if len(names) == 1:
        return names[0]
    elements, ends = [*words], [words[n:] for n in range(len(words))]
    with contextlib.suppress(Refusal, IndexError):  # which is said where the words are read
        _take_blocks(elements)
        ends = [families.parse(elements)[1]]
    return next((name for end in ends for name in names if STRUCTURES[name].shape.begins(end)), names[0])


def _take_blocks(words):
    """The blocks of the operands; in ``words`` the formats of their elements are left."""
    place = int(words[0] in families.kinds() and len(words) > 1)
    words[place], *found = blocks.split(words[place])
    return {f"{name}_block": block and block_format(block) for name, block in zip("ab", found, strict=True)}


def catalogue() -> list[str]:
    """Slugs of the catalogue, in a fixed order: every multiplier at every format and mixed pair, narrow and wide,
    with both subnormal policies, then the larger structures at the formats that are reported."""
    pairs = [(name, None) for name in FORMATS] + list(MIXED_PAIRS)
    multipliers = [
        Multiplier.make(kind, a, b, subnormals=subnormals)
        for a, b in pairs
        for kind in ("lmul", "mitchell", "exact")
        for subnormals in ("flush", "exact")
    ]
    multipliers.append(Multiplier.make("int8"))
    lone, sums = _by_protocol()
    slugs = [f"{structure}_{multiplier.name}" for structure in lone for multiplier in multipliers]
    for structure, declared in sums.items():
        for suffix in declared.examples:
            slugs.append(f"{structure}_int8_int32{suffix}")
            for formats in ("e4m3", "e5m2", "bf16", "fp16", "bf16xe4m3"):
                slugs += [f"{structure}_{kind}_{formats}_{accumulator}{suffix}" for kind in ("lmul", "exact")
                          for accumulator in ("fp32", "fixed", "carrysave")]
    return slugs + _interleaved() + _shorter() + _integers() + _logarithms() + _conversions() + _tiles()


def _interleaved():
    """Sums that are interleaved over partial sums, a few."""
    return [f"{words}_fp32i4{suffix}" for words, suffix in (
        ("mac_lmul_e4m3", ""), ("mac_exact_e4m3", ""), ("mac_log_l3f4", ""), ("dot_exact_e4m3", "_16"))] + [
        "mac_lmul_e4m3_fp32i8"]


def _shorter():
    """Exact products rounded or cut to as many bits as L-Mul adds, and L-Mul with its best half: a few of each."""
    _, sums = _by_protocol()
    lone = ("exact_e4m3_r4", "exact_e4m3_flush_r4", "exact_e4m3_flush_t4", "exact_e5m2_flush_r3", "exact_e5m2_flush_t3",
            "exact_bf16xe4m3_flush_r8", "exact_bf16_flush_r8", "lmul_e4m3_offh1", "lmul_fp16_best")
    slugs = [f"prod_{multiplier}" for multiplier in lone]
    for multiplier in ("exact_e4m3_flush_r4", "exact_e4m3_flush_t4", "exact_e5m2_flush_r3", "exact_bf16xe4m3_flush_r8",
                       "lmul_e4m3_offh1"):
        slugs += [f"{structure}_{multiplier}_{accumulator}{declared.examples[0]}"
                  for structure, declared in sums.items() if declared.protocol != "axis"
                  for accumulator in ("fp32", "fixed")]
    return slugs


def _by_protocol():
    """The structures of lone products, and those of sums."""
    lone = {name: each for name, each in STRUCTURES.items() if each.protocol == "combinational" and not each.kind}
    return lone, {name: each for name, each in STRUCTURES.items() if each.accumulates}


def _integers():
    """Designs of the other families, a few of each."""
    lone, sums = _by_protocol()
    narrow = ("int2", "int4", "uint8", "int8xint4", "int16", "int8xternary", "int8xpot3k2", "xnor_sign8")
    slugs = [f"{structure}_{multiplier}" for multiplier in narrow for structure in lone]
    for multiplier in ("int4", "int8xint4", "int8xternary", "int8xpot3k2", "xnor_sign8"):
        slugs += [f"{structure}_{multiplier}_int32{suffix}" for structure, declared in sums.items()
                  for suffix in declared.examples]
    return slugs


def _logarithms():
    """Designs of log codes: every structure, with the linear antilog and with a table's."""
    lone, sums = _by_protocol()
    multipliers = [Multiplier.make("log", *pair, table=table)
                   for pair, table in ((("l3f4",), 0), (("l3f4",), 6), (("l4f3",), 0), (("l3f5",), 0),
                                       (("l3f4", "l3f2"), 0))]
    slugs = [f"{structure}_{multiplier.name}" for structure, declared in lone.items() for multiplier in multipliers
             if declared.wide or not multiplier.given()]
    for structure, declared in sums.items():
        for suffix in declared.examples:
            slugs += [f"{structure}_{multiplier.name}_{accumulator}{suffix}" for multiplier in multipliers
                      for accumulator in ("fp32", "fixed")]
    return slugs


def _conversions():
    """What stands before and behind an array of log codes: floats to these codes, and back."""
    pairs = [("e4m3", "l3f4"), ("e5m2", "l3f5"), ("e4m3", "l4f3"), ("bf16", "l3f4"), ("fp16", "l3f4"), ("fp32", "l3f4"),
             ("l3f4", "e4m3"), ("l4f3", "e4m3"), ("l3f4", "bf16"), ("l3f4", "fp32")]
    return [f"conv_{source}_{target}" for source, target in pairs]


def _tiles():
    """Tiles, a few of each kind: of codes under one scale, mixed, of integers, and in blocks; and cores of some."""
    cores = [f"matmul_{words}" for words in (
        "lmul_e4m3_16x16_w10", "log_l3f4_16x16_w10", "exact_e4m3_16x16_w10", "int8_16x16", "exact_mxe4m3_32x8_w10",
        "exact_nvfp4_16x16_w10")]
    return [f"tile_{words}" for words in (
        "lmul_e4m3_16x16_w10", "lmul_e4m3_offh1_16x16_w10", "log_l3f4_16x16_w10", "log_l3f5_t7_16x16_w10",
        "exact_e4m3_16x16_w10", "exact_e4m3_flush_r4_16x16_w10", "int8_16x16", "lmul_bf16xe4m3_16x16_w12",
        "exact_bf16xe4m3_16x16_w12", "lmul_bf16_16x16_w12", "lmul_mxe4m3_32x8_w10", "exact_mxe4m3_32x8_w10",
        "exact_mxe2m1_32x8_w10", "log_mxl3f4_32x8_w10", "mxint8_32x8", "exact_nvfp4_16x16_w10")] + cores
