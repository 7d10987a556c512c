"""How long one operator, transfer or watt takes on one machine; pure array functions."""
