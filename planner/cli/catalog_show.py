"""What `planner catalog show` prints of one entry: its values with their sources, and a node's power and prices."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from planner.catalog.entry import Entry, Source
from planner.catalog.node import Node
from planner.catalog.power import Draw, NodePowerEstimate, NodePowerRule, node_power
from planner.catalog.price import Offer, PriceBook
from planner.catalog.stated import Stated, stated_values
from planner.catalog.store import Catalog
from planner.errors import InputError
from planner.report.escape import for_terminal
from planner.report.listing import Cell, Column, Listing, as_table
from planner.units.interval import Interval
from planner.units.printing import scaled, significant

_MOST_OFFERS = 12
# What tells of an entry without measuring it, and so has no source of its own.
_TOLD = ("provider", "vendor", "kind", "family", "region", "location", "relatives")


def as_text(catalog: Catalog, kind: str, entry: Entry, *, width: int) -> str:
    """Give one entry as text of a width [columns]."""
    return "\n".join(_lines(catalog, kind, entry, width)) + "\n"


def as_json(catalog: Catalog, kind: str, entry: Entry) -> str:
    """Give one entry as one JSON document."""
    stated = stated_values(catalog, kind, entry)
    document: dict[str, Any] = {
        "schema": "planner/shown-entry/v1",
        "kind": kind,
        "id": entry.id,
        "name": entry.name,
        "aliases": list(entry.aliases),
        "values": [_value(value) for value in stated],
        "sources": {key: _source(source) for key, source in _sources(catalog, stated)},
        "conflicts": list(entry.conflicts),
        "notes": entry.notes,
    }
    if isinstance(entry, Node):
        document["offers"] = [_offer(offer) for offer in PriceBook(catalog).offers(entry.id)]
        power = _power(catalog, entry)
        if power:
            document["power"] = {
                "rated_w": _three(power.rated),
                "rated_is_published": power.rated_is_published,
                **{f"{name}_w": {"full": _three(d.full), "idle": _three(d.idle)} for name, d in _draws(power)},
            }
    return json.dumps(document, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def _lines(catalog: Catalog, kind: str, entry: Entry, width: int) -> Iterator[str]:
    yield for_terminal(f"{entry.id}: {kind}, {entry.name}")
    if entry.aliases:
        yield from _wrapped("also " + ", ".join(entry.aliases), width, 2)
    value = catalog.tree(kind, entry.id).value
    told = [f"{field} {_joined(value[field])}" for field in _TOLD if value.get(field)]
    yield from _wrapped("; ".join(told), width, 2)
    stated = stated_values(catalog, kind, entry)
    yield ""
    columns = (
        Column("value", "value"),
        Column("text", "", elastic=True),
        Column("standing", "standing"),
        Column("source", "source", elastic=True),
    )
    rows = [[value.path, value.text, value.standing.value, _where(value)] for value in stated]
    yield from as_table(Listing("values", columns, rows), width=width).splitlines()
    if isinstance(entry, Node):
        yield from _power_lines(catalog, entry, width)
        yield from _offer_lines(catalog, entry, width)
    for title, texts in (("Conflicts", entry.conflicts), ("Notes", (entry.notes,) if entry.notes else ())):
        if texts:
            yield from ("", title)
            for text in texts:
                yield from _wrapped(text, width, 2)
    yield from ("", "Sources")
    for key, source in _sources(catalog, stated):
        seen = f" ({source.date}, {source.access})" if source.date else f" ({source.access})"
        yield from _wrapped(f"{key}: {source.title}{seen}", width, 2)
        if source.url:
            yield for_terminal(f"    {source.url}")


def _joined(value: object) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


def _where(value: Stated) -> str:
    checked = " +" + ", ".join(value.confirmed_by) if value.confirmed_by else ""
    return " ".join(text for text in (value.date, value.source + checked) if text)


def _sources(catalog: Catalog, stated: list[Stated]) -> Iterator[tuple[str, Source]]:
    keys = dict.fromkeys(key for value in stated for key in (value.source, *value.confirmed_by))
    for key in keys:
        source = catalog.source(key)
        if source is not None:
            yield key, source


def _power(catalog: Catalog, node: Node) -> NodePowerEstimate | None:
    try:
        accelerator = catalog.accelerator(node.accelerator)
        return node_power(node, accelerator, catalog.sheet("node-power", NodePowerRule))
    except InputError:
        return None


def _draws(power: NodePowerEstimate) -> tuple[tuple[str, Draw], ...]:
    return (
        ("accelerators", power.accelerators),
        ("host", power.host),
        ("network_and_fans", power.network_and_fans),
    )


def _power_lines(catalog: Catalog, node: Node, width: int) -> Iterator[str]:
    power = _power(catalog, node)
    if power is None:
        return
    yield from ("", "Power")
    rated = "published" if power.rated_is_published else "our estimate, by the rule in node-power.yaml"
    yield from _wrapped(f"rated {_watts(power.rated)}, {rated}", width, 2)
    columns = (Column("part", "part"), Column("full", "accelerators at their limit"), Column("idle", "nothing running"))
    rows = [[name.replace("_", " "), _watts(draw.full), _watts(draw.idle)] for name, draw in _draws(power)]
    rows.append(["all", _watts(power.full), _watts(power.idle)])
    yield from ("  " + line for line in as_table(Listing("power", columns, rows), width=width - 2).splitlines())


def _offer_lines(catalog: Catalog, node: Node, width: int) -> Iterator[str]:
    newest: dict[tuple[str, str], Offer] = {}
    for offer in PriceBook(catalog).offers(node.id):
        kept = newest.get((offer.term, offer.region))
        if kept is None or (kept.flag and not offer.flag):
            newest[offer.term, offer.region] = offer
    if not newest:
        return
    ordered = sorted(newest.values(), key=lambda o: (o.flag != "", o.term, o.usd_per_hour, o.region))
    more = f", the {_MOST_OFFERS} cheapest of {len(ordered)} terms and regions" if len(ordered) > _MOST_OFFERS else ""
    yield from ("", f"Newest prices{more}")
    columns = (
        Column("term", "term"),
        Column("region", "region"),
        Column("usd_per_h", "USD/h", lambda v: f"{v:,.2f}" if v >= 1 else significant(v, 3)),
        Column("date", "date"),
        Column("note", "note", elastic=True),
    )
    shown = ordered if not more else _some_of_each(ordered)
    rows: list[list[Cell]] = [
        [o.term, o.region, o.usd_per_hour, o.date, "; ".join(t for t in (o.flag, o.note) if t)] for o in shown
    ]
    yield from ("  " + line for line in as_table(Listing("prices", columns, rows), width=width - 2).splitlines())
    if more:
        yield f"  planner catalog list prices --accelerator {node.accelerator} --provider {node.provider} prints all"


def _some_of_each(offers: list[Offer]) -> list[Offer]:
    """Give the cheapest offers of every term, as many of each as there is room for."""
    terms = list(dict.fromkeys(offer.term for offer in offers))
    room = max(1, _MOST_OFFERS // len(terms))
    return [offer for term in terms for offer in [o for o in offers if o.term == term][:room]]


def _wrapped(text: str, width: int, indent: int) -> list[str]:
    pad = " " * indent
    return textwrap.wrap(
        for_terminal(text), width, initial_indent=pad, subsequent_indent=pad + "  ", break_on_hyphens=False
    )


def _watts(power: Interval) -> str:
    if power.is_point:
        return scaled(power.mid, "W")
    return f"{scaled(power.mid, 'W')} ({scaled(power.low, 'W')} to {scaled(power.high, 'W')})"


def _three(power: Interval) -> dict[str, float]:
    return {"low": round(power.low, 3), "mid": round(power.mid, 3), "high": round(power.high, 3)}


def _value(value: Stated) -> dict[str, Any]:
    return {
        "path": value.path,
        "value": value.text,
        "source": value.source,
        "date": value.date,
        "standing": value.standing.value,
        "confirmed_by": list(value.confirmed_by),
    }


def _source(source: Source) -> dict[str, str]:
    return {"title": source.title, "url": source.url, "date": source.date, "kind": source.kind, "access": source.access}


def _offer(offer: Offer) -> dict[str, Any]:
    return {
        "instance": offer.instance,
        "provider": offer.provider,
        "region": offer.region,
        "term": offer.term,
        "usd_per_hour": offer.usd_per_hour,
        "date": offer.date,
        "source": offer.source,
        "standing": offer.standing.value,
        "flag": offer.flag,
        "note": offer.note,
    }
