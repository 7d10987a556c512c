"""Device memory against devices filled tensor by tensor, and what more or less of anything does to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from planner.catalog.model import Model
from planner.catalog.shape import ArchitectureSpec
from planner.catalog.store import Catalog
from planner.documents.reader import parse_yaml
from planner.documents.typed import typed
from planner.planning.training_plan import layers_of
from planner.training.held import end_parameters, held_parameters
from planner.training.implementation import MEGATRON
from planner.training.memory import Memory, MemoryModel, MemoryRules, StateBytes
from planner.training.stages import stage_load
from planner.training.strategy import Strategy
from planner.workload.architecture import Architecture
from planner.workload.build import architecture
from tests.training.strategies import one, strategy

pytestmark = pytest.mark.unmeasured

RULES = MemoryRules(MEGATRON, logits_copies=1.0, head_gradient_bytes=4.0, reserve_bytes=0.0, fragmentation=0.0)
STATES = StateBytes(weights=2.0, gradients=4.0, optimizer=12.0)
MODELS = {
    e.id: e.architecture for e in Catalog().entries("model") if isinstance(e, Model) and e.architecture is not None
}

# A small decoder and a small mixture of experts, whose every tensor is listed by hand below.
HIDDEN, HEADS, KV_HEADS, SIZE, WIDTH, VOCABULARY, LAYERS = 64, 8, 4, 8, 96, 320, 12
EXPERTS, EXPERT_WIDTH = 8, 48
DENSE = f"""
hidden: {HIDDEN}
vocabulary: {VOCABULARY}
layers: {LAYERS}
attention: {{heads: {HEADS}, kv_heads: {KV_HEADS}, head_dim: {SIZE}, bias: qkv}}
feed_forward: {{width: {WIDTH}, gated: true}}
"""
MIXTURE = f"""
hidden: {HIDDEN}
vocabulary: {VOCABULARY}
layers: {LAYERS}
attention: {{heads: {HEADS}, kv_heads: {KV_HEADS}, head_dim: {SIZE}, bias: qkv}}
experts: {{count: {EXPERTS}, top_k: 2, width: {EXPERT_WIDTH}}}
"""


@dataclass(frozen=True)
class Tensor:
    """A parameter as it is stored: its shape, and the axis that tensor ranks divide, if any."""

    shape: tuple[int, ...]
    axis: int | None = None
    of_experts: bool = False

    def local(self, ranks: int) -> Fraction:
        shape = list(map(Fraction, self.shape))
        if self.axis is not None:
            shape[self.axis] /= ranks
        return prod(shape, start=Fraction(1))


def layer_tensors(*, mixture: bool) -> list[Tensor]:
    """List one layer's parameters, each as (outputs, inputs)."""
    queries, keys = HEADS * SIZE, KV_HEADS * SIZE
    found = [Tensor((HIDDEN,)), Tensor((HIDDEN,))]
    for width in (queries, keys, keys):
        found += [Tensor((width, HIDDEN), 0), Tensor((width,), 0)]
    found.append(Tensor((HIDDEN, queries), 1))
    if mixture:
        found.append(Tensor((EXPERTS, HIDDEN)))
        for _ in range(EXPERTS):
            found += [Tensor((EXPERT_WIDTH, HIDDEN), 0, of_experts=True)] * 2
            found.append(Tensor((HIDDEN, EXPERT_WIDTH), 1, of_experts=True))
    else:
        found += [Tensor((WIDTH, HIDDEN), 0), Tensor((WIDTH, HIDDEN), 0), Tensor((HIDDEN, WIDTH), 1)]
    return found


