"""The gates: Amaranth components, and Verilog from them."""
