"""Designs for systems that are built in Amaranth: components with the streams of `amaranth.lib.stream`.

``soc.Core(slug)`` is a component for any design that has streams; docs/soc.md has an example.
"""

from lmul.hdl.streamed import Streamed as Core

__all__ = ["Core"]
