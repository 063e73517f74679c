"""The part of the claims' page that is about a language model: tables, and perplexity beside energy, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..claims.language import BOUND, command, ratio
from ..claims.rows import again
from .document import Figure, Heading, Items, Panel, Table, Text, number
from .language_plot import drawing, points

if TYPE_CHECKING:
    from ..claims.rows import Row

NONE = "–"
SCOPES = {"attention": "attention", "linear": "linear layers", "all": "both"}
SUMS = "One scale for each tensor, products summed in fp32"
TILES = "As tiles, with their windows and blocks; energy of a multiply-accumulate on {} at {:g} ps, all of it"
#: What a reader must know of the tables.
HOW = ("Every product is bit-exact to the hardware's; head, norms, softmax and activations are float32. Scopes: the "
       "two products of attention; all linear layers but the head; both. A ratio is that of perplexities, with its "
       f"95 % interval by a paired bootstrap over tokens; almost lossless is at most {BOUND:g}. Likeliest token and "
       "divergence (Kullback-Leibler, in millinats) are those of both.")


def section(part: Row) -> list[Any]:
    """Blocks of a page."""
    if part["missing"]:
        return [Heading("Language model"), Text(part["missing"])]
    told = ", ".join(f"{count * part['length']} tokens for {SCOPES[scope]}" for scope, count in part["windows"].items())
    kinds = [f"{kind}: {made['file']} of {made['package']} {made['version']}; float32's perplexity is "
             f"{number(part['perplexity'][kind])}" for kind, made in part["texts"].items()]
    rows = _by_design(part["rows"])
    blocks = [
        Heading("Language model"),
        Text(f"{part['model']}, its 4-bit weights dequantised, beside itself in float32, on {told}, in windows of "
             f"{part['length']}. {HOW}"),
        Items(kinds), _picture(part)]
    for title, tiled in ((SUMS, False), (TILES.format(part["technology"], part["clock_ps"]), True)):
        some = {slug: scopes for slug, scopes in rows.items() if next(iter(scopes.values()))["tiled"] == tiled}
        blocks.append(_table(title, some, tiled))
    return [*blocks, _by_kind(part, rows)]


def _by_design(rows):
    """{slug: {scope: row}}."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found.setdefault(row["design"], {})[row["scope"]] = row
    return found


def _table(title, designs, tiled):
    lines = []
    for slug, scopes in designs.items():
        any_row = next(iter(scopes.values()))
        whole = scopes.get("all")
        lines.append([any_row["said"], f"`{slug}`",
                      *(ratio(scopes[scope]) if scope in scopes else NONE for scope in SCOPES),
                      f"{100 * whole['agreement']:.1f}" if whole else NONE,
                      number(1000 * whole["divergence"], 3) if whole else NONE]
                     + [NONE if any_row["energy_fj"] is None else number(any_row["energy_fj"], 3)] * tiled)
    more = f" Energies: `{command(['DESIGNS'])}`" if tiled else ""
    return Table(f"{title}. Measure again: `{again('language/DESIGN', ' --models')}`.{more}",
                 ["arithmetic", "design", *SCOPES.values(), "same likeliest, %", "divergence", *["fJ"] * tiled], lines,
                 words=(0, 1))


def _by_kind(part, designs):
    lines = [[scopes["all"]["said"], f"`{slug}`", *(f"{value:.4f}" for value in scopes["all"]["ratios"].values())]
             for slug, scopes in designs.items() if "all" in scopes]
    return Table("Ratios by kind of text, all products.", ["arithmetic", "design", *part["texts"]], lines, words=(0, 1))


def _picture(part):
    some = points(part["rows"])
    if not some:
        return Figure("", [])
    words = "; ".join(f"{each.label}: {each.lost:.2f} % at {number(each.energy, 3)} fJ" for each in some)
    return Figure("Perplexity that is lost beside float32, all products, against the energy of a multiply-accumulate "
                  f"in a tile of 16 x 16 on {part['technology']}. Whiskers are 95 % intervals; the line is the front.",
                  [Panel("Perplexity against energy", drawing(some), words)])
