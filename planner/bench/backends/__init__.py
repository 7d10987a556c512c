"""Backends of the benchmark: one file for each library, behind the protocol in `planner.bench.backend`."""
