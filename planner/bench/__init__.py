"""Micro-benchmarks of the user's own machine, what is fitted to them, and the proof on whole models."""
