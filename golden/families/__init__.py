"""The families of arithmetic: ours, a line each, and those that other packages bring by an entry point.

A family is a module here (what it computes), one of the same name in ``hdl/families`` (its component) and one in
``prove/families`` (its specification, where the default does not do). Another package names itself in the group
``lmul.families`` and has modules ``golden``, ``hdl`` and, if wanted, ``prove`` and ``cli``.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from .. import formats
from ..formats import FORMATS, format_named
from ..refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from ..formats import Format
    from ..spec import Multiplier

OURS = ("lmul", "exact", "integer", "ternary", "powers", "xnor", "log", "conversion")
GROUP = "lmul.families"


@cache
def sources() -> dict[str, str]:
    """Where the modules of each family are: its name, to the path of a module with the room left open."""
    root = __name__.removesuffix(".golden.families")
    found = {name: f"{root}.{{room}}.families.{name}" for name in OURS}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name in found:
            raise Refusal(f"Families must have names of their own, but {point.value} calls itself {point.name!r}, "
                          f"which {found[point.name].split('.')[0]} does already")
        found[point.name] = f"{point.value}.{{room}}"
    return found


def module(family: str, room: str) -> ModuleType | None:
    """The module of a family for a room, or None where it has none for it.

    Raises
    ------
    Refusal
        If a package cannot be loaded; the sentence names it.
    """
    path = sources()[family].format(room=room)
    try:
        return import_module(path) if find_spec(path) else None
    except ModuleNotFoundError as error:
        raise Refusal(f"Family {family!r} must be complete, but {path} needs {error.name}, which is not installed; "
                      "install it, or uninstall the family's package") from None


@cache
def members() -> dict[str, tuple[type[Multiplier], str]]:
    """Every family's subclasses of `Multiplier` by their kind, and which family each is of."""
    found = {}
    for family in sources():
        golden = module(family, "golden")
        if golden is None:
            raise Refusal(f"Family {family!r} must have a module {sources()[family].format(room='golden')}")
        for read in getattr(golden, "FORMATS", ()):
            formats.READERS.append(read)
        for member in golden.MEMBERS:
            if member.kind in found:
                raise Refusal(f"Families must have kinds of their own, but {member.__module__} has {member.kind!r} "
                              f"once more")
            found[member.kind] = member, family
    return found


def family(spec: Multiplier) -> str:
    """The name of a multiplier's family."""
    return members()[spec.kind][1]


def kinds() -> list[str]:
    """What a multiplier's part of a slug begins with: kinds, and of families without one an example."""
    return [kind for kind, (member, _) in members().items() if member.spelled]


def make(kind: str, a: Format | str | None = None, b: Format | str | None = None,
         **policies: str | float | None) -> Multiplier:
    """`Multiplier.make`."""
    found = members()
    if kind in found and (found[kind][0].spelled or a is not None):
        member, first = found[kind][0], _format(cast("Format | str", a))
        return _member(member, first, member.partner(first) if b is None else _format(b), policies)
    a, _, b = kind.partition("x")
    try:
        a, b = format_named(a), format_named(b or a)
    except Refusal as error:
        raise (error if re.match(r"u?int\d|pot\d|.*xpot\d", kind) else _no_kind(kind)) from None
    member = next((member for member, _ in found.values() if not member.spelled and member.takes(a, b)), None)
    if member is None:
        raise _no_kind(kind)
    return _member(member, a, b, policies)


def _member(member, a, b, policies):
    """A member of a family; policies that the family has not must be what every such multiplier does."""
    own = {policy.name for policy in member.policies}
    for name in policies.keys() - own:
        fixed = getattr(member, name, None)
        if policies[name] != fixed:
            fixed = "left out" if fixed is None else repr(fixed)
            raise Refusal(f"{name.capitalize()} must be {fixed} for {member.kind}, not {policies[name]!r}")
    return member(a, b, **{name: value for name, value in policies.items() if name in own})


def parse(words: Iterable[str], alone: str | None = None) -> tuple[Multiplier, list[str]]:
    """Read a multiplier off the front of a slug's words; gives the multiplier and the words left over. Its kind is
    ``alone`` where a structure is of one family.

    Raises
    ------
    Refusal
        If the words do not begin with a multiplier in its one spelling.
    """
    kind, *rest = words if alone is None else (alone, *words)
    a, b = None, ""
    if kind in kinds() or alone:
        if not rest:
            raise Refusal(f"A format must follow {kind!r}: one of {', '.join(FORMATS)}, e{{E}}m{{M}} or l{{E}}f{{F}}")
        a, _, b = rest.pop(0).partition("x")
        member = members()[kind][0]
    else:
        member = type(make(kind))
    # The family's own policies; behind them those of others, so that one which does not apply is refused by its name.
    own = {policy.name: policy for policy in member.policies}
    known = own | {policy.name: policy for each, _ in members().values() for policy in each.policies
                   if policy.name not in own and not policy.formats}
    given = {}
    while rest:
        for policy in known.values():
            if (value := policy.read(rest[0])) is not None:
                break
        else:
            break
        if policy.name in given:
            raise Refusal(f"Policy {policy.name} must be given once, not again as {rest[0]!r}")
        given[policy.name] = value
        rest.pop(0)
    return make(kind, a, b or None, **given), rest


def _format(fmt):
    return format_named(fmt) if isinstance(fmt, str) else fmt


def _no_kind(kind):
    integers = "integers (int8, uint4, int8xint4, ...), int8xternary, int8xpot3k2, ..."
    return Refusal(f"Multiplier must be one of {', '.join(kinds())}, or {integers}, not {kind!r}")
