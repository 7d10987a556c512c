"""Everything that the estimate of a training run reads: the plan as arrays, and the uncertain inputs after it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.catalog.facility import Facility
from planner.documents.reader import Tree
from planner.errors import InfeasibleError, InputError
from planner.planning.books import Books
from planner.planning.efficiencies import Basis, efficiency_of, framework_of
from planner.planning.evaluate import Problem
from planner.planning.ledger import Ledger
from planner.planning.machines import Fleet, machine_of
from planner.planning.models import architecture_of
from planner.planning.money import Money, money_of
from planner.planning.places import facility_of, pue_of
from planner.planning.power import PowerParts, power_of
from planner.planning.storing import storage_of
from planner.planning.training_plan import check_parallelism, rules_of, states_of, strategy_of
from planner.scenario.hardware import HardwareChoice
from planner.scenario.training_run import TrainingRun
from planner.training.strategy import Strategy
from planner.units import Interval, duration, scaled
from planner.workload.architecture import Architecture

_QUANTISED = {"fp8": 1.0, "mxfp8": 1.0, "nvfp4": 0.5, "int8": 1.0}
_PLAIN = {"fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0}


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """One training run, ready for the physics."""

    run: TrainingRun
    architecture: Architecture
    problem: Problem
    strategy: Strategy
    fleet: Fleet
    facility: Facility | None
    accelerators: int
    nodes: int
    framework: str
    basis: Basis
    spread: Interval
    inputs: RunInputs
    length: int

    @property
    def step_tokens(self) -> float:
        """Tokens of one step."""
        return self.run.workload.global_batch * self.length


def plan_of(run: TrainingRun, tree: Tree, books: Books, ledger: Ledger) -> TrainingPlan:
    """Give a training scenario as arrays and intervals.

    Raises
    ------
    InputError : a name is unknown, or the scenario contradicts itself.
    InfeasibleError : the hardware cannot do what is asked.
    """
    workload = run.workload
    architecture = architecture_of(
        workload.model, workload.architecture, tree=tree, trail=("workload",), books=books, ledger=ledger
    )
    length = _length(run, architecture, tree)
    tokens = _tokens(run, tree, ledger)
    fleet, nodes, accelerators = _fleet(run, tree, books, ledger)
    profile = books.catalog.profile("training")
    framework, moves = framework_of(profile, run.framework, tree, ("framework",))
    precision = workload.precision.compute
    efficiency, basis = efficiency_of(profile, fleet.accelerator, precision=precision, framework=moves)
    if workload.load_imbalance:
        efficiency = replace(efficiency, imbalance=np.array([workload.load_imbalance.mid]))
    problem = Problem(
        architecture=architecture,
        length=length,
        source_length=workload.source_length,
        global_batch=workload.global_batch,
        states=states_of(workload, architecture),
        rules=rules_of(workload, moves),
        trained=workload.fine_tuning.method == "full",
        machine=fleet.machine,
        efficiency=efficiency,
        bytes_per_element=_QUANTISED.get(precision, _PLAIN.get(precision, 2.0)),
        quantised=precision in _QUANTISED,
    )
    if run.parallelism == "auto":
        from planner.planning.search import fastest

        run = fastest(run, problem, accelerators=accelerators, ledger=ledger)
    if run.parallelism == "auto":
        raise AssertionError("the search gives degrees")
    check_parallelism(run, run.parallelism, architecture, accelerators=accelerators, tree=tree)
    strategy = strategy_of(run, run.parallelism, accelerators=accelerators)
    facility = facility_of(run.hardware, fleet.node, tree=tree, books=books, ledger=ledger)
    spread = profile.ranges[basis.kind]
    return TrainingPlan(
        run=run,
        architecture=architecture,
        problem=problem,
        strategy=strategy,
        fleet=fleet,
        facility=facility,
        accelerators=accelerators,
        nodes=nodes,
        framework=framework,
        basis=basis,
        spread=Interval(spread.low, 1.0, spread.high),
        inputs=_run_inputs(run, tokens, fleet, facility, nodes, tree, books, ledger),
        length=length,
    )


def _length(run: TrainingRun, architecture: Architecture, tree: Tree) -> int:
    fixed = architecture.stacks[-1].tokens_per_sample
    length = run.workload.sequence_length
    if length is None:
        if fixed:
            return fixed
        raise InputError(
            tree.fault("missing-key", "'sequence_length' is missing", ("workload",), hint="tokens of one sample")
        )
    return length


def _tokens(run: TrainingRun, tree: Tree, ledger: Ledger) -> Interval:
    tokens = run.workload.tokens
    if tokens is None:
        raise InputError(tree.fault("missing-key", "'tokens' is missing", ("workload",), hint="tokens: 15.6 T"))
    ledger.said("tokens", scaled(tokens.mid, "tokens"))
    return tokens


def _fleet(run: TrainingRun, tree: Tree, books: Books, ledger: Ledger) -> tuple[Fleet, int, int]:
    choice = run.hardware
    node = books.catalog.node(choice.node, tree=tree, trail=("hardware", "node"))
    accelerator = books.catalog.accelerator(node.accelerator)
    nodes, accelerators = _count(choice, node.accelerators, tree)
    multi = accelerators > max(node.scale_up.domain, node.accelerators)
    if multi and node.network is None and choice.fabric_bandwidth is None:
        raise InputError(
            tree.fault(
                "fabric-unknown",
                f"{node.id} has no known network, and {nodes} nodes need one",
                ("hardware", "node"),
                hint=f"give hardware.fabric_bandwidth, or use at most {node.accelerators} accelerators",
            )
        )
    network = books.catalog.network(node.network.fabric) if node.network else None
    try:
        machine = machine_of(
            node,
            accelerator,
            network,
            precision=run.workload.precision.compute,
            ledger=ledger,
            fabric_bandwidth_bytes_per_s=choice.fabric_bandwidth,
            oversubscription=choice.oversubscription,
        )
    except InfeasibleError as error:
        fault = error.faults[0]
        trail = ("workload", "precision", "compute")
        place = trail if trail in tree.marks else ("hardware", "node")
        raise InfeasibleError(
            tree.fault(fault.id, fault.message, place, allowed=fault.allowed, hint=fault.hint)
        ) from None
    if accelerators > 1 and node.scale_up.domain > 1 and np.isnan(machine.domain_bandwidth_bytes_per_s[0]):
        raise InputError(
            tree.fault(
                "fabric-unknown",
                f"{node.id} has no known link between its accelerators, and {accelerators} of them need one",
                ("hardware", "node"),
                hint="use one accelerator",
            )
        )
    return Fleet(node, accelerator, network, machine), nodes, accelerators


def _count(choice: HardwareChoice, per_node: int, tree: Tree) -> tuple[int, int]:
    """Give nodes and accelerators: whole nodes are paid for, also where not all of their accelerators work."""
    if choice.accelerators is None and choice.nodes is None:
        raise InputError(
            tree.fault("missing-key", "'accelerators' or 'nodes' is missing", ("hardware",), hint="accelerators: 512")
        )
    if choice.accelerators is not None and choice.nodes is not None and choice.accelerators != choice.nodes * per_node:
        raise InputError(
            tree.fault(
                "contradiction",
                f"{choice.nodes} nodes hold {choice.nodes * per_node} accelerators, not {choice.accelerators}",
                ("hardware", "nodes"),
                hint="give one of the two",
            )
        )
    accelerators = choice.accelerators if choice.accelerators is not None else (choice.nodes or 0) * per_node
    return -(-accelerators // per_node), accelerators


def _run_inputs(
    run: TrainingRun,
    tokens: Interval,
    fleet: Fleet,
    facility: Facility | None,
    nodes: int,
    tree: Tree,
    books: Books,
    ledger: Ledger,
) -> RunInputs:
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
