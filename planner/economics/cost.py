"""Money: renting nodes by the hour, or owning them; of one run, or of arrays of runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Number = NDArray[np.float64] | float

_HOURS_PER_YEAR = 8760.0


@record
class Owned:
    """What one node costs its owner.

    Parameters
    ----------
    price_usd : purchase price.
    life_hours : over which it is written off [h].
    residual : share of the price left at the end [1].
    utilisation : share of its life in which it works; the rest is paid for by the work too [1].
    upkeep_per_year : share of the price per year for space, staff and spares [1].
    """

    price_usd: Number
    life_hours: float
    residual: Number
    utilisation: Number
    upkeep_per_year: Number


@record
class OwnedCost:
    """Money of owned machines by cause [USD]."""

    capital_usd: Number
    upkeep_usd: Number
    electricity_usd: Number

    @property
    def total_usd(self) -> Number:
        """All of it [USD]."""
        return self.capital_usd + self.upkeep_usd + self.electricity_usd


def rent_usd(nodes: Number, hours: Number, usd_per_node_hour: Number) -> Number:
    """Money for renting nodes [USD].

    >>> rent_usd(8, 24, 55.04)
    10567.68
    """
    return nodes * hours * usd_per_node_hour


def owned_usd(nodes: Number, hours: Number, owned: Owned, *, energy_kwh: Number, usd_per_kwh: Number) -> OwnedCost:
    """Money for using nodes of one's own for some hours.

    Parameters
    ----------
    nodes, hours : how many for how long [1, h].
    owned : what one of them costs.
    energy_kwh : drawn from the grid in that time [kWh].
    usd_per_kwh : price of electricity [USD/kWh].

    Returns
    -------
    Capital written off, upkeep and electricity [USD].

    Notes
    -----
    capital = price (1 - residual) / life * hours / utilisation: an hour of work carries the hours in which
    the machine stands idle.
    """
    charged = nodes * hours / owned.utilisation
    capital = owned.price_usd * (1.0 - owned.residual) / owned.life_hours * charged
    upkeep = owned.price_usd * owned.upkeep_per_year / _HOURS_PER_YEAR * charged
    return OwnedCost(capital, upkeep, energy_kwh * usd_per_kwh)
