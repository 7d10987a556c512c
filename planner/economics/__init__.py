"""Money, energy and carbon; pure functions."""
