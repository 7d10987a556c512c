"""A training scenario as the arrays that the physics reads: layers with their tokens, strategy, states."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.catalog.profile import FrameworkMoves
from planner.documents.reader import Trail, Tree
from planner.errors import Fault, InputError
from planner.record import record
from planner.scenario.training_run import OffloadChoice, Parallelism, RecomputeChoice, TrainingRun, TrainingWorkload
from planner.training.held import LayerUse
from planner.training.implementation import MEGATRON, TORCH_CUDA
from planner.training.memory import MemoryRules, StateBytes
from planner.training.strategy import Offload, Recompute, Strategy
from planner.workload.architecture import Architecture
from planner.workload.operators import Tokens

Array = NDArray[np.float64]

_BYTES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0}
_SHARDING = {"none": 0.0, "zero-1": 1.0, "zero-2": 2.0, "zero-3": 3.0, "fsdp": 3.0}
_SCHEDULE = {"1f1b": 0.0, "zb-h1": 1.0, "zb-h2": 2.0, "dual-pipe": 3.0}
_PLACE = {"device": 0.0, "host": 1.0, "disk": 2.0}
# States of the optimizer per parameter, in elements of the optimizer's format; Adafactor keeps row and
# column sums only, which are a thousandth of the parameters.
_MOMENTS = {"adam": 2.0, "adam-8bit": 0.5, "adafactor": 0.004, "sgd": 0.0, "sgd-momentum": 1.0}
_ALL_RANKS = 1e12


@record
class Layers:
    """The layers of an architecture with the tokens of one micro-batch, and the order of their kinds."""

    uses: tuple[LayerUse, ...]
    order: tuple[int, ...]


def one(value: float) -> Array:
    """Give a number as the array of one plan."""
    return np.array([float(value)])


def layers_of(
    architecture: Architecture, *, sequences: Array, length: Array | float, source_length: int | None, trained: bool
) -> Layers:
    """Give the layers of all stacks, each with the tokens that it meets in one micro-batch.

    Parameters
    ----------
    architecture : the model.
    sequences : of one micro-batch [1].
    length : tokens of one sequence in the last stack [1].
    source_length : tokens of an encoder before a decoder; as `length` where unsaid.
    trained : whether the layers' weights train; false for adapters on a frozen model.
    """
    uses: list[LayerUse] = []
    order: list[int] = []
    stacks = [*architecture.stacks]
    if architecture.multi_token:
        stacks.append(architecture.multi_token)
    own_length = np.atleast_1d(np.asarray(length, dtype=float))
    source = own_length if source_length is None else one(source_length)
    for number, stack in enumerate(stacks):
        feeds_another = number < len(architecture.stacks) - 1
        own = source if feeds_another else own_length
        if stack.tokens_per_sample:
            own = one(stack.tokens_per_sample)
        first = architecture.stacks[0].tokens_per_sample
        tokens = Tokens(sequences, own, one(first) if first else source)
        order += [len(uses) + kind for kind in stack.order]
        uses += [LayerUse(kind, tokens, trained, stack.shared_layers) for kind in stack.kinds]
    return Layers(tuple(uses), tuple(order))


def states_of(workload: TrainingWorkload, architecture: Architecture) -> StateBytes:
    """Give the bytes per parameter of weights, gradients and optimizer states.

    Notes
    -----
    Mixed precision keeps 16-bit weights (8-bit products convert them on the way), gradients in their own
    format, and per parameter the optimizer's moments and a 32-bit master copy. Training in 32 bits needs no
    master copy. Low-rank adapters train 2 r (inputs + outputs) parameters per matrix, and only those have
    gradients and states.
    """
    precision = workload.precision
    plain = precision.compute in ("fp32", "tf32")
    weights = 4.0 if plain else 2.0
    master = 0.0 if plain or precision.master == "none" else 4.0
    moments = _MOMENTS[workload.optimizer] * _BYTES[precision.optimizer]
    share = 1.0
    if workload.fine_tuning.method == "lora":
        matrices = [
            (p, count)
            for stack in architecture.stacks
            for kind, count in zip(stack.kinds, stack.counts, strict=True)
            for p in kind.projections
        ]
        adapters = sum(workload.fine_tuning.rank * (p.inputs + p.outputs) * count for p, count in matrices)
        share = adapters / architecture.parameters
    return StateBytes(weights, _BYTES[precision.gradients], moments + master, share)


def rules_of(workload: TrainingWorkload, framework: FrameworkMoves) -> MemoryRules:
    """Give what a framework adds to a run's states and activations."""
    base = MEGATRON if framework.fused else TORCH_CUDA
    implementation = replace(
        base,
        flash=workload.flash_attention,
        dropout=workload.dropout,
        attention_dropout=workload.dropout,
        element_bytes=4.0 if workload.precision.compute in ("fp32", "tf32") else 2.0,
    )
    return MemoryRules(
        implementation,
        framework.logits_copies,
        framework.head_gradient_bytes,
        framework.reserve_gib * 2.0**30,
        framework.fragmentation,
        framework.keeps_sent,
    )


