"""Accelerator capacity and cost planning: does it fit, how long, what does it cost, and from what numbers."""

__version__ = "0.1.0"
