"""Requests with their arrivals and lengths through replicas behind a router: what each of them saw."""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace
from math import inf, nextafter

import numpy as np
from numpy.typing import NDArray

from planner.errors import Fault, InfeasibleError
from planner.serving.course import Course, Seen
from planner.serving.engine import Engine
from planner.serving.passes import Lengths, Passes, passes_of, prompt_work_s
from planner.serving.simulate import Loop

Array = NDArray[np.float64]

_FEW = 16  # replicas, up to which a look at each of them is quicker than a heap


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


def replay_clients(
    engine: Engine, clients: int, lengths: Lengths, *, replicas: int = 1, heavier: Array | float = 1.0
) -> Seen:
    """Serve clients that each send their next request when they have the answer.

    Parameters
    ----------
    engine : one replica, arrays of one element. clients : of all replicas.
    lengths : of every request, in the order in which they are sent.
    replicas, heavier : as in `replay`.
    """
    passes = passes_of(engine, context=mean_context(lengths))
    return serve_clients(passes, clients, lengths, prompt_work_s(engine, lengths) * heavier, replicas=replicas)


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
    course = Course(passes, lengths, work_s, arrival_s)
    loops = [Loop(passes, course) for _ in range(replicas)]
    if replicas <= 1:
        loops[0].offer_all(range(len(lengths)))
    else:
        _route(loops, course.arrival_s, course.soonest_ends_s(passes))
    return _ended(passes, course, loops)


def serve_clients(passes: Passes, clients: int, lengths: Lengths, work_s: Array, *, replicas: int = 1) -> Seen:
    """Serve clients that each send their next request when they have the answer; see `replay`.

    Clients are dealt to the replicas, and stay with theirs; all begin at once.
    """
    _require_room(passes, lengths)
    course = Course(passes, lengths, work_s, None)
    loops = [Loop(passes, course) for _ in range(min(replicas, clients, len(lengths)))]
    for place, loop in enumerate(loops):
        own = range(place, len(lengths), len(loops))
        loop.offer_in_turn(own, len(range(place, clients, len(loops))))
    return _ended(passes, course, loops)


def _ended(passes: Passes, course: Course, loops: list[Loop]) -> Seen:
    for loop in loops:
        loop.advance()
    preemptions = sum(loop.preemptions for loop in loops)
    return course.seen(passes, preemptions=preemptions, end_s=max(loop.now_s for loop in loops))


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


def _route(loops: list[Loop], arrival_s: list[float], soonest_s: list[float]) -> None:
    """Hand every request to the replica with the fewest at work when it comes, the first of those.

    A replica is run up to an arrival only where something may have ended before: nothing else changes how many are
    at work. `soonest_s` is before any request can end [s].
    """
    (_route_to_few if len(loops) <= _FEW else _route_to_many)(loops, arrival_s, soonest_s)


def _route_to_few(loops: list[Loop], arrival_s: list[float], soonest_s: list[float]) -> None:
    """Route by looking at every replica, which is quicker for a handful; see `_route`."""
    take = [loop.queue.append for loop in loops]
    at_work = [0] * len(loops)
    offered = [0] * len(loops)
    quiet = [0.0] * len(loops)
    for number, arrival in enumerate(arrival_s):
        if min(quiet) <= arrival:
            for place, loop in enumerate(loops):
                if quiet[place] <= arrival:
                    loop.advance(arrival)
                    quiet[place] = loop.quiet_until_s
                    at_work[place] = offered[place] - loop.gone
        least = at_work.index(min(at_work))
        take[least](number)
        if soonest_s[number] < quiet[least]:
            quiet[least] = soonest_s[number]
        offered[least] += 1
        at_work[least] += 1


def _route_to_many(loops: list[Loop], arrival_s: list[float], soonest_s: list[float]) -> None:
    """Route by heaps of when something may end and of how many are at work; see `_route`.

    A request costs the logarithm of the number of replicas, and not that number.
    """
    take = [loop.queue.append for loop in loops]
    count = len(loops)
    at_work = [0] * count
    offered = [0] * count
    quiet = [0.0] * count
    endings = [(0.0, place) for place in range(count)]  # also earlier ones of a replica, that no longer hold
    endings.append((inf, count))
    fewest = list(range(count))  # numbers at work times the replicas, and which: again also old ones
    for number, arrival in enumerate(arrival_s):
        while endings[0][0] <= arrival:
            known, place = heappop(endings)
            if known != quiet[place]:
                continue
            loop = loops[place]
            loop.advance(arrival)
            quiet[place] = until = loop.quiet_until_s
            if until <= arrival:
                until = quiet[place] = nextafter(arrival, inf)
            if until < inf:
                heappush(endings, (until, place))
            left = offered[place] - loop.gone
            if left != at_work[place]:
                at_work[place] = left
                heappush(fewest, left * count + place)
        while True:
            left, least = divmod(fewest[0], count)
            if left == at_work[least]:
                break
            heappop(fewest)
        take[least](number)
        if soonest_s[number] < quiet[least]:
            quiet[least] = soonest_s[number]
            heappush(endings, (soonest_s[number], least))
        offered[least] += 1
        at_work[least] = left + 1
        heapreplace(fewest, (left + 1) * count + least)
