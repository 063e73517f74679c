"""Gates put to an SMT solver, and what comes of a proof."""

import time
from dataclasses import dataclass

import bitwuzla
from bitwuzla import Kind

PROVED, REFUTED, UNDECIDED = "proved", "refuted", "undecided"
COMPARED = "compared"  # with somebody else's arithmetic, without a difference; not for every input
_ANSWERS = {bitwuzla.Result.UNSAT: PROVED, bitwuzla.Result.SAT: REFUTED}
SOON = 20.0  # seconds, after which a question is divided into cases
_GATES = {1: Kind.BV_AND, 2: Kind.BV_XOR}


@dataclass(frozen=True)
class Proof:
    """One line of what `lmul prove` prints.

    Attributes
    ----------
    name : str
        What was examined: a component or a slug.
    claim, means : str
        What holds, and how it was established, with the count or the depth.
    verdict : str
        ``proved``, ``refuted``, ``undecided`` where the solver's time was up, or ``compared``.
    seconds : float
    witness : str
        Of what is refuted, a case that shows it.
    """

    name: str
    claim: str
    means: str
    verdict: str
    seconds: float
    witness: str = ""


def proof(name, claim, means, examine):
    """Times ``examine()``, which gives a verdict and a witness, and a count if ``means`` has a place for one."""
    start = time.perf_counter()
    verdict, witness, *count = examine()
    return Proof(name, claim, means.format(*count), verdict, time.perf_counter() - start, witness)


class Question:
    """Literals of a `Logic` as terms of the solver: a literal is a vector of one bit."""

    def __init__(self, logic):
        self.logic, self.terms = logic, bitwuzla.TermManager()
        self._made = {0: self.constant(0, 1)}

    def __call__(self, kind, *terms, indices=()):
        return self.terms.mk_term(kind, list(terms), list(indices))

    def cut(self, literals):
        """Put free bits in the place of literals, so that the solver does not see the gates that drive them.

        What is proved holds for all values of these bits, so for those that the gates give as well. What is refuted may
        rest on values that the gates never give: with ``y = a & ~a`` cut, "y is 0" has a witness and is true all the
        same. So a witness of a cut question says nothing.
        """
        for literal in literals:
            self._made.setdefault(literal >> 1, self.terms.mk_const(self.terms.mk_bv_sort(1)))

    def constant(self, value, width):
        return self.terms.mk_bv_value(self.terms.mk_bv_sort(width), value % (1 << width))

    def vector(self, literals):
        """The term of literals, lowest bit first."""
        for node in self.logic.cone(literals, self._made):
            if node not in self._made:
                kind, a, b = self.logic.nodes[node]
                self._made[node] = (self(_GATES[kind], self._bit(a), self._bit(b)) if kind
                                    else self.terms.mk_const(self.terms.mk_bv_sort(1)))
        bits = [self._bit(literal) for literal in reversed(literals)]
        return bits[0] if len(bits) == 1 else self(Kind.BV_CONCAT, *bits)

    def _bit(self, literal):
        term = self._made[literal >> 1]
        return self(Kind.BV_NOT, term) if literal & 1 else term

    def never(self, formula, limit=60, shown=()):
        """Whether a Boolean term is false for all inputs.

        Parameters
        ----------
        formula : Term
        limit : float
            Seconds that the solver may take.
        shown : sequence of (str, Term)
            What a witness tells.

        Returns
        -------
        (verdict, witness) : tuple of str
        """
        return self._never([formula], limit, shown)

    def _never(self, formulas, limit, shown):
        """`never` for formulas one after the other, each known to be false once it is shown."""
        solver, allow = self._solver()
        allow(limit)
        for formula in formulas:
            verdict = _ANSWERS.get(solver.check_sat(formula), UNDECIDED)
            if verdict != PROVED:
                return verdict, self._witness(solver, shown) if verdict == REFUTED else ""
            solver.assert_formula(self(Kind.NOT, formula))
        return PROVED, ""

    def never_in_cases(self, formula, levels, limit, shown=()):
        """`never`; what is not decided in `SOON` seconds is divided by the first of ``levels``, lists of conditions of
        which one always holds, and so on.

        Returns
        -------
        (verdict, witness, count) : str, str and the number of cases that were decided
        """
        solver, allow = self._solver()
        solver.assert_formula(formula)

        def ask(conditions, levels):
            allow(min(SOON, limit) if levels else limit)
            verdict = _ANSWERS.get(solver.check_sat(*conditions), UNDECIDED)
            if verdict == REFUTED:
                return verdict, self._witness(solver, shown), 1
            if verdict == PROVED or not levels:
                return verdict, "", 1
            count = 0
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
        return ", ".join(f"{name} {int(solver.get_value(term).value(2), 2):#x}" for name, term in shown)

    def asker(self, inputs):
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

    def never_one(self, *roots, limit=60, shown=()):
        """`never` for literals, one after the other; ``shown`` has lists of literals."""
        shown = [(name, self.vector(literals)) for name, literals in shown]
        formulas = [self(Kind.EQUAL, self.vector([literal]), self.constant(1, 1)) for literal in roots]
        return self._never(formulas, limit, shown)
