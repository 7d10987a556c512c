"""Uncertain inputs of a whole training run: hazards, storage, power, place and money."""

from __future__ import annotations

from dataclasses import replace

from planner.catalog.facility import Facility
from planner.documents.reader import Tree
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.machines import Fleet
from planner.planning.money import Money, money_of
from planner.planning.places import pue_of
from planner.planning.power import PowerParts, power_of
from planner.planning.storing import storage_of
from planner.record import record
from planner.scenario.training_run import TrainingRun
from planner.units.interval import Interval
from planner.units.printing import duration


@record
class RunInputs:
    """Uncertain inputs of the whole run, in SI units; None where nobody knows.

    Parameters
    ----------
    tokens : of the run. failure_rate : per accelerator and second. restart_s, checkpoint_hidden : hazards.
    checkpoint_interval_s : 0 for the best one.
    storage_read_bytes_per_s, storage_write_bytes_per_s : of the whole run's storage.
    bytes_per_token : read for one token.
    pue, grams_per_joule, power : of place and machines.
    money : price of the machines.
    """

    tokens: Interval
    failure_rate: Interval
    restart_s: Interval
    checkpoint_hidden: Interval
    checkpoint_interval_s: float
    storage_read_bytes_per_s: Interval
    storage_write_bytes_per_s: Interval
    bytes_per_token: float
    pue: Interval
    grams_per_joule: Interval | None
    power: PowerParts
    money: Money

    @property
    def uncertain(self) -> dict[str, Interval]:
        """Give the inputs by name, as far as they are known."""
        named: dict[str, Interval | None] = {
            "tokens": self.tokens,
            "failure rate": self.failure_rate,
            "restart": self.restart_s,
            "checkpoint overlap": self.checkpoint_hidden,
            "storage read": self.storage_read_bytes_per_s,
            "storage write": self.storage_write_bytes_per_s,
            "PUE": self.pue,
            "grid carbon": self.grams_per_joule,
            "busy power": self.power.busy_w,
            "idle power": self.power.idle_w,
            **self.money.inputs,
        }
        return {name: interval for name, interval in named.items() if interval is not None}


def run_inputs_of(
    run: TrainingRun,
    *,
    tokens: Interval,
    fleet: Fleet,
    facility: Facility | None,
    nodes: int,
    tree: Tree,
    books: Books,
    ledger: Ledger,
) -> RunInputs:
    """Give the uncertain inputs of a run on so many nodes of a kind, noting where each came from.

    Raises
    ------
    InputError : a name is unknown, or a price is missing where the project wants one.
    """
    defaults = books.defaults
    operations = run.operations
    failure = operations.failure_rate
    if failure is None:
        failure = defaults.failure_rate
        ledger.take(defaults, "failure_rate", f"{failure.mid * 3600:.2g} /accelerator/h")
    restart = operations.restart
    if restart is None:
        restart = defaults.restart
        ledger.take(defaults, "restart", duration(restart.mid))
    hidden = operations.checkpoint_overlap
    if hidden is None:
        hidden = defaults.checkpoint_overlap
        ledger.take(defaults, "checkpoint_overlap", f"{hidden.mid:.0%}")
    stored = storage_of(run.hardware, nodes=nodes, tree=tree, books=books, ledger=ledger)
    money = money_of(run.hardware, fleet.node, facility, nodes=nodes, tree=tree, books=books, ledger=ledger)
    per_token = run.workload.bytes_per_token
    if per_token is None:
        per_token = defaults.bytes_per_token
        ledger.take(defaults, "bytes_per_token", f"{per_token:g} B/token")
    pue = pue_of(run.hardware.pue, facility, books=books, ledger=ledger)
    grid = facility.grid if facility else None
    if facility and grid:
        ledger.take(facility, "grid.intensity", f"{grid.intensity.mid * 3.6e6:.0f} gCO2e/kWh")
    else:
        ledger.warn("the grid's carbon intensity is unknown: name a facility to get carbon")
    return RunInputs(
        tokens=tokens,
        failure_rate=failure,
        restart_s=restart,
        checkpoint_hidden=hidden,
        checkpoint_interval_s=operations.checkpoint_interval or 0.0,
        storage_read_bytes_per_s=stored.read_bytes_per_s,
        storage_write_bytes_per_s=stored.write_bytes_per_s,
        bytes_per_token=per_token,
        pue=pue,
        grams_per_joule=grid.intensity if grid else None,
        power=power_of(fleet.node, fleet.accelerator, books=books, ledger=ledger),
        money=replace(money, storage_usd_per_s=stored.usd_per_s),
    )
