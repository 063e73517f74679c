"""A design's bench as a folder that needs neither this program nor its model: what `lmul bench` writes.

In the folder: the Verilog and its manifest; ``bench.json``, what the bench must know of the design; a table of products
where these have no short definition; the package ``bench``, which is `sim.portable` and what that shares with our own
benches; and what starts it.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..golden.expected import products as product_codes
from ..golden.files import write_together
from ..golden.formats import FloatFormat, Format, IntFormat, LogFormat
from ..golden.products import product
from ..golden.refusal import Refusal
from ..golden.spec import WideFormat
from ..golden.stimulus import all_pairs
from ..golden.tile import GUARD_BITS
from ..hdl.verilog import generate
from . import passes, reach, standalone_texts, tile_runs, tiles

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..golden.families.exact import Exact
    from ..golden.families.lmul import FieldSum
    from ..hdl.designs import Design

TABLE_BITS = 18  # operands together, up to which products are a table

_STREAMED, _SESSION = ("segments", "traffic"), ("clocked", "session")

#: By protocol: the modules of its bench, in `sim.portable` and in `sim`; and how many vectors a run of it has.
BENCHES = {
    "combinational": (["cocotb_combinational"], [], 20_000),
    "runs": (["cocotb_runs", "sums"], ["runs"], 512),
    "streams": (["cocotb_streams", "sums", *_STREAMED], ["array_ports", *_SESSION], 256),
    "axis": (["cocotb_streams", "sums", *_STREAMED], ["array_ports", *_SESSION], 256),
    "passes": (["cocotb_passes", "sums", "tiles", *_STREAMED], ["tile_ports", *_SESSION], 256),
    "tiles": (["cocotb_tiles", "sums", "tiles", *_STREAMED], ["tile_ports", *_SESSION], 256),
}
_EVERY = ["__init__", "settings", "codes", "products", "coverage", "vectors"]
_SHARED = ["messages", "beats", "streams"]


def write(design: Design, folder: str | Path) -> list[Path]:
    """Write the bench of a design.

    Parameters
    ----------
    design : Design
    folder : path

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    Refusal
        If there is no bench for the design: one sentence that says for which there is; or if the folder has the bench
        of another.
    YosysError
        As `hdl.verilog.generate`.
    """
    about, tables = described(design)
    _require_own(design, Path(folder))
    with tempfile.TemporaryDirectory(prefix="lmul-") as scratch:
        generate(design, scratch)
        made = {name: (Path(scratch) / name).read_text() for name in (f"{design.slug}.v", f"{design.slug}.json")}
    files = {**made, **tables, "bench.json": json.dumps(about, indent=1) + "\n", **package(design),
             **standalone_texts.files(about)}
    write_together(folder, files)
    return [Path(folder) / name for name in files]


def _require_own(design, folder):
    """Refuse a folder with the bench of another design, whose files would stay beside this one's."""
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError, KeyError, TypeError):
        other = json.loads((folder / "bench.json").read_text(encoding="utf-8"))["slug"]
        if other != design.slug:
            raise Refusal(f"Output folder must not have the bench of another design, but {str(folder)!r} has that of "
                          f"{other}")


def package(design: Design) -> dict[str, str]:
    """The modules of the package ``bench``. Those of `sim.portable` and those of `sim` stand side by side there."""
    own, shared, _ = BENCHES[design.protocol]
    here = Path(__file__).parent
    found = {name: (here / "portable" / f"{name}.py").read_text() for name in (*_EVERY, *own)}
    found |= {name: (here / f"{name}.py").read_text() for name in (*_SHARED, *shared)}
    return {f"bench/{name}.py": text.replace("\nfrom ..", "\nfrom .") for name, text in sorted(found.items())}


def described(design: Design) -> tuple[dict[str, Any], dict[str, str]]:
    """What the bench must know of a design, plain data; and the texts of tables, by the names of their files.

    Raises
    ------
    Refusal
        As `write`.
    """
    spec = design.multiplier
    if design.protocol not in BENCHES:
        raise Refusal(f"A bench must be of a multiplier, a sum, an array or a tile, not of {design.slug}")
    rule, tables = _products(design)
    lone = design.combinational
    about: dict[str, Any] = {
        "slug": design.slug, "protocol": design.protocol, "module": f"bench.{BENCHES[design.protocol][0][0]}",
        "count": 1 << (spec.a.width + spec.b.width) if lone and spec.a.width + spec.b.width <= 16 else
        BENCHES[design.protocol][2],
        "a": describe(spec.a), "b": describe(spec.b), "result": describe(design.result, _ends(design)), "product": rule,
    }
    if lone:
        return about | {"left_out": reach.of_products(design, about)}, tables
    from ..hdl.verilog import component

    about |= {"latency": component(design).latency, "neutral": spec.neutral or (0, 0)}
    if design.declared.tiled:
        return about | _tile(design) | {"left_out": reach.of_tile(design)}, tables
    if design.protocol == "runs":
        steps = tiles.longest(design)
        about |= {"lanes": design.lanes or 1, "longest": steps, "left_out": reach.of_runs(design, steps)}
    else:
        rows, cols = design.grid
        depth = min(tiles.longest(design), 3 * (rows + cols))
        about |= {"rows": rows, "cols": cols, "dataflow": design.dataflow, "longest": depth,
                  "left_out": reach.of_matrices(design, depth)}
    summed = _sum(design)
    return about | {"sum": summed, "events": _EVENTS[summed["kind"]]}, tables


