"""What a place can do with one kind of node: how many fit, what they draw, cost and hold."""

from __future__ import annotations

from collections.abc import Mapping

from planner.catalog.accelerator import Accelerator, PrecisionName
from planner.catalog.facility import Facility
from planner.catalog.node import Node
from planner.economics.energy import energy_kwh
from planner.planning.books import Books
from planner.planning.currency import shown_currency
from planner.planning.estimate import Breakdown, Estimate, Result
from planner.planning.holding import Copy, HeldModel, copy_of, needed_bytes, shortage
from planner.planning.ledger import Ledger
from planner.planning.money import Money, money_of
from planner.planning.power import PowerParts, power_of
from planner.planning.rooms import Limits, Room, least, rooms
from planner.planning.uncertainty import Ranged, ranged
from planner.record import record
from planner.scenario.capacity import Capacity
from planner.scenario.hardware import HardwareChoice
from planner.scenario.resolve import Resolved
from planner.units.interval import Interval
from planner.units.printing import gibibytes, scaled

_HOUR = 3600.0
_KWH = 3.6e6
_MONTH_HOURS = 730.0
_SIXTEEN: tuple[PrecisionName, ...] = ("bf16", "fp16")
_EIGHT: tuple[PrecisionName, ...] = ("fp8", "int8")


@record
class Question:
    """What is asked of every kind of node."""

    resolved: Resolved
    place: Capacity
    books: Books
    facility: Facility | None
    limits: Limits
    held: HeldModel | None


@record
class _Machine:
    """One kind of node with its power, money and what both rest on."""

    node: Node
    accelerator: Accelerator
    power: PowerParts
    typical_w: Interval
    money: Money
    ledger: Ledger


@record
class Answer:
    """The estimate of one kind of node, and how much of what is short a single one would need, as a ratio."""

    estimate: Estimate
    shortage: float


def _machine(question: Question, node: Node) -> _Machine:
    books, workload = question.books, question.place.workload
    ledger = Ledger(books.catalog)
    accelerator = books.catalog.accelerator(node.accelerator)
    power = power_of(node, accelerator, books=books, ledger=ledger)
    typical = power.estimate.busy
    if node.power is not None and node.power.typical is not None:
        typical = node.power.typical
        ledger.take(node, "power.typical", scaled(typical.mid, "W"))
    # A month of a machine is paid once, however much of it the machine works.
    ownership = workload.ownership.model_copy(update={"utilisation": Interval.exactly(1.0)})
    money = money_of(
        HardwareChoice(node=node.id, term=workload.term, ownership=ownership),
        node,
        question.facility,
        nodes=1,
        tree=question.resolved.tree,
        books=books,
        ledger=ledger,
        at=("workload",),
    )
    return _Machine(node, accelerator, power, typical, money, ledger)


def answer(question: Question, node: Node) -> Answer:
    """Give what a place can do with one kind of node."""
    workload = question.place.workload
    machine = _machine(question, node)
    found = rooms(
        question.limits,
        node_w=machine.typical_w if workload.power_basis == "typical" else machine.power.estimate.rated,
        price_usd=_price(machine, owned=workload.term == "owned"),
        per_month="" if workload.term == "owned" else " a month",
    )
    count = least(found)
    nodes = int(count.mid) if count is not None else 0
    why_not, short = _why_not(found, count), max(room.shortage for room in found)
    copy = None
    if not why_not and question.held is not None:
        copy, why_not, short = _copies(question.held, machine, nodes)
    values = _ranged(question, machine, 0 if why_not else nodes, copy)
    results = {"nodes_that_fit": count, **values.results}
    estimate = Estimate(
        name=node.id,
        title=node.name,
        kind="node",
        tags={},
        results={name: Result.of(name, interval) for name, interval in results.items()},
        plan=_words(machine, found, count, copy),
        breakdowns=() if why_not else _breakdowns(question, machine, nodes),
        inputs=tuple(machine.ledger.inputs.values()),
        warnings=tuple(machine.ledger.warnings),
        contributions=values.contributions,
        why_not=why_not,
        currency=shown_currency(question.books),
    )
    return Answer(estimate, short)


def _price(machine: _Machine, *, owned: bool) -> Interval | None:
    """Give what one node takes of the place's money: its purchase price, or a month of its rent [USD]."""
    if owned:
        return machine.money.inputs.get("node price")
    hourly = machine.money.inputs.get("node-hour price")
    return hourly.scaled(_HOUR * _MONTH_HOURS) if hourly is not None else None


