"""What `planner catalog list` lists: columns of each kind of entry, and which rows a filter keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from planner.catalog.accelerator import Accelerator
from planner.catalog.entry import Entry, Standing
from planner.catalog.facility import Facility
from planner.catalog.hosted import hosted_models
from planner.catalog.kinds import KINDS
from planner.catalog.model import Model
from planner.catalog.network import Network
from planner.catalog.node import Node
from planner.catalog.power import NodePowerRule, node_power
from planner.catalog.price import PriceBook
from planner.catalog.storage import Storage
from planner.catalog.store import Catalog
from planner.errors import InputError
from planner.record import record
from planner.report.listing import Cell, Column, Listing
from planner.units.interval import Interval
from planner.units.printing import duration, gibibytes, scaled, significant

_JOULES_PER_KWH = 3.6e6
_SECONDS_PER_MONTH = 2_628_000.0
_GB = 1e9


@record
class Filter:
    """What rows must have; an empty text keeps all."""

    accelerator: str = ""
    provider: str = ""
    vendor: str = ""
    kind: str = ""
    region: str = ""
    term: str = ""


def list_names() -> list[str]:
    """Give everything that can be listed."""
    return [*_LISTS, "prices", "hosted-models"]


def listing_of(catalog: Catalog, name: str, wanted: Filter) -> Listing:
    """Give the rows of one kind that a filter keeps.

    Parameters
    ----------
    catalog : where from.
    name : one of `list_names()`.
    wanted : what rows must have; an accelerator or node may be named by any of its spellings.
    """
    if wanted.accelerator:
        owner = catalog.resolve("accelerator", wanted.accelerator) or wanted.accelerator.casefold()
        wanted = Filter(owner, wanted.provider, wanted.vendor, wanted.kind, wanted.region, wanted.term)
    if name == "prices":
        return Listing(name, _PRICES, list(_price_rows(catalog, wanted)))
    if name == "hosted-models":
        return Listing(name, _HOSTED, list(_hosted_rows(catalog, wanted)))
    kind, columns, row = _LISTS[name]
    kept = [entry for entry in catalog.entries(kind) if _keeps(catalog, entry, wanted)]
    return Listing(name, columns, [row(catalog, entry) for entry in kept])


def _keeps(catalog: Catalog, entry: Entry, wanted: Filter) -> bool:
    own = {
        "accelerator": entry.id if isinstance(entry, Accelerator) else getattr(entry, "accelerator", None),
        "provider": getattr(entry, "provider", None),
        "vendor": getattr(entry, "vendor", None),
        "kind": getattr(entry, "kind", None),
        "region": getattr(entry, "region", None),
    }
    if isinstance(entry, Node) and (wanted.vendor or wanted.kind):
        part = catalog.accelerator(entry.accelerator)
        own |= {"vendor": part.vendor, "kind": part.kind}
    return all(
        not text or str(own.get(field) or "").casefold() == text.casefold()
        for field, text in (
            ("accelerator", wanted.accelerator),
            ("provider", wanted.provider),
            ("vendor", wanted.vendor),
            ("kind", wanted.kind),
            ("region", wanted.region),
        )
    )


def _plain(value: float) -> str:
    return significant(value, 4)


def _tera(value: float) -> str:
    return significant(value / 1e12, 4)


def _kilowatts(value: float) -> str:
    return significant(value / 1e3, 3)


def _dollars(value: float) -> str:
    return f"{value:,.2f}" if value >= 1 else significant(value, 3)


def _mid(value: Interval | None, factor: float = 1.0) -> float | None:
    return None if value is None else value.mid * factor


_ACCELERATORS = (
    Column("id", "accelerator"),
    Column("vendor", wide=True),
    Column("kind", wide=True),
    Column("family", wide=True),
    Column("memory_bytes", "GiB", lambda v: gibibytes(v, digits=1).removesuffix(" GiB")),
    Column("memory_bandwidth_bytes_per_s", "TB/s", _tera),
    Column("bf16_or_fp16_flops_per_s", "16-bit TF", _tera),
    Column("fp8_flops_per_s", "FP8 TF", _tera),
    Column("link_bytes_per_s", "link GB/s", lambda v: significant(v / _GB, 4)),
    Column("tdp_w", "W", _plain),
    Column("released", "released", wide=True),
)


def _accelerator_row(_: Catalog, entry: Entry) -> list[Cell]:
    part = cast(Accelerator, entry)
    sixteen = max((part.peak[name] for name in ("bf16", "fp16") if name in part.peak), default=None)
    link = part.link.bandwidth if part.link else None
    return [
        *(part.id, part.vendor, part.kind, part.family),
        *(part.memory.capacity, part.memory.bandwidth, sixteen, part.peak.get("fp8"), link),
        *(_mid(part.power.tdp) if part.power else None, part.released),
    ]


_NODES = (
    Column("id", "node"),
    Column("provider", wide=True),
    Column("accelerator", "accelerator"),
    Column("accelerators", "n", lambda v: f"{v:.0f}"),
    Column("network_bytes_per_s", "Gb/s", lambda v: significant(v * 8 / _GB, 4)),
    Column("fabric", wide=True),
    Column("rated_power_w", "kW", _kilowatts),
    Column("rated_power_is_published", wide=True),
    Column("on_demand_usd_per_h", "USD/h", _dollars),
    Column("on_demand_region", wide=True),
    Column("on_demand_date", wide=True),
)


def _node_row(catalog: Catalog, entry: Entry) -> list[Cell]:
    node = cast(Node, entry)
    network = node.network
    rule = catalog.sheet("node-power", NodePowerRule)
    rated: float | None = None
    try:
        rated = node_power(node, catalog.accelerator(node.accelerator), rule).rated.mid
    except InputError:
        rated = None
    price: list[Cell] = [None, None, None]
    try:
        offer = PriceBook(catalog).price(node.id, "on-demand")
        if offer.standing is not Standing.ESTIMATED:
            price = [offer.usd_per_hour, offer.region, offer.date]
    except InputError:
        pass
    published = "yes" if node.power else "no"
    return [
        *(node.id, node.provider, node.accelerator, node.accelerators),
        *(network.bandwidth if network else None, network.fabric if network else None),
        *(rated, published, *price),
    ]


_MODELS = (
    Column("id", "model", elastic=True),
    Column("family", "family", elastic=True),
    Column("parameters", "parameters", scaled),
    Column("active_parameters", "active", scaled),
    Column("released", "released"),
)


def _model_row(_: Catalog, entry: Entry) -> list[Cell]:
    model = cast(Model, entry)
    return [model.id, model.family, model.parameters, model.active_parameters, model.released]


_FACILITIES = (
    Column("id", "facility"),
    Column("provider", wide=True),
    Column("region", wide=True),
    Column("location", "location", elastic=True),
    Column("pue", "PUE", lambda v: f"{v:.2f}"),
    Column("grid_gco2e_per_kwh", "gCO2e/kWh", _plain),
    Column("grid_date", wide=True),
    Column("electricity_usd_per_kwh", "USD/kWh", lambda v: f"{v:.3f}"),
)


def _facility_row(_: Catalog, entry: Entry) -> list[Cell]:
    place = cast(Facility, entry)
    grid, electricity = place.grid, place.electricity
    return [
        *(place.id, place.provider, place.region, place.location, place.pue.mid),
        *(_mid(grid.intensity, _JOULES_PER_KWH) if grid else None, grid.date if grid else None),
        _mid(electricity.price, _JOULES_PER_KWH) if electricity else None,
    ]


_STORAGE = (
    Column("id", "storage"),
    Column("kind", "kind", elastic=True),
    Column("read_bytes_per_s", "read", lambda v: scaled(v, "B/s")),
    Column("write_bytes_per_s", "write", lambda v: scaled(v, "B/s")),
    Column("bytes_per_s_per_byte", "per TiB", lambda v: scaled(v * 2**40, "B/s")),
    Column("usd_per_gb_month", "USD/GB/mo", _plain),
    Column("region", wide=True),
)


def _storage_row(_: Catalog, entry: Entry) -> list[Cell]:
    store = cast(Storage, entry)
    rates = store.throughput
    price = None if store.price is None else store.price * _GB * _SECONDS_PER_MONTH
    return [store.id, store.kind, rates.read, rates.write, rates.per_byte, price, store.region]


_NETWORKS = (
    Column("id", "network"),
    Column("kind", "kind"),
    Column("vendor", "vendor"),
    Column("port_bytes_per_s", "port Gb/s", lambda v: significant(v * 8 / _GB, 4)),
    Column("latency_s", "latency", duration),
    Column("efficiency", "efficiency", lambda v: f"{v:.2f}"),
)


def _network_row(_: Catalog, entry: Entry) -> list[Cell]:
    fabric = cast(Network, entry)
    return [fabric.id, fabric.kind, fabric.vendor, fabric.port, fabric.latency, fabric.efficiency]


_PRICES = (
    Column("instance", "instance", elastic=True),
    Column("provider", wide=True),
    Column("accelerator", wide=True),
    Column("accelerators", "n"),
    Column("region", "region", elastic=True),
    Column("term", "term"),
    Column("usd_per_h", "USD/h", _dollars),
    Column("date", "date"),
    Column("flag", wide=True),
    Column("source", wide=True),
    Column("standing", wide=True),
    Column("note", "note", elastic=True),
)


def _price_rows(catalog: Catalog, wanted: Filter) -> Iterator[list[Cell]]:
    book = PriceBook(catalog)
    for provider in book.providers():
        if wanted.provider and provider != wanted.provider:
            continue
        for accelerator, count, offer in book.list_prices(provider):
            if wanted.accelerator and accelerator != wanted.accelerator:
                continue
            if (wanted.region and offer.region != wanted.region) or (wanted.term and offer.term != wanted.term):
                continue
            note = "; ".join(text for text in (offer.flag, offer.note) if text)
            yield [
                *(offer.instance, provider, accelerator, count, offer.region, offer.term, offer.usd_per_hour),
                *(offer.date, offer.flag, offer.source, offer.standing.value, note),
            ]


_HOSTED = (
    Column("provider", "provider"),
    Column("model", "model", elastic=True),
    Column("mode", wide=True),
    Column("usd_per_million_input_tokens", "USD/M in", _plain),
    Column("usd_per_million_output_tokens", "USD/M out", _plain),
    Column("usd_per_million_cached_input_tokens", "cached", _plain),
    Column("max_input_tokens", wide=True),
    Column("max_output_tokens", wide=True),
    Column("price_page", wide=True),
)


def _hosted_rows(catalog: Catalog, wanted: Filter) -> Iterator[list[Cell]]:
    for model in hosted_models(catalog, provider=wanted.provider):
        if wanted.kind and model.mode != wanted.kind:
            continue
        prices = (model.usd_per_input_token, model.usd_per_output_token, model.usd_per_cached_input_token)
        yield [
            *(model.provider, model.model, model.mode),
            *(None if price is None else price * 1e6 for price in prices),
            *(model.max_input_tokens, model.max_output_tokens, model.price_page),
        ]


_Row = Callable[[Catalog, Entry], list[Cell]]
_ROWS: dict[str, tuple[tuple[Column, ...], _Row]] = {
    "accelerator": (_ACCELERATORS, _accelerator_row),
    "node": (_NODES, _node_row),
    "model": (_MODELS, _model_row),
    "facility": (_FACILITIES, _facility_row),
    "storage": (_STORAGE, _storage_row),
    "network": (_NETWORKS, _network_row),
}
_LISTS: dict[str, tuple[str, tuple[Column, ...], _Row]] = {
    KINDS[kind].folder: (kind, columns, row) for kind, (columns, row) in _ROWS.items()
}
