"""What exists: accelerators, nodes, networks, models, prices, facilities and storage, typed, frozen, in SI units."""
