"""A replica under an engine: what one step costs, what a prompt costs, how many sequences it holds.

This is what load, queueing, simulation and sizing build on. Every number is an array that broadcasts: machines,
layouts, formats and engines have axes of their own, and the batch another.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.serving.adapters import Adapters
from planner.serving.efficiency import ServingEfficiency
from planner.serving.formats import Formats
from planner.serving.graphs import Graphs
from planner.serving.layout import Layout
from planner.serving.machine import ServingMachine
from planner.serving.room import EngineMemory, Room, room_of, with_adapters
from planner.serving.setting import Setting
from planner.serving.speculation import Speculation
from planner.serving.step import PassTime, attended, decode_step, prefill
from planner.serving.varied import over_lengths
from planner.serving.work import Cores, counts_of, decode_cores, head_of, prefill_cores
from planner.workload.architecture import Architecture, Stack

Array = NDArray[np.float64]


@record
class EngineLimits:
    """What an engine is started with.

    Parameters
    ----------
    sequences : most sequences that it runs at once on one attention rank [1].
    pass_tokens : most tokens of one pass: a longer prompt is read in chunks between which others decode [tokens].
    chunked : 1 where prompts share passes with sequences that decode, 0 where they stop them.
    reserving : 1 where a request starts only when its whole answer fits the cache, 0 where its prompt is enough.
    graphs : shapes that graphs are compiled for; None where every pass has its own.
    eager : 1 where the host launches every operation by itself; see `planner.serving.setting.Setting`.
    short_sums : 1 where 16-bit products are summed in 16 bits.
    separate_heads, joined_heads : see `planner.serving.work.decode_cores`.
    written_scores, overlapping : see `planner.serving.setting.Setting`.
    """

    sequences: Array
    pass_tokens: Array
    chunked: Array
    reserving: Array | float = 0.0
    graphs: Graphs | None = None
    eager: Array | float = 0.0
    short_sums: Array | float = 0.0
    separate_heads: Array | float = 0.0
    joined_heads: Array | float = 0.0
    written_scores: Array | float = 0.0
    overlapping: Array | float = 0.0


@record
class Engine:
    """One replica, ready to serve.

    Parameters
    ----------
    architecture, layout, formats, machine, efficiency, limits, speculation : what it is made of.
    setting : the counts of the stack that decodes, with what times are taken on.
    encoder : the same of a stack that reads the input once, if the model has one.
    room : device memory of its fullest rank.
    source_tokens : tokens of a request that its encoder reads and its decoder attends to; 0 without one [tokens].
    """

    architecture: Architecture
    layout: Layout
    formats: Formats
    machine: ServingMachine
    efficiency: ServingEfficiency
    limits: EngineLimits
    setting: Setting
    encoder: Setting | None
    room: Room
    speculation: Speculation | None = None
    source_tokens: Array | float = 0.0

    @property
    def request_s(self) -> Array:
        """Time of a request outside the engine's steps: network, tokeniser, router [s]."""
        return self.efficiency.request_s

    @property
    def tokens_per_round(self) -> Array:
        """Tokens that one decode step adds to a sequence: 1, or more under speculative decoding [1]."""
        return self.speculation.tokens_per_round if self.speculation else np.asarray(1.0)

    def decode_step(self, batch: Array | float, context: Array | float) -> PassTime:
        """Time of one decode step by cause.

        Parameters
        ----------
        batch : sequences that decode on the replica, all attention ranks together [1].
        context : their mean length so far [tokens].

        Returns
        -------
        Seconds by cause; under speculative decoding of a round, drafts included [s].
        """
        return self.step_over(self.read_in_a_step(context), batch)

    def read_in_a_step(self, context: Array | float) -> Cores:
        """What a decode step reads of a sequence of a mean context, whatever the batch."""
        graphs, read = self.limits.graphs, np.asarray(context, dtype=float)
        return decode_cores(
            self.architecture.main,
            self.layout,
            self.formats,
            context=read if graphs is None else graphs.context(read),
            source=self.source_tokens,
            repeated=0.0 if graphs is None else graphs.repeated,
            separate=self.limits.separate_heads,
            joined=self.limits.joined_heads,
        )

    def step_over(self, cores: Cores, batch: Array | float) -> PassTime:
        """Time of one decode step over sequences of which each has so much to read; see `decode_step`."""
        size = np.asarray(batch, dtype=float)
        if self.speculation is None:
            return decode_step(self.setting, cores, batch=size)
        scored = decode_step(self.setting, cores, batch=size, queries=self.speculation.scored)
        drafts = self.speculation.drafted * self.speculation.draft_share
        plain = decode_step(self.setting, cores, batch=size)
        return _added(scored, plain, drafts)

    def decode_step_s(self, batch: Array | float, context: Array | float) -> Array:
        """Time of one decode step; see `decode_step` [s]."""
        return self.decode_step(batch, context).total

    def prompts(self, tokens: Array | float, *, requests: Array | float = 1.0, cached: Array | float = 0.0) -> PassTime:
        """Time of reading the prompts of several requests together, by cause.

        Parameters
        ----------
        tokens : of one prompt, those that are cached not counted [tokens].
        requests : prompts on the replica, dealt to its attention ranks [1].
        cached : of each prompt, a prefix that an earlier request left in the cache [tokens].
        """
        length = self._passed(tokens)
        count = np.asarray(requests, dtype=float)
        budget = np.where(self.limits.chunked > 0, self.limits.pass_tokens, np.maximum(self.limits.pass_tokens, length))
        main = prefill(
            self._reading,
            self._prompt(length, cached),
            length=length,
            requests=np.maximum(count / self.layout.data, 1.0),
            ranks=np.minimum(count, self.layout.data),
            budget=budget,
        )
        return main if self.encoder is None else _added(main, self._encoded(count), 1.0)

    def prefill(self, tokens: Array | float, cached: Array | float = 0.0) -> PassTime:
        """Time of reading one request's prompt alone, by cause.

        Parameters
        ----------
        tokens : of the prompt, those that are cached not counted [tokens].
        cached : of a prefix that an earlier request left in the cache [tokens].
        """
        return self.prompts(tokens, cached=cached)

    def prefill_s(self, tokens: Array | float, cached: Array | float = 0.0) -> Array:
        """Time of reading one request's prompt alone; see `prefill` [s]."""
        return self.prefill(tokens, cached).total

    def marginal_prefill_s(self, tokens: Array | float, cached: Array | float = 0.0) -> Array:
        """Time that one more prompt adds where many are read: its share of full passes [s].

        Parameters
        ----------
        tokens, cached : as in `prefill`.

        Notes
        -----
        A pass is full at its token budget, or at one whole prompt; every attention rank reads prompts of its own
        at the same time, so that a request costs its rank's time over the number of ranks.
        """
        length = self._passed(tokens)
        full = np.maximum(self.limits.pass_tokens, length)
        ranks = self.layout.data
        requests = full / length
        together = prefill(
            self._reading, self._prompt(length, cached), length=length, requests=requests, ranks=ranks, budget=full
        )
        stages = self.layout.pipeline
        marginal: Array = together.total / requests / ranks / stages
        if self.encoder is None:
            return marginal
        inputs = np.maximum(self.limits.pass_tokens / np.maximum(self.source_tokens, 1.0), 1.0) * ranks
        encoded: Array = marginal + self._encoded(inputs).total / inputs / stages
        return encoded

    def prompt_work(self, tokens: Array | float, cached: Array | float, variability: float) -> tuple[Array, Array]:
        """Mean of what prompts of varied lengths add where many are read [s], and its relative variance [1].

        Parameters
        ----------
        tokens, cached : of a prompt in the mean, as in `prefill`. variability : of its length [1].
        """
        if self.encoder is not None:  # it reads what requests bring, in proportion to its length
            return self.marginal_prefill_s(tokens, cached), np.asarray(variability**2)
        return over_lengths(lambda times: self.marginal_prefill_s(tokens * times, cached * times), variability)

    def lag_s(self, tokens: Array | float, cached: Array | float = 0.0) -> Array:
        """Time in which other stages still work on a prompt's last pass, while the first takes the next one's [s]."""
        last = np.where(self.limits.chunked > 0, np.minimum(tokens, self.limits.pass_tokens), tokens)
        lag: Array = (1.0 - 1.0 / self.layout.pipeline) * self.prefill_s(last, cached)
        return lag

    def sequences_that_fit(self, context: Array | float, generated: Array | float) -> Array:
        """Give how many sequences of a mean context run at once: what the cache holds, and the engine's own limit.

        Parameters
        ----------
        context : tokens that a sequence holds in the mean while it runs [tokens].
        generated : of these, tokens of its answer; an engine that keeps room for whole answers holds as many again for
            those to come [tokens].

        Returns
        -------
        Whole sequences on the replica; 0 where the weights do not fit, or not one sequence [1].
        """
        graphs = self.limits.graphs
        held = context + self.limits.reserving * generated if graphs is None else graphs.context(context)
        fit: Array = np.minimum(np.floor(self.room.sequences(held)), self.limits.sequences * self.layout.data)
        return fit

    @property
    def cache_tokens(self) -> Array:
        """Tokens whose keys and values the replica holds, over all attention ranks [tokens]."""
        with np.errstate(divide="ignore", invalid="ignore"):
            held = self.room.cache_room_bytes / self.room.token_bytes * self.room.sequence_ranks
        tokens: Array = np.where(self.room.token_bytes > 0, np.maximum(held, 0.0), np.inf)
        return tokens

    def _passed(self, tokens: Array | float) -> Array:
        """Give the tokens that a pass over a prompt computes: padded where graphs are compiled for one length."""
        graphs = self.limits.graphs
        return np.asarray(tokens, dtype=float) if graphs is None else graphs.prompt(tokens)

    @property
    def _reading(self) -> Setting:
        """What passes over prompts are counted from."""
        graphs = self.limits.graphs
        if graphs is None:
            return self.setting
        return replace(self.setting, counts=graphs.prompt_counts(self.setting.counts))

    def _prompt(self, length: Array, cached: Array | float) -> Cores:
        return prefill_cores(
            self.architecture.main, self.layout, self.formats, length=length, cached=cached, source=self.source_tokens
        )

    def _encoded(self, count: Array) -> PassTime:
        """Time in which the encoder reads the inputs of so many requests, and the decoder keeps what it attends to."""
        if self.encoder is None:
            raise AssertionError("asked for an encoder's time where there is none")
        length = np.asarray(self.source_tokens, dtype=float)
        cores = prefill_cores(self.architecture.stacks[0], self.layout, self.formats, length=length)
        requests, ranks = np.maximum(count / self.layout.data, 1.0), np.minimum(count, self.layout.data)
        budget = np.maximum(self.limits.pass_tokens, length)
        own = prefill(
            self.encoder, cores, length=length, requests=requests, ranks=ranks, budget=budget, sampled=0.0
        )  # fmt: skip
        return _added(own, attended(self.setting, requests * length), 1.0)


