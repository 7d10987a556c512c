"""The errors of the serving fit as a table, for docs/serving.md."""

from __future__ import annotations

from collections.abc import Mapping

from planner.catalog.profile import Profile

BEGIN, END = "<!-- errors -->", "<!-- end of errors -->"
_WAYS = ("fitted", "model left out", "accelerator left out")


def errors_table(profile: Profile) -> str:
    """Give the medians of the fit's report, one line for each family of loads and metric."""
    told: dict[tuple[str, str], dict[str, float]] = {}
    for name, error in profile.fit.errors.items():
        family, metric, way = name.rsplit(", ", 2)
        told.setdefault((family, metric), {})[way] = error
    lines = [f"| load | metric | {' | '.join(_WAYS)} |", "|---|---|" + "---|" * len(_WAYS)]
    lines += [f"| {family} | `{metric}` | {_cells(errors)} |" for (family, metric), errors in sorted(told.items())]
    return "\n".join(lines)


def with_table(text: str, profile: Profile) -> str:
    """Give a document with the table between its marks."""
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n\n{errors_table(profile)}\n\n{END}{after}"


def _cells(errors: Mapping[str, float]) -> str:
    return " | ".join(f"{100 * errors[way]:.1f} %" if way in errors else "-" for way in _WAYS)
