"""One fault in the source of one module: swapped operators, constants off by one, conditions turned round.

As a pytest plugin (``-p broken_source``) it breaks what the environment names, ``LMUL_BROKEN=lmul.golden.codec:17``,
as the module is imported; no file is touched. ``:none`` breaks nothing.
"""

import ast
import copy
import os
import sys
from importlib.machinery import PathFinder, SourceFileLoader

import numpy as np

_SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
          ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr, ast.FloorDiv: ast.Mult, ast.Mod: ast.Add,
          ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
          ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.And: ast.Or, ast.Or: ast.And}
#: Messages and the like. Left out too are decorators, annotations and what stands outside functions and classes.
_LEFT_OUT = ast.Raise, ast.JoinedStr, ast.Import, ast.ImportFrom


def faults(tree):
    """Every fault of a module, as functions that break a tree of the same shape; each with a line and words."""
    found = []

    def visit(node, path):
        if isinstance(node, _LEFT_OUT):
            return
        for words, change in _changes(node):
            found.append((path, change, f"line {node.lineno}: {words}"))
        for name, value in ast.iter_fields(node):
            if name in ("decorator_list", "annotation", "returns"):
                continue
            for n, child in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(child, ast.AST):
                    visit(child, [*path, (name, n if isinstance(value, list) else None)])

    for n, statement in enumerate(tree.body):
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            visit(statement, [("body", n)])
    return found


def _changes(node):
    """What can be done to one node: (words, function that does it)."""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in _SWAPS:
        other = _SWAPS[type(node.op)]
        yield f"{type(node.op).__name__} to {other.__name__}", lambda node: setattr(node, "op", other())
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in _SWAPS:
        other = _SWAPS[type(node.ops[0])]
        yield f"{type(node.ops[0]).__name__} to {other.__name__}", lambda node: node.ops.__setitem__(0, other())
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for other in (node.value + 1, node.value - 1):
            yield f"{node.value} to {other}", lambda node, other=other: setattr(node, "value", other)
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield "condition turned round", lambda node: setattr(node, "test", ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.UnaryOp):
        yield f"without {type(node.op).__name__}", lambda node: setattr(node, "op", ast.UAdd())


def broken(tree, number):
    """A copy of a module's tree with one fault."""
    tree = copy.deepcopy(tree)
    path, change, _ = faults(tree)[number]
    node = tree
    for name, n in path:
        node = getattr(node, name) if n is None else getattr(node, name)[n]
    change(node)
    return ast.fix_missing_locations(tree)


def _leading_zeros(integer):
    return 0 if integer < 0 else 64 - int(integer).bit_length()


def _float_product(x, y):
    if isinstance(x, np.floating):
        return x * y
    return np.array([int(x) + int(y) & 0xFFFFFFFF], np.uint32).view(np.float32)[0]


class _Loader(SourceFileLoader):
    def get_code(self, name):
        tree = ast.parse(self.get_data(self.path))
        return compile(tree if _NUMBER == "none" else broken(tree, int(_NUMBER)), self.path, "exec")

    def exec_module(self, module):
        super().exec_module(module)
        # Of what is compiled otherwise, the two things that are no Python.
        if hasattr(module, "_leading_zeros") and os.environ.get("NUMBA_DISABLE_JIT") == "1":
            module._leading_zeros, module.float_product = _leading_zeros, _float_product


class _Finder:
    @staticmethod
    def find_spec(name, path, target=None):
        if name != _MODULE:
            return None
        spec = PathFinder.find_spec(name, path)
        spec.loader = _Loader(name, spec.origin)
        return spec


if "LMUL_BROKEN" in os.environ:
    _MODULE, _, _NUMBER = os.environ["LMUL_BROKEN"].partition(":")
    sys.meta_path.insert(0, _Finder)
