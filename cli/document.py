"""A page as data: text, tables and figures, rendered to Markdown and to one self-contained HTML file.

Text is plain, with two marks only: `code` and [words](target). Everything else is escaped for where it goes.
"""

import hashlib
import html
import json
import os
import re
from dataclasses import dataclass, field, replace
from typing import Any

from ..golden.files import write_together

MARKS = re.compile(r"`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)")


def number(value: float, digits: int = 4) -> str:
    """A figure to ``digits`` significant digits, never in exponent form; integers whole."""
    if isinstance(value, int) or not value:
        return f"{value:.0f}"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return f"{round(value, digits - 1 - exponent):.{max(0, digits - 1 - exponent)}f}"


def percent(value: float) -> str:
    """A fraction in per cent, to three significant digits."""
    return f"{number(100 * value, 3)} %"


@dataclass(frozen=True)
class Heading:
    text: str
    level: int = 2

    @property
    def anchor(self) -> str:
        return re.sub(r"\W+", "-", self.text.lower()).strip("-")


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Items:
    items: list[str]
    numbered: bool = False


@dataclass(frozen=True)
class Table:
    """Cells are strings; what follows a line's end is set below it, smaller. The columns numbered in ``words`` hold
    words, the others figures; units stand in the header. ``groups`` are (title, number of columns) that head several
    columns together, from the left. ``tones`` give the cell at (row, column) the colours of a verdict: ``less``,
    ``same`` or ``more``. Where the window is narrow, a ``stacked`` table has its cells below one another. ``facts`` are
    attributes of the rows in HTML, by name: ``id``, and ``data-`` by which a reader chooses among them."""

    caption: str
    columns: list[str]
    rows: list[list[str]]
    words: tuple[int, ...] = (0,)
    groups: list[tuple[str, int]] = field(default_factory=list)
    tones: dict[tuple[int, int], str] = field(default_factory=dict)
    stacked: bool = False
    facts: list[dict[str, str]] = field(default_factory=list)

    @property
    def heads(self) -> list[str]:
        """Column titles that stand alone, as Markdown needs them: the group's title comes first."""
        prefixes = [title for title, span in self.groups for _ in range(span)] or [""] * len(self.columns)
        return [f"{prefix}, {column}" if prefix else column
                for prefix, column in zip(prefixes, self.columns, strict=True)]


@dataclass(frozen=True)
class Panel:
    """One drawing: a title, inline SVG, and in words what it shows."""

    title: str
    svg: str
    alt: str


@dataclass(frozen=True)
class Figure:
    """Panels side by side, below one another where the window is narrow. ``key`` is (colour name, label) pairs. The
    drawings of a ``linked`` figure are larger, and have links in them."""

    caption: str
    panels: list[Panel]
    key: list[tuple[str, str]] = field(default_factory=list)
    linked: bool = False

    @property
    def folded(self) -> bool:
        """Whether the panels are so many that the reader opens them."""
        return len(self.panels) > 12 and not self.linked


@dataclass(frozen=True)
class Page:
    title: str
    lead: str
    blocks: list


def write(name: str, record: dict[str, Any], page: Page, folder: str | os.PathLike) -> None:
    """Write a record and the page that shows it, ``NAME.html``, ``.md`` and, last, ``.json``: the same bytes for the
    same record.

    The page ends with the digest of its record: by that a reader of the three files knows whether they belong together.
    """
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    page = replace(page, blocks=[*page.blocks, Text(f"This page shows the `{name}.json` with the SHA-256 `{digest}`.")])
    write_together(folder, {f"{name}.html": to_html(page), f"{name}.md": to_markdown(page), f"{name}.json": text})


def to_markdown(page: Page) -> str:
    """The page as GitHub-flavoured Markdown; figures appear as what they show, in words."""
    return "\n\n".join([f"# {page.title}", page.lead, *map(_markdown, page.blocks)]) + "\n"


def _markdown(block):
    match block:
        case Heading():
            return f"{'#' * block.level} {block.text}"
        case Text():
            return block.text
        case Items():
            return "\n".join(f"{f'{n}.' if block.numbered else '-'} {item}" for n, item in enumerate(block.items, 1))
        case Table():
            rule = ["---" if column in block.words else "---:" for column in range(len(block.columns))]
            lines = [block.heads, rule, *block.rows]
            return f"{block.caption}\n\n" + "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)
        case Figure():
            return f"Figure (drawn in the HTML page): {block.caption}"
    raise TypeError(f"A block must be one of the page's kinds, not {type(block).__name__}")


def _cell(text):
    return " ".join(text.split()).replace("|", "\\|")


def to_html(page: Page) -> str:
    """The page as one HTML file that refers to nothing outside itself."""
    import jinja2
    from markupsafe import Markup

    from .theme import DARK, LETTER, LIGHT, SPACING

    environment = jinja2.Environment(loader=jinja2.PackageLoader("lmul.cli"), autoescape=True, trim_blocks=True,
                                     lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters["marks"] = lambda text: Markup(_html(text))
    environment.filters["cell"] = lambda text: Markup(_lines(text))
    environment.filters["plain"] = lambda text: MARKS.sub(lambda match: match[1] or match[2], text)
    environment.tests["kind"] = lambda block, name: type(block).__name__ == name
    return environment.get_template("page.html").render(page=page, light=LIGHT, dark=DARK, letter=LETTER,
                                                        spacing=SPACING)


def _lines(text):
    """A cell: below its first line the others, smaller."""
    first, *rest = text.split("\n")
    return _html(first) + "".join(f'<span class="below"> {_html(line)}</span>' for line in rest)


def _html(text):
    parts, end = [], 0
    for match in MARKS.finditer(text):
        code, words, target = match.groups()
        parts.append(html.escape(text[end : match.start()]))
        parts.append(f"<code>{html.escape(code)}</code>" if code
                     else f'<a href="{html.escape(target)}">{html.escape(words)}</a>')
        end = match.end()
    return "".join(parts) + html.escape(text[end:])
