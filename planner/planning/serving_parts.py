"""Parts of a service: where a step and a prompt go, memory, power, money, replicas over the day; its plan in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.planning.estimate import Breakdown, Part, StageMemory
from planner.planning.money import Spent
from planner.planning.serving_answer import Answer
from planner.planning.serving_plan import ServingGround, shown_model
from planner.planning.serving_power import Drawn
from planner.planning.serving_requests import generates
from planner.planning.serving_sizing import Size
from planner.scenario.serving_load import Load
from planner.serving.batching import Requests
from planner.serving.engine import Engine
from planner.serving.step import PassTime

CAUSES: dict[str, str] = {
    "memory": "reading weights and caches",
    "compute": "arithmetic",
    "network": "communication between ranks",
    "host": "host: launches and scheduling",
}
_DEGREES = ("tensor", "data", "expert", "pipeline")


def breakdowns(found: Answer, spent: Spent, power: tuple[Part, ...], hourly: Sequence[int]) -> tuple[Breakdown, ...]:
    """Give where time, power and money go, and replicas by hour where a demand changes over the day."""
    parts = [Breakdown("prompt", "reading one prompt", "s", _of_pass(found.prompt))]
    if found.decode is not found.prompt:
        parts.insert(0, Breakdown("decode", "one decode step", "s", _of_pass(found.decode)))
    parts.append(Breakdown("power", "one node", "W", power))
    if spent.total_usd is not None:
        parts.append(Breakdown("cost", "money", "USD", spent.parts))
    if hourly:
        hours = tuple(Part(f"hour_{hour:02d}", f"{hour:02d}:00", float(n)) for hour, n in enumerate(hourly))
        parts.append(Breakdown("hours", "replicas by hour of the day", "replicas", hours))
    return tuple(parts)


def phases(drawn: Drawn) -> Breakdown:
    """Give the mean power of an accelerator that serves by what it is doing, each phase by its share of the day [W]."""
    parts = (
        Part("decode", "decoding", _number(drawn.decode)),
        Part("prompts", "reading prompts", _number(drawn.prompts)),
        Part("rest", "at rest", _number(drawn.rest)),
    )
    return Breakdown("phases", "an accelerator by phase", "W", tuple(part for part in parts if part.value > 0))


def _of_pass(time: PassTime) -> tuple[Part, ...]:
    """Give a pass by cause: what memory and arithmetic take together, shared by the cubes that they join by [s]."""
    total, network, host = (_number(value) for value in (time.total, time.network, time.host))
    memory, compute = _number(time.memory) ** 3, _number(time.compute) ** 3
    device = max(total - network - host, 0.0)
    share = memory / (memory + compute) if memory + compute > 0 else 0.0
    values = {"memory": device * share, "compute": device * (1.0 - share), "network": network, "host": host}
    return tuple(Part(key, label, values[key]) for key, label in CAUSES.items())


def memory_of(replica: Engine, found: Answer, requests: Requests) -> StageMemory:
    """Give the device memory of the fullest rank, with the caches of the sequences that run [B]."""
    room = replica.room
    running = _number(found.sequences) / _number(room.sequence_ranks)
    held = _number(requests.context) * _number(room.token_bytes) + _number(room.sequence_bytes)
    values = {
        "weights": ("weights", _number(room.weight_bytes)),
        "activations": ("activations", _number(room.activation_bytes)),
        "cache": ("keys and values of requests", min(running * held, max(_number(room.cache_room_bytes), 0.0))),
        "reserve": ("engine's reserve", _number(room.reserve_bytes)),
    }
    parts = tuple(Part(key, label, value) for key, (label, value) in values.items())
    return StageMemory(0, parts, sum(part.value for part in parts))


def words_of(ground: ServingGround, size: Size, found: Answer) -> tuple[tuple[str, str], ...]:
    """Give the choices of a service as (what, value) pairs."""
    load, node, precision = ground.load, ground.fleet.node, ground.precision
    layout = size.layout
    degrees = [f"{name} {getattr(layout, name)}" for name in _DEGREES if getattr(layout, name) > 1]
    copies = f"{size.replicas:,}" + (f" and {load.spare} spare" if load.spare else "")
    each = layout.tensor * layout.data * layout.pipeline
    idle = size.nodes * node.accelerators - (size.replicas + load.spare) * each
    formats = f"{precision.weights}" + (f", products {precision.products}" if precision.products else "")
    prompt = ground.lengths.read
    shape = ground.architecture
    heard = shape.stacks[0].tokens_per_sample if len(shape.stacks) > 1 and generates(shape) else 0
    begins = f"{heard:,} tokens by the encoder, " if heard else ""
    output = f", {_number(ground.requests.output):,.0f} tokens out" if generates(ground.architecture) else ""
    cached = f" ({load.workload.requests.cached:.0%} cached)" if load.workload.requests.cached else ""
    return (
        ("model", shown_model(ground)),
        ("machines", f"{size.nodes:,} {node.id} with {node.accelerators} {ground.fleet.accelerator.id} each"),
        ("place", ground.facility.id if ground.facility else "unnamed"),
        ("requests", f"{begins}{prompt:,.0f} token{'s' if prompt > 1 else ''} in{cached}{output}"),
        ("load", load_words(ground.load.workload.load)),
        ("precision", f"{formats}, cache {precision.cache}"),
        ("engine", f"{ground.load.engine or ground.engine.id} ({ground.moves.title})"),
        (
            "replicas",
            f"{copies}, each on {each} accelerator{'s' if each > 1 else ''}"
            + (f": {', '.join(degrees)}" if degrees else "")
            + (f"; {_idle_words(idle)}" if idle > 0 else ""),
        ),
        ("bound by", _bound_words(found)),
    )


def _idle_words(count: int) -> str:
    return "1 stands idle and is paid for" if count == 1 else f"{count:,} stand idle and are paid for"


def load_words(load: Load) -> str:
    """Give a load in words."""
    if load.demand is not None:
        mean = load.demand.mean * load.demand.growth
        peak = mean * (max(load.demand.by_hour) if load.demand.by_hour else load.demand.peak_to_mean)
        today = "" if load.demand.growth == 1.0 else f" ({load.demand.mean:,.4g} before growth)"
        return f"{mean:,.4g} requests/s in the mean{today}, sized for {peak:,.4g}"
    if load.rate is not None:
        return f"{load.rate:,.4g} requests/s"
    if load.clients is not None:
        return f"{load.clients:,} clients in a loop"
    if load.batch is not None:
        return f"batches of {load.batch:,}"
    return "all requests at once" if load.offline else "one request at a time"


def _bound_words(found: Answer) -> str:
    prompt = "prompts: " + _largest(found.prompt)
    return prompt if found.decode is found.prompt else f"decoding: {_largest(found.decode)}; {prompt}"


def _largest(time: PassTime) -> str:
    parts = _of_pass(time)
    largest = max(parts, key=lambda part: part.value)
    return f"{largest.label}, {largest.value / sum(part.value for part in parts):.0%}"


def _number(value: object) -> float:
    return float(np.ravel(np.asarray(value))[0])
