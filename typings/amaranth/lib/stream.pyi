"""Types of `amaranth.lib.stream`: its signature."""

from . import wiring
from .data import Layout

class Signature(wiring.Signature):
    def __init__(self, payload_shape: int | Layout) -> None: ...
