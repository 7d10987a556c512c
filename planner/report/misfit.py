"""Why something does not fit, as a line of a report says it."""

from __future__ import annotations

_LEAD = "does not fit: "


def misfit(why_not: str) -> str:
    """Give the line for a reason; reasons that were a command's own error begin with what the line begins with.

    >>> misfit("price is unknown"), misfit("does not fit: 3.0 GiB too much")
    ('does not fit: price is unknown', 'does not fit: 3.0 GiB too much')
    """
    return why_not if why_not.startswith(_LEAD) else _LEAD + why_not
