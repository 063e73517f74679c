"""What is put on a board around a design: one list, a line for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..hdl.link import LinkTop
from ..hdl.selftest import selftest
from ..hdl.verilog import convert
from ..sim.rounds import round_of

if TYPE_CHECKING:
    from ..hdl.designs import Design


@dataclass(frozen=True)
class Request:
    """What a top is made for.

    Attributes
    ----------
    design : Design
    about : dict
        Its manifest.
    clock_hz : float
        Of ``clk``: the board's oscillator, divided.
    seed, vectors : int, int or None
        Of the self-test, as `lmul.sim.rounds.round_of` takes them.
    baud : int
    """

    design: Design
    about: Mapping[str, Any]
    clock_hz: float
    seed: int = 1
    vectors: int | None = None
    baud: int = 115200


@dataclass(frozen=True)
class Top:
    """A module with the ports ``clk`` and ``rst`` (synchronous, active high), and others that go to pins.

    Attributes
    ----------
    name : str
        The module is called ``SLUG_NAME``.
    job : str
        In words.
    pins : dict of str to str
        Of its ports those that go to pins, and which: ``good``, ``bad``, ``rx``, ``tx`` of a `Board`.
    inputs : tuple of str
        Which of these pins are inputs.
    lights : tuple of str
        What the lights ``good`` and ``bad`` say.
    takes : callable
        Whether it is for a design.
    verilog : callable
        Of a `Request` the Verilog; the design's own is beside it if ``beside``.
    parameters : callable
        Of a `Request` the module's parameters.
    bench : callable or None
        Of a slug a Verilog bench of the module, which ends with status 0 if all is well.
    """

    name: str
    job: str
    pins: Mapping[str, str]
    inputs: tuple[str, ...]
    lights: tuple[str, str]
    takes: Callable[[Design], bool]
    verilog: Callable[[Request], str]
    parameters: Callable[[Request], Mapping[str, int]]
    bench: Callable[[str], str] | None = None
    beside: bool = True


def _selftest(request):
    return selftest(request.about, round_of(request.design, request.about, request.vectors, request.seed))


def _blink(request):
    """Twice a second or so: a bit of a counter of cycles."""
    return {"BLINK": max(int(request.clock_hz / 4).bit_length() - 1, 1)}


def bench(slug: str) -> str:
    """A bench of a self-test: some rounds, and what the lights said."""
    return f"""\
// Runs {slug}_selftest for three rounds. The status is 0 if its lights say that all is well.
`timescale 1ns / 1ps
module selftest_bench;
  reg clk = 0, rst = 1, blinked = 0;
  wire pass, fail;
  wire [15:0] mismatches, rounds;
  integer cycle = 0;
  {slug}_selftest #(.BLINK(3)) dut (.clk(clk), .rst(rst), .pass(pass), .fail(fail), .mismatches(mismatches),
    .rounds(rounds));
  always #5 clk = ~clk;
  always @(negedge clk) begin
    cycle = cycle + 1;
    if (cycle == 4) rst = 0;
    if (pass === 1'b1) blinked = 1;
    if (rounds === 3 || fail === 1'b1 || cycle == 1000000) begin
      if (rounds === 3 && fail === 1'b0 && blinked) begin
        $display("pass: %0d rounds, no mismatch, %0d cycles", rounds, cycle);
        $finish;
      end else begin
        $display("FAIL: %0d rounds, mismatches %0d, fail is %b", rounds, mismatches, fail);
        $fatal;
      end
    end
  end
endmodule
"""


SELFTEST = Top(
    "selftest", "operands in ROMs, results compared with golden's", {"pass": "good", "fail": "bad"}, (),
    ("blinks while results are right", "stays on from the first that is wrong, missing or too much"),
    lambda design: True, _selftest, _blink, bench)


def _link(request):
    top = f"{request.design.slug}_link"
    return convert({top: LinkTop(request.design, request.clock_hz, request.baud)})[top]


LINK = Top(
    "link", "a serial line to a host, for `lmul matmul --backend serial:PORT`",
    {"rx": "rx", "tx": "tx", "working": "good", "failed": "bad"}, ("rx",),
    ("is on while a command or its answer is on its way", "is on from a command that could not be carried out to one "
     "that was"),
    lambda design: design.declared.bus, _link, lambda request: {}, beside=False)

#: Each is written for the designs that it takes.
TOPS = (SELFTEST, LINK)
