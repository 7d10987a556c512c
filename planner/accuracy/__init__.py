"""Measured results beside predictions: what was published, what the planner says, how far apart they are."""
