"""The fastest strategy of a run on its own machines: what `parallelism: auto` means."""

from __future__ import annotations

from collections.abc import Sequence

from planner.errors import Fault, InfeasibleError
from planner.planning.ledger import Ledger
from planner.planning.search_block import Aim
from planner.planning.search_run import Plan, carried_out
from planner.planning.search_sites import Site
from planner.planning.search_space import Space, space_of
from planner.planning.search_tally import SiteTally
from planner.planning.search_words import parallelism_of
from planner.planning.training_inputs import Ground
from planner.scenario.training_run import TrainingRun
from planner.units.printing import gibibytes

ROUNDER = "a global batch that is a multiple of the accelerators, or a rounder number of accelerators"


def _space(site: Site, kept: Sequence[str]) -> Space:
    ground = site.ground
    return space_of(
        ground.run,
        ground.architecture,
        length=ground.length,
        accelerators=[ground.accelerators],
        domains=[int(ground.problem.machine.domain[0])],
        kept=kept,
    )


def fastest(ground: Ground, ledger: Ledger) -> TrainingRun:
    """Give a run with the degrees of the fastest strategy that fits on its own machines (`parallelism: auto`).

    Where states are kept is left as the run has it, and so is what is computed again if the run says it.

    Raises
    ------
    InfeasibleError : none fits; says by how much the nearest one does not.
    """
    run, site = ground.run, Site(ground.fleet.node.id, ground)
    kept = ["offload", *(["recompute"] if "recompute" in run.model_fields_set else [])]
    space = _space(site, kept)
    plan = Plan.of(space, Aim(minimise="step"), [site])
    tally = carried_out(plan).get(0, SiteTally())
    batch = run.workload.global_batch
    if not tally.valid:
        message = f"no degrees divide {site.accelerators} accelerators and a batch of {batch:g} sequences"
        raise InfeasibleError(Fault("no-strategy", message, hint=ROUNDER))
    if not tally.best:
        capacity = float(site.ground.problem.machine.memory_bytes[0])
        raise InfeasibleError(
            Fault(
                "does-not-fit",
                f"no strategy fits: the smallest needs {gibibytes(tally.least_bytes)} of {gibibytes(capacity)}",
                hint="use more accelerators, accelerators with more memory, or offload states (planner search tries)",
            )
        )
    _, best = tally.best[0]
    ledger.warn(f"parallelism was chosen: the fastest of {tally.fit:,} strategies that fit")
    update = {"parallelism": parallelism_of(best, space, site), "recompute": space.recompute[best.recompute]}
    return run.model_copy(update=update)
