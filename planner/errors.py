"""Every way the planner can decline to answer, with what would help.

    PlannerError                exit code
    ├── InputError              2   a document, option or value is wrong
    │   ├── UnknownNameError    2   a catalog has no such entry
    │   └── MissingExtraError   2   an optional dependency is not installed
    ├── InfeasibleError         3   the question is well put and nothing satisfies it
    └── MeasurementError        4   a measurement could not be made, or the model misses its tolerance

Exit code 1 belongs to `planner check` (a budget or policy is broken) and 70 to a bug in the planner itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from planner.record import record

EXIT_PASS = 0
EXIT_FINDING = 1
EXIT_INPUT = 2
EXIT_INFEASIBLE = 3
EXIT_MEASUREMENT = 4
EXIT_BUG = 70


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a text file; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@record
class Fault:
    """One thing that is wrong.

    Parameters
    ----------
    id : stable identifier, listed in docs/errors.md.
    message : what is wrong, without a full stop.
    where : place in the user's file, when there is one.
    excerpt : the line of the file at `where`.
    allowed : what could stand there, already in words.
    hint : what to do next: a nearest name, a command to run.
    """

    id: str
    message: str
    where: Location | None = None
    excerpt: str = ""
    allowed: str = ""
    hint: str = ""

    def render(self) -> str:
        """Give the fault as the lines shown in a terminal, without colour.

        >>> print(Fault("unknown-key", "unknown key 'memroy'", hint="did you mean 'memory'?").render())
        unknown key 'memroy' [unknown-key]
          did you mean 'memory'?
        """
        head = f"{visible(self.message)} [{self.id}]"
        # No runner of CI may take a line for a command: that would begin with two colons.
        alone = f"planner: {head}" if head.lstrip().startswith("::") else head
        lines = [f"{self.where}: {head}" if self.where else alone]
        if self.where and self.excerpt.strip():
            shown, offset = _window(self.excerpt, self.where.column)
            gutter = f"{self.where.line:>5} | "
            lines.append(gutter + shown)
            lines.append(" " * (len(gutter) - 2) + "| " + " " * offset + "^")
        if self.allowed:
            lines.append(f"  allowed: {visible(self.allowed)}")
        if self.hint:
            lines.append(f"  {visible(self.hint)}")
        return "\n".join(lines)


def _window(excerpt: str, column: int, width: int = 68) -> tuple[str, int]:
    """Cut a long line around its fault; give the cut and the fault's offset in it."""
    text = visible(excerpt.rstrip("\r\n"))
    # Escaping widens what stands before the column, so the offset is measured on the escaped prefix.
    at = len(visible(excerpt[: column - 1]))
    start = 0 if at < width - 8 else at - width // 2
    cut = text[start : start + width]
    return ("…" + cut[1:] if start else cut), max(at - start, 0)


def visible(text: str) -> str:
    r"""Replace control, bidirectional and zero-width characters by escapes so that a terminal shows them.

    >>> visible("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    if text.isprintable():  # nearly every text: nothing that can be printed is hidden
        return text
    return "".join(_escaped(ch) if _is_hidden(ch) else ch for ch in text)


def brief(value: object, *, most: int = 60) -> str:
    r"""Give a value of a user's document for a message: hidden characters shown, long texts cut.

    >>> brief("a\tb"), brief("x" * 100, most=4)
    ('a\\tb', 'xxx…')
    """
    text = visible(str(value)[: most + 1])
    return text if len(text) <= most else text[: most - 1] + "…"


def _is_hidden(ch: str) -> bool:
    code = ord(ch)
    return (
        code < 0x20
        or 0x7F <= code < 0xA0
        or 0x200B <= code <= 0x200F
        or 0x2028 <= code <= 0x202E
        or 0x2060 <= code <= 0x2069
        or code == 0xFEFF
        or 0xD800 <= code <= 0xDFFF
    )


def _escaped(ch: str) -> str:
    return ch.encode("unicode_escape", "surrogatepass").decode("ascii")


class PlannerError(Exception):
    """Base of every error that the planner raises on purpose."""

    exit_code: ClassVar[int] = EXIT_BUG

    def __init__(self, *faults: Fault) -> None:
        self.faults: tuple[Fault, ...] = faults
        super().__init__("\n".join(fault.render() for fault in faults))


class InputError(PlannerError):
    """A document, an option or a value is wrong."""

    exit_code = EXIT_INPUT


class UnknownNameError(InputError):
    """A catalog has no entry of that name."""


class MissingExtraError(InputError):
    """An optional dependency is not installed."""

    def __init__(self, *, extra: str, purpose: str) -> None:
        super().__init__(
            Fault(
                "missing-extra",
                f"{purpose} needs the extra '{extra}', which is not installed",
                hint=f"run: pip install 'accelerator-planner[{extra}]'",
            )
        )


class InfeasibleError(PlannerError):
    """The question is well put, and nothing satisfies it."""

    exit_code = EXIT_INFEASIBLE


class MeasurementError(PlannerError):
    """A measurement could not be made, or the model is outside its tolerance."""

    exit_code = EXIT_MEASUREMENT


def input_error(
    id: str,  # noqa: A002 - the field's own name
    message: str,
    *,
    where: Location | None = None,
    excerpt: str = "",
    allowed: str = "",
    hint: str = "",
) -> InputError:
    """Give an InputError of one fault."""
    return InputError(Fault(id, message, where, excerpt, allowed, hint))


_LONGEST_NAME = 200  # nobody misspells a longer one, and comparing costs its square


def nearest(name: str, known: Iterable[str], *, limit: int = 3) -> list[str]:
    """Give the known names most like `name`, best first; none if nothing is close.

    >>> nearest("memroy", ["memory", "power", "link"])
    ['memory']
    """
    import difflib

    if len(name) > _LONGEST_NAME:
        return []
    folded = {candidate.casefold(): candidate for candidate in known}
    wanted = name.casefold()
    close = difflib.get_close_matches(wanted, folded, n=limit, cutoff=0.6)
    # Contained names count as near too: "h100" should offer "h100-sxm".
    if len(wanted) >= 3:
        close += [c for c in sorted(folded, key=lambda c: (len(c), c)) if wanted in c and c not in close]
    return [folded[c] for c in close[:limit]]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give "did you mean 'x'?" for the nearest names, or an empty text.

    >>> did_you_mean("h10-sxm", ["h100-sxm", "tpu-v4"])
    "did you mean 'h100-sxm'?"
    """
    close = nearest(name, known)
    if not close:
        return ""
    return "did you mean " + " or ".join(f"'{c}'" for c in close) + "?"


def listing(names: Sequence[str], *, most: int = 12) -> str:
    """Join names for an error, cutting a long list with a count.

    >>> listing(["a", "b", "c"], most=2)
    'a, b, ... (3 in all)'
    """
    if len(names) <= most:
        return ", ".join(names)
    return ", ".join(names[:most]) + f", ... ({len(names)} in all)"
