"""An entry with each of its values as written, and what is known of where it came from."""

from __future__ import annotations

from typing import Any

from planner.catalog.entry import Entry, Standing
from planner.catalog.lint import values
from planner.catalog.store import Catalog
from planner.documents.reader import Trail, Tree
from planner.record import record


@record
class Stated:
    """One value of an entry.

    Parameters
    ----------
    path : dotted.
    text : as the file has it, with its unit.
    source, date : key of the source and its date; "" where there is none.
    standing : how far it can be trusted.
    confirmed_by : keys of other sources that agree.
    """

    path: str
    text: str
    source: str
    date: str
    standing: Standing
    confirmed_by: tuple[str, ...] = ()


def stated_values(catalog: Catalog, kind: str, entry: Entry) -> list[Stated]:
    """Give every value of an entry in the order of its file."""
    tree = catalog.tree(kind, entry.id)
    found = []
    for path, trail in values(tree):
        provenance = entry.provenance(path)
        source = catalog.source(provenance.source)
        confirmed = tuple(key for key, paths in entry.checked.items() if path in paths)
        date = source.date if source else ""
        text = as_written(tree, trail)
        found.append(Stated(path, text, provenance.source, date, catalog.standing(provenance), confirmed))
    return found


def as_written(tree: Tree, trail: Trail) -> str:
    """Give a value of a document as it was written; the parts of a range joined."""
    value = tree.value
    for step in trail:
        value = value[step]
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return " / ".join(_text(inner) for inner in value.values())
    if isinstance(value, list):
        return ", ".join(_text(inner) for inner in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(getattr(value, "text", value))
