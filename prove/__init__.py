"""Proofs: what holds for every input of the generated Verilog, and by which means."""
