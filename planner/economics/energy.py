"""Energy drawn from the grid, and the carbon that it stands for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Number = NDArray[np.float64] | float

_JOULES_PER_KWH = 3.6e6


def energy_kwh(power_w: Number, hours: Number, pue: Number) -> Number:
    """Energy drawn from the grid by machines of a mean power, with the facility's overhead [kWh].

    >>> energy_kwh(10_000.0, 24.0, 1.25)
    300.0
    """
    return power_w / 1e3 * hours * pue


def carbon_kg(energy: Number, grams_per_joule: Number) -> Number:
    """Operational carbon of an energy drawn [kgCO2e].

    Parameters
    ----------
    energy : drawn from the grid [kWh].
    grams_per_joule : intensity of the grid [gCO2e/J]; 384 gCO2e/kWh is 1.07e-4.

    >>> round(carbon_kg(1000.0, 384.0 / 3.6e6), 1)
    384.0
    """
    return energy * _JOULES_PER_KWH * grams_per_joule / 1e3
