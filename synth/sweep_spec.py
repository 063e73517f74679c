"""What a sweep measures: a file of lists that are crossed into designs, read, checked and spelled out."""

from __future__ import annotations

import itertools
import string
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..golden.operands import SOURCES
from ..golden.refusal import Refusal
from ..hdl.designs import Design, parse
from . import technologies
from .options import VECTORS, Options
from .technologies import Key


@dataclass(frozen=True)
class Setting:
    """What designs of a sweep are compared under: one effort, and operands."""

    operands: str
    effort: str

    @property
    def name(self) -> str:
        """A folder's name."""
        return f"{Path(self.operands.split(',')[0].split(':')[0]).stem}-{self.effort}"


@dataclass(frozen=True)
class Sweep:
    """What a file says.

    Parameters
    ----------
    designs : list of (Design, libraries, targets)
        Each with the keys of the libraries and the FPGA targets that it is measured in.
    settings : list of Setting
    vectors, seed, mapping_seed : int
        As `Options` has them.
    pairing : str or None
    seconds : float or None
        That one design may take.
    retries : int
        How often one that took too long, or whose worker ended, is begun again.
    """

    designs: Sequence[tuple[Design, tuple[Key, ...], tuple[str, ...]]]
    settings: Sequence[Setting]
    vectors: int = VECTORS
    seed: int = 1
    mapping_seed: int = 0
    pairing: str | None = None
    seconds: float | None = 1800
    retries: int = 1

    def options(self, setting: Setting) -> Options:
        """How the designs of a setting are measured."""
        return Options(operands=setting.operands, pairing=self.pairing, seed=self.seed, vectors=self.vectors,
                       effort=setting.effort, mapping_seed=self.mapping_seed)

    @property
    def libraries(self) -> list[Key]:
        return list(dict.fromkeys(key for _, keys, _ in self.designs for key in keys))

    @property
    def targets(self) -> list[str]:
        return list(dict.fromkeys(name for *_, names in self.designs for name in names))


