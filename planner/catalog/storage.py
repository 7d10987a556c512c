"""One kind of storage that training data is read from and checkpoints are written to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.catalog.entry import Entry
from planner.documents.types import BytesPerSecond, Id, Plain, Record, Seconds, Text, quantity
from planner.units.dimensions import PER_SECOND as _PER_SECOND
from planner.units.dimensions import money

UsdPerByteMonth = Annotated[float, quantity(money("USD", per="GB/month"), open_low=False)]
UsdPerByte = Annotated[float, quantity(money("USD", per="GB"), open_low=False)]
UsdPerRequest = Annotated[float, quantity(money("USD", per="requests"), open_low=False)]
PerSecond: Plain = quantity(_PER_SECOND)


class Throughput(Record):
    """Rates of the storage.

    Either `read` and `write` are the rates of the whole system, or they scale with what is provisioned:
    `per_byte` gives bytes per second for each byte provisioned (1000 MB/s/TiB is 9.5e-4 /s).
    """

    read: BytesPerSecond | None = None
    write: BytesPerSecond | None = None
    per_byte: Annotated[float, PerSecond] | None = None


class Storage(Entry):
    """A storage service, a file system or a drive.

    Parameters
    ----------
    price : of what is kept.
    write_price, read_price : of what is moved, by volume.
    put_price, get_price : of one request.
    """

    schema_: Annotated[Literal["planner/storage/v1"], Field(alias="schema")]
    provider: Id
    kind: Literal["object", "parallel-file-system", "network-file-system", "block", "local"]
    throughput: Throughput
    latency: Seconds | None = None
    price: UsdPerByteMonth | None = None
    write_price: UsdPerByte | None = None
    read_price: UsdPerByte | None = None
    put_price: UsdPerRequest | None = None
    get_price: UsdPerRequest | None = None
    region: Text = ""
