"""What a comparison says in words, the same in every format; nothing here is escaped yet."""

from __future__ import annotations

import math
from collections.abc import Sequence

from planner.metrics import METRICS
from planner.planning.breakeven import BreakEven
from planner.planning.comparison import Comparison, Line
from planner.planning.front import Front
from planner.report.labels import label_of
from planner.report.numbers import money
from planner.units.printing import counted, significant

AHEAD = "ahead of all others, whatever the ranges hold"
LEVEL = "too close to the best one to tell them apart"
UNKNOWN = "unknown, because an input is"
RATIOS = "the ratio to the best one"


def machines_of(comparison: Comparison, n: int) -> str:
    """Say on what a candidate runs: its plan's machines, place and numbers."""
    plan = dict(comparison.candidates[n].estimate.plan)
    told = (plan.get(key) for key in ("machines", "accelerators", "place", "precision"))
    return ", ".join(each for each in told if each)


def verdict_words(line: Line, comparison: Comparison) -> str:
    """Say who is ahead in a result, or why nobody is."""
    letter = [candidate.letter for candidate in comparison.candidates]
    if line.best is None:
        return "nobody is ahead"
    if not line.differs:
        return "all the same"
    unknown = f"that of {_and([letter[n] for n in line.unknown])} is unknown" if line.unknown else ""
    if not line.level:
        ahead = f"{letter[line.best]} is ahead"
        return f"no winner: {unknown}; of the others {ahead}" if unknown else ahead
    close = _and([letter[n] for n in sorted((line.best, *line.level))])
    if all(_value(line, n) == _value(line, line.best) for n in line.level):
        return "; ".join(filter(None, (f"{close} are the same, and the best", unknown)))
    return "; ".join(filter(None, (f"no winner: {close} are too close to tell", unknown)))


def break_even_words(found: BreakEven, comparison: Comparison) -> str:
    """Say at which value one candidate costs as much as another."""
    of, against = (comparison.candidates[n].letter for n in (found.of, found.against))
    shown = break_even_value(found, found.value, comparison) + break_even_span(found, comparison)
    now = break_even_value(found, found.now, comparison)
    if found.kind in ("node-hour price", "node price"):
        unit = "an hour of a node" if found.kind == "node-hour price" else "a node"
        if found.value is None or found.now is None:
            return f"{of} costs more than {against} at any price of its machines; it pays {now} for {unit}"
        return f"{of} costs what {against} does at {shown} for {unit}, {_change(found.value, found.now)} from {now}"
    if found.kind == "months owned":
        if found.value is None:
            return f"owning {of} never costs less than renting {against}: the purchase is not paid back"
        return f"owning {of} has paid back its purchase against renting {against} after {shown}"
    what = "of the time at work" if found.kind == "utilisation" else "a month"
    if found.value is None:
        return f"owning {of} costs more than renting {against} however much it works"
    if found.kind == "utilisation" and found.value > 1:
        return f"owning {of} costs more than renting {against} even if it works all the time"
    return f"owning {of} costs less than renting {against} above {shown} {what}; planned: {now}"


def break_even_span(found: BreakEven, comparison: Comparison) -> str:
    """Give the range of a break-even in words, with a space before it; "" where it has none."""
    if found.value is None or found.low is None or found.high is None or found.low == found.high:
        return ""
    low, high = (break_even_value(found, end, comparison) for end in (found.low, found.high))
    return f" ({low} to {high})"


def break_even_value(found: BreakEven, value: float | None, comparison: Comparison) -> str:
    """Give a break-even with its unit; "never" for none."""
    if value is None or math.isinf(value):
        return "never"
    if found.kind == "utilisation":
        return f"{value * 100:.0f} %"
    if found.kind == "tokens a month":
        return f"{counted(value, digits=3)} tokens"
    if found.kind == "months owned":
        return f"{significant(value, 3)} months"
    return money(value, comparison.currency)


def front_words(front: Front, comparison: Comparison) -> list[str]:
    """Say which candidates are worth a choice, and which are beaten by whom."""
    letter = [candidate.letter for candidate in comparison.candidates]
    first, second = (label_of(metric) for metric in front.metrics)
    told = [f"by {first} and {second}: {_and([letter[n] for n in front.on])}"]
    told += [f"{letter[n]} is beaten in both by {letter[better]}" for n, better in front.beaten.items()]
    return told


def shared_words(comparison: Comparison) -> str:
    """Say what cancels when candidates are compared."""
    shared = (
        f"the same in all of these: {', '.join(comparison.shared)}" if comparison.shared else "none is in all of these"
    )
    return (
        "an uncertain input that is one and the same in two scenarios moves in both at once, so that it cancels; "
        f"{shared}. The model's own error counts as the same where accelerator, framework, model and "
        "number format are."
    )


def short_names(comparison: Comparison) -> list[str]:
    """Give names without what the first one has too: `@fp8` beside `llama`, where all are of one scenario."""
    names = [candidate.name for candidate in comparison.candidates]
    for sign in ("@", " on ", "/"):
        heads = {name.partition(sign)[0] for name in names}
        if len(heads) == 1:
            return [
                f"{sign.strip()} {name.partition(sign)[2]}".replace("@ ", "@") if sign in name else name
                for name in names
            ]
    return names


def meaning_of(metric: str) -> str:
    """Give what a result means, in a sentence."""
    return METRICS[metric].meaning


def _change(value: float, now: float) -> str:
    return f"{(value / now - 1.0) * 100:+.0f} %".replace("-", "−")


def _value(line: Line, n: int) -> float | None:
    result = line.results[n]
    return result.mid if result else None


def _and(letters: Sequence[str]) -> str:
    return letters[0] if len(letters) == 1 else f"{', '.join(letters[:-1])} and {letters[-1]}"
