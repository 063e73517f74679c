"""Types of the part of Amaranth that `hdl` uses; Amaranth states none. What is used anew goes in here."""
