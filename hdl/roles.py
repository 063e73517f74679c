"""What instances and registers of a module are for: from what a component declares to names in the Verilog."""

import re
from collections.abc import Container
from fnmatch import fnmatchcase


def named(declared: dict[str, str], text: str, modules: Container[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The instances of one module of RTLIL, and the roles of these and of its registers.

    Yosys calls a register by any of the wires that are joined to it, such as a port that it drives: the role holds for
    all their names. Where Amaranth numbers a name that occurs twice, ``acc$13``, the pattern is put to ``acc``.

    Parameters
    ----------
    declared : dict of str to str
        Patterns of names to roles: `Part.roles`.
    text : str
        RTLIL of one module.
    modules : collection of str
        Names of the design's modules.

    Returns
    -------
    instances : dict of str to str
        Name to module.
    roles : dict of str to str
        Name in the Verilog to role; ``*`` as declared.
    """
    cells = re.findall(r"(?m)^  cell \\(\S+) \\(\S+)$", text)
    instances = {name: module for module, name in cells if module in modules}
    roles = {name: role for name in instances if (role := _role(declared, name))}
    for wires in _joined(text):
        found = {role for name in wires if (role := _role(declared, name))}
        if len(found) == 1:
            roles |= dict.fromkeys(sorted(re.sub(r"\W", "_", name) for name in wires), *found)
    return instances, roles | {"*": declared["*"]} if "*" in declared else roles


def _role(declared, name):
    """The role of the first pattern that fits, but ``*``, which says nothing of names."""
    name = re.sub(r"\$\d+\Z", "", name)
    return next((role for pattern, role in declared.items() if pattern != "*" and fnmatchcase(name, pattern)), None)


def _wires(signal):
    """The names of the wires that a signal is made of."""
    return re.findall(r"\\(\S+)", signal)


def _joined(text):
    """Sets of the names of wires that are one, or part of one: those joined outside cells."""
    sets = {name: {name} for name in re.findall(r"(?m)^  wire .*\\(\S+)$", text)}
    for left, right in re.findall(r"(?m)^connect (\\\S+)(?: \[[\d:]+\])? (.*)$", text):
        names = {*_wires(left), *_wires(right)}
        if len(names) == 2:
            both = set().union(*(sets[name] for name in names))
            sets |= dict.fromkeys(both, both)
    return {id(names): names for names in sets.values()}.values()
