"""Requests with their arrivals and lengths through replicas behind a router: what each of them saw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.errors import Fault, InfeasibleError
from planner.serving.engine import Engine
from planner.serving.passes import Lengths, Passes, passes_of, prompt_work_s
from planner.serving.simulate import Loop, Seen

Array = NDArray[np.float64]


def replay(
    engine: Engine, arrival_s: Array, lengths: Lengths, *, replicas: int = 1, heavier: Array | float = 1.0
) -> Seen:
    """Serve requests that arrive at given times.

    Parameters
    ----------
    engine : one replica, arrays of one element.
    arrival_s : of every request, rising [s], (requests,).
    lengths : of every request.
    replicas : like ones behind a router that hands a request to the one with the fewest at work.
    heavier : work of each prompt over that of its length, where an encoder reads what the decoder does not [1].
    """
    passes = passes_of(engine, context=mean_context(lengths))
    work = prompt_work_s(engine, lengths) * heavier
    return serve(passes, arrival_s, lengths, work, replicas=replicas)


def mean_context(lengths: Lengths) -> float:
    """Mean tokens that a sequence holds while it decodes: long outputs decode longer, and count for more."""
    decoding = np.maximum(lengths.output - 1.0, 1.0)
    return float(np.average(lengths.prompt + lengths.output / 2.0, weights=decoding))


def serve(passes: Passes, arrival_s: Array, lengths: Lengths, work_s: Array, *, replicas: int = 1) -> Seen:
    """Serve requests by tabulated passes; see `replay`.

    Raises
    ------
    InfeasibleError : a request is longer than the whole cache.
    """
    _require_room(passes, lengths)
    if replicas <= 1:
        loop = Loop(passes)
        loop.offer_all(arrival_s, lengths, work_s)
        loop.advance()
        return loop.served()
    return _routed(passes, arrival_s, lengths, work_s, replicas)


def _require_room(passes: Passes, lengths: Lengths) -> None:
    longest = float(np.max(lengths.prompt + lengths.output))
    if longest * passes.token_bytes + passes.sequence_bytes <= passes.room_bytes:
        return
    held = max(passes.room_bytes - passes.sequence_bytes, 0.0) / passes.token_bytes if passes.token_bytes else 0.0
    raise InfeasibleError(
        Fault(
            "request-too-long",
            f"a request of {longest:.0f} tokens, and a cache for {held:.0f}",
            hint="more accelerators in a replica, or weights or a cache in fewer bits, leave more room",
        )
    )


def _routed(passes: Passes, arrival_s: Array, lengths: Lengths, work_s: Array, replicas: int) -> Seen:
    loops = [Loop(passes) for _ in range(replicas)]
    taken: list[list[int]] = [[] for _ in loops]
    columns = (lengths.prompt.tolist(), lengths.cached.tolist(), lengths.output.tolist(), work_s.tolist())
    for number, arrival in enumerate(arrival_s.tolist()):
        for loop in loops:
            loop.advance(arrival)
        least = min(range(replicas), key=lambda place: loops[place].waiting_and_running)
        loops[least].offer(arrival, *(column[number] for column in columns))
        taken[least].append(number)
    for loop in loops:
        loop.advance()
    order = np.argsort(np.concatenate([np.array(numbers, dtype=int) for numbers in taken]), kind="stable")
    parts = [loop.served() for loop in loops]

    def merged(name: str) -> Array:
        values: Array = np.concatenate([getattr(part, name) for part in parts])[order]
        return values

    return Seen(
        merged("ttft_s"),
        merged("tpot_s"),
        merged("latency_s"),
        merged("admitted_s"),
        sum(part.preemptions for part in parts),
        max(part.end_s for part in parts),
    )
