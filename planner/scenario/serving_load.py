"""One service under a load: the model, its requests, what it runs on, how fast it has to answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.shape import ArchitectureSpec
from planner.documents.types import Flag, Ratio, Record, Seconds, Share, Text, Whole, WholeOrZero, quantity, whole
from planner.scenario.claim import Claim
from planner.scenario.hardware import HardwareChoice
from planner.units.dimensions import COUNT, RATIO, REQUESTS_PER_SECOND

WeightFormat = Literal[
    "fp32", "bf16", "fp16", "fp8", "int8", "int4", "int4-g32", "nvfp4", "mxfp4", "q8_0", "q6_k", "q4_0", "q4_k_m"
]
ProductFormat = Literal["fp32", "bf16", "fp16", "fp8", "int8", "nvfp4"]
CacheFormat = Literal["fp32", "bf16", "fp16", "fp8", "int8"]
RequestsPerSecond = Annotated[float, quantity(REQUESTS_PER_SECOND)]
Length = Annotated[float, quantity(COUNT, low=1.0, open_low=False)]
Variability = Annotated[float, quantity(RATIO, open_low=False, high=10.0)]
_HOURS = 24


class ServingPrecision(Record):
    """Number formats: of weights (16 bits where unsaid), of products (as the weights where unsaid), of the cache."""

    weights: WeightFormat | None = None
    products: ProductFormat | None = None
    attention: WeightFormat | None = None
    cache: CacheFormat | None = None


class RequestShape(Record):
    """Lengths of requests.

    Parameters
    ----------
    prompt, output : mean tokens; or `data` names a data set whose mean lengths are taken.
    prompt_variability, output_variability : standard deviation over mean, at most 10.
    cached : share of the prompt whose keys and values an earlier request left in the cache.
    """

    prompt: Length | None = None
    output: Length | None = None
    data: Text | None = None
    prompt_variability: Variability = 0.0
    output_variability: Variability = 0.0
    cached: Annotated[float, quantity(RATIO, open_low=False, high=0.999)] = 0.0


class Demand(Record):
    """A rate over the day that a service has to be ready for.

    Parameters
    ----------
    mean : requests per second over the day. peak_to_mean : of the busiest hour, at most 24: the
        whole day in it.
    growth : what is planned for, over today.
    by_hour : shares of the mean for each of 24 hours; a sine through mean and peak where unsaid.
    """

    mean: RequestsPerSecond
    peak_to_mean: Annotated[float, quantity(RATIO, low=1.0, high=24.0, open_low=False)] = 1.0
    growth: Annotated[float, quantity(RATIO)] = 1.0
    by_hour: Annotated[tuple[Ratio, ...], Field(min_length=_HOURS, max_length=_HOURS)] | None = None


class Load(Record):
    """How requests come: exactly one of the five.

    Parameters
    ----------
    clients : that each send their next request when they have the answer (a closed loop).
    rate : requests per second, whoever waits (an open loop), with `variability` of the time between two.
    batch : of like requests, alone on a replica. stream : one request at a time.
    offline : all requests are there from the start.
    demand : a service to size: a rate over the day.
    """

    clients: Whole | None = None
    rate: RequestsPerSecond | None = None
    variability: Variability = 1.0
    batch: Whole | None = None
    stream: Flag = False
    offline: Flag = False
    demand: Demand | None = None


class Objectives(Record):
    """How fast answers have to be: times to the first token and per token after it, means or percentiles.

    What a model answers that reads and does not generate counts as its first token.
    """

    ttft: Seconds | None = None
    ttft_p50: Seconds | None = None
    ttft_p90: Seconds | None = None
    ttft_p95: Seconds | None = None
    ttft_p99: Seconds | None = None
    tpot: Seconds | None = None
    tpot_p50: Seconds | None = None
    tpot_p90: Seconds | None = None
    tpot_p95: Seconds | None = None
    tpot_p99: Seconds | None = None


class Speculating(Record):
    """A draft model: tokens proposed in a round, the share accepted, a proposal's time against the model's step."""

    drafted: Annotated[int, whole(1, 64)]
    acceptance: Share | None = None
    draft_share: Share = 0.1


class AdapterChoice(Record):
    """Low-rank adapters beside the model: their rank, how many are in memory, and how many requests ask for.

    Parameters
    ----------
    rank : of each. held : in device memory at once. used : different ones that requests ask for; all held ones where
        unsaid.
    """

    rank: Whole = 16
    held: Whole = 1
    used: Whole | None = None


class Disaggregated(Record):
    """Replicas that only read prompts and replicas that only decode, with caches sent from one to the other."""

    prefill: Whole | None = None
    decode: Whole | None = None


class Simulated(Record):
    """The engine's loop, event by event, beside the closed form: so many requests, drawn with a seed."""

    requests: Annotated[int, whole(100, 1_000_000)] = 10_000
    seed: WholeOrZero = 1


class ServingWorkload(Record):
    """What is served.

    Parameters
    ----------
    model : catalog id or alias; or `architecture` gives the shape in place.
    requests, load, objectives : see there.
    speculation : speculative decoding. adapters : low-rank adapters beside the model.
    duration : over which totals are taken: money, energy, carbon; a month of 730 hours where unsaid.
    """

    kind: Literal["serving"]
    model: Text | None = None
    architecture: ArchitectureSpec | None = None
    requests: RequestShape = RequestShape()
    load: Load
    objectives: Objectives = Objectives()
    precision: ServingPrecision = ServingPrecision()
    speculation: Speculating | None = None
    adapters: AdapterChoice | None = None
    duration: Seconds | None = None


class ServingLayout(Record):
    """Degrees of one replica; what is not said is 1.

    Parameters
    ----------
    data : groups of tensor ranks with sequences of their own that share the experts (attention data parallelism).
    """

    tensor: Whole = 1
    pipeline: Whole = 1
    data: Whole = 1
    expert: Whole = 1


class EngineSettings(Record):
    """What the engine is started with; its own defaults where unsaid.

    Parameters
    ----------
    memory_fraction : by the engine's own meaning. sequences : most at once. pass_tokens : most in one pass.
    chunked : prompts are read in chunks that share passes with sequences that decode; else they stop them.
    """

    memory_fraction: Share | None = None
    sequences: Whole | None = None
    pass_tokens: Whole | None = None
    chunked: Flag | None = None


class ServingLoad(Record):
    """A scenario that serves a model.

    Parameters
    ----------
    engine : its name, or its name and release, such as "vllm 0.8.5".
    """

    schema_: Annotated[Literal["planner/scenario/v1"], Field(alias="schema")]
    name: Text
    title: Text = ""
    notes: Text = ""
    tags: dict[Text, Text] = Field(default_factory=dict)
    workload: ServingWorkload
    hardware: HardwareChoice
    engine: Text | None = None
    settings: EngineSettings = EngineSettings()
    layout: ServingLayout | Literal["auto"] = "auto"
    replicas: Whole | Literal["auto"] = "auto"
    spare: WholeOrZero = 0
    disaggregation: Disaggregated | None = None
    simulate: Simulated | None = None
    claim: Claim | None = None
