"""Text in columns of a terminal: how wide it is, cut, filled and folded; wide characters take two columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def width(text: str) -> int:
    """Give the columns that a text takes.

    >>> width("Llama"), width("모델")
    (5, 4)
    """
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def cut(text: str, columns: int) -> str:
    """Give a text in at most that many columns, its end replaced by an ellipsis where it is too long.

    >>> cut("norms and activations", 9), cut("short", 9)
    ('norms an…', 'short')
    """
    if width(text) <= columns:
        return text
    kept, used = [], 0
    for character in text:
        used += _columns(character)
        if used > columns - 1:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def left(text: str, columns: int) -> str:
    """Give a text at the left of so many columns."""
    shown = cut(text, columns)
    return shown + " " * (columns - width(shown))


def right(text: str, columns: int) -> str:
    """Give a text at the right of so many columns."""
    shown = cut(text, columns)
    return " " * (columns - width(shown)) + shown


def fold(text: str, columns: int, *, indent: str = "", hanging: str | None = None) -> list[str]:
    """Give a text in lines of at most so many columns, broken between words; a word longer than a line is cut up.

    Parameters
    ----------
    text : any white space in it counts as one space.
    columns : of the longest line, its indent included.
    indent, hanging : before the first line, and before the others; as the first where unsaid.
    """
    after = indent if hanging is None else hanging
    lines: list[str] = []
    line = ""
    for word in text.split():
        for piece in _pieces(word, columns - max(width(indent), width(after))):
            room = columns - width(after if lines else indent)
            if line and width(line) + 1 + width(piece) > room:
                lines.append((after if lines else indent) + line)
                line = piece
            else:
                line = f"{line} {piece}" if line else piece
    lines.append((after if lines else indent) + line)
    return lines


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, first: int, each: int) -> list[str]:
    """Give rows as lines: a first column of names, and numbers at the right of columns of one width.

    Parameters
    ----------
    headers : of every column. rows : of texts, one for each column.
    first, each : width of the names, and of every other column.
    """
    return [
        left(cells[0], first) + "".join(right(" " + cell, each) for cell in cells[1:]) for cells in (headers, *rows)
    ]


def _pieces(word: str, columns: int) -> list[str]:
    pieces = []
    while width(word) > columns:
        at = 1
        while at < len(word) and width(word[: at + 1]) <= columns:
            at += 1
        pieces.append(word[:at])
        word = word[at:]
    return [*pieces, word] if word else pieces


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
