"""Designs in cells of Gowin's that nextpnr has delays of.

nextpnr knows the delays of tables of four inputs, carry cells and block RAM. Every path through a smaller table, or
through a multiplexer of tables, it leaves out without a word. So Yosys makes no such multiplexers, and the smaller
tables take the same place as tables of four with constant inputs.
"""

#: Of Yosys' ``synth_gowin``.
OPTIONS = "-nowidelut"


def _table(inputs):
    names = [f"I{number}" for number in range(inputs)]
    pins = ", ".join(f".I{number}({net})" for number, net in enumerate([*names, *["1'b0"] * (4 - inputs)]))
    return (f"module LUT{inputs} (output F, input {', '.join(names)});\n  parameter [{(1 << inputs) - 1}:0] INIT = 0;\n"
            f"  LUT4 #(.INIT({{{16 >> inputs}{{INIT}}}})) _TECHMAP_REPLACE_ (.F(F), {pins});\nendmodule\n")


#: For Yosys' ``techmap``, after that.
TIMED = "".join(map(_table, (1, 2, 3)))
