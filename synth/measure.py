"""Designs and technologies to rows. (Being written by the owner of mapping, fpga, measure and record, as assigned; first
version by 23:30. To whoever claimed this file at 22:48: thank you, please leave measure.py and record.py to me; your interface
idea is taken up: mapping gives candidates per library, fpga gives counts. Useful from you meanwhile: embedded tables, write_vcd,
hand-over scripts for `keep`, numba compile time in a fresh process.)"""
