"""Everything that the estimate of a training run reads: the plan as arrays, and the uncertain inputs after it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.catalog.accelerator import Accelerator
from planner.catalog.facility import Facility
from planner.documents.reader import Tree
from planner.errors import InfeasibleError, InputError
from planner.planning.books import Books
from planner.planning.efficiencies import Basis, efficiency_of, framework_of
from planner.planning.evaluate import Problem
from planner.planning.ledger import Ledger
from planner.planning.machines import Fleet, machine_of
from planner.planning.models import architecture_of
from planner.planning.places import facility_of
from planner.planning.run_inputs import RunInputs, run_inputs_of
from planner.planning.run_outcome import Course
from planner.planning.training_plan import rules_of, states_of
from planner.planning.training_ranges import class_of, spread_of
from planner.record import record
from planner.scenario.hardware import HardwareChoice
from planner.scenario.training_run import TrainingRun
from planner.training.strategy import Strategy
from planner.units.interval import Interval
from planner.units.printing import scaled
from planner.workload.architecture import Architecture

_QUANTISED = {"fp8": 1.0, "mxfp8": 1.0, "nvfp4": 0.5, "int8": 1.0}
_PLAIN = {"fp32": 4.0, "tf32": 4.0, "bf16": 2.0, "fp16": 2.0}


@record
class Wanted:
    """What is to be trained, on whatever machines.

    Parameters
    ----------
    architecture : the model. length : tokens of one sequence. tokens : of the whole run [1].
    """

    architecture: Architecture
    length: int
    tokens: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A training run on so many machines of one kind: all but its strategy."""

    run: TrainingRun
    architecture: Architecture
    length: int
    problem: Problem
    fleet: Fleet
    facility: Facility | None
    accelerators: int
    nodes: int
    framework: str
    basis: Basis
    spread: Interval
    inputs: RunInputs

    @property
    def step_tokens(self) -> float:
        """Tokens of one step."""
        return self.run.workload.global_batch * self.length

    @property
    def course(self) -> Course:
        """What the run's outcome follows from besides the times of its steps.

        A checkpoint holds the weights and the optimizer's states, each once.
        """
        states = self.problem.states
        each = states.weights + states.optimizer * states.trained_share
        return Course(
            accelerators=self.accelerators,
            nodes=self.nodes,
            step_tokens=self.step_tokens,
            bytes_per_token=self.inputs.bytes_per_token,
            checkpoint_bytes=each * self.architecture.parameters,
            checkpoint_interval_s=self.inputs.checkpoint_interval_s,
            money=self.inputs.money,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan(Ground):
    """One training run, ready for the physics."""

    strategy: Strategy


def wanted_of(run: TrainingRun, tree: Tree, books: Books, ledger: Ledger) -> Wanted:
    """Give what a scenario wants trained.

    Raises
    ------
    InputError : the model is unknown, or the scenario does not say how much is trained.
    """
    workload = run.workload
    architecture = architecture_of(
        workload.model, workload.architecture, tree=tree, trail=("workload",), books=books, ledger=ledger
    )
    return Wanted(architecture, _length(run, architecture, tree), _tokens(run, tree, ledger))


def ground_of(run: TrainingRun, wanted: Wanted, tree: Tree, books: Books, ledger: Ledger) -> Ground:
    """Give a training run on the machines that its scenario names.

    Raises
    ------
    InputError : a name is unknown, or the scenario contradicts itself.
    InfeasibleError : the machines cannot do what is asked.
    """
    workload = run.workload
    fleet, nodes, accelerators = _fleet(run, tree, books, ledger)
    profile = books.catalog.profile("training")
    framework, moves = framework_of(profile, _framework(run, fleet.accelerator, books), tree, ("framework",))
    precision = workload.precision.compute
    once = books.remembered.once
    efficiency, basis = once(efficiency_of, profile, fleet.accelerator, precision=precision, framework=moves)
    if workload.load_imbalance:
        efficiency = replace(efficiency, imbalance=np.array([workload.load_imbalance.mid]))
    problem = Problem(
        architecture=wanted.architecture,
        length=wanted.length,
        source_length=workload.source_length,
        global_batch=workload.global_batch,
        states=states_of(workload, wanted.architecture),
        rules=rules_of(workload, moves),
        trained=workload.fine_tuning.method == "full",
        machine=fleet.machine,
        efficiency=efficiency,
        bytes_per_element=_QUANTISED.get(precision, _PLAIN.get(precision, 2.0)),
        quantised=precision in _QUANTISED,
    )
    facility = facility_of(run.hardware, fleet.node, tree=tree, books=books, ledger=ledger)
    kind = class_of(wanted.architecture, fleet.accelerator, trained=problem.trained)
    return Ground(
        run=run,
        architecture=wanted.architecture,
        length=wanted.length,
        problem=problem,
        fleet=fleet,
        facility=facility,
        accelerators=accelerators,
        nodes=nodes,
        framework=framework,
        basis=basis,
        spread=spread_of(profile, basis.kind, kind),
        inputs=run_inputs_of(
            run,
            tokens=wanted.tokens,
            fleet=fleet,
            facility=facility,
            nodes=nodes,
            tree=tree,
            books=books,
            ledger=ledger,
        ),
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


def _framework(run: TrainingRun, accelerator: Accelerator, books: Books) -> str:
    """Give the framework that a run names, or the one that such chips are usually trained with."""
    defaults = books.defaults
    return run.framework or defaults.framework_of.get(accelerator.family, defaults.framework)


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
