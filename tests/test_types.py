"""Public signatures have types, in every room; whether they are true, the type checker of `make test` says."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ["api", "golden", "hdl", "sim", "boards", "prove", "synth", "models", "claims", "packages", "cli"]


def functions(body, inside=""):
    """(name, node, whether a method) of public functions, and of public methods of public classes: dunders are."""
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name[0] != "_":
            yield from functions(node.body, f"{node.name}.")
        elif isinstance(node, ast.If | ast.Try):
            yield from functions(node.body, inside)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
                node.name[0] != "_" or inside and node.name.startswith("__")):
            yield inside + node.name, node, bool(inside)


def lacking(node, method):
    """What of a function has no type: names of parameters, and ``return``."""
    given = node.args
    named = [*given.posonlyargs, *given.args]
    if method and not any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in node.decorator_list):
        named = named[1:]
    every = [*named, *given.kwonlyargs, *filter(None, [given.vararg, given.kwarg])]
    return [each.arg for each in every if each.annotation is None] + ["return"] * (node.returns is None)


@pytest.mark.parametrize("room", ROOMS)
def test_public_signatures_have_types(room):
    found = [(path, *each) for path in sorted((ROOT / room).rglob("*.py"))
             for each in functions(ast.parse(path.read_text(encoding="utf-8")).body)]
    assert len(found) > 5
    untyped = [f"{path.relative_to(ROOT)}: {name}: {', '.join(missing)}" for path, name, node, method in found
               if (missing := lacking(node, method))]
    assert not untyped, "\n".join(untyped)


@pytest.mark.parametrize(("text", "missing"), [
    ("def f(a: int, *b, c, **d): ...", ["c", "b", "d", "return"]),
    ("class C:\n    def __init__(self, a) -> None: ...", ["a"]),
    ("class C:\n    @staticmethod\n    async def f(a) -> int: ...", ["a"]),
    ("if True:\n    def f() -> None: ...", []),
])
def test_a_missing_type_is_found(text, missing):
    [(_, node, method)] = functions(ast.parse(text).body)
    assert lacking(node, method) == missing


def test_private_functions_need_none():
    assert not list(functions(ast.parse("def _f(a): ...\nclass _C:\n    def f(self, a): ...").body))
