"""Types of `amaranth.back.rtlil`."""

from typing import Any

def convert(elaboratable: Any, name: str = "top", platform: Any = None, *, ports: Any = None,
            emit_src: bool = True) -> str: ...
