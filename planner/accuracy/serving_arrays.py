"""Measured serving runs as arrays: all cases stand side by side and are predicted at once.

Counts of every case are taken from its architecture once; what depends on efficiencies is then computed for all
of them together, which is what makes a fit over thousands of rows cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.links import PCIE_4_BYTES_PER_S
from planner.accuracy.serving_cases import Degrees, ServingCase
from planner.catalog.profile import CompiledGraphs, EngineMoves
from planner.hardware.machine import Machine
from planner.planning.serving_efficiency import engine_limits, engine_memory, graphs_of
from planner.planning.serving_machines import serving_machine
from planner.record import record
from planner.serving.efficiency import ServingEfficiency
from planner.serving.engine import EngineLimits
from planner.serving.graphs import with_every_expert
from planner.serving.layout import Layout
from planner.serving.machine import ServingMachine, capped
from planner.serving.room import FractionOf, Room, activation_bytes, room_of
from planner.serving.setting import Setting
from planner.serving.step import PassTime, decode_step, prefill
from planner.serving.work import Cores, counts_of, decode_cores, head_of, prefill_cores

Array = NDArray[np.float64]
R = TypeVar("R")

_NODE = 8


def stacked(parts: Sequence[R]) -> R:
    """Give one record whose arrays hold those of like records, side by side."""
    first = parts[0]
    if first is None:
        return first
    if is_dataclass(first) and not isinstance(first, type):
        own = {f.name: stacked([getattr(part, f.name) for part in parts]) for f in fields(first)}
        return cast(R, type(first)(**own))
    return cast(R, np.array([float(np.asarray(part).reshape(-1)[0]) for part in parts]))


@record
class Side:
    """Everything of cases that no efficiency changes; arrays over the cases.

    Parameters
    ----------
    setting : counts, layout and machine.
    decode, prompt : attention of one sequence at the mean context, and over the prompt.
    weight_bytes : of the fullest rank [B].
    room_bytes : device memory by the engine's setting; `taken_bytes` of it are not for the cache [B].
    working_bytes : what a static batch takes beside its cache [B].
    token_bytes, sequence_bytes : cache of one token and of one sequence whatever its length, on a rank [B].
    reserving : 1 where a request starts only when its whole answer fits the cache.
    context, length, output, cached : tokens of one request: mean context, prompt, output, cached prompt.
    passed : tokens of a prompt that a pass computes: padded where graphs are compiled for one length [tokens].
    shaped : prompt and answer that graphs are compiled for, whose cache every sequence has; 0 for none [tokens].
    every_expert : 1 where a prompt's tokens go through all experts.
    varied : coefficient of variation of the outputs [1].
    compiled : sequences that every step computes at least.
    limit : most sequences of the replica. budget : tokens of one pass. full : tokens of a full pass.
    """

    setting: Setting
    decode: Cores
    prompt: Cores
    weight_bytes: Array
    room_bytes: Array
    taken_bytes: Array
    working_bytes: Array
    token_bytes: Array
    sequence_bytes: Array
    reserving: Array
    context: Array
    length: Array
    output: Array
    cached: Array
    passed: Array
    shaped: Array
    every_expert: Array
    varied: Array
    compiled: Array
    limit: Array
    budget: Array
    full: Array

    def taken(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Side:
        """Give some of the cases."""
        return _picked(self, rows)


def _picked(record: R, rows: NDArray[np.bool_] | NDArray[np.intp]) -> R:
    if record is None:
        return record
    if is_dataclass(record) and not isinstance(record, type):
        return cast(R, type(record)(**{f.name: _picked(getattr(record, f.name), rows) for f in fields(record)}))
    return cast(R, np.asarray(record)[..., rows])


@record
class Rows:
    """Cases side by side, as one replica; each has lengths of its own, so that those asked for are not read."""

    side: Side
    efficiency: ServingEfficiency

    @property
    def tokens_per_round(self) -> Array:
        """No published row that is predicted speculates."""
        return np.asarray(1.0)

    @property
    def _setting(self) -> Setting:
        return replace(self.side.setting, efficiency=self.efficiency)

    @property
    def _reading(self) -> Setting:
        side = self.side
        return replace(self._setting, counts=with_every_expert(side.setting.counts, side.every_expert))

    def decode_step(self, batch: Array | float, context: Array | float) -> PassTime:
        """Time of one decode step at each case's own context."""
        del context
        computed = np.maximum(np.asarray(batch, dtype=float), self.side.compiled)
        return decode_step(self._setting, self.side.decode, batch=computed)

    def prompts(self, tokens: Array | float, *, requests: Array | float = 1.0, cached: Array | float = 0.0) -> PassTime:
        """Time of reading prompts of each case's own length."""
        del tokens, cached
        count, data = np.asarray(requests, dtype=float), self.side.setting.layout.data
        return prefill(
            self._reading,
            self.side.prompt,
            length=self.side.passed,
            requests=np.maximum(count / data, 1.0),
            ranks=np.minimum(count, data),
            budget=self.side.budget,
        )

    def marginal_prefill_s(self, tokens: Array | float, cached: Array | float = 0.0) -> Array:
        """Time that one more prompt of each case's own length adds [s]."""
        del tokens, cached
        layout, requests = self.side.setting.layout, self.side.full / self.side.passed
        time = prefill(
            self._reading,
            self.side.prompt,
            length=self.side.passed,
            requests=requests,
            ranks=layout.data,
            budget=self.side.full,
        )
        marginal: Array = time.total / requests / layout.data / layout.pipeline
        return marginal

    def sequences_that_fit(self, context: Array | float, generated: Array | float) -> Array:
        """Sequences that run at once; not whole ones, so that a fit sees what memory does [1]."""
        left = self.side.room_bytes * self.efficiency.memory_share - self.side.taken_bytes
        tokens = np.maximum(context + self.side.reserving * generated, self.side.shaped)
        each = self.side.token_bytes * tokens + self.side.sequence_bytes
        with np.errstate(divide="ignore"):
            held = np.where(each > 0, left / each, np.inf)
        fit: Array = np.minimum(held * self.side.setting.layout.data, self.side.limit)
        return fit


