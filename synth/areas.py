"""Areas that contradict the cells they are stated for: placeholders, such as the smallest area of the library for every
strong cell."""

from math import log
from statistics import median

from . import boolean
from .cells import Cell

STRONGER = 1.8  # times the drive: another strength; less may be another choice of transistors
MUCH_STRONGER = 4.0  # in one area, real libraries have up to 3 times the drive (asap7: INVx1 and INVxp33)
DENSEST = 10.0  # times the drive over area of the median cell; real libraries have up to 5


def implausible(cells: dict[str, Cell]) -> dict[str, str]:
    """Cells whose area cannot be theirs, each with the reason.

    Of cells of one function, a stronger one is not smaller than all weaker ones, nor of their size at `MUCH_STRONGER`;
    of two that contradict each other so, that goes which is further from the drive over area of the library. And no
    cell has `DENSEST` times the median's. Registers are cells of one function with others alike.

    Parameters
    ----------
    cells : dict of str to Cell
    """
    drives = {name: drive for name, c in cells.items() if (drive := _drive(c))}
    density = {name: drive / cells[name].area for name, drive in drives.items()}
    typical = median(density.values()) if density else 0.0
    found = {name: f"area {cells[name].area:g} must be a placeholder: the cell drives {dense / typical:.1f} times what "
                   "the median of the library does from so much" for name, dense in density.items()
             if dense > DENSEST * typical}
    groups = {}
    for name in (name for name in density if name not in found):
        groups.setdefault(_function(cells[name]), []).append(cells[name])
    for group in groups.values():
        while pair := _contradiction(group, drives):
            odd = max(pair, key=lambda c: (abs(log(density[c.name] / typical)), c.name))
            weak, strong = pair
            ratio = drives[strong.name] / drives[weak.name]
            found[odd.name] = (f"area {odd.area:g} must be a placeholder: {strong.name} of {strong.area:g} drives "
                               f"{ratio:.1f} times what {weak.name} of {weak.area:g} does, of the same function")
            group.remove(odd)
    return found


def _contradiction(group, drives):
    """(weaker, stronger): the smallest of the cells weaker than one that is itself too small beside it; or None."""
    for strong in sorted(group, key=lambda c: (drives[c.name], c.name)):
        weaker = [c for c in group if drives[c.name] * STRONGER <= drives[strong.name]]
        weak = min(weaker, key=lambda c: (c.area, c.name), default=None)
        if weak and (strong.area < 0.99 * weak.area and _load(strong) >= _load(weak)
                     or strong.area < 1.01 * weak.area and drives[weak.name] * MUCH_STRONGER <= drives[strong.name]):
            return weak, strong
    return None


def _drive(c):
    """Load in fF that a cell takes per ps, of its weakest arc at the fastest slew; None where no table says."""
    slopes = [(t.values[0, -1] - t.values[0, 0]) / (t.y[-1] - t.y[0])
              for arc in c.arcs for t in arc.delay if t is not None and len(t.y) > 1]
    return 1 / max(slopes) if slopes and max(slopes) > 0 else None


def _load(c):
    return sum(max(c.pins[name].capacitance) for name in c.inputs)


def _function(c):
    """Equal for cells that can stand for each other."""
    if c.flop:
        return c.flop.edge, c.flop.data, c.flop.clear, c.flop.preset, *(c.pins[name].function for name in c.outputs)
    return tuple(boolean.in_any_order(c.truth(name), len(c.inputs)) for name in c.outputs)