#: What may happen in a sum of each kind, for the coverage.
_EVENTS = {
    "integer": ["wrapped"], "exact": ["rounded", "cancelled", "overflowed"],
    "steps": ["rounded", "absorbed", "cancelled", "overflowed"],
    "tree": ["rounded", "absorbed", "cancelled", "overflowed"],
    "aligned": ["cut", "rounded", "absorbed", "cancelled", "overflowed"],
}


def _sum(design):
    accumulator, layout = design.summed_by, design.multiplier.wide
    if accumulator.integer:
        return {"kind": "integer", "bits": accumulator.bits}
    kind = "exact" if accumulator.exact else "tree" if design.tree else "aligned" if design.lanes else "steps"
    about = {"kind": kind, "float": _float(cast(FloatFormat, design.result)),
             "interleave": accumulator.interleave}
    if design.lanes:
        about["lanes"] = design.lanes
    if kind == "aligned":
        about["left"] = design.window - layout.sig_bits - layout.implicit_one
    return about


def _ends(design):
    """The ends of a result's range that are hit: of sums none, and of pairs too many to take all those that overflow
    goes to."""
    spec = design.multiplier
    if not design.combinational:
        return ()
    if spec.a.width + spec.b.width <= 16:
        return "smallest", "largest"
    return ("largest",) if spec.overflow == "saturate" else ()


def _tile(design):
    tile, own = design.tile, {}
    if not tile.result.integer:
        own["float"] = _float(cast(FloatFormat, tile.result))
    if tile.window is not None:
        own |= {"lowest": tile.lowest, "highest": tile.highest, "frac_bits": tile.multiplier.layout.frac_bits}
    for name, block in (("a_block", tile.a_block), ("b_block", tile.b_block)):
        own[name] = block and {"size": block.size, "width": block.scale.width, "max_finite": block.scale.max_finite,
                               "man_bits": max(block.scale.sig_bits - 1, 0)}
    widths = {name: fmt.width for name, fmt in tile_runs.formats(design).items()} | {"o": design.result.width}
    return {"stream_widths": widths, "tile": own | {
        "lanes": tile.lanes, "cols": design.cols, "window": tile.window, "places": [tile.places[0], tile.places[-1]],
        "word_bits": tile.word_bits, "flags": tile.flags, "blocks": bool(tile.blocks), "guard": GUARD_BITS,
        "depth_step": tile_runs.depth_step(design), "top_limit": passes.top_limit(tile)}}


def describe(fmt: Format, ends: Collection[str] = ("smallest", "largest")) -> dict[str, Any]:
    """A format as the bench knows it: with the classes of its codes, each as ranges. Only those of the smallest and the
    largest numbers that ``ends`` names are told from others."""
    if isinstance(fmt, WideFormat):
        return fmt.describe()
    about: dict[str, Any] = {"name": fmt.name, "width": fmt.width, "kind": "other"}
    if isinstance(fmt, FloatFormat | LogFormat):
        parts = [("zero", 0, 0), ("subnormal", 1, fmt.min_normal - 1),
                 *[("smallest", fmt.min_normal, fmt.min_normal)] * ("smallest" in ends),
                 ("normal", fmt.min_normal + ("smallest" in ends), fmt.max_finite - ("largest" in ends)),
                 *[("largest", fmt.max_finite, fmt.max_finite)] * ("largest" in ends)]
        if fmt.has_inf:
            parts.append(("inf", fmt.max_finite + 1, fmt.max_finite + 1))
        classes = [(sign + name, [[low + bit, high + bit]]) for name, low, high in parts if low <= high
                   for sign, bit in (("+", 0), ("-", fmt.sign_mask))]
        if fmt.has_nan:
            first = parts[-1][2] + 1
            classes.append(("nan", [[first + bit, fmt.field_mask + bit] for bit in (0, fmt.sign_mask)]))
        about |= {"kind": "log"} if isinstance(fmt, LogFormat) else _float(fmt)
    elif isinstance(fmt, IntFormat) and fmt.width:
        wrap, last = 1 << fmt.width, "largest" in ends
        parts = [("zero", 0, 0), ("positive", 1, fmt.high - last), ("negative", fmt.low + last, -1),
                 *([("highest", fmt.high, fmt.high), ("lowest", fmt.low, fmt.low)] if last else [])]
        classes = [(name, [[low % wrap, high % wrap]]) for name, low, high in parts
                   if low <= high and (name != "lowest" or fmt.signed)]
        about |= {"kind": "integer", "signed": fmt.signed}
    else:
        classes = _by_value(fmt)
    return about | {"classes": classes}


