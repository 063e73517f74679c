"""Boards that designs are put on: what amaranth-boards knows of them, and which of their lights say what."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from ..golden.refusal import Refusal


class Pin(NamedTuple):
    """A pin of the package, whether 0 on it means 1, and its attributes as amaranth-boards has them."""

    site: str
    inverted: bool
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Board:
    """A board.

    Attributes
    ----------
    name, title : str
    platform : str
        Module and class in amaranth-boards.
    family : str
        One of `lmul.boards.flow.FLOWS`.
    good, bad : str
        The lights that say that all is well, and that it is not: resource, number and part in amaranth-boards.
    said : tuple of str
        The same two in words.
    uart : tuple of str or None
        What the host sends on and what it receives on: parts of the resource ``uart``, or pins of a connector.
    uart_said : str
    loader : str
        The board's name in openFPGALoader.
    """

    name: str
    title: str
    platform: str
    family: str
    good: str
    bad: str
    said: tuple[str, str]
    uart: tuple[str, str]
    uart_said: str
    loader: str

    @cached_property
    def data(self) -> Any:
        """The platform of amaranth-boards.

        Raises
        ------
        Refusal
            If the package is not installed.
        """
        if importlib.util.find_spec("amaranth_boards") is None:
            raise Refusal(f"Pins of {self.name} must come from amaranth-boards, which is not installed: "
                          ".venv/bin/pip install -e '.[boards]'")
        module, name = self.platform.split(":")
        return getattr(importlib.import_module(f"amaranth_boards.{module}"), name)()

    @property
    def clock(self) -> str:
        """The oscillator, by its name on the board."""
        return self.data.default_clk

    @property
    def clock_hz(self) -> float:
        return self.data.default_clk_frequency

    @cached_property
    def pins(self) -> dict[str, Pin]:
        """By name: the oscillator, ``good``, ``bad``, ``rx``, ``tx``."""
        places = {"good": self.good, "bad": self.bad, "rx": self.uart[0], "tx": self.uart[1]}
        return {name: self._pin(where) for name, where in ({self.clock: f"{self.clock} 0"} | places).items()}

    def _pin(self, where):
        name, number, *part = where.split()
        if (name, 0) in self.data.connectors:  # a pin that the board has not given a job
            return Pin(self.data.connectors[name, 0].mapping[number], False, self.free_attributes)
        resource = self.data.lookup(name, int(number))
        found, attributes = resource, dict(resource.attrs)
        for each in resource.ios:
            if part and each.name == part[0]:
                found, attributes = each, {**attributes, **each.attrs}
        [pins] = found.ios
        return Pin(pins.names[0], pins.invert, attributes)

    @property
    def free_attributes(self) -> dict[str, Any]:
        """What pins of connectors get: the voltage of the lights."""
        return {"IO_TYPE": "LVCMOS33"}


def _ulx3s(size):
    return Board(f"ulx3s_{size}f", f"ULX3S, LFE5U-{size}F", f"ulx3s:ULX3S_{size}F_Platform", "ecp5", "led 0", "led 7",
                 ("LED 0", "LED 7"), ("uart 0 rx", "uart 0 tx"), "the USB port US1", "ulx3s")


def _orangecrab(size):
    return Board(f"orangecrab_r0_2_{size}f", f"OrangeCrab r0.2, LFE5U-{size}F",
                 f"orangecrab_r0_2:OrangeCrabR0_2_{size}FPlatform", "ecp5", "rgb_led 0 g", "rgb_led 0 r",
                 ("the RGB LED, green", "the RGB LED, red"), ("io 0", "io 1"), "pins 0 (in) and 1 (out), 3.3 V",
                 "orangeCrab")


#: By the names of amaranth-boards' modules, and the device's size where a board comes with several.
BOARDS = {board.name: board for board in (
    *map(_ulx3s, (12, 25, 45, 85)),
    *map(_orangecrab, (25, 85)),
    Board("icebreaker", "iCEBreaker, iCE40UP5K", "icebreaker:ICEBreakerPlatform", "ice40", "led_g 0", "led_r 0",
          ("the green LED", "the red LED"), ("uart 0 rx", "uart 0 tx"), "the USB port's second interface",
          "ice40_generic"),
    Board("tang_nano_9k", "Tang Nano 9K, GW1NR-9C", "tang_nano_9k:TangNano9kPlatform", "gowin", "led 0", "led 5",
          ("the first LED", "the last LED"), ("uart 0 rx", "uart 0 tx"), "the USB port's second interface",
          "tangnano9k"),
)}


def board(name: str) -> Board:
    """The board of a name.

    Raises
    ------
    Refusal
        If there is none; names those that there are.
    """
    if name not in BOARDS:
        raise Refusal(f"Board must be one of {', '.join(BOARDS)}, not {name!r}")
    return BOARDS[name]