def recompute_of(choice: str | RecomputeChoice) -> Recompute:
    """Give what is computed again: nothing, plain attention's scores, whole layers, or named modules."""
    if isinstance(choice, RecomputeChoice):
        modules, layers = set(choice.modules), choice.layers
    else:
        modules = {"attention"} if choice == "selective" else set()
        layers = 1.0 if choice == "full" else 0.0

    def flag(name: str) -> Array:
        return one(1.0 if name in modules else 0.0)

    return Recompute(
        layers=one(layers),
        attention=flag("attention"),
        norms=flag("norms"),
        activation=flag("activation"),
        feed_forward=flag("feed-forward"),
        latent=flag("latent"),
        other=one(0.0),
        operators=one(0.0),
    )


def strategy_of(run: TrainingRun, parallelism: Parallelism, *, accelerators: int) -> Strategy:
    """Give a scenario's parallelism as a strategy of one plan."""
    sequence_parallel = parallelism.sequence_parallel
    if sequence_parallel is None:
        sequence_parallel = parallelism.tensor > 1
    return Strategy(
        accelerators=one(accelerators),
        tensor=one(parallelism.tensor),
        pipeline=one(parallelism.pipeline),
        context=one(parallelism.context),
        expert=one(parallelism.expert),
        expert_tensor=one(parallelism.expert_tensor),
        interleave=one(parallelism.interleave),
        micro_batch=one(parallelism.micro_batch),
        sequence_parallel=one(1.0 if sequence_parallel else 0.0),
        sharding=one(_SHARDING[parallelism.sharding]),
        sharding_group=one(parallelism.sharding_group or _ALL_RANKS),
        schedule=one(_SCHEDULE[parallelism.schedule]),
        embedding_slots=one(1.0 if parallelism.embedding_and_head_are_layers else 0.0),
        head_slots=one(1.0 if parallelism.embedding_and_head_are_layers else 0.0),
        recompute=recompute_of(run.recompute),
        offload=offload_of(run.offload),
    )


def offload_of(choice: OffloadChoice) -> Offload:
    """Give where a scenario keeps its states."""
    places = (choice.parameters, choice.gradients, choice.optimizer, choice.activations)
    return Offload(*(one(_PLACE[place]) for place in places))


