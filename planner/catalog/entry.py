"""What every catalog entry has: an id, other spellings, and where each of its values came from."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal

from pydantic import Field

from planner.documents.types import Date, Id, Record, Text
from planner.record import record


class Standing(Enum):
    """How far a value can be trusted, best first."""

    READ = "read"
    QUOTED = "quoted"
    RECALLED = "recalled"
    ESTIMATED = "estimated"

    @property
    def is_weak(self) -> bool:
        """Whether results that rest on the value must say so."""
        return self in (Standing.RECALLED, Standing.ESTIMATED)


class Source(Record):
    """A document that values come from.

    `access` tells how it was seen: `read`, `via:...` (quoted by another text that was read), `recalled`
    (known, not re-read) or `estimated` (our own reasoning, told in the title).
    """

    title: Text
    url: Text = ""
    date: Text = ""
    kind: Text = ""
    access: Text = "read"
    note: Text = ""

    @property
    def standing(self) -> Standing:
        """How far values from this source can be trusted."""
        if self.access.startswith("via"):
            return Standing.QUOTED
        known = {
            "recalled": Standing.RECALLED,
            "estimated": Standing.ESTIMATED,
            "derived": Standing.ESTIMATED,
        }
        return known.get(self.access, Standing.READ)


class SourceList(Record):
    """The file of all sources, by key."""

    schema_: Annotated[Literal["planner/sources/v1"], Field(alias="schema")]
    sources: dict[Text, Source]


@record
class Provenance:
    """Where one value came from."""

    entry: str
    path: str
    source: str
    standing: Standing


class Entry(Record):
    """Base of all catalog entries.

    Parameters
    ----------
    id : the file's name without its ending.
    aliases : every other spelling; each belongs to one entry.
    sources : source key by dotted path of a value, with `default` for the rest.
    estimated : dotted paths of values that nobody published for this part; ours or a third party's.
    recalled : dotted paths of values attributed to a source that was not re-read.
    checked : by source, dotted paths of values that this second source confirms within 2 %.
    conflicts : what other sources say, and why they were not taken.
    """

    id: Id
    name: Text
    aliases: tuple[Text, ...] = ()
    sources: dict[Text, Text] = {}
    estimated: tuple[Text, ...] = ()
    recalled: tuple[Text, ...] = ()
    checked: dict[Text, tuple[Text, ...]] = {}
    conflicts: tuple[Text, ...] = ()
    notes: Text = ""

    def provenance(self, path: str) -> Provenance:
        """Give where the value at a dotted path came from; of the nearest path around it where it has none."""
        standing = Standing.READ
        if _covers(self.recalled, path):
            standing = Standing.RECALLED
        if _covers(self.estimated, path):
            standing = Standing.ESTIMATED
        return Provenance(self.id, path, self._source(path), standing)

    def _source(self, path: str) -> str:
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            key = self.sources.get(".".join(parts[:length]))
            if key is not None:
                return key
        return self.sources.get("default", "")


def _covers(paths: tuple[str, ...], path: str) -> bool:
    return any(path == listed or path.startswith(listed + ".") for listed in paths)


class Dated(Record):
    """A record that states its date and source in itself, as rows of a table do."""

    date: Date
    source: Text
