"""From a scenario to an estimate: the only place where documents meet the physics."""
