"""One file per command, each imported at once and its room only when it runs, so that ``lmul --help`` is quick."""

from .bench import bench
from .board import board
from .cache import cache
from .characterise import characterise
from .choose import choose
from .claims import claims
from .compare import compare
from .export import export
from .front import front
from .generate import generate
from .list import list_command
from .matmul import matmul
from .multipliers import multipliers
from .prove import prove
from .report import report
from .scatter import scatter
from .simulate import simulate
from .sweep import sweep
from .trace import trace

COMMANDS = (list_command, generate, simulate, bench, board, prove, report, sweep, choose, compare, front, export,
            scatter, matmul, claims, multipliers, characterise, trace, cache)