def side_of(case: ServingCase, engine: EngineMoves, degrees: Degrees | None = None) -> Side:
    """Give what no efficiency changes of one case, under its own degrees or others."""
    d, shape = degrees or case.degrees, case.architecture
    layout = Layout.of(tensor=d.tensor, data=d.data, pipeline=d.pipeline, expert=d.expert)
    limits = engine_limits(engine)
    machine = machine_of(case).summing(limits.short_sums)
    prompt, output = max(case.prompt, 1.0), max(case.output, 1.0)
    # Long outputs stay longer: of the sequences that run at a time they are more than of those that come.
    context = case.cached + prompt + output / 2.0 * (1.0 + case.varied**2)
    memory = engine_memory(engine)
    # A row that says what its graphs were compiled for knows better than the engine's entry.
    stated = case.longest if case.longest == case.longest else case.cached + prompt + output
    graphs = graphs_of(engine.graphs or CompiledGraphs(), stated if engine.graphs else 0.0)
    passed = graphs.prompt(prompt)
    stack = shape.main
    room = room_of(
        shape,
        layout,
        case.formats,
        memory_bytes=machine.machine.memory_bytes,
        engine=memory,
        pass_tokens=np.minimum(limits.pass_tokens, _LARGEST_PASS),
        sequences=np.minimum(limits.sequences, _MOST_LOGITS),
    )
    kept = room.weight_bytes + room.activation_bytes + room.reserve_bytes
    taken = {
        FractionOf.TOTAL: kept,
        FractionOf.STATIC: room.weight_bytes,
        FractionOf.FREE: kept * memory.fraction,
    }[memory.of]
    limit = case.most if case.most == case.most else float(limits.sequences)
    budget = float(limits.pass_tokens)
    return Side(
        setting=Setting(counts_of(stack, layout, case.formats), head_of(shape, layout, case.formats), layout, machine,
            _NO_EFFICIENCY, eager=limits.eager, written_scores=limits.written_scores,
            overlapping=limits.overlapping),
        decode=decode_cores(
            stack, layout, case.formats, context=graphs.context(max(context, case.kept)), repeated=graphs.repeated,
            separate=limits.separate_heads, joined=limits.joined_heads,
        ),
        prompt=prefill_cores(stack, layout, case.formats, length=passed, cached=case.cached),
        weight_bytes=room.weight_bytes,
        room_bytes=machine.machine.memory_bytes * memory.fraction,
        taken_bytes=taken,
        working_bytes=_working_bytes(case, room, layout, limits),
        token_bytes=room.token_bytes,
        sequence_bytes=room.sequence_bytes,
        reserving=np.asarray(float(engine.reserving)),
        context=np.asarray(context),
        length=np.asarray(prompt),
        output=np.asarray(output),
        cached=np.asarray(case.cached),
        passed=passed,
        shaped=graphs.tokens,
        every_expert=graphs.every_expert,
        varied=np.asarray(case.varied),
        compiled=np.asarray(case.compiled),
        limit=np.asarray(limit * d.data),
        budget=np.asarray(budget) if engine.chunked else np.maximum(budget, passed),
        full=np.maximum(budget, passed),
    )  # fmt: skip


