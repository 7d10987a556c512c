"""The documents of the benchmark: its suite, and what one run of it measured."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.documents.types import Date, Flag, Id, Record, Text, Whole, WholeOrZero

Number = Annotated[float, Field(allow_inf_nan=False)]
State = Literal[
    "measured", "unsupported", "out-of-memory", "device-lost", "wrong-result", "clock-jump", "throttled",
    "interrupted", "failed",
]  # fmt: skip


class SuiteKernels(Record):
    """Cases of one kernel.

    Parameters
    ----------
    kernel : what runs. family : cases that are told together.
    layouts : of matrix products. states : of the operands, in the cache (`hot`) or not (`cold`).
    level : `quick` cases are part of every run. left_out : never fitted; they judge the fit.
    sizes : one case each.
    """

    kernel: Id
    family: Id
    layouts: tuple[Literal["nt", "nn", "tn"], ...] = ("nt",)
    states: tuple[Literal["hot", "cold"], ...] = ("hot",)
    level: Literal["quick", "full"]
    left_out: Flag = False
    sizes: tuple[tuple[Whole | Literal[0], ...], ...]


class Suite(Record):
    """All cases; the version tells which times can be compared."""

    schema_: Annotated[Literal["planner/bench-suite/v1"], Field(alias="schema")]
    version: Whole
    kernels: tuple[SuiteKernels, ...]


class Fingerprint(Record):
    """Machine and software that a run was made on.

    Parameters
    ----------
    device : its name, with what tells it from others. cores : that the run may use. threads : that it used.
    memory_bytes : of the device. system, python : of the host. libraries : versions by name.
    settings : what changes times: threads of each library, denormals flushed, 32-bit products in tf32.
    """

    device: Text
    cores: Whole
    threads: Whole
    memory_bytes: Number
    system: Text
    python: Text
    libraries: dict[Text, Text] = {}
    settings: dict[Text, Text] = {}


class Noise(Record):
    """How quiet the machine was.

    Parameters
    ----------
    floor : median over the cases of half the interquartile range, relative to the median [1].
    canary : interquartile range of a fixed product before every sample, relative to its median [1].
    canary_s : its median, the pace that times of the run are brought to as far as a core bounds them [s].
    memory_canary, memory_canary_s : the same of a stream from memory, for what memory bounds; 0 where none ran.
    preempted : share of samples that lost the processor to others [1].
    verdict : `quiet`, or `too noisy`.
    """

    floor: Number
    canary: Number
    canary_s: Number = 0.0
    memory_canary: Number = 0.0
    memory_canary_s: Number = 0.0
    preempted: Number
    verdict: Literal["quiet", "too noisy"]


class RunRow(Record):
    """One case of a run.

    Parameters
    ----------
    case : its name in the suite. kernel, family, layout, operands, size, left_out : what ran.
    dtype : number format. state : whether it was measured, and if not `reason` says why.
    median_s, low_s, high_s, least_s : median, quartiles and least of the samples of one call [s].
    samples : how many. flops, bytes : of one call. error : of the result against one in 64 bits [1].
    """

    case: Text
    kernel: Id
    family: Id
    layout: Text = ""
    operands: Text = "hot"
    size: tuple[WholeOrZero, ...]
    left_out: Flag = False
    dtype: Id
    state: State
    reason: Text = ""
    median_s: Number | None = None
    low_s: Number | None = None
    high_s: Number | None = None
    least_s: Number | None = None
    samples: WholeOrZero = 0
    flops: Number = 0.0
    bytes: Number = 0.0
    error: Number | None = None


class BenchRun(Record):
    """What one run of the suite measured; the raw samples stand in a CSV beside it.

    Parameters
    ----------
    suite : version of the suite. backend, level : what ran. date : the day. seconds : that it took.
    complete : false where it was interrupted or ran out of time.
    samples, samples_sha256 : file with every raw sample, and its digest.
    """

    schema_: Annotated[Literal["planner/bench-run/v1"], Field(alias="schema")]
    suite: Whole
    backend: Id
    level: Literal["quick", "full", "imported"]
    date: Date
    seconds: Number
    complete: Flag
    timer: Text
    fingerprint: Fingerprint
    noise: Noise
    samples: Text = ""
    samples_sha256: Text = ""
    rows: tuple[RunRow, ...]
