"""Low-rank adapters beside a served model: many small models on one large one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record

Array = NDArray[np.float64]

_BYTES = 2.0  # adapters are kept in 16 bits whatever the weights' format


@record
class Adapters:
    """Adapters that one replica serves.

    Parameters
    ----------
    rank : of each [1].
    held : of them in device memory at once [1].
    used : different ones that requests ask for, all alike often [1].
    """

    rank: Array
    held: Array
    used: Array

    def met(self, sequences: Array) -> Array:
        """Give the different adapters that so many sequences have in the mean, each of any one: U (1 - (1 - 1/U)^n).

        >>> two = Adapters(np.asarray(16.0), np.asarray(2.0), np.asarray(2.0))
        >>> float(two.met(np.asarray(1.0))), float(two.met(np.asarray(2.0)))
        (1.0, 1.5)
        """
        with np.errstate(divide="ignore"):
            none = np.exp(sequences * np.log1p(-1.0 / np.maximum(self.used, 1.0)))
        found: Array = self.used * (1.0 - none)
        return found

    def held_bytes(self, adapted: Array) -> Array:
        """Give their memory on one rank [B], from the elements of adapters of rank 1, `Counts.adapted`."""
        taken: Array = self.held * self.rank * adapted * _BYTES
        return taken