def engine_of(
    architecture: Architecture,
    *,
    layout: Layout,
    formats: Formats,
    machine: ServingMachine,
    efficiency: ServingEfficiency,
    limits: EngineLimits,
    memory: EngineMemory,
    speculation: Speculation | None = None,
    adapters: Adapters | None = None,
    source_tokens: Array | float | None = None,
) -> Engine:
    """Give a replica from its parts; nothing is checked but counted.

    What an encoder reads is as long as the model says (patches, seconds of speech), or as `source_tokens` says.

    Layouts that a model cannot have are told by `planner.serving.layout.divides`, those that do not fit by
    `Engine.room.fits`.
    """
    head, machine = head_of(architecture, layout, formats), machine.summing(limits.short_sums)
    fixed = float(architecture.stacks[0].tokens_per_sample) if len(architecture.stacks) > 1 else 0.0
    source = fixed if source_tokens is None else source_tokens

    def setting(stack: Stack) -> Setting:
        return Setting(
            counts_of(stack, layout, formats),
            head,
            layout,
            machine,
            efficiency,
            adapters,
            eager=limits.eager,
            written_scores=limits.written_scores,
            overlapping=limits.overlapping,
        )

    room = room_of(
        architecture,
        layout,
        formats,
        memory_bytes=machine.machine.memory_bytes * efficiency.memory_share,
        engine=memory,
        pass_tokens=limits.pass_tokens,
        sequences=limits.sequences,
        source_tokens=source,
    )
    if adapters is not None:
        room = with_adapters(room, adapters.held_bytes(counts_of(architecture.main, layout, formats).adapted))
    encoder = setting(architecture.stacks[0]) if len(architecture.stacks) > 1 else None
    return Engine(
        architecture=architecture,
        layout=layout,
        formats=formats,
        machine=machine,
        efficiency=efficiency,
        limits=limits,
        setting=setting(architecture.main),
        encoder=encoder,
        room=room,
        speculation=speculation,
        source_tokens=source,
    )


def _added(first: PassTime, second: PassTime, times: Array | float) -> PassTime:
    return PassTime(
        first.total + times * second.total,
        first.memory + times * second.memory,
        first.cache + times * second.cache,
        first.compute + times * second.compute,
        first.useful + times * second.useful,
        first.network + times * second.network,
        first.host + times * second.host,
    )
