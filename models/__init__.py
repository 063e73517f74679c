"""Transformers in numpy, every matrix product switchable: the source of real operands and of end-to-end figures."""