def check_parallelism(
    run: TrainingRun, parallelism: Parallelism, architecture: Architecture, *, accelerators: int, tree: Tree
) -> None:
    """Refuse degrees that contradict each other, the model or the batch; name the degrees that would work.

    Raises
    ------
    InputError : all contradictions at once, each at its place in the scenario.
    """
    at: Trail = ("parallelism",)
    faults: list[Fault] = []

    def refuse(key: str, message: str, allowed: str = "", hint: str = "") -> None:
        faults.append(tree.fault("contradiction", message, (*at, key), allowed=allowed, hint=hint))

    p = parallelism
    model_ranks = p.tensor * p.pipeline * p.context
    heads = _smallest_heads(architecture)
    if heads and heads % p.tensor:
        refuse("tensor", f"{heads} heads do not divide by tensor degree {p.tensor}", f"tensor: {_divisors(heads)}")
    if accelerators % model_ranks:
        refuse(
            "tensor",
            f"tensor {p.tensor} x pipeline {p.pipeline} x context {p.context} = {model_ranks} "
            f"does not divide {accelerators} accelerators",
            hint=f"use a multiple of {model_ranks} accelerators, or smaller degrees",
        )
        raise InputError(*faults)
    data = accelerators // model_ranks
    if p.data is not None and p.data != data:
        refuse(
            "data",
            f"data {p.data} x {model_ranks} model ranks is {p.data * model_ranks}, not {accelerators} accelerators",
            f"data: {data}",
        )
    layers = architecture.layers
    if p.pipeline * p.interleave > layers + (2 if p.embedding_and_head_are_layers else 0):
        refuse(
            "pipeline",
            f"{p.pipeline} stages x {p.interleave} chunks are more than the {layers} layers",
            f"pipeline x interleave of at most {layers}",
        )
    if p.interleave > 1 and p.pipeline == 1:
        refuse("interleave", "interleaving needs a pipeline", "interleave: 1, or pipeline above 1")
    if p.schedule != "1f1b" and p.interleave > 1:
        refuse("schedule", f"{p.schedule} is modelled without interleaving", "interleave: 1, or schedule: 1f1b")
    if p.schedule == "dual-pipe" and p.pipeline % 2:
        refuse("schedule", "dual-pipe pairs stages from both ends", "an even pipeline degree, or schedule: 1f1b")
    experts = _experts(architecture)
    if p.expert > 1 and not experts:
        refuse("expert", "the model has no experts", "expert: 1")
    elif experts and experts % p.expert:
        refuse("expert", f"{experts} experts do not divide by {p.expert}", f"expert: {_divisors(experts)}")
    ranks = data * p.context * p.tensor
    if ranks % (p.expert * p.expert_tensor):
        refuse("expert", f"expert degree {p.expert * p.expert_tensor} does not divide the {ranks} ranks of a stage")
    batch = run.workload.global_batch
    if batch < data * p.micro_batch:
        refuse(
            "micro_batch",
            f"global batch {batch:g} is smaller than data {data} x micro-batch {p.micro_batch}",
            hint=f"at least {data * p.micro_batch} sequences, or more model ranks",
        )
    elif batch % (data * p.micro_batch):
        refuse(
            "micro_batch",
            f"global batch {batch:g} does not divide by data {data} x micro-batch {p.micro_batch}",
            f"micro_batch: {_divisors(int(batch // data))}" if batch % data == 0 else "",
        )
    elif p.interleave > 1 and batch // (data * p.micro_batch) % p.pipeline:
        rounds = int(batch // (data * p.micro_batch))
        refuse(
            "interleave",
            f"{rounds} micro-batches are no multiple of the pipeline's {p.pipeline} stages, which interleaving needs",
            "interleave: 1, or a multiple of the stages",
        )
    if p.sharding_group is not None and (data * p.context) % p.sharding_group:
        refuse("sharding_group", f"{p.sharding_group} does not divide the {data * p.context} data ranks")
    if faults:
        raise InputError(*faults)


def _smallest_heads(architecture: Architecture) -> int:
    heads = [core.heads for stack in architecture.stacks for kind in stack.kinds for core in kind.cores]
    heads += [kind.scan.heads for stack in architecture.stacks for kind in stack.kinds if kind.scan]
    return int(np.gcd.reduce(heads)) if heads else 0


def _experts(architecture: Architecture) -> int:
    counts = [kind.experts.count for stack in architecture.stacks for kind in stack.kinds if kind.experts]
    return int(np.gcd.reduce(counts)) if counts else 0


def _divisors(number: int, *, most: int = 16) -> str:
    found = [d for d in range(1, number + 1) if number % d == 0]
    return ", ".join(str(d) for d in found[:most]) + (", ..." if len(found) > most else "")
