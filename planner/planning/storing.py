"""Where a run reads its data from and writes its checkpoints to: rates, and what the storage costs."""

from __future__ import annotations

from planner.catalog.storage import Storage
from planner.documents.reader import Tree
from planner.errors import InputError
from planner.planning.books import Books
from planner.planning.ledger import Ledger
from planner.record import record
from planner.scenario.hardware import HardwareChoice
from planner.units.interval import Interval
from planner.units.printing import scaled


@record
class Stored:
    """Storage of a run.

    Parameters
    ----------
    read_bytes_per_s, write_bytes_per_s : of all nodes together [B/s].
    usd_per_s : rent of what is provisioned; 0 where the scenario provisions nothing [USD/s].
    """

    read_bytes_per_s: Interval
    write_bytes_per_s: Interval
    usd_per_s: float


def storage_of(choice: HardwareChoice, *, nodes: int, tree: Tree, books: Books, ledger: Ledger) -> Stored:
    """Give the storage that a scenario names, or the default share of one for each node.

    Raises
    ------
    InputError : the storage is unknown, or its rates depend on a size that is not said.
    """
    if choice.storage is None:
        if choice.storage_size is not None:
            raise InputError(
                tree.fault(
                    "missing-key", "a size of storage without its kind", ("hardware", "storage_size"), hint=_HINT
                )
            )
        share = books.defaults.storage_per_node
        ledger.take(books.defaults, "storage_per_node", scaled(share.mid, "B/s"))
        return Stored(share.scaled(float(nodes)), share.scaled(float(nodes)), 0.0)
    storage = books.catalog.storage(choice.storage, tree=tree, trail=("hardware", "storage"))
    read, write = _rates(storage, choice, tree, ledger)
    rent = 0.0
    if choice.storage_size is not None:
        ledger.said("size of the storage", scaled(choice.storage_size, "B"))
        if storage.price is not None:
            rent = storage.price * choice.storage_size
            ledger.take(storage, "price", f"{storage.price * _GB_MONTH:.3g} USD/GB/month")
        else:
            ledger.warn(f"the price of {storage.id} is unknown: it is not in the cost")
    return Stored(Interval.exactly(read), Interval.exactly(write), rent)


_GB_MONTH = 1e9 * 2_628_000.0
_HINT = "storage: fsx-lustre-500; planner catalog list storage"


def _rates(storage: Storage, choice: HardwareChoice, tree: Tree, ledger: Ledger) -> tuple[float, float]:
    """Give the rates at which a storage is read and written [B/s]."""
    stated = storage.throughput
    read, write = stated.read or stated.write, stated.write or stated.read
    if stated.per_byte is not None and choice.storage_size is not None:
        read = write = stated.per_byte * choice.storage_size
    if read is None or write is None:
        if stated.per_byte is None:
            message, hint = f"nobody states how fast {storage.id} is", "another kind of storage"
        else:
            message, hint = f"how fast {storage.id} is depends on its size", "say hardware.storage_size, 100 TiB say"
        raise InputError(tree.fault("storage-rate", message, ("hardware", "storage"), hint=hint))
    ledger.take(storage, "throughput", f"{scaled(read, 'B/s')} read, {scaled(write, 'B/s')} written")
    return read, write