def held_by_hand(stage: int, plan: dict[str, int], *, mixture: bool) -> tuple[Fraction, Fraction]:
    """Give the dense and the experts' parameters of one accelerator of a stage, tensor by tensor."""
    dense, expert = Fraction(0), Fraction(0)
    for _ in range(LAYERS // plan["pipeline"]):
        for tensor in layer_tensors(mixture=mixture):
            if tensor.of_experts:
                expert += tensor.local(plan["expert_tensor"]) / plan["expert"]
            else:
                dense += tensor.local(plan["tensor"])
    table = Tensor((VOCABULARY, HIDDEN), 0).local(plan["tensor"])
    if stage == 0:
        dense += table
    if stage == plan["pipeline"] - 1:
        dense += table + HIDDEN
    return dense, expert


def copies_of_an_expert(plan: dict[str, int]) -> int:
    """Count the ranks of one stage that hold the same piece of the first expert, rank by rank."""
    ranks = plan["data"] * plan["context"] * plan["tensor"]
    return sum(
        1
        for rank in range(ranks)
        if rank % plan["expert_tensor"] == 0 and rank // plan["expert_tensor"] % plan["expert"] == 0
    )


def built(text: str) -> Architecture:
    return architecture(typed(parse_yaml(text), ArchitectureSpec), "test")


def memory_of(
    model: Architecture,
    plan: Strategy,
    *,
    stage: int = 0,
    micro_batches: int = 8,
    length: int = 128,
    rules: MemoryRules = RULES,
    states: StateBytes = STATES,
) -> Memory:
    layers = layers_of(model, sequences=plan.micro_batch, length=float(length), source_length=None, trained=True)
    load = stage_load(layers.order, len(layers.uses), plan, one(stage))
    memory = MemoryModel.of(
        model, layers.uses, strategy=plan, micro_batches=one(micro_batches), states=states, rules=rules
    )
    return memory.stage(load)


def number(value: object) -> float:
    return float(np.ravel(np.asarray(value))[0])


plans = st.fixed_dictionaries(
    {
        "tensor": st.sampled_from([1, 2, 4]),
        "pipeline": st.sampled_from([1, 2, 3, 4, 6]),
        "context": st.sampled_from([1, 2]),
        "data": st.sampled_from([1, 2, 4, 16]),
        "expert": st.sampled_from([1, 2, 4, 8]),
        "expert_tensor": st.sampled_from([1, 2]),
    }
)


@given(plan=plans, zero=st.integers(0, 3), group=st.sampled_from([0, 2, 4]), mixture=st.booleans())
def test_states_are_those_of_tensors_put_on_devices_one_by_one(
    plan: dict[str, int], zero: int, group: int, mixture: bool
) -> None:
    if not mixture:
        plan = plan | {"expert": 1, "expert_tensor": 1}
    ranks = plan["data"] * plan["context"]
    assume(ranks * plan["tensor"] % (plan["expert"] * plan["expert_tensor"]) == 0)
    assume(not group or ranks % group == 0)
    copies = copies_of_an_expert(plan)
    said = {name: float(value) for name, value in plan.items() if name != "data"}
    accelerators = ranks * plan["tensor"] * plan["pipeline"]
    made = strategy(accelerators=accelerators, sharding=zero, sharding_group=group or 1e12, **said)
    for stage in range(plan["pipeline"]):
        dense, expert = held_by_hand(stage, plan, mixture=mixture)
        memory = memory_of(built(MIXTURE if mixture else DENSE), made, stage=stage)
        divided = (min(ranks, group or ranks), min(copies, group or copies))
        for name, each, from_stage in (("weights", 2, 3), ("gradients", 4, 2), ("optimizer", 12, 1)):
            by = divided if zero >= from_stage else (1, 1)
            exact = each * (dense / by[0] + expert / by[1])
            assert number(getattr(memory, name)) == pytest.approx(float(exact), rel=1e-9)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_one_device_holds_every_parameter_of_a_registered_model_once(name: str) -> None:
    model = architecture(MODELS[name], name)
    plan = strategy()
    layers = layers_of(model, sequences=one(1), length=512.0, source_length=None, trained=True)
    load = stage_load(layers.order, len(layers.uses), plan, one(0))
    own = sum(len(stack.kinds) for stack in model.stacks)  # layers for further tokens are no part of the count
    total = end_parameters(model, plan.sharding_of_layers).of(load)
    for use, count in list(zip(layers.uses, load.layers, strict=True))[:own]:
        held = held_parameters(use.layer, plan.sharding_of_layers)
        total = total + use.held(count) * (held.dense + held.expert)
    assert number(total) == model.parameters


def test_tied_embeddings_are_held_twice_by_a_pipeline_and_once_by_one_stage() -> None:
    model = built(DENSE + "tied_embeddings: true")
    table = 2.0 * VOCABULARY * HIDDEN

    def weights(plan: Strategy, stages: int) -> float:
        return sum(number(memory_of(model, plan, stage=stage).weights) for stage in range(stages))

    assert weights(strategy(accelerators=4, pipeline=4), 4) - weights(strategy(), 1) == table


def test_the_final_norm_is_held_where_embeddings_are_tied_too() -> None:
    tied, untied = built(DENSE + "tied_embeddings: true"), built(DENSE)
    difference = memory_of(untied, strategy()).weights - memory_of(tied, strategy()).weights
    assert number(difference) == 2.0 * VOCABULARY * HIDDEN


def test_zero_3_holds_two_gathered_layers_besides_its_shards() -> None:
    dense, _ = held_by_hand(1, {"pipeline": LAYERS, "tensor": 1, "expert": 1, "expert_tensor": 1}, mixture=False)
    memory = memory_of(built(DENSE), strategy(accelerators=16, sharding=3))
    assert number(memory.gathered) == 2 * 2 * dense


@pytest.mark.parametrize(
    ("optimizer", "bytes_each"),
    # Moments and a 32-bit master copy: ZeRO, Rajbhandari et al., SC 2020, section 3.1, and what other optimizers keep.
    [(12.0, 18.0), (6.0, 12.0), (4.0, 10.0)],
)
def test_mixed_precision_takes_its_bytes_per_parameter(optimizer: float, bytes_each: float) -> None:
    model = built(DENSE)
    memory = memory_of(model, strategy(), states=replace(STATES, optimizer=optimizer))
    assert number(memory.weights + memory.gradients + memory.optimizer) == bytes_each * model.parameters


@given(
    degree=st.sampled_from([1, 2, 4, 8]),
    micro_batch=st.sampled_from([1, 2, 4]),
    recompute=st.dictionaries(st.sampled_from(["attention", "norms", "activation", "feed_forward"]), st.just(1.0)),
)
def test_activations_of_tensor_ranks_with_sequence_parallelism_are_an_even_share(
    degree: int, micro_batch: int, recompute: dict[str, float]
) -> None:
    model = built(DENSE.replace(f"kv_heads: {KV_HEADS}", f"kv_heads: {HEADS}"))
    whole = memory_of(model, strategy(micro_batch=micro_batch, recompute=recompute)).activations
    plan = strategy(
        accelerators=degree, tensor=degree, sequence_parallel=1, micro_batch=micro_batch, recompute=recompute
    )
    numbers = 8.0 * micro_batch * 128  # every rank looks up every token
    share = (number(whole) - numbers) / degree + numbers
    assert number(memory_of(model, plan).activations) == pytest.approx(share, rel=1e-12)


def test_context_ranks_keep_an_even_share_of_everything() -> None:
    model = built(MIXTURE)
    whole = number(memory_of(model, strategy()).activations)
    half = number(memory_of(model, strategy(accelerators=2, context=2)).activations)
    assert half == pytest.approx(whole / 2.0, rel=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.05, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("text", [DENSE, MIXTURE])
def test_recomputing_more_layers_never_takes_more_memory(share: float, text: str) -> None:
    model = built(text)
    before = memory_of(model, strategy(micro_batch=4))
    after = memory_of(model, strategy(micro_batch=4, recompute={"layers": share}))
    assert number(after.total) <= number(before.total) * (1 + 1e-12)


def test_full_recomputation_keeps_inputs_and_one_layer_besides() -> None:
    model = built(DENSE)
    memory = memory_of(model, strategy(recompute={"layers": 1.0}))
    tokens = 128
    inputs = LAYERS * 2.0 * tokens * HIDDEN
    assert number(memory.activations) == inputs + 8.0 * tokens
    whole = number(memory_of(model, strategy()).activations) - 8.0 * tokens
    inner = 3.0 * 2.0 * tokens * WIDTH  # gradients of gate, up and product
    in_layer = whole / LAYERS - 2.0 * tokens * HIDDEN + inner
    assert number(memory.workspace + memory.head) >= in_layer * (1 - 1e-12)


def test_offloaded_states_leave_the_device() -> None:
    model = built(DENSE)
    usual = memory_of(model, strategy())
    away = memory_of(model, strategy(offload={"optimizer": 1.0, "gradients": 1.0}))
    assert number(away.optimizer) == number(away.gradients) == 0.0
    assert number(usual.total) - number(away.total) == pytest.approx(number(usual.optimizer + usual.gradients))
    weights = memory_of(model, strategy(offload={"parameters": 2.0}))
    assert number(weights.weights) == 0.0
    assert number(weights.gathered) > 0.0  # a layer that runs must be on the device all the same


def test_adapters_have_gradients_and_states_only_for_themselves() -> None:
    model = built(DENSE)
    states = replace(STATES, trained_share=0.01)
    memory = memory_of(model, strategy(), states=states)
    assert number(memory.weights) == 2.0 * model.parameters
    assert number(memory.gradients) == pytest.approx(0.04 * model.parameters)
    assert number(memory.optimizer) == pytest.approx(0.12 * model.parameters)


def test_a_stage_that_keeps_what_it_sent_keeps_one_more_vector_per_token_in_flight() -> None:
    model, plan = built(DENSE), strategy(accelerators=4, pipeline=4)
    usual, keeping = (memory_of(model, plan, rules=replace(RULES, keeps_sent=kept)) for kept in (False, True))
    assert number(keeping.activations - usual.activations) == 4 * 2.0 * 128 * HIDDEN
    last = [memory_of(model, plan, stage=3, rules=replace(RULES, keeps_sent=kept)) for kept in (False, True)]
    assert number(last[0].activations) == number(last[1].activations)  # the last sends nothing on


def test_reserve_and_fragmentation_are_named_parts_of_the_total() -> None:
    rules = replace(RULES, reserve_bytes=1e9, fragmentation=0.05)
    plain, padded = memory_of(built(DENSE), strategy()), memory_of(built(DENSE), strategy(), rules=rules)
    assert number(padded.reserve) == pytest.approx(1e9 + 0.05 * number(plain.allocated))
    assert number(padded.total) == pytest.approx(number(plain.allocated) + number(padded.reserve))
