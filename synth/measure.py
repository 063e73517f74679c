"""Designs and technologies to rows. (In work by the lead: written against `mapping.candidates(design, verilog, libraries, effort, folder)`,
which gives for each library a list of `Candidate(source, script)`: the Yosys JSON netlist's path and what made it; and
`mapping.generic(...)`: generic gates and transistors; `fpga.counts(...)`: LUTs, carry, DSP, registers by target. mapping.py and
fpga.py with just these land within minutes.)"""