def read(path: str | Path) -> Sweep:
    """The sweep in a TOML file; its keys are in docs/sweep.md.

    Raises
    ------
    Refusal
        If the file cannot be read, has a key or a value that it must not have, or a slug is no design; the sentence
        names the entry.
    """
    path = Path(path)
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refusal(f"Sweep must be a readable TOML file, not {str(path)!r}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"Sweep must be a TOML file, not {str(path)!r}: {error}") from None
    return _Reader(entries, path).sweep()


_PLAIN = {"vectors": int, "seed": int, "mapping_seed": int, "pairing": str}


@dataclass
class _Reader:
    entries: dict[str, Any]
    path: Path
    known: set[str] = field(default_factory=lambda: {
        *_PLAIN, "technologies", "liberty", "efforts", "operands", "limit", "designs"})

    def sweep(self) -> Sweep:
        self._only("the sweep", self.entries, self.known)
        given = {name: kind for name, kind in _PLAIN.items() if name in self.entries}
        plain: dict[str, Any] = {name: self._of(self.entries, name, kind) for name, kind in given.items()}
        if plain.get("vectors", VECTORS) < 200:
            raise Refusal(f"{self.path}: vectors must be 200 or more, not {plain['vectors']}")
        limit = self.entries.get("limit", {})
        self._only("limit", limit, {"seconds", "retries"})
        plain |= {name: self._of(limit, name, int) for name in limit}
        if "seconds" in plain:
            plain["seconds"] = plain["seconds"] or None
        liberty = [tuple(str((self.path.parent / name).resolve()) for name in self._texts(each, "liberty"))
                   for each in self.entries.get("liberty", [])]
        settings = [Setting(self._operands(operands), effort)
                    for operands in self._texts(self.entries.get("operands", ["recording"]), "operands")
                    for effort in self._texts(self.entries.get("efforts", ["default"]), "efforts")]
        self._efforts(settings)
        groups = self.entries.get("designs")
        if not isinstance(groups, list) or not groups:
            raise Refusal(f"{self.path}: a sweep must have at least one [[designs]]")
        found: dict[str, tuple[Design, tuple[Key, ...], tuple[str, ...]]] = {}
        for number, group in enumerate(groups, 1):
            names = group.get("technologies", self.entries.get("technologies"))
            keys, targets = technologies.chosen(names and self._texts(names, "technologies"), (), ())
            if names is None and liberty:
                keys = []
            keys = (*keys, *liberty)
            for slug in self._slugs(group, f"designs {number}"):
                design = self._design(slug, f"designs {number}")
                _, before, counted = found.get(design.slug, (design, (), ()))
                found[design.slug] = (design, tuple(dict.fromkeys((*before, *keys))),
                                      tuple(dict.fromkeys((*counted, *targets))))
        return Sweep(list(found.values()), settings, **plain)

    def _design(self, slug, where):
        try:
            return parse(slug)
        except Refusal as refusal:
            raise Refusal(f"{self.path}: {where}: {refusal}") from None

    def _slugs(self, group, where):
        """Slugs of a group, crossed."""
        template = self._of(group, "slug", str)
        names = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
        lists = {name: values for name, values in group.items() if name not in ("slug", "only", "without",
                                                                                "technologies")}
        if set(names) != set(lists):
            wrong = sorted(set(names) ^ set(lists))[0]
            raise Refusal(f"{self.path}: {where}: each name in braces in slug must have a list, and each list a place "
                          f"in slug; {wrong!r} has not")
        values = [self._list(lists[name], f"{where}: {name}") for name in lists]
        for chosen in itertools.product(*values):
            one = dict(zip(lists, chosen, strict=True))
            if self._wanted(group, one, where):
                yield template.format(**one)

    def _wanted(self, group, one, where):
        """Whether a combination meets a condition of ``only``, if there are any, and none of ``without``."""
        only, without = ([self._meets(one, condition, f"{where}: {name}") for condition in group.get(name, [])]
                         for name in ("only", "without"))
        return (not only or any(only)) and not any(without)

    def _meets(self, one, condition, where):
        self._only(where, condition, one.keys())
        return all(one[name] in self._list(values if isinstance(values, list) else [values], where)
                   for name, values in condition.items())

    def _operands(self, name):
        """Files are named from where the sweep's file is."""
        if name in SOURCES:
            return name
        return ",".join(str((self.path.parent / part).resolve()) if "." in part else part for part in name.split(","))

    def _efforts(self, settings):
        from .mapping import EFFORTS

        for setting in settings:
            if setting.effort not in EFFORTS:
                raise Refusal(f"{self.path}: efforts must be of {', '.join(EFFORTS)}, not {setting.effort!r}")
        if len({setting.name for setting in settings}) < len(settings):
            raise Refusal(f"{self.path}: operands of a sweep must have files of different names")

    def _texts(self, values, where):
        found = self._list(values, where)
        if not all(isinstance(value, str) for value in found):
            raise Refusal(f"{self.path}: {where} must be a list of texts, not {values!r}")
        return found

    def _list(self, values, where):
        if not isinstance(values, list) or not values:
            raise Refusal(f"{self.path}: {where} must be a list of at least one, not {values!r}")
        return values

    def _of(self, entries, name, kind):
        value = entries.get(name)
        if type(value) is not kind or kind is int and value < 0:
            wanted = "a text" if kind is str else "a whole number, 0 or more"
            raise Refusal(f"{self.path}: {name} must be {wanted}, not {value!r}")
        return value

    def _only(self, where, entries, known):
        if not isinstance(entries, dict):
            raise Refusal(f"{self.path}: {where} must be a table, not {entries!r}")
        for name in entries:
            if name not in known:
                raise Refusal(f"{self.path}: {where} must have keys of {', '.join(sorted(known))}, not {name!r}")
