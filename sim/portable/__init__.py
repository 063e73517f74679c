"""A bench that needs cocotb and numpy alone: reference, vectors by number, coverage, and a module of cocotb tests for
each protocol. `lmul bench` writes it into a folder, with the files of `sim` that it shares; imports are relative."""