def _working_bytes(case: ServingCase, room: Room, layout: Layout, limits: EngineLimits) -> Array:
    """Give what a static batch takes beside its cache [B].

    Of an eager engine sources print what torch's allocator gave out at most, which knows neither the driver's context
    nor libraries; of others what the driver says.
    """
    batch = (case.batch if case.batch == case.batch else 1.0) / case.degrees.replicas
    largest = np.minimum(limits.pass_tokens, batch * max(case.prompt, 1.0))
    activations = activation_bytes(case.architecture, layout, pass_tokens=largest, sequences=batch)
    reserve = np.where(np.asarray(limits.eager) > 0, 0.0, room.reserve_bytes)
    working: Array = room.weight_bytes + activations + reserve
    return working


_LARGEST_PASS = 8192.0  # activations of batch engines are sized for their batch and not for their limit
_MOST_LOGITS = 256.0
_NO_EFFICIENCY = ServingEfficiency(**{f.name: np.asarray(1.0) for f in fields(ServingEfficiency)})


def machine_of(case: ServingCase) -> ServingMachine:
    """Give the machine that a case ran on; of an accelerator whose cores are devices, one core's share.

    Systems of published rows are the usual ones: eight accelerators on a node, joined as the accelerator's own link
    says; beyond a bridged pair over PCIe.
    """
    part, cores = case.accelerator, float(case.cores)
    ranks = case.degrees.tensor * case.degrees.data
    link = part.link
    bridged = link is not None and 1 < link.domain * case.cores < ranks and "bridge" in link.kind.lower()
    switched = link is not None and not link.kind.startswith("PCIe") and not bridged
    rate = link.bandwidth if link is not None and link.bandwidth and not bridged else PCIE_4_BYTES_PER_S
    domain = max(link.domain if link is not None else 1, _NODE) * cores
    nan = np.asarray(np.nan)
    machine = Machine(
        memory_bytes=np.asarray(part.memory.capacity / cores),
        memory_bandwidth_bytes_per_s=np.asarray(part.memory.bandwidth / _busy_cores(case)),
        matrix_flops_per_s=nan,
        matrix_16bit_flops_per_s=nan,
        units=nan,
        domain=np.asarray(domain),
        domain_bandwidth_bytes_per_s=np.asarray(rate / cores),
        torus=np.asarray(0.0),
        node_accelerators=np.asarray(_NODE * cores),
        fabric_bandwidth_bytes_per_s=np.asarray(_FABRIC_BYTES_PER_S / cores),
        fabric_latency_s=np.asarray(_FABRIC_LATENCY_S),
        host_link_bytes_per_s=nan,
        host_memory_bytes=nan,
        disk_read_bytes_per_s=nan,
        disk_write_bytes_per_s=nan,
        disk_bytes=nan,
    )
    whole = serving_machine(machine, part, power_limit_w=_power_limit_w(case), switched=switched)
    made = ServingMachine(
        machine,
        whole.flops_per_s_32 / cores,
        whole.flops_per_s_16 / cores,
        whole.flops_per_s_8 / cores,
        whole.flops_per_s_4 / cores,
        whole.flops_per_s_short / cores,
        whole.power_limit_w,
        whole.chip_memory_bytes / cores,
        whole.switched,
    )
    return made if case.power_cap != case.power_cap else capped(made, case.power_cap)


def _power_limit_w(case: ServingCase) -> float | None:
    """Give the limit of what an accelerator's own meter shows, as made [W]."""
    power = case.accelerator.power
    return (power.alone or power.tdp).mid if power else None


def _busy_cores(case: ServingCase) -> float:
    """Give the cores of one accelerator that run copies of the model: they share its memory's bandwidth."""
    d = case.degrees
    ranks = d.tensor * d.data * d.pipeline * d.replicas * case.cores / case.devices
    return min(float(case.cores), max(1.0, ranks))


_FABRIC_BYTES_PER_S = 50e9  # a port of 400 Gb/s for each accelerator
_FABRIC_LATENCY_S = 1e-5
