"""A replica whose requests all have the same lengths: what depends on lengths alone is counted once.

Sizing asks for thousands of batches at one context and one prompt; counting the attention of a model's layers again
for each of them would take most of its time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.serving.efficiency import ServingEfficiency
from planner.serving.engine import Engine, EngineLimits
from planner.serving.step import PassTime
from planner.serving.work import Cores

Array = NDArray[np.float64]


class Steady:
    """An engine's `Replica`, with what it gave for one length kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cores: dict[bytes, Cores] = {}
        self._prompts: dict[tuple[bytes, ...], PassTime] = {}
        self._marginal: dict[tuple[bytes, ...], Array] = {}
        self._work: dict[tuple[bytes, ...], tuple[Array, Array]] = {}
        self._lag: dict[tuple[bytes, ...], Array] = {}
        self._fit: dict[tuple[bytes, bytes], Array] = {}

    @property
    def engine(self) -> Engine:
        """What it stands for."""
        return self._engine

    @property
    def efficiency(self) -> ServingEfficiency:
        """The engine's fitted numbers."""
        return self._engine.efficiency

    @property
    def tokens_per_round(self) -> Array:
        """Tokens that one decode step adds to a sequence [1]."""
        return self._engine.tokens_per_round

    @property
    def limits(self) -> EngineLimits:
        """What the engine is started with."""
        return self._engine.limits

    def decode_step(self, batch: Array | float, context: Array | float) -> PassTime:
        """Time of one decode step."""
        key = _key(context)
        if key not in self._cores:
            self._cores[key] = self._engine.read_in_a_step(context)
        return self._engine.step_over(self._cores[key], batch)

    def prompts(self, tokens: Array | float, *, requests: Array | float = 1.0, cached: Array | float = 0.0) -> PassTime:
        """Time of reading prompts that pass together."""
        key = (_key(tokens), _key(requests), _key(cached))
        if key not in self._prompts:
            self._prompts[key] = self._engine.prompts(tokens, requests=requests, cached=cached)
        return self._prompts[key]

    def marginal_prefill_s(self, tokens: Array | float, cached: Array | float = 0.0) -> Array:
        """Time that one more prompt adds where many are read [s]."""
        key = (_key(tokens), _key(cached))
        if key not in self._marginal:
            self._marginal[key] = self._engine.marginal_prefill_s(tokens, cached)
        return self._marginal[key]

    def prompt_work(self, tokens: Array | float, cached: Array | float, variability: float) -> tuple[Array, Array]:
        """Mean of what prompts of varied lengths add where many are read [s], and its relative variance [1]."""
        key = (_key(tokens), _key(cached), _key(variability))
        if key not in self._work:
            self._work[key] = self._engine.prompt_work(tokens, cached, variability)
        return self._work[key]

    def lag_s(self, tokens: Array | float, cached: Array | float = 0.0) -> Array:
        """Time in which other stages still work on a prompt's last pass [s]."""
        key = (_key(tokens), _key(cached))
        if key not in self._lag:
            self._lag[key] = self._engine.lag_s(tokens, cached)
        return self._lag[key]

    def sequences_that_fit(self, context: Array | float, generated: Array | float) -> Array:
        """Sequences of a mean context that run at once; `generated` of its tokens are answers [1]."""
        key = (_key(context), _key(generated))
        if key not in self._fit:
            self._fit[key] = self._engine.sequences_that_fit(context, generated)
        return self._fit[key]


def _key(value: Array | float) -> bytes:
    return np.asarray(value, dtype=float).tobytes()
