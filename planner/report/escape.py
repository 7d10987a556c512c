"""Text that users wrote, made safe for each place it is printed in; nothing else may format it."""

from __future__ import annotations

from planner.errors import visible


def for_terminal(text: str) -> str:
    r"""Give text for a terminal: control, bidirectional and zero-width characters as escapes.

    >>> for_terminal("a\u202eb")
    'a\\u202eb'
    """
    return visible(text)
