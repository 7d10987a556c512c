"""Quantities with units: "3.35 TB/s", "80 GiB", "15.6 T tokens" to SI floats and back.

Nothing else in the planner parses or prints a unit.
"""
