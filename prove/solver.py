"""Gates, and what is to be shown of them, put to an SMT solver."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import bitwuzla
from bitwuzla import Kind

from .words import Word

if TYPE_CHECKING:
    from .logic import Logic

PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"
_ANSWERS = {bitwuzla.Result.UNSAT: PROVED, bitwuzla.Result.SAT: REFUTED}
SOON = 20.0  # seconds, after which a question is divided into cases
_GATES = {1: Kind.BV_AND, 2: Kind.BV_XOR}


class Question:
    """Literals of a `Logic` as terms of the solver: a literal is a vector of one bit."""

    def __init__(self, logic: Logic) -> None:
        self.logic, self.terms = logic, bitwuzla.TermManager()
        self._made = {0: self.constant(0, 1)}

    def __call__(self, kind: Kind, *terms: bitwuzla.Term, indices: Sequence[int] = ()) -> bitwuzla.Term:
        return self.terms.mk_term(kind, list(terms), list(indices))

    def cut(self, literals: Iterable[int]) -> None:
        """Put free bits in the place of literals, so that the solver does not see the gates that drive them.

        What is proved holds for all values of these bits, so for those that the gates give as well. What is refuted may
        rest on values that the gates never give: with ``y = a & ~a`` cut, "y is 0" has a witness and is true all the
        same. So a witness of a cut question says nothing.
        """
        for literal in literals:
            self._made.setdefault(literal >> 1, self.terms.mk_const(self.terms.mk_bv_sort(1)))

    def constant(self, value: int, width: int) -> bitwuzla.Term:
        return self.terms.mk_bv_value(self.terms.mk_bv_sort(width), value % (1 << width))

    def vector(self, literals: Sequence[int]) -> bitwuzla.Term:
        """The term of literals, lowest bit first."""
        for node in self.logic.cone(literals, self._made):
            if node not in self._made:
                kind, a, b = self.logic.nodes[node]
                self._made[node] = (self(_GATES[kind], self._bit(a), self._bit(b)) if kind
                                    else self.terms.mk_const(self.terms.mk_bv_sort(1)))
        bits = [self._bit(literal) for literal in reversed(literals)]
        return bits[0] if len(bits) == 1 else self(Kind.BV_CONCAT, *bits)

    def word(self, literals: Sequence[int]) -> Word:
        """Literals as a `Word`."""
        return Word(self, self.vector(literals), len(literals))

    def _bit(self, literal):
        term = self._made[literal >> 1]
        return self(Kind.BV_NOT, term) if literal & 1 else term

    def never(self, *conditions: Word, limit: float = 60,
              shown: Mapping[str, Word] | None = None) -> tuple[str, dict[str, int]]:
        """Whether conditions are false for all inputs, one after the other, each known to be so once it is shown.

        Parameters
        ----------
        conditions : Word
            Of one bit.
        limit : float
            Seconds that the solver may take for all of them.
        shown : dict of str to Word
            What a witness tells.

        Returns
        -------
        verdict : str
        witness : dict of str to int
            Codes of what is shown, where the verdict is `REFUTED`.
        """
        solver, allow = self._solver()
        allow(limit)
        for condition in conditions:
            verdict = _ANSWERS.get(solver.check_sat(condition.true), UNDECIDED)
            if verdict != PROVED:
                return verdict, self._witness(solver, shown) if verdict == REFUTED else {}
            solver.assert_formula((~condition).true)
        return PROVED, {}

    def never_in_cases(self, wrong: Word, levels: Sequence[Sequence[Word]], limit: float = 60,
                       shown: Mapping[str, Word] | None = None) -> tuple[str, dict[str, int], int]:
        """`never` of one condition; what is not decided in `SOON` seconds is divided by the first of ``levels``, lists
        of conditions of which one always holds, and so on.

        Returns
        -------
        verdict, witness
            As of `never`.
        count : int
            How many cases were decided.
        """
        solver, allow = self._solver()
        solver.assert_formula(wrong.true)

        def ask(conditions, levels):
            allow(min(SOON, limit) if levels else limit)
            verdict = _ANSWERS.get(solver.check_sat(*(each.true for each in conditions)), UNDECIDED)
            if verdict == REFUTED:
                return verdict, self._witness(solver, shown), 1
            if verdict == PROVED or not levels:
                return verdict, {}, 1
            count, witness = 0, {}
            for condition in levels[0]:
                verdict, witness, cases = ask([*conditions, condition], levels[1:])
                count += cases
                if verdict != PROVED:
                    break
            return verdict, witness, count

        return ask([], levels)

    def _solver(self, **options):
        """A solver, and what gives it seconds from now on."""
        chosen, end = bitwuzla.Options(), 0.0
        for name, value in {"PRODUCE_MODELS": True, **options}.items():
            chosen.set(getattr(bitwuzla.Option, name), value)
        solver = bitwuzla.Bitwuzla(self.terms, chosen)
        solver.configure_terminator(lambda: time.perf_counter() > end)

        def allow(seconds):
            nonlocal end
            end = time.perf_counter() + seconds

        return solver, allow

    @staticmethod
    def _witness(solver, shown):
        return {name: int(solver.get_value(word.term).value(2), 2) for name, word in (shown or {}).items()}

    def asker(self, inputs: Sequence[int]) -> Callable[[int, int, float], tuple[str, int | None]]:
        """A solver that keeps what it learns: ``ask(x, y, limit)`` is the verdict on whether two literals are equal for
        all inputs, and if not the pattern of the inputs for which they differ."""
        solver, allow = self._solver(PREPROCESS=False)  # it would begin anew at each question
        shown = self.vector(inputs)

        def ask(x, y, limit):
            allow(limit)
            differ = self(Kind.DISTINCT, self.vector([x]), self.vector([y]))
            verdict = _ANSWERS.get(solver.check_sat(differ), UNDECIDED)
            return verdict, int(solver.get_value(shown).value(2), 2) if verdict == REFUTED else None

        return ask

    def never_one(self, *roots: int, limit: float = 60,
                  shown: Mapping[str, Sequence[int]] | None = None) -> tuple[str, dict[str, int]]:
        """`never` of literals; ``shown`` has lists of literals."""
        words = {name: self.word(literals) for name, literals in (shown or {}).items()}
        return self.never(*(self.word([literal]) for literal in roots), limit=limit, shown=words)
