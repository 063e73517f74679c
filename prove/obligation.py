"""What is to be proved: a subject, what is claimed of it, and by which means; and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..hdl.verilog import convert
from .solver import PROVED, REFUTED, UNDECIDED

if TYPE_CHECKING:
    from ..golden.formats import Format

COMPARED = "compared"  # with somebody else's arithmetic, without a difference; not for every input
NOT_PROVED = "not proved"  # there are no means
IN_PARTS = "in parts"  # all parts are proved

__all__ = ["COMPARED", "IN_PARTS", "NOT_PROVED", "PROVED", "REFUTED", "UNDECIDED", "Answer", "Obligation", "Proof",
           "Source", "discharge", "shown"]


@dataclass(frozen=True)
class Source:
    """Verilog that an obligation examines.

    Attributes
    ----------
    read : callable
        What makes circuits of texts, both by name: `exhaust.load`, `cells.load`, `machine.load`.
    make : callable
        Gives the component, of ``arguments``.
    """

    read: Callable[[dict[str, str]], dict[str, Any]]
    make: Callable
    arguments: tuple = ()


class Answer(NamedTuple):
    """What an examination found.

    Attributes
    ----------
    verdict : str
    witness : dict of str to int or str
        Where something was refuted, a case that shows it: codes by port, ``gives`` what comes of them and, where that
        is known, ``not`` what should.
    told : tuple
        What the means have places for: how many cases, say.
    """

    verdict: str
    witness: Mapping[str, Any] = {}
    told: tuple = ()


def shown(fmt: Format | None, code: int) -> str:
    """A code in hexadecimal and, if it is of a format, its value."""
    return f"{int(code):#x} ({fmt.read(code)})" if fmt else f"{int(code):#x}"


@dataclass(frozen=True)
class Obligation:
    """One thing to be proved, as data: it goes to another process, and a list of them says what there is to do.

    Attributes
    ----------
    name : str
        The subject: a slug, or what a part is called.
    claim, means : str
        What must hold, and how that is shown. The means may have places for what the answer tells.
    examine : callable
        Of the circuits by name, the seconds that one query may take, and ``arguments``: the `Answer`.
    sources : dict of str to Source
        What is examined, by name of its top module.
    formats : dict of str to Format
        Of a witness's codes: their values are shown as well.
    batch : str
        Obligations of one batch are discharged one after the other, their Verilog read at once; by default each is one.
    weight : float
        What has more begins earlier; of those that take long, seconds.
    """

    name: str
    claim: str
    means: str
    examine: Callable[..., Answer]
    arguments: tuple = ()
    sources: Mapping[str, Source] = field(default_factory=dict)
    formats: Mapping[str, Any] = field(default_factory=dict)
    batch: str = ""
    weight: float = 1.0

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.name}: {self.claim}"

    def shown(self, witness: Mapping[str, Any]) -> dict[str, str]:
        """A witness in words."""
        return {name: code if isinstance(code, str) else shown(self.formats.get(name), code)
                for name, code in witness.items()}


@dataclass(frozen=True)
class Proof:
    """What came of an `Obligation`: one line of what `lmul prove` prints.

    Attributes
    ----------
    name, claim : str
        As of the obligation.
    means : str
        How the verdict was established, with the count or the depth.
    verdict : str
        ``proved``, ``refuted``, ``undecided`` where the solver's time was up, ``compared``, ``in parts`` or
        ``not proved``.
    seconds : float
    witness : dict of str to str
        Of what is refuted, a case that shows it; under ``case`` a phrase where there are no codes.
    """

    name: str
    claim: str
    means: str
    verdict: str
    seconds: float = 0.0
    witness: Mapping[str, str] = field(default_factory=dict)

    @property
    def case(self) -> str:
        """The witness as a phrase: "a=0x2 (1) b=0x2 (1) gives 0x3 (1.5), not 0x2 (1)"."""
        if "case" in self.witness:
            return self.witness["case"]
        given = " ".join(f"{name}={text}" for name, text in self.witness.items() if name not in ("gives", "not"))
        found = f" gives {self.witness['gives']}" if "gives" in self.witness else ""
        return given + found + (f", not {self.witness['not']}" if "not" in self.witness else "")


def discharge(obligations: Iterable[Obligation], seconds: float = 60.0,
              texts: Mapping[str, str] | None = None) -> list[Proof]:
    """Prove obligations, one after the other; the Verilog of all is made and read first.

    Parameters
    ----------
    obligations
        Of one batch: sources of one name are one.
    seconds : float
        Time limit of one query of the solver.
    texts : dict of str to str
        Verilog to be examined in the place of ours, by the name of the source: where something is broken on purpose.

    Raises
    ------
    YosysError
        If Yosys is missing or fails.
    """
    obligations = list(obligations)
    sources: dict[str, Source] = {}
    for each in obligations:
        for name, source in each.sources.items():
            assert (sources.setdefault(name, source).make, sources[name].arguments) == (source.make, source.arguments)
    verilog = dict(texts or {})
    ours = {name: source.make(*source.arguments) for name, source in sources.items() if name not in verilog}
    verilog |= convert(ours) if ours else {}
    wanted: dict[Callable, dict[str, str]] = {}
    for each in obligations:
        for name, source in each.sources.items():
            wanted.setdefault(source.read, {})[name] = verilog[name]
    circuits = {read: read(some) for read, some in wanted.items()}
    return [_proof(each, {name: circuits[source.read][name] for name, source in each.sources.items()}, seconds)
            for each in obligations]


def _proof(obligation, circuits, seconds):
    start = time.perf_counter()
    answer = obligation.examine(circuits, seconds, *obligation.arguments)
    return Proof(obligation.name, obligation.claim, obligation.means.format(*answer.told), answer.verdict,
                 time.perf_counter() - start, obligation.shown(answer.witness))
