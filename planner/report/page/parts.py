"""What a page shows, as records that know nothing of HTML: cards, tables, figures, sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from planner.record import record

Kind = Literal["bars", "stacked", "tornado", "ranges", "lines", "points", "curve"]


@record
class Card:
    """A key number.

    Parameters
    ----------
    label, value : what it is, and the number with its unit. span : its range in words; "" where it has none.
    ends : where the range begins, its middle lies, and it ends, as shares of the card's width.
    weight : "large" for the first ones.
    """

    label: str
    value: str
    span: str = ""
    ends: tuple[float, float, float] | None = None


@record
class Cell:
    """One cell of a table: its text, what it is sorted by, where it links to, and whether it stands out."""

    text: str
    value: float | str = ""
    url: str = ""
    mark: str = ""


@record
class Column:
    """A column: its header, and whether it holds numbers, or sentences."""

    header: str
    is_number: bool = False
    is_long: bool = False


def number(header: str) -> Column:
    """Give a column of numbers."""
    return Column(header, is_number=True)


@record
class Table:
    """A table.

    Parameters
    ----------
    caption : in words. columns, rows : one cell for each column.
    choices : what the page's filter knows each row by; empty where it does not filter this table.
    owner : what it knows the whole table by, where that is of one candidate.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    choices: tuple[str, ...] = ()
    owner: str = ""


@record
class Figure:
    """A chart and its numbers.

    Parameters
    ----------
    key : its name in files and addresses. title : in plain words. says : what to see in it.
    kind : how it is drawn. rows : what is drawn; a row that the page's filter hides has a `choice`.
    x, y : titles of the axes. more : what else the kind wants.
    table : the same numbers, for those who do not see the chart.
    choices : what the page's filter knows the rows by; empty where it does not filter them.
    owner : what it knows the whole figure by, where that is of one candidate.
    """

    key: str
    title: str
    says: str
    kind: Kind
    rows: tuple[Mapping[str, Any], ...]
    table: Table
    x: str = ""
    y: str = ""
    more: Mapping[str, Any] | None = None
    choices: tuple[str, ...] = ()
    owner: str = ""


@record
class Section:
    """A part of the page under one heading: texts, then figures, then tables."""

    key: str
    title: str
    intro: str = ""
    lines: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()


@record
class Source:
    """A document that the page rests on, written out so that it can be run again; `owner` as of a table."""

    name: str
    text: str
    owner: str = ""


@record
class Page:
    """A page.

    Parameters
    ----------
    title, lead : at its top. facts : what was planned, in words.
    sections : in their order.
    choices : what the filter offers: a key, and its label.
    sources : the full input. command : that makes the page again.
    notes : what the reader should know.
    """

    title: str
    lead: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    choices: tuple[tuple[str, str], ...] = ()
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All figures, in their order."""
        return tuple(figure for section in self.sections for figure in section.figures)


def aligned(texts: Sequence[str]) -> list[str]:
    """Give numbers of a column filled up behind, so that their points stand under each other.

    Figure spaces are as wide as a digit where digits are all of one width.

    >>> aligned(["1.25", "30"])
    ['1.25', '30\u2008\u2007\u2007']
    """
    after = [len(text.partition(".")[2]) if "." in text else -1 for text in texts]
    most = max(after, default=-1)
    return [
        text + ("\u2008" if count < 0 <= most else "") + "\u2007" * (most - max(count, 0))
        for text, count in zip(texts, after, strict=True)
    ]
