"""Text that users wrote, made safe for each place it is printed in; nothing else may format it."""

from __future__ import annotations

import re
from urllib.parse import quote

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


def for_text(text: str) -> str:
    r"""Give text for a document whose own writer escapes what its format needs: hidden characters as escapes.

    >>> for_text("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return visible(text)


_NOT_XML = re.compile("[\ufffe\uffff]|[\U0001fffe\U0001ffff]")


def for_xml(text: str) -> str:
    r"""Give text for XML, whose writer escapes markup: characters that XML cannot hold as escapes.

    >>> for_xml("a\x00b\uffff")
    'a\\x00b\\uffff'
    """
    return _NOT_XML.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), visible(text))


def for_uri(path: str) -> str:
    """Give the path of a file as a relative URI.

    >>> for_uri("scenarios/a b:c.yaml")
    'scenarios/a%20b%3Ac.yaml'
    """
    return quote(path.replace("\\", "/").removeprefix("./"), safe="/", errors="replace")


def for_github(text: str) -> str:
    r"""Give text for the message of a workflow command: its lines are one line, and none begins a command.

    >>> for_github("50 %\n::error ::x")
    '50 %25%0A::error ::x'
    """
    lines = (visible(line) for line in text.split("\n"))
    return "%0A".join(line.replace("%", "%25") for line in lines)


def for_github_property(text: str) -> str:
    """Give text for a property of a workflow command.

    >>> for_github_property("a,b:c")
    'a%2Cb%3Ac'
    """
    return visible(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")


def for_openmetrics(text: str) -> str:
    r"""Give text for a label's value or a help line.

    >>> for_openmetrics('a "b"')
    'a \\"b\\"'
    """
    return visible(text).replace("\\", "\\\\").replace('"', '\\"')


# What a runner's log takes for a command: at the start of a line, white space aside, or anywhere in it.
_LOG_COMMAND = re.compile(r"^(\s*)::|(#)(?=#(?:\w*\[))")


def for_log(line: str) -> str:
    r"""Give a line of output so that no CI runner that reads it finds a command in it.

    >>> print(for_log("  ::error ::x"), for_log("##[add-mask]x"))
      \::error ::x #\#[add-mask]x
    """
    return _LOG_COMMAND.sub(lambda found: f"{found[1]}\\::" if found[1] is not None else "#\\", line)
