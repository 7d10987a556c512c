"""A training scenario with its strategy: as it says, or the fastest one where it leaves that open."""

from __future__ import annotations

from dataclasses import fields

from planner.documents.reader import Tree
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.planning.training_inputs import Ground, TrainingPlan, ground_of, wanted_of
from planner.planning.training_plan import check_parallelism, strategy_of
from planner.scenario.training_run import TrainingRun


def plan_of(run: TrainingRun, tree: Tree, books: Books, ledger: Ledger) -> TrainingPlan:
    """Give a training scenario as arrays and intervals.

    Raises
    ------
    InputError : a name is unknown, or the scenario contradicts itself.
    InfeasibleError : the hardware cannot do what is asked.
    """
    ground = ground_of(run, wanted_of(run, tree, books, ledger), tree, books, ledger)
    if run.parallelism == "auto":
        from planner.planning.search_fastest import fastest  # most plans say their degrees

        run = fastest(ground, ledger)
    if run.parallelism == "auto":
        raise AssertionError("the search gives degrees")
    n = ground.accelerators
    check_parallelism(run, run.parallelism, ground.architecture, accelerators=n, tree=tree)
    told = {field.name: getattr(ground, field.name) for field in fields(Ground)}
    return TrainingPlan(**(told | {"run": run}), strategy=strategy_of(run, run.parallelism, accelerators=n))
