"""The record of a report: keys, units, provenance. (Being written together with measure.py by the same owner; see the note there.)"""