def _why_not(found: list[Room], count: Interval | None) -> str:
    if count is None:
        return next(room.why for room in found if room.nodes is None)
    if count.mid >= 1:
        return ""
    return "; ".join(room.why for room in found if room.nodes is not None and room.nodes.mid < 1)


def _copies(held: HeldModel, machine: _Machine, nodes: int) -> tuple[Copy | None, str, float]:
    """Give a copy of the model on the nodes that fit; or none, why, and how much too large it is."""
    memory = machine.accelerator.memory.capacity
    machine.ledger.take(machine.accelerator, "memory.capacity", gibibytes(memory, digits=2))
    most = nodes * machine.node.accelerators
    copy = copy_of(held, memory_bytes=memory, per_node=machine.node.accelerators, most=most)
    if copy is not None:
        return copy, "", 0.0
    short = needed_bytes(held) / (memory * held.usable_share * most)
    return None, shortage(held, memory_bytes=memory, accelerators=most), short


def _ranged(question: Question, machine: _Machine, nodes: int, copy: Copy | None) -> Ranged:
    """Give the results of the nodes that fit, their number taken as certain; of one node where none does."""
    inputs = {
        "rated power": machine.power.estimate.rated,
        "typical power": machine.typical_w,
        "PUE": question.limits.pue,
        **machine.money.inputs,
    }
    accelerators = nodes * machine.node.accelerators

    def outcome(x: Mapping[str, float]) -> dict[str, float | None]:
        found: dict[str, float | None] = {
            "node_rated_power_kw": x["rated power"] / 1e3,
            "node_power_kw": x["typical power"] / 1e3,
        }
        if not nodes:
            return found
        energy = float(energy_kwh(x["typical power"] * nodes, _MONTH_HOURS, x["PUE"]))
        spent = machine.money.spent(x, nodes=nodes, hours=_MONTH_HOURS, energy_kwh=energy)
        found |= {
            "accelerators": float(accelerators),
            "power_kw": x["typical power"] * nodes / 1e3,
            "facility_power_kw": x["typical power"] * nodes * x["PUE"] / 1e3,
            "facility_rated_power_kw": x["rated power"] * nodes * x["PUE"] / 1e3,
            "capital_usd": spent.purchase_usd,
            "cost_per_month_usd": spent.total_usd,
            "device_memory_gb": machine.accelerator.memory.capacity * accelerators / 1e9,
            **_peaks(machine.accelerator, accelerators),
        }
        if "electricity" in x:  # who rents a node does not pay for its electricity apart
            found["electricity_per_month_usd"] = energy * _KWH * x["electricity"]
        if question.held is not None and copy is not None:
            found |= {
                "replicas": float(accelerators // copy.accelerators),
                "max_batch": float(copy.sequences),
                "max_context_tokens": float(copy.longest_tokens),
                "memory_headroom_gb": copy.free_bytes / 1e9,
                "state_bytes": question.held.weights_bytes,
            }
        return found

    return ranged(outcome, inputs)


def _peaks(accelerator: Accelerator, accelerators: int) -> dict[str, float | None]:
    """Give the peaks that the part has; one that it has not is no result, and not zero."""
    found: dict[str, float | None] = {}
    for metric, names in (("peak_16bit_flops_per_s", _SIXTEEN), ("peak_8bit_flops_per_s", _EIGHT)):
        peaks = [accelerator.peak[name] for name in names if name in accelerator.peak]
        if peaks:
            found[metric] = peaks[0] * accelerators
    return found


def _breakdowns(question: Question, machine: _Machine, nodes: int) -> tuple[Breakdown, ...]:
    energy = float(energy_kwh(machine.typical_w.mid * nodes, _MONTH_HOURS, question.limits.pue.mid))
    middle = {name: interval.mid for name, interval in machine.money.inputs.items()}
    spent = machine.money.spent(middle, nodes=nodes, hours=_MONTH_HOURS, energy_kwh=energy)
    found = [Breakdown("power", "one node at work", "W", machine.power.parts(1.0))]
    if spent.total_usd is not None:
        found.append(Breakdown("cost", "money per month", "USD", spent.parts))
    return tuple(found)


def _words(
    machine: _Machine, found: list[Room], count: Interval | None, copy: Copy | None
) -> tuple[tuple[str, str], ...]:
    told = [("accelerators", f"{machine.node.accelerators} {machine.accelerator.id}")]
    if count is not None:
        binding = [room.limit for room in found if room.nodes is not None and room.nodes.mid == count.mid]
        told.append(("binds", ", ".join(binding)))
    if copy is not None:
        told.append(("one copy on", f"{copy.accelerators} accelerators"))
    return tuple(told)
