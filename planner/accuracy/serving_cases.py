"""What a measured serving case is: one row of a published table, with what it measured and what is known of it."""

from __future__ import annotations

from dataclasses import field
from enum import Enum

from planner.accuracy.cases import Observation
from planner.catalog.accelerator import Accelerator
from planner.record import record
from planner.serving.formats import Formats
from planner.workload.architecture import Architecture


class Mode(Enum):
    """How the machine was loaded."""

    CLOSED = "closed loop"
    """A number of clients, each sending its next request when it has the answer."""
    OFFLINE = "offline"
    """All requests queued at once; the engine runs as many as it can."""
    STATIC = "static batch"
    """One batch of like requests, from prompt to last token."""
    PROMPT = "prompt"
    """One batch of prompts, to their first token."""
    DECODE = "decode"
    """Decoding alone, of one batch."""
    SATURATED = "saturated"
    """A stated number of sequences runs at all times."""
    RATE = "rate"
    """Requests arrive at a stated rate."""
    APART = "disaggregated"
    """A number of clients, prompts and answers on machines of their own."""
    ENCODE = "encoder"
    """Batches through an encoder."""


@record
class Degrees:
    """Layout of a row; `searched` tells that the row states none and the planner has to choose it."""

    tensor: int = 1
    data: int = 1
    pipeline: int = 1
    expert: int = 1
    replicas: int = 1
    searched: bool = False


@record
class Workers:
    """Two pools: the layout of one replica that reads prompts, and how many of each pool's replicas there are."""

    layout: Degrees
    prefill: int
    decode: int


@record
class ServingCase:
    """One measured serving run.

    Parameters
    ----------
    id, source, quality : as the file states them; `accelerator_text` too.
    kind : "inference", "serving" or "trace". group : family of rows whose errors are alike.
    scenario : the row's own word for its load, or its mode.
    engine : id in the serving profile. engine_stated : the row tells its release.
    devices : what the degrees count in all replicas: accelerators, or cores of them.
    cores : devices of one accelerator that the degrees count.
    prompt, output : mean tokens of one request. cached : of the prompt, found in the cache.
    batch : sequences at once on one replica, or in all clients of a closed loop; NaN where the engine decides.
    most : sequences that the engine was told to run at most; NaN where unsaid.
    requests : sent in all; NaN where unsaid.
    looks : steps from one look of the engine for new requests to the next.
    rate : requests per second of all replicas; NaN where unsaid.
    beams : beams of one request.
    compiled : sequences that every step computes, running or not, as where graphs are compiled; 0 where unsaid.
    varied : coefficient of variation of output lengths; 0 where all are alike.
    kept : tokens of every sequence that every step reads, used or not; 0 where only what is used is read.
    longest : prompt and answer that graphs were compiled for; NaN where unsaid.
    workers : where prompts are read on machines of their own; `degrees` are then those of one that decodes.
    repeated : the same run stands in an earlier row: it is predicted, and counts for nothing in a fit.
    tpot_limit_ms : most time of a token that the load was chosen to keep to; NaN where unsaid.
    power_cap : of one accelerator, in watts; NaN where unsaid.
    around_w, lost : what the host beside the accelerators draws [W], and the share of the whole that fans, network and
        supplies take [1]; NaN where nobody asks or nothing is known.
    estimated : what was not stated and stands in as our estimate.
    near : rows of one measurement or one table line are never parted between fit and test.
    """

    id: str
    source: str
    accelerator_text: str
    quality: str
    kind: str
    group: str
    model: str
    architecture: Architecture
    accelerator: Accelerator
    engine: str
    engine_stated: bool
    formats: Formats
    degrees: Degrees
    devices: int
    cores: int
    mode: Mode
    prompt: float
    output: float
    batch: float
    observations: tuple[Observation, ...]
    cached: float = 0.0
    most: float = float("nan")
    looks: float = 1.0
    requests: float = float("nan")
    rate: float = float("nan")
    beams: int = 1
    compiled: float = 0.0
    varied: float = 0.0
    kept: float = 0.0
    longest: float = float("nan")
    tpot_limit_ms: float = float("nan")
    workers: Workers | None = None
    repeated: bool = False
    scenario: str = ""
    power_cap: float = float("nan")
    around_w: float = float("nan")
    lost: float = float("nan")
    estimated: tuple[str, ...] = field(default=())
    near: tuple[str, ...] = field(default=())
