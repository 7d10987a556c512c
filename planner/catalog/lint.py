"""What can be wrong in a catalog that reads well: values without a source, spellings with two owners, odd numbers.

Documents that cannot be read at all are told too, apart, so that one broken file hides nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from planner.catalog.accelerator import Accelerator
from planner.catalog.currency import ExchangeRates
from planner.catalog.embodied import EmbodiedCarbon
from planner.catalog.entry import Entry
from planner.catalog.facility import Facility
from planner.catalog.interruption import SpotRules
from planner.catalog.kinds import KINDS
from planner.catalog.lint_prices import price_findings
from planner.catalog.node import Node
from planner.catalog.plausible import accelerator_findings, facility_findings
from planner.catalog.power import NodePowerRule
from planner.catalog.price import PriceRules
from planner.catalog.reliability import Reliability
from planner.catalog.store import Catalog
from planner.catalog.training_data import TrainingData
from planner.documents.reader import Trail, Tree
from planner.documents.types import Record
from planner.errors import Fault, InputError, did_you_mean
from planner.record import record

SHEETS: dict[str, type[Record]] = {
    "node-power": NodePowerRule,
    "exchange-rates": ExchangeRates,
    "reliability": Reliability,
    "training-data": TrainingData,
    "embodied-carbon": EmbodiedCarbon,
    "prices/rules": PriceRules,
    "prices/spot": SpotRules,
}
# Kinds whose every value must say where it came from; profiles and defaults give reasons of their own form.
SOURCED = ("accelerator", "node", "network", "model", "facility", "storage")
# What names an entry or tells of it, and measures nothing.
_TELLING = {
    *("schema", "id", "name", "aliases", "sources", "estimated", "recalled", "checked", "conflicts", "notes"),
    *("family", "relatives", "kind", "vendor", "provider", "region", "location", "proxy_of", "unpublished"),
}
_INTERVAL = {"low", "mid", "high"}


@record
class LintResult:
    """What is wrong in the catalogs.

    Parameters
    ----------
    unreadable : documents that cannot be read.
    findings : what is wrong in those that can.
    """

    unreadable: tuple[Fault, ...]
    findings: tuple[Fault, ...]


def lint_catalog(catalog: Catalog) -> LintResult:
    """Look through every entry, table and sheet of all folders."""
    unreadable: list[Fault] = []
    findings: list[Fault] = []
    entries: dict[str, dict[str, Entry]] = {}
    for kind in KINDS:
        entries[kind] = {}
        for name in catalog.ids(kind):
            try:
                entries[kind][name] = catalog.entry(kind, name)
            except InputError as error:
                unreadable += error.faults
    for kind, found in entries.items():
        findings += _owners(catalog, kind, found)
        for entry in found.values():
            try:
                findings += entry_findings(catalog, kind, entry, catalog.tree(kind, entry.id))
            except InputError as error:
                unreadable += error.faults
    for name, document in SHEETS.items():
        try:
            catalog.sheet(name, document)
            findings += _sheet_sources(catalog, catalog.sheet_tree(name))
        except InputError as error:
            unreadable += error.faults
    findings += _source_dates(catalog, unreadable)
    findings += price_findings(catalog, unreadable)
    # A broken document is met again by everything that refers to it.
    return LintResult(tuple(dict.fromkeys(unreadable)), tuple(findings))


def entry_findings(catalog: Catalog, kind: str, entry: Entry, tree: Tree) -> list[Fault]:
    """Give what is wrong in one entry, its spellings apart.

    Parameters
    ----------
    catalog : gives the sources and the entries that it refers to; need not hold the entry itself.
    kind : of the entry.
    entry, tree : typed, and as it stands in its file.
    """
    findings = [*_paths(entry, tree), *_references(catalog, entry, tree)]
    if kind in SOURCED:
        findings += _sources(catalog, entry, tree)
    if isinstance(entry, Accelerator):
        findings += accelerator_findings(entry, tree)
    if isinstance(entry, Facility):
        findings += facility_findings(entry, tree, catalog.sheet("exchange-rates", ExchangeRates))
    return findings


def values(tree: Tree) -> Iterator[tuple[str, Trail]]:
    """Give the dotted path and the place of every value of an entry; a range is one value."""
    for key, value in tree.value.items():
        if key not in _TELLING and not key.startswith("x-"):
            yield from _leaves(value, key, (key,))


def _leaves(value: Any, path: str, trail: Trail) -> Iterator[tuple[str, Trail]]:
    if isinstance(value, dict) and set(value) != _INTERVAL:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}", (*trail, key))
    else:
        yield path, trail


def _sources(catalog: Catalog, entry: Entry, tree: Tree) -> Iterator[Fault]:
    for path, trail in values(tree):
        if not entry.provenance(path).source:
            yield tree.fault("source-missing", f"{path} has no source", trail, key=True, hint="add it to 'sources'")
    used = [(key, ("sources", path)) for path, key in entry.sources.items()]
    used += [(key, ("checked", key)) for key in entry.checked]
    known = catalog.source_keys()
    for key, trail in used:
        if catalog.source(key) is None:
            hint = did_you_mean(key, known) or "add it to sources.yaml"
            yield tree.fault("source-unknown", f"no source '{key}'", trail, hint=hint)


def _sheet_sources(catalog: Catalog, tree: Tree) -> Iterator[Fault]:
    for key, trail in _named_sources(tree.value, ()):
        if catalog.source(key) is None:
            hint = did_you_mean(key, catalog.source_keys())
            yield tree.fault("source-unknown", f"no source '{key}'", trail, hint=hint)


def _named_sources(value: Any, trail: Trail) -> Iterator[tuple[str, Trail]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "source" and isinstance(inner, str):
                yield inner, (*trail, key)
            elif key == "sources" and isinstance(inner, dict):
                yield from ((source, (*trail, key, path)) for path, source in inner.items())
            else:
                yield from _named_sources(inner, (*trail, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _named_sources(inner, (*trail, number))


def _paths(entry: Entry, tree: Tree) -> Iterator[Fault]:
    named: list[tuple[str, Trail]] = [(path, ("sources", path)) for path in entry.sources if path != "default"]
    for listing in ("estimated", "recalled"):
        named += [(path, (listing, number)) for number, path in enumerate(getattr(entry, listing))]
    for source, paths in entry.checked.items():
        named += [(path, ("checked", source, number)) for number, path in enumerate(paths)]
    for path, trail in named:
        if not _exists(tree.value, path):
            hint = did_you_mean(path, [known for known, _ in values(tree)])
            yield tree.fault("path-missing", f"the entry has no value '{path}'", trail, hint=hint)


def _exists(value: Any, path: str) -> bool:
    for step in path.split("."):
        if not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return True


def _references(catalog: Catalog, entry: Entry, tree: Tree) -> Iterator[Fault]:
    wanted: list[tuple[str, str, Trail]] = []
    if isinstance(entry, Node):
        wanted.append(("accelerator", entry.accelerator, ("accelerator",)))
        if entry.network:
            wanted.append(("network", entry.network.fabric, ("network", "fabric")))
    if isinstance(entry, Accelerator):
        wanted += [("accelerator", name, ("relatives", i)) for i, name in enumerate(entry.relatives)]
    for kind, name, trail in wanted:
        if name not in catalog.ids(kind):
            hint = did_you_mean(name, catalog.ids(kind))
            yield tree.fault("reference-unknown", f"no {kind} has the id '{name}'", trail, hint=hint)
    if isinstance(entry, Accelerator) and entry.id in entry.relatives:
        yield tree.fault("reference-unknown", "a part is not its own relative", ("relatives",))


def _owners(catalog: Catalog, kind: str, entries: dict[str, Entry]) -> Iterator[Fault]:
    owner: dict[str, str] = {name.casefold(): name for name in entries}
    for entry in entries.values():
        seen: set[str] = set()
        for number, alias in enumerate(entry.aliases):
            folded = alias.casefold()
            other = owner.setdefault(folded, entry.id)
            if other != entry.id or folded in seen or folded == entry.id:
                tree = catalog.tree(kind, entry.id)
                message = f"'{alias}' belongs to {other} already"
                yield tree.fault("alias-twice", message, ("aliases", number), hint="one spelling has one owner")
            seen.add(folded)


def spelling_findings(catalog: Catalog, kind: str, entry: Entry, tree: Tree) -> list[Fault]:
    """Give the spellings of one entry that another entry of the catalogs owns."""
    findings = []
    for number, alias in enumerate(entry.aliases):
        owner = catalog.resolve(kind, alias)
        if owner not in (None, entry.id):
            message = f"'{alias}' belongs to {owner} already"
            findings.append(tree.fault("alias-twice", message, ("aliases", number), hint="one spelling has one owner"))
    return findings


def _source_dates(catalog: Catalog, unreadable: list[Fault]) -> Iterator[Fault]:
    for key in catalog.source_keys():
        try:
            source = catalog.source(key)
        except InputError as error:
            unreadable += error.faults
            continue
        if source and source.date and not _is_year(source.date[:4]):
            yield Fault("date-odd", f"source '{key}' is of {source.date}", hint="a year from 2010 to 2035")


def _is_year(text: str) -> bool:
    return text.isdigit() and 2010 <= int(text) <= 2035
