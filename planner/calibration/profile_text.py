"""A profile as the text of its document: one line for each parameter, engine, family and chip."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from planner.catalog.profile import EngineMoves, Moves, Profile

_PLAIN = re.compile(r"[A-Za-z][\w.+/-]*\Z")
_WORDS = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")


def profile_text(profile: Profile, *, comment: str = "") -> str:
    """Give the document of a profile of engines, in YAML.

    Parameters
    ----------
    profile : parameters, engines, families, chips, ranges and the report of its fit.
    comment : lines at its head, without their `#`.
    """
    lines = [f"# {line}" for line in comment.splitlines()]
    lines += ["schema: planner/profile/v1", f"id: {profile.id}", f"name: {_value(profile.name)}"]
    lines += [f"kind: {profile.kind}", "parameters:"]
    lines += [
        f"  {name}: {_value(entry.model_dump(exclude_defaults=True))}" for name, entry in profile.parameters.items()
    ]
    sections = ("families", "chips", "engines", "libraries", "operators", "builds")
    for title, members in [(title, getattr(profile, title)) for title in sections]:
        if members:
            lines.append(f"{title}:")
            lines += [f"  {name}: {_value(_moves(moves))}" for name, moves in _ordered(members)]
    for title, records in (("ranges", profile.ranges), ("domain", profile.domain)):
        if records:
            lines.append(f"{title}:")
            lines += [f"  {_value(name)}: {_value(_plain(record))}" for name, record in records.items()]
    lines.append("fit:")
    report = profile.fit
    lines += [f"  date: {report.date}", f"  rows: {report.rows}", f"  method: {_value(report.method)}"]
    if report.errors:
        lines.append("  errors:")
        lines += [f"    {_value(name)}: {_value(error)}" for name, error in report.errors.items()]
    lines.append(f"sources: {_value(_plain(profile.sources))}")
    return "\n".join(lines) + "\n"


def _ordered(members: Mapping[str, Moves]) -> list[tuple[str, Moves]]:
    """Engines keep the order in which they were written; others are sorted."""
    if any(isinstance(moves, EngineMoves) for moves in members.values()):
        return list(members.items())
    return sorted(members.items())


def _moves(moves: Moves) -> dict[str, Any]:
    stated = moves.model_dump(exclude_defaults=True)
    last = {key: stated.pop(key) for key in ("priors", "factors", "shifts") if stated.get(key)}
    return {**stated, **last}


def _plain(record: Any) -> Any:
    return record.model_dump() if hasattr(record, "model_dump") else record


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_value(key)}: {_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return value if _PLAIN.match(value) and value.lower() not in _WORDS else json.dumps(value, ensure_ascii=False)
    return str(value)
