"""A design's Verilog, and what of its manifest measuring needs; kept in a store."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..hdl.verilog import generate
from . import program
from .roles import Roles
from .store import Store, digest

if TYPE_CHECKING:
    from ..hdl.designs import Design


class Written(NamedTuple):
    """The Verilog of a design.

    Attributes
    ----------
    text, manifest : str
        As `~lmul.hdl.verilog.generate` writes them.
    """

    text: str
    manifest: str

    @classmethod
    def read(cls, folder: str | Path, slug: str) -> Written:
        """What `~lmul.hdl.verilog.generate` left in a folder."""
        return cls(*(Path(folder, f"{slug}.{ending}").read_text(encoding="utf-8") for ending in ("v", "json")))

    def write(self, folder: str | Path, slug: str) -> None:
        """Leave it as `~lmul.hdl.verilog.generate` does."""
        for ending, text in zip(("v", "json"), self, strict=True):
            Path(folder, f"{slug}.{ending}").write_text(text, encoding="utf-8")

    @property
    def about(self) -> dict[str, Any]:
        return json.loads(self.manifest)

    @property
    def latency(self) -> int:
        """In cycles."""
        return self.about["latency"]

    def roles(self, slug: str) -> Roles:
        return Roles(self.about.get("modules", {}), slug)


def key(design: Design) -> str:
    """The digest of all that a design's Verilog depends on."""
    return digest(design.slug, program.identity("golden", "hdl"))


def kept(design: Design, store: Store) -> Written | None:
    """What is kept of it."""
    found = store.data("verilog", key(design))
    return Written(*found) if found else None


def written(design: Design, store: Store) -> Written:
    """The Verilog of a design, kept or made.

    Raises
    ------
    YosysError
        If Yosys is missing or fails.
    """
    return Written(*store.made("verilog", key(design), lambda: _generated(design)))


def _generated(design):
    with tempfile.TemporaryDirectory(prefix="lmul-") as folder:
        generate(design, folder)
        return Written.read(folder, design.slug)
