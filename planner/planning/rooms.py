"""How many nodes of one kind a place has room for, and which of its limits binds."""

from __future__ import annotations

import math
from collections.abc import Mapping

from planner.planning.uncertainty import ranged
from planner.record import record
from planner.units.interval import Interval
from planner.units.printing import scaled, significant

_WHOLE = 1e-9  # a quotient that is a whole number up to rounding is that number


@record
class Room:
    """Whole nodes that one limit leaves room for.

    Parameters
    ----------
    limit : power, racks, nodes, money.
    nodes : how many; None where the price of a node is unknown.
    shortage : what a single node needs over what there is; above 1 where none fits.
    why : in words, what a node needs and what there is.
    """

    limit: str
    nodes: Interval | None
    shortage: float
    why: str


@record
class Limits:
    """What a place has [W, 1, USD]; None where it is not limited.

    Parameters
    ----------
    power_w : with cooling. pue : power of the place over power of its machines.
    racks, rack_w, nodes_per_rack : space and power of racks.
    nodes : most in all.
    money_usd : to spend, at once or each month.
    """

    power_w: Interval | None
    pue: Interval
    racks: int | None
    rack_w: Interval | None
    nodes_per_rack: int | None
    nodes: int | None
    money_usd: Interval | None


def rooms(limits: Limits, *, node_w: Interval, price_usd: Interval | None, per_month: str = "") -> list[Room]:
    """Give the room that each limit of a place leaves for one kind of node.

    Parameters
    ----------
    limits : of the place.
    node_w : power that the place must carry for one node [W].
    price_usd : of one node, at once or per month; None where it is unknown [USD].
    per_month : " a month" where money is spent so, for the words.
    """
    found = []
    if limits.power_w is not None:
        drawn = node_w.mid * limits.pue.mid
        why = (
            f"one draws {scaled(drawn, 'W')} with cooling ({scaled(node_w.mid, 'W')} x PUE {limits.pue.mid:.3g}), "
            f"the place has {scaled(limits.power_w.mid, 'W')}"
        )
        room = _whole(_quotient(limits.power_w, node_w, limits.pue))
        found.append(Room("power", room, drawn / limits.power_w.mid, why))
    if limits.racks is not None or limits.rack_w is not None or limits.nodes_per_rack is not None:
        found.append(_racks(limits, node_w))
    if limits.nodes is not None:
        found.append(
            Room("nodes", Interval.exactly(limits.nodes), 1.0 / limits.nodes, f"{limits.nodes} may stand here")
        )
    if limits.money_usd is not None:
        if price_usd is None:
            found.append(Room("money", None, 0.0, "its price is unknown, and the place has a limit of money"))
        else:
            why = (
                f"one costs {significant(price_usd.mid, 4)} USD{per_month}, "
                f"there are {significant(limits.money_usd.mid, 4)} USD{per_month}"
            )
            room = _whole(_quotient(limits.money_usd, price_usd))
            found.append(Room("money", room, price_usd.mid / limits.money_usd.mid, why))
    return found


def least(found: list[Room]) -> Interval | None:
    """Give the nodes that all limits leave room for; None where one of them is unknown."""
    known = [room.nodes for room in found if room.nodes is not None]
    if len(known) < len(found) or not known:
        return None
    return Interval(min(n.low for n in known), min(n.mid for n in known), min(n.high for n in known))


def _racks(limits: Limits, node_w: Interval) -> Room:
    fitting = _whole(_quotient(limits.rack_w, node_w)) if limits.rack_w is not None else Interval.exactly(math.inf)
    most = math.inf if limits.nodes_per_rack is None else float(limits.nodes_per_rack)
    racks = math.inf if limits.racks is None else float(limits.racks)
    ends = [racks * min(end, most) if min(end, most) else 0.0 for end in (fitting.low, fitting.mid, fitting.high)]
    if limits.rack_w is None:
        return Room("racks", Interval(*ends), 0.0, "")
    why = f"one draws {scaled(node_w.mid, 'W')}, the machines in a rack may draw {scaled(limits.rack_w.mid, 'W')}"
    return Room("racks", Interval(*ends), node_w.mid / limits.rack_w.mid, why)


def _quotient(over: Interval, *under: Interval) -> Interval:
    """Give a quotient of independent quantities with its range."""
    inputs = {"over": over, **{f"under {number}": interval for number, interval in enumerate(under)}}

    def value(x: Mapping[str, float]) -> dict[str, float | None]:
        return {"quotient": x["over"] / math.prod(x[name] for name in inputs if name != "over")}

    found = ranged(value, inputs).results["quotient"]
    if found is None:
        raise AssertionError("a quotient of known quantities is known")
    return found


def _whole(count: Interval) -> Interval:
    return Interval(*(float(math.floor(end * (1.0 + _WHOLE))) for end in (count.low, count.mid, count.high)))
