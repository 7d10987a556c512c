"""What the passes of one replica cost, as plain numbers: what a simulation of the engine's loop looks up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.serving.engine import Engine

Array = NDArray[np.float64]

_SEEN_STEPS = 1.5  # half of the step that runs when a request comes, and the one that reads its prompt
_FLOOR_POINTS = 33


@record
class Lengths:
    """Tokens of every request, one element each [tokens].

    Parameters
    ----------
    prompt : tokens of the prompt. output : tokens that are generated, 1 at least.
    cached : of the prompt, found in the cache.
    """

    prompt: Array
    output: Array
    cached: Array

    def __len__(self) -> int:
        return len(self.prompt)


@record
class Passes:
    """One replica as an engine's loop sees it.

    Parameters
    ----------
    step_s, token_s : a step of n sequences that hold t tokens together takes step_s[n] + t token_s[n] [s].
    floor_s : time of a pass over so many tokens of prompts beyond their own work, where nothing decodes; one entry
        for each `floor_tokens` of them [s].
    floor_tokens : tokens between two entries.
    interference : share of the prompts' work that delays sequences that decode [1].
    chunked : prompts share passes with sequences that decode; else they stop them.
    pass_tokens : most tokens of one pass. sequences : most that run at once.
    scored, gained : tokens that a step computes for a sequence, and those that it adds to it [1].
    room_bytes : for keys and values of all sequences. token_bytes, sequence_bytes : of one token, of one sequence
        whatever its length [B].
    request_s : outside the engine's steps [s]. late_steps : steps that a first token is late by besides those that
        the loop itself takes [1].
    lag_s : time that a pass over so many tokens of prompts is under way in other stages after it has left the first,
        by `floor_tokens` as `floor_s` [s].
    reserving : a request starts only when its whole answer fits the cache.
    """

    step_s: tuple[float, ...]
    token_s: tuple[float, ...]
    floor_s: tuple[float, ...]
    floor_tokens: int
    interference: float
    chunked: bool
    pass_tokens: int
    sequences: int
    scored: float
    gained: float
    room_bytes: float
    token_bytes: float
    sequence_bytes: float
    request_s: float
    late_steps: float
    lag_s: tuple[float, ...] = (0.0,)
    reserving: bool = False


def passes_of(engine: Engine, *, context: float) -> Passes:
    """Tabulate one replica.

    Parameters
    ----------
    engine : a single one: arrays of one element.
    context : mean tokens of a sequence while it decodes; steps are taken as linear in it around there [tokens].
    """
    most = int(_one(engine.limits.sequences * engine.layout.data))
    count = np.arange(1.0, most + 1.0)
    near, far = max(context * 0.5, 1.0), context * 1.5 + 1.0
    below, above = (np.ravel(engine.decode_step_s(count, each)) for each in (near, far))
    slope = np.maximum((above - below) / (far - near), 0.0)
    budget = int(_one(engine.limits.pass_tokens * engine.layout.data))
    every = max(1, budget // (_FLOOR_POINTS - 1))
    tokens = np.arange(0.0, budget + 2.0 * every, every)
    tokens[0] = 1.0
    lag = np.ravel(engine.lag_s(tokens))
    floor = np.maximum(np.ravel(engine.prefill_s(tokens)) - lag - np.ravel(engine.marginal_prefill_s(tokens)), 0.0)
    room, ranks = engine.room, _one(engine.room.sequence_ranks)
    speculation = engine.speculation
    return Passes(
        step_s=(0.0, *(below - slope * near).tolist()),
        token_s=(0.0, *(slope / count).tolist()),
        floor_s=tuple(floor.tolist()),
        floor_tokens=every,
        interference=_one(engine.efficiency.interference),
        chunked=bool(_one(engine.limits.chunked)),
        lag_s=tuple(lag.tolist()),
        reserving=bool(_one(engine.limits.reserving)),
        pass_tokens=budget,
        sequences=most,
        scored=_one(speculation.scored) if speculation else 1.0,
        gained=_one(engine.tokens_per_round),
        room_bytes=_one(room.cache_room_bytes) * ranks,
        token_bytes=_one(room.token_bytes),
        sequence_bytes=_one(room.sequence_bytes),
        request_s=_one(engine.request_s),
        late_steps=max(_one(engine.efficiency.wait_steps) - _SEEN_STEPS, 0.0),
    )


def prompt_work_s(engine: Engine, lengths: Lengths) -> Array:
    """Give what each request's prompt adds to passes that are full [s].

    Times are taken at some lengths and read off between them, as they are smooth.
    """
    fresh = np.maximum(lengths.prompt - lengths.cached, 1.0)
    share = float(np.mean(lengths.cached)) / max(float(np.mean(lengths.prompt)), 1.0)
    ends = np.log(np.min(fresh)), np.log(np.max(fresh))
    points = np.unique(np.exp(np.linspace(*ends, _FLOOR_POINTS)))
    times = np.ravel(engine.marginal_prefill_s(points, points * share / max(1.0 - share, 1e-6)))
    work: Array = np.interp(fresh, points, times)
    return work


def _one(value: object) -> float:
    return float(np.ravel(np.asarray(value))[0])
