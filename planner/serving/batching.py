"""Continuous batching in closed form: clients in a loop, all requests at once, one batch, a batch held full.

Every form takes a replica's step times and gives rates and mean times; percentiles are for queueing and simulation.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.serving.efficiency import ServingEfficiency
from planner.serving.step import PassTime

Array = NDArray[np.float64]


class Replica(Protocol):
    """What load needs to know of a replica; `planner.serving.engine.Engine` is one."""

    @property
    def efficiency(self) -> ServingEfficiency:
        """The engine's fitted numbers."""

    @property
    def tokens_per_round(self) -> Array:
        """Tokens that one decode step adds to a sequence [1]."""

    def decode_step(self, batch: Array | float, context: Array | float) -> PassTime:
        """Time of one decode step."""

    def prompts(self, tokens: Array | float, *, requests: Array | float = 1.0, cached: Array | float = 0.0) -> PassTime:
        """Time of reading prompts that pass together."""

    def marginal_prefill_s(self, tokens: Array | float, cached: Array | float = 0.0) -> Array:
        """Time that one more prompt adds where many are read [s]."""

    def sequences_that_fit(self, context: Array | float, generated: Array | float) -> Array:
        """Sequences of a mean context that run at once; `generated` of its tokens are answers [1]."""


@record
class Requests:
    """Mean lengths of requests [tokens].

    Parameters
    ----------
    prompt : tokens of a prompt that have to be read. output : tokens that are generated.
    cached : earlier tokens of the prompt whose keys and values are kept.
    varied : coefficient of variation of the outputs; 0 where all are alike [1].
    """

    prompt: Array
    output: Array
    cached: Array | float = 0.0
    varied: Array | float = 0.0

    @property
    def context(self) -> Array:
        """Mean length of a sequence while it decodes [tokens]."""
        return self.cached + self.prompt + self.output / 2.0

    def answered(self, context: Array) -> Array:
        """Give the tokens of its answer in what a sequence holds in the mean [tokens]."""
        generated: Array = context - self.cached - self.prompt
        return generated


@record
class Served:
    """What clients see of one replica, in the mean.

    Parameters
    ----------
    ttft_s : from a request to its first token [s].
    tpot_s : from one token to the next after the first [s].
    output_tokens_per_s : of the replica [tokens/s].
    sequences : that run at once [1].
    prefill_share : of the replica's time, spent on prompts [1].
    decode : one step at that batch.
    """

    ttft_s: Array
    tpot_s: Array
    output_tokens_per_s: Array
    sequences: Array
    prefill_share: Array
    decode: PassTime


_SATURATED = 0.98  # of the time spent on prompts: a closed loop cannot ask for more than all of it
_WAVES = 10.0  # requests over clients in most published runs
_FIRST_WAVE = 0.5  # of the prompts of requests that come together, in the mean before one's own first token


def at_once(replica: Replica, requests: Requests, context: Array | None = None) -> Array:
    """Give the sequences of such requests that run at once, at their mean context where no other is told [1]."""
    held = requests.context if context is None else context
    return replica.sequences_that_fit(held, requests.answered(held))


def closed_loop(
    replica: Replica,
    requests: Requests,
    *,
    clients: Array | float,
    sent: Array | float | None = None,
    looks: Array | float = 1.0,
) -> Served:
    """Serve clients that each send their next request when they have the answer.

    Parameters
    ----------
    replica : step times.
    requests : lengths.
    clients : of one replica [1].
    sent : requests in all, which decides what the first wave weighs; ten for each client where unsaid [1].
    looks : steps from one look for new requests to the next, 1 for an engine that looks before each [1].

    Notes
    -----
    With B sequences at once, a sequence's step takes d, and in its life it waits once for the prompt of each of the
    others, D = f (B - 1) p of the marginal prefill p in all. Of that a share a falls before its own first token and
    the rest between its tokens: TPOT = d + (1 - a) D / o, TTFT the way to the engine, a prompt alone, some steps, a D
    and waiting as in a random queue, rho / (1 - rho) p. Engines differ in a: one that puts prompts before decoding
    gathers its sequences until all of them are read and decode together, a = 1/2; where prompts share passes with
    decoding, sequences stay apart and a is near nothing. Answers of different lengths end apart even where prompts
    come first: see `_together`. Where an engine looks for new requests every few steps alone, a request waits for half
    of them, and those that came meanwhile are read together. The first wave is sent at once, and is read with a = 1/2
    by any engine. Rates follow from Little's law; those that do not fit wait until one does, save those of the
    first wave that find a place at once.
    """
    e = replica.efficiency
    wanted = np.asarray(clients, dtype=float)
    fit = at_once(replica, requests)
    running = np.maximum(np.minimum(wanted, fit), 1.0)
    step = replica.decode_step(running, requests.context)
    prompt = replica.marginal_prefill_s(requests.prompt, requests.cached)
    waves = _WAVES if sent is None else np.maximum(np.asarray(sent) / wanted, 1.0)
    others = e.interference * (running - 1.0) * prompt
    alone = replica.prompts(requests.prompt, cached=requests.cached).total
    decoding = step.total / replica.tokens_per_round
    rounds = requests.output / replica.tokens_per_round
    alike = _together(running, rounds, requests.varied, waves, 1.0)
    met = _together(running, rounds, requests.varied, waves, looks)
    gathered = e.gathered * alike + _FIRST_WAVE * (met - alike)
    before = gathered + (_FIRST_WAVE - gathered) / waves
    tpot = decoding + (1.0 - before) * others / requests.output
    read = alone + before * others
    rate = running / (read + requests.output * tpot)
    load = np.minimum(rate * prompt, _SATURATED)
    waiting = e.queue * load / (1.0 - load) * prompt
    admission = np.maximum(wanted - running, 0.0) / rate * (1.0 - np.minimum(running / wanted, 1.0) / waves)
    unseen = (np.asarray(looks) - 1.0) / 2.0 * tpot * replica.tokens_per_round
    ttft = e.request_s + read + e.wait_steps * step.total + unseen + waiting + admission
    return Served(ttft, tpot, rate * requests.output, running, load, step)


