"""What a run comes to: its time with failures and checkpoints, power, energy, money; of one plan or of millions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from planner.economics.energy import carbon_kg, energy_kwh
from planner.planning.money import Money
from planner.record import record
from planner.training.run import Hazards, RunTime, run_time

Array = NDArray[np.float64]
Number = Array | float

HOUR_S = 3600.0
DAY_S = 86400.0


@record
class Course:
    """What a run's outcome follows from besides the times of its steps: numbers, or arrays that broadcast.

    Parameters
    ----------
    accelerators, nodes : that it runs on [1].
    step_tokens : tokens of one step [1].
    bytes_per_token : read from storage [B].
    checkpoint_bytes : size of a checkpoint [B].
    checkpoint_interval_s : between two; 0 for the best one [s].
    money : how machines are paid for.
    """

    accelerators: Number
    nodes: Number
    step_tokens: float
    bytes_per_token: float
    checkpoint_bytes: float
    checkpoint_interval_s: float
    money: Money


@record
class RunOutcome:
    """What a run comes to.

    Parameters
    ----------
    run : its time by cause. hours : all of it [h].
    node_w, power_w, facility_power_w : mean power while running, of a node, of all, and from the grid [W].
    energy_kwh : from the grid [kWh].
    carbon_kg, cost_usd : None where the grid, or a price, is unknown to all; NaN where it is to some.
    """

    run: RunTime
    hours: Number
    node_w: Number
    power_w: Number
    facility_power_w: Number
    energy_kwh: Number
    carbon_kg: Number | None
    cost_usd: Number | None


def run_outcome(course: Course, x: Mapping[str, Number], *, step_s: Number, busy_share: Number) -> RunOutcome:
    """Give what a run comes to.

    Parameters
    ----------
    course : the run.
    x : a value for every uncertain input, by its name: numbers, or arrays that broadcast.
    step_s : time of a step [s].
    busy_share : share of it in which an accelerator's units are busy [1].
    """
    run = _run(course, x, step_s)
    hours = run.total_s / HOUR_S
    node_w = x["idle power"] + (x["busy power"] - x["idle power"]) * busy_share
    power_w = node_w * course.nodes
    energy = energy_kwh(power_w, hours, x["PUE"])
    return RunOutcome(
        run,
        hours,
        node_w,
        power_w,
        power_w * x["PUE"],
        energy,
        carbon_kg(energy, x["grid carbon"]) if "grid carbon" in x else None,
        course.money.total_usd(x, nodes=course.nodes, hours=hours, energy_kwh=energy),
    )


def _run(course: Course, x: Mapping[str, Number], step_s: Number) -> RunTime:
    hazards = Hazards(
        failures_per_s=x["failure rate"] * course.accelerators + course.money.reclaims_per_s,
        restart_s=x["restart"],
        checkpoint_write_s=course.checkpoint_bytes / x["storage write"],
        checkpoint_read_s=course.checkpoint_bytes / x["storage read"],
        checkpoint_hidden=x["checkpoint overlap"],
        checkpoint_interval_s=course.checkpoint_interval_s,
    )
    return run_time(
        steps=x["tokens"] / course.step_tokens,
        step_s=step_s,
        data_bound_step_s=course.step_tokens * course.bytes_per_token / x["storage read"],
        hazards=hazards,
    )
