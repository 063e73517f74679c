"""One design, measured: what a report, a sweep and a worker elsewhere all do."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..hdl.foreign import Foreign
from . import curve, foreign, netlists, opensta, program, technologies
from .accuracy import accuracy
from .drive import drivable, drive
from .handover import hand_over
from .shared_clocks import fitting
from .store import Store, digest

if TYPE_CHECKING:
    from ..golden.operands import Operands
    from ..hdl.designs import Design
    from .foreign import Examined
    from .options import Options
    from .technologies import Key
    from .verilog_kept import Written

#: The rooms that figures depend on.
ROOMS = ("golden", "hdl", "prove", "synth")


class Unit:
    """A design, and all that its figures depend on but for the library.

    Parameters
    ----------
    design : Design
    written : Written
        Its Verilog.
    source : Operands
    options : Options
    examined : Examined, optional
        Of somebody else's Verilog, what it gives.
    """

    def __init__(self, design: Design, written: Written, source: Operands, options: Options,
                 examined: Examined | None = None) -> None:
        self.design, self.written, self.source, self.options = design, written, source, options
        self.examined = examined

    @property
    def slug(self) -> str:
        return self.design.slug

    def key(self, library: Key | None) -> str:
        """Under which digest a store keeps the figures in a library; of None those that belong to no library."""
        return digest("figures", self._mapping(library), self._driving, list(self.written), self.options.prove)

    def measure(self, libraries: Iterable[Key | None], store: Store) -> dict[Key | None, dict[str, Any]]:
        """What `shared_clocks.row` takes, by library key, and of None what `accuracy` gives; kept in a store.

        Raises
        ------
        Mismatch
            If a netlist does not compute what golden says.
        """
        found = {}
        if None in libraries:
            found[None] = self.examined.errors if self.examined else accuracy(
                self.design, self.source, self.options.vectors, self.options.seed)
        if keys := [key for key in libraries if key is not None]:
            mapped, why = self._netlists(keys, store), drivable(self.design)
            driven, roles = None if why else self._drive(), self.written.roles(self.design.slug)
            for key, some in mapped.items():
                table = technologies.table(key, self.options.dont_use)
                points, ungated = (curve.measured(self.design, which, driven, self.options, roles, table, store,
                                                  self.key(key)) for which in (some.points, some.ungated))
                found[key] = {"points": points, "ungated": ungated, "generic": some.generic, "not_driven": why,
                              "not_gated": netlists.not_gated(self.design, table, self.options)}
        texts = {key: json.dumps(figures).encode() for key, figures in found.items()}
        for key, text in texts.items():
            if key is None or _final(found[key]):
                store.put("figures", self.key(key), text)
        return {key: json.loads(text) for key, text in texts.items()}  # as they are read back

    def kept(self, libraries: Iterable[Key | None], store: Store) -> dict[Key | None, dict[str, Any]]:
        """What a store has of what `measure` gives."""
        found = {key: store.data("figures", self.key(key)) for key in libraries}
        return {key: figures for key, figures in found.items() if figures}

    def hand_over(self, library: Key, figures: Mapping[str, Any], periods: Mapping[str, float], folder: Path,
                  store: Store) -> dict[str, dict[str, Any]]:
        """Leave what a sign-off tool needs of the netlists that fit periods, in a folder of the library; gives by the
        period's name what OpenSTA makes of each, as ``signoff``, where there is one."""
        points = {digest(point.text): point for point in self._netlists([library], store)[library].points}
        driven = None if drivable(self.design) else self._drive()
        technologies.loaded(library, self.options.dont_use).write_liberty(folder / "cells.lib", full=True)
        tool, signed = opensta.opensta(), {}
        files = () if isinstance(library, str) or Path(library[0]).suffix == ".json" else library
        for name, period in periods.items():
            fit = fitting(figures["points"], period)
            assert fit
            point, place = points[fit["netlist"]], folder / self.slug / name
            activity = driven and curve.activity(self.design, point, driven, self.options, store, self.key(library))
            hand_over(place, point.timing, activity, period)
            signed[name] = {"signoff": opensta.sign_off(place, tool[0], files)} if tool else {}
        return signed

    def _netlists(self, keys, store):
        options = self.options
        libraries, tables = ({key: load(key, options.dont_use) for key in keys}
                             for load in (technologies.loaded, technologies.table))
        about = {key: digest("netlists", self._mapping(key)) for key in keys}
        with tempfile.TemporaryDirectory(prefix="lmul-", ignore_cleanup_errors=True) as folder:
            return netlists.netlists(self.design, self.written, libraries, tables, options, self.source, about, store,
                                     Path(folder))

    def _drive(self):
        options = self.options
        if self.examined:
            assert isinstance(self.design, Foreign)
            return foreign.driven(self.design, self.examined, self.source, options.vectors, options.seed)
        return drive(self.design, self.written.latency, self.source, options.vectors, options.seed)

    @property
    def _driving(self):
        """What drives netlists."""
        return [self.source.identity, self.options.vectors, self.options.seed, self.options.mode]

    def _mapping(self, key):
        """What netlists in a library depend on: those of tiles on what drives them too."""
        options = self.options
        library = None if key is None else technologies.identity(key, options.dont_use)
        return [self.design.slug, self.written.text, library, options.effort, options.mapping_seed, options.gating,
                options.wire_load, self._driving if self.design.declared.tiled else None, program.identity(*ROOMS)]


def _final(figures):
    """Whether no proof ended for want of time: another time it may not."""
    return all((point["proof"] or {}).get("state") != "undecided" for point in figures["points"] + figures["ungated"])
