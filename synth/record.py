"""The record of a report: keys, units, provenance. (In work by the lead, with measure.py.)"""
