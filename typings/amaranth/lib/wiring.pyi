"""Types of `amaranth.lib.wiring`: components and their ports."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from amaranth.hdl import Elaboratable, Module, Shape

class Member:
    flow: Flow

class Flow(Enum):
    Out = "Out"
    In = "In"
    def __call__(self, description: Shape | int | Signature) -> Member: ...

In = Flow.In
Out = Flow.Out

class Signature:
    def __init__(self, members: Mapping[str, Member]) -> None: ...
    def flatten(self, obj: object) -> Iterator[tuple[tuple[str | int, ...], Member, Any]]: ...

class Component(Elaboratable):
    def __init__(self, signature: Mapping[str, Member] | Signature | None = None) -> None: ...
    @property
    def signature(self) -> Signature: ...

def connect(m: Module, *interfaces: object) -> None: ...
