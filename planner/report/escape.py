"""Text that users wrote, made safe for each place it is printed in; nothing else may format it."""

from __future__ import annotations

import re

from planner.errors import visible


def for_terminal(text: str) -> str:
    r"""Give text for a terminal: control, bidirectional and zero-width characters as escapes.

    >>> for_terminal("a\u202eb")
    'a\\u202eb'
    """
    return visible(text)


# What a spreadsheet takes for the beginning of a formula, in ASCII and in full width (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def for_csv(text: str) -> str:
    """Give text for a cell of a CSV file: control characters as escapes, and no formula.

    What a spreadsheet would run gets an apostrophe before it.

    >>> for_csv("=1+1"), for_csv("p5.48xlarge")
    ("'=1+1", 'p5.48xlarge')
    """
    shown = visible(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def for_html(text: str) -> str:
    r"""Give text for a page or a chart: hidden characters but the ends of lines as escapes.

    What HTML would take for its own the template's autoescape shows as text.

    >>> for_html("a\u202eb")
    'a\\u202eb'
    """
    return "\n".join(visible(line) for line in text.split("\n"))


def for_link(url: str) -> str:
    """Give the address of a link; "" for one that a browser would not merely open, such as `javascript:`.

    >>> for_link("https://example.org/a"), for_link("javascript:alert(1)")
    ('https://example.org/a', '')
    """
    return visible(url) if url.lower().startswith(("https://", "http://")) else ""


# What begins code, emphasis, a link, an image, HTML, a table cell or a reference (@team, #1, !1, ~label, &1, ^alert)
# in GitHub's or GitLab's Markdown; and what does so before or after certain characters alone: `:tada:` and
# `https://`, $mathematics$ but not an amount, %milestone, `www.`, `GH-1`.
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#!|~&@^\"]|:(?! |\Z)|\$(?!\d)|%(?=\w)|(?<=www)\.|(?<=gh)-", re.IGNORECASE)


def for_markdown(text: str) -> str:
    """Give text for a table cell or the inside of a line of Markdown: no link, image, HTML, mention or reference.

    >>> for_markdown("a | @team <!-- b"), for_markdown("$5.00 (+1.0 %)")
    ('a &#124; &#64;team &#60;&#33;-- b', '$5.00 (+1.0 %)')
    """
    return _MARKDOWN.sub(lambda found: f"&#{ord(found[0])};", visible(text))