def _float(fmt: FloatFormat) -> dict[str, Any]:
    return {"kind": "float", "name": fmt.name, "width": fmt.width, "man_bits": fmt.man_bits, "bias": fmt.bias,
            "inf": fmt.inf, "nan": fmt.nan, "max_finite": fmt.max_finite}


def _by_value(fmt):
    """Classes of the codes of a short format of another kind; of packed ones by the sum of their numbers."""
    if not fmt.width:
        return [("one", [[0, 0]])]
    values = fmt.decode(np.arange(1 << fmt.width))
    values = values.sum(axis=-1) if fmt.per_code > 1 else values
    names = np.select([values == values.max(), values == values.min(), values == 0, values > 0],
                      ["highest", "lowest", "zero", "positive"], "negative")
    starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]])
    ranges: dict[str, list] = {}
    for low, high in zip(starts.tolist(), [*(starts[1:] - 1).tolist(), len(names) - 1], strict=True):
        ranges.setdefault(str(names[low]), []).append([low, high])
    return sorted(ranges.items(), key=lambda each: each[0] != "zero")


def _products(design):
    """How the bench knows products, and the tables that it needs for that."""
    spec = design.multiplier
    if spec.kind in ("lmul", "mitchell", "exact"):
        return _floats(design), {}
    formats = spec.a, spec.b
    if spec.kind == "int" and all(fmt.binary for fmt in formats):
        return {"rule": "integers", "width": design.result.width,
                "formats": [(fmt.width, cast(IntFormat, fmt).signed) for fmt in formats]}, {}
    if spec.a.width + spec.b.width > TABLE_BITS:
        raise Refusal(f"A bench must be of floats, of integers or of operands of up to {TABLE_BITS} bits together, not "
                      f"of the {spec.a.width + spec.b.width} bits of {spec.name}")
    a, b = all_pairs(spec)
    about: dict[str, Any] = {"rule": "table", "file": "products.hex", "b_width": spec.b.width}
    if design.combinational:
        lines, what = product_codes(spec, design.wide, a, b), "codes of results"
    elif spec.wide.integer:
        lines, what = cast(IntFormat, spec.wide).numbers(product(spec, a, b)), "integers, in 64 bits"
    else:
        found, layout = product(spec, a, b), spec.layout
        about |= {"sig_bits": layout.sig_bits + layout.implicit_one, "scale": -layout.exp_bias - layout.frac_bits}
        sig = found.sig.astype(np.int64) | layout.implicit_one << layout.frac_bits
        rest = found.exp.astype(np.int64) & 0xFFFF
        for place, flag in enumerate((found.sign, found.zero, found.inf, found.nan)):
            rest |= flag.astype(np.int64) << 16 + place
        lines, what = sig | rest << about["sig_bits"], "sig, 16 bits of exponent, sign, zero, inf, nan, lowest first"
    text = [f"// {what}: for each code of a (0 first) all codes of b (0 first)"]
    text += [f"{int(line) & (1 << 64) - 1:x}" for line in lines]
    return about, {"products.hex": "\n".join(text) + "\n"}


def _floats(design):
    spec = cast("Exact | FieldSum", design.multiplier)
    layout = spec.layout
    about = {"rule": "floats", "form": "fields" if spec.kind != "exact" else "significands", "wide": design.unrounded,
             "a": _float(spec.a), "b": _float(spec.b), "subnormals": spec.subnormals, "overflow": spec.overflow,
             "align": spec.align, "frac_bits": layout.frac_bits, "exp_bits": layout.exp_bits,
             "exp_signed": layout.exp_signed, "scale": -layout.exp_bias - layout.frac_bits,
             "fields": layout.describe()["fields"]}
    if spec.kind == "exact":
        exact = cast("Exact", spec)
        return about | {"kept": exact.kept, "cut": exact.cut is not None, "product_bits": exact.work_bits}
    sums = cast("FieldSum", spec)
    return about | {"half": sums.half, "wide_offset": sums.wide_offset, "offset": sums.offset_value}
