"""Power of a service over its day: of an accelerator that serves, and of nodes on which not all of them do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.planning.serving_answer import Answer, answer, answer_at, power_w
from planner.planning.serving_plan import ServingGround
from planner.planning.serving_pools import Workers, pooled
from planner.planning.serving_requests import generates
from planner.planning.serving_steady import Steady
from planner.record import record
from planner.serving.engine import Engine
from planner.serving.power import accelerator_power_w, rest_w

Array = NDArray[np.float64]

LIMIT, REST, CHIP, MODEL = "full power", "idle power", "power limit", "accelerator power"
"""Inputs: a node with its accelerators at their limit, and without work; the limit of one of them [W]; its power over
what is told [1]."""

_ALIKE = 1e-6  # of the largest rate: hours that differ by less are alike
_POINTS = 7  # rates of which power is told, besides none at all
_LEAST_BATCH = 0.3  # at which the first of them lies: below it a replica mostly waits
_SHARES = (0.02, 0.1, 0.3, 0.6, 1.0)  # of the busiest hour's rate, where no batch tells a rate


@record
class Drawn:
    """Mean power over the day of an accelerator that serves, by what it is doing [W].

    Parameters
    ----------
    decode, prompts : while it does that. rest : while it waits.
    """

    decode: Array
    prompts: Array
    rest: Array

    @property
    def watts(self) -> Array:
        """All of it [W]."""
        return self.decode + self.prompts + self.rest


def drawn_over(
    ground: ServingGround,
    engine: Engine,
    found: Answer,
    rates: Array | None,
    *,
    replicas: Array | float,
    workers: Workers | None = None,
) -> Drawn:
    """Give the mean power of a service's accelerators over its day.

    Parameters
    ----------
    ground, engine : the service, and a replica in each row. found : what it does in the busiest hour.
    rates : of each hour [1/s]; None where the load is none.
    replicas : that serve. workers : of pools.

    Notes
    -----
    Power is told at some rates between none and the busiest hour's, and read off between them. Of replicas that read
    and decode their batches say at which rates, so that none has to be looked for.
    """
    if rates is None or np.ptp(rates) < _ALIKE * np.max(rates):
        return _phases(engine, found)
    most = float(np.max(rates))
    shares = most * np.array(_SHARES)[:, None]
    if workers is not None:
        seen, at = pooled(ground, engine, workers, shares), shares
    elif not generates(ground.architecture):
        seen, at = answer(ground, engine, replicas=replicas, rate=shares), shares
    else:
        least = np.minimum(_LEAST_BATCH, 0.1 * found.sequences)
        batches = least * (found.sequences / least) ** np.linspace(0.0, 1.0, _POINTS)[:, None]
        seen, count = answer_at(ground, Steady(engine), batches, most)
        at = most / count * replicas
    told, rest = _phases(engine, seen), rest_w(engine.machine, engine.efficiency)
    none = np.zeros_like(rest)
    return Drawn(
        _mean_over(rates, at, told.decode, none),
        _mean_over(rates, at, told.prompts, none),
        _mean_over(rates, at, told.rest, rest),
    )


def share_of_limit(engine: Engine, watts: Array, replicas: Array | float, nodes: Array | float) -> Array:
    """Share of the way from rest to their limit that the accelerators of a node go in the mean [1].

    Parameters
    ----------
    engine : in every row. watts : of an accelerator that serves [W].
    replicas : that serve. nodes : that are paid for; what stands by on them, or idle, is at rest.
    """
    machine = engine.machine
    limit, idle = machine.power_limit_w, rest_w(machine, engine.efficiency)
    serving = replicas * engine.layout.accelerators / (nodes * machine.machine.node_accelerators)
    share: Array = np.clip((watts - idle) / (limit - idle), 0.0, 1.0) * np.minimum(serving, 1.0)
    return share


def _phases(engine: Engine, found: Answer) -> Drawn:
    """Give power by phase, each by its share of the time.

    Power has a limit, so that a mixture of phases may draw a little more than they do one after the other.
    """
    share, waits = found.prefill_share, rest_w(engine.machine, engine.efficiency) * (1.0 - found.active)
    decoding, reading = (
        accelerator_power_w(engine.machine, engine.efficiency, found.decode, found.prompt, prefill_share=only)
        for only in (0.0, 1.0)
    )
    mixed = decoding * (1.0 - share) + reading * share
    whole = (power_w(engine, found) - waits) / np.maximum(mixed, 1e-12)
    return Drawn(decoding * (1.0 - share) * whole, reading * share * whole, waits)


def _mean_over(rates: Array, at: Array, values: Array, first: Array) -> Array:
    """Give the mean over the hours of what is told at rates on a first axis, rising, and of none; straight between."""
    hours = np.reshape(rates, (-1, *(1,) * (np.ndim(values) - 1)))
    mean, last_at, last = first, np.zeros_like(at[0]), first
    for here, value in zip(at, np.broadcast_to(values, np.broadcast_shapes(at.shape, values.shape)), strict=True):
        width = np.maximum(here - last_at, 1e-30)
        mean = mean + (value - last) * np.mean(np.clip((hours - last_at) / width, 0.0, 1.0), axis=0)
        last_at, last = here, value
    return mean
