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
    FlopsPerSecond,
    Id,
    Record,
    Text,
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
    FP4 = "fp4"
    INT4 = "int4"

    @property
    def bytes_per_element(self) -> float:
        """Bytes of one stored element; scales of block formats are counted where they are used."""
        bits = {"fp64": 64, "fp32": 32, "tf32": 32, "bf16": 16, "fp16": 16, "fp8": 8, "int8": 8}
        return bits.get(self.value, 4) / 8


AcceleratorKind = Literal["gpu", "neuron", "tpu", "gaudi", "cpu", "npu"]
PrecisionName = Literal["fp64", "fp64_tensor", "fp32", "tf32", "bf16", "fp16", "fp8", "int8", "fp4", "int4"]


class Memory(Record):
    """Memory of the part.

    `capacity` is what a driver reports and what plans are sized with; `marketed` is the number in the
    part's name, 10^9 bytes by its letters and 2^30 by the habits of most vendors.
    """

    capacity: Bytes
    marketed: Bytes | None = None
    bandwidth: BytesPerSecond


class Link(Record):
    """The link between parts of one scale-up domain; `bandwidth` is one direction, per part."""

    kind: Text
    bandwidth: BytesPerSecond


class Power(Record):
    """Power of one part: its limit, and what it draws doing nothing."""

    tdp: UncertainWatts
    idle: UncertainWatts | None = None
    measured_mean: UncertainWatts | None = None


class Accelerator(Entry):
    """One kind of accelerator or CPU socket.

    Parameters
    ----------
    peak : dense matrix rate by precision; structured sparsity is never counted.
    units : streaming multiprocessors, compute units or cores that share the work.
    cores : devices that software addresses on one part (2 NeuronCores on a Trainium 1), 1 if unsaid.
    cache : last-level cache or software-managed memory on the chip.
    relatives : parts whose measured efficiencies stand in where this one has none, nearest first.
    family : name that parts with alike behaviour share.
    """

    schema_: Annotated[Literal["planner/accelerator/v1"], Field(alias="schema")]
    vendor: Text
    kind: AcceleratorKind
    architecture: Text
    family: Id
    peak: dict[PrecisionName, FlopsPerSecond]
    memory: Memory
    cache: Bytes | None = None
    units: Whole | None = None
    cores: Whole = 1
    link: Link | None = None
    power: Power | None = None
    released: Date | None = None
    process: Text = ""
    relatives: tuple[Id, ...] = ()
