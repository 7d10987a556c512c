"""One part that computes: a GPU, a Trainium or TPU chip, a CPU socket."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.entry import Entry
from planner.documents.types import (
    Bytes,
    BytesPerSecond,
    Date,
    Flag,
    FlopsPerSecond,
    Id,
    Record,
    Text,
    UncertainUsd,
    UncertainWatts,
    Whole,
)


class Precision(Enum):
    """Number formats that a matrix unit multiplies, and the bytes one element takes."""

    FP64 = "fp64"
    FP32 = "fp32"
    TF32 = "tf32"
    BF16 = "bf16"
    FP16 = "fp16"
    FP8 = "fp8"
    INT8 = "int8"
    FP6 = "fp6"
    FP4 = "fp4"
    INT4 = "int4"

    @property
    def bytes_per_element(self) -> float:
        """Bytes of one stored element; scales of block formats are counted where they are used."""
        bits = {"fp64": 64, "fp32": 32, "tf32": 32, "bf16": 16, "fp16": 16, "fp8": 8, "int8": 8, "fp6": 6}
        return bits.get(self.value, 4) / 8


AcceleratorKind = Literal["gpu", "neuron", "tpu", "gaudi", "cpu", "npu"]
PrecisionName = Literal[
    "fp64",
    "fp64_tensor",
    "fp32",
    "fp32_matrix",
    "tf32",
    "bf16",
    "fp16",
    "fp16_acc16",
    "fp8",
    "fp8_acc16",
    "fp6",
    "int8",
    "fp4",
    "int4",
]
"""Names of the peaks. `fp64_tensor` and `fp32_matrix` are rates of the matrix unit beside slower vector
rates; `_acc16` sums in 16 bits, where the plain name sums in 32."""


class AttachedMemory(Record):
    """A second, larger and slower memory on the same part."""

    capacity: Bytes
    bandwidth: BytesPerSecond


_DECIMAL_GIGA, _BINARY_GIGA = 1e9, 2.0**30


class Memory(Record):
    """Memory of the part.

    `capacity` is what a driver reports and what plans are sized with; `marketed` is the number in the
    part's name, 10^9 bytes by its letters and 2^30 by the habits of most vendors.
    """

    capacity: Bytes
    marketed: Bytes | None = None
    bandwidth: BytesPerSecond
    attached: AttachedMemory | None = None

    @property
    def read_bandwidth(self) -> float:
        """Bandwidth that is left to data [B/s].

        Parts that keep the words of their error correction in the same memory (GDDR6 of data centres) report a
        sixteenth less of it than their name says, and move as much more. Others report what they have.
        """
        if self.marketed is None:
            return self.bandwidth
        return self.bandwidth * min(1.0, self.capacity / (self.marketed / _DECIMAL_GIGA * _BINARY_GIGA))


class Link(Record):
    """The link between parts of one scale-up domain.

    Parameters
    ----------
    kind : the vendor's name of it.
    bandwidth : one direction, per part: what collectives are planned with.
    quoted : as the vendor prints it, usually both directions or all links together.
    per_peer : one direction, to one other part, where every pair has links of its own.
    all_ports : one direction, with the ports that leave the machine.
    effective : one direction, reached in practice.
    domain : parts that reach each other in the largest system built of it; a node has a domain of its own.
    topology : how that system is wired.
    torus : dimensions of the torus that its parts form, where it is one.
    """

    kind: Text
    bandwidth: BytesPerSecond | None = None
    quoted: BytesPerSecond | None = None
    per_peer: BytesPerSecond | None = None
    all_ports: BytesPerSecond | None = None
    effective: BytesPerSecond | None = None
    domain: Whole = 1
    topology: Text = ""
    torus: int = Field(default=0, ge=0, le=3)


class Power(Record):
    """Power of one part.

    Parameters
    ----------
    tdp : its limit.
    idle : doing nothing.
    measured_mean, measured_min : metered at work.
    scope : `module` where the limit covers the host CPU and its memory too, as in a superchip.
    alone : of a module, the limit of the accelerator alone, which is what its own meter shows.
    """

    tdp: UncertainWatts
    idle: UncertainWatts | None = None
    measured_mean: UncertainWatts | None = None
    measured_min: UncertainWatts | None = None
    scope: Literal["part", "module"] = "part"
    alone: UncertainWatts | None = None


class Accelerator(Entry):
    """One kind of accelerator or CPU socket.

    Parameters
    ----------
    peak : dense matrix rate by precision; structured sparsity is never counted.
    units : streaming multiprocessors, compute units or cores that share the work.
    matrix_engines : matrix units, where they are fewer than `units`.
    cores : devices that software addresses on one part (2 NeuronCores on a Trainium 1), 1 if unsaid.
    cache : second-level cache, or memory on the chip that software manages.
    last_level_cache : a cache behind that one.
    relatives : parts whose measured efficiencies stand in where this one has none, nearest first.
    family : name that parts with alike behaviour share.
    list_price : what the maker asked for one at launch.
    trains : there is software that trains models on it; what only serves takes no part in searches.
    """

    schema_: Annotated[Literal["planner/accelerator/v1"], Field(alias="schema")]
    vendor: Text
    kind: AcceleratorKind
    architecture: Text
    family: Id
    peak: dict[PrecisionName, FlopsPerSecond]
    memory: Memory
    cache: Bytes | None = None
    last_level_cache: Bytes | None = None
    units: Whole | None = None
    matrix_engines: Whole | None = None
    cores: Whole = 1
    link: Link | None = None
    power: Power | None = None
    released: Date | None = None
    process: Text = ""
    list_price: UncertainUsd | None = None
    trains: Flag = True
    relatives: tuple[Id, ...] = ()
