"""Holding a model ready to answer; pure functions over arrays."""
