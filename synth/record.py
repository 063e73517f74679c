"""The record of a report: keys, units, provenance. (In work, with measure.py.)"""
