"""The errors of the serving fit as a table, for docs/serving.md."""

from __future__ import annotations

from collections.abc import Mapping

from planner.catalog.profile import Profile

BEGIN, END = "<!-- errors -->", "<!-- end of errors -->"
_LEFT_OUT = ("model left out", "accelerator left out", "source left out")
_UNSEEN = "source and its ranges left out"
_WAYS = ("fitted", *_LEFT_OUT)


def errors_table(profile: Profile) -> str:
    """Give the errors of the fit's report, one line for each family of loads and metric.

    Told are the median (macro, 90th percentile), and last the shares inside their ranges of rows left out, and of
    sources that the ranges had not seen either.
    """
    told: dict[tuple[str, str], dict[str, float]] = {}
    for name, error in profile.fit.errors.items():
        family, metric, way = name.rsplit(", ", 2)
        told.setdefault((family, metric), {})[way] = error
    lines = [f"| load | metric | {' | '.join(_WAYS)} | in range |", "|---|---|" + "---|" * len(_WAYS) + "---|"]
    lines += [f"| {family} | `{metric}` | {_cells(errors)} |" for (family, metric), errors in sorted(told.items())]
    return "\n".join(lines)


def with_table(text: str, profile: Profile) -> str:
    """Give a document with the table between its marks."""
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n\n{errors_table(profile)}\n\n{END}{after}"


def _cells(errors: Mapping[str, float]) -> str:
    inside = [
        f"{100 * errors[name]:.0f}" for name in (f"{way} (inside)" for way in (*_LEFT_OUT, _UNSEEN)) if name in errors
    ]
    return " | ".join(_cell(errors, way) for way in _WAYS) + f" | {', '.join(inside)} %"


def _cell(errors: Mapping[str, float], way: str) -> str:
    if way not in errors:
        return "-"
    spread = [f"{100 * errors[name]:.0f}" for name in (f"{way} (macro)", f"{way} (p90)") if name in errors]
    return f"{100 * errors[way]:.1f} %" + (f" ({', '.join(spread)})" if spread else "")
