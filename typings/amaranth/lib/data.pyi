"""Types of `amaranth.lib.data`: layouts."""

from collections.abc import Mapping

class Layout: ...

class StructLayout(Layout):
    def __init__(self, members: Mapping[str, int | Layout]) -> None: ...

class ArrayLayout(Layout):
    def __init__(self, elem_shape: int | Layout, length: int) -> None: ...