def _together(
    running: Array, rounds: Array, varied: Array | float, waves: Array | float, looks: Array | float
) -> Array:
    """Share of the others that end between the same two looks as a sequence, and are read with it [1].

    Nothing ends while prompts stop decoding, so that ends are counted in steps. Those of answers that vary lie over a
    span of sqrt(12) deviations of their steps in the first wave, which grows like a random walk, in the mean over the
    waves to two thirds of the last one's root, and to a whole answer at most.
    """
    walked = np.sqrt(12.0) * np.asarray(varied) * rounds * np.sqrt(waves) * (2.0 / 3.0)
    span = np.clip(walked, 1.0, np.maximum(rounds, 1.0))
    share: Array = np.minimum(np.asarray(looks) / span, 1.0) * np.ones_like(running)
    return share


def offline(
    replica: Replica,
    requests: Requests,
    *,
    most: Array | float = np.inf,
    sent: Array | float = np.inf,
) -> Served:
    """Serve requests that are all there from the start.

    Parameters
    ----------
    most : sequences that the engine is told to run at most [1].
    sent : requests in all [1].

    Notes
    -----
    As many sequences run as fit: o B tokens take o decode steps and B prompts.
    """
    e = replica.efficiency
    fit = np.minimum(at_once(replica, requests), most)
    running = np.maximum(np.minimum(fit, sent), 1.0)
    step = replica.decode_step(running, requests.context)
    rounds = requests.output / replica.tokens_per_round
    prompt = replica.marginal_prefill_s(requests.prompt, requests.cached)
    prompts = e.interference * running * prompt
    total = rounds * step.total + prompts
    rate = requests.output * running / total
    alone = replica.prompts(requests.prompt, cached=requests.cached).total
    return Served(alone, total / requests.output, rate, running, prompts / total, step)


def held_full(replica: Replica, requests: Requests, *, sequences: Array | float) -> Served:
    """Serve with a stated number of sequences running at all times; `tpot_s` is then the mean between tokens."""
    return offline(replica, requests, most=sequences)


@record
class BatchTime:
    """One batch of like requests, alone on the replica.

    Parameters
    ----------
    ttft_s : until all have their first token [s]. tpot_s : one decode step over its tokens [s].
    total_s : from the start to the last token [s].
    decode : one step. prompt : reading the prompts.
    """

    ttft_s: Array
    tpot_s: Array
    total_s: Array
    decode: PassTime
    prompt: PassTime


def static_batch(replica: Replica, requests: Requests, *, batch: Array | float) -> BatchTime:
    """Run one batch of like requests from prompt to last token.

    Notes
    -----
    Where not all of them fit, the batch goes through in as many parts as are needed.
    """
    wanted = np.asarray(batch, dtype=float)
    fit = np.maximum(at_once(replica, requests), 1.0)
    parts = np.maximum(wanted / fit, 1.0)
    size = wanted / parts
    step = replica.decode_step(size, requests.context)
    prompt = replica.prompts(requests.prompt, requests=size, cached=requests.cached)
    tpot = step.total / replica.tokens_per_round
    total = parts * (prompt.total + np.maximum(requests.output - 1.0, 0.0) * tpot)
    return BatchTime(prompt.total, tpot, total, step, prompt)
