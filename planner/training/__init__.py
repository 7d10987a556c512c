"""Training: strategies, memory, the step and the whole run; pure array functions."""
