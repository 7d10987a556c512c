"""A search for the best way to serve, for programs: as JSON and as CSV; money in US dollars."""

from __future__ import annotations

import csv
import io

from planner.planning.serving_choices import Choice, ServiceSearch
from planner.report.escape import for_csv
from planner.report.json_report import dumps, rounded

_FORMAT = "planner/service-search/v1"
_DEGREES = ("tensor", "data", "expert", "pipeline")
_SAID = ("node", "accelerator", "engine", "weights")
_COUNTS = ("replicas", "prefill", "decode", "nodes")


def render_json(found: ServiceSearch) -> str:
    """Give a search as JSON; null where unknown."""
    return dumps(
        {
            "schema": _FORMAT,
            "name": found.name,
            "title": found.title,
            "minimise": found.minimise,
            "load": found.load,
            "requests_per_s": found.rate,
            "tried": found.tried,
            "kept": found.kept,
            "top": [_record(choice) for choice in found.top],
            "machines": [_record(choice) for choice in found.best],
            "refused": dict(found.refused),
            "notes": list(found.notes),
        }
    )


def _record(choice: Choice) -> dict[str, object]:
    return {
        **{name: getattr(choice, name) for name in (*_SAID, *_COUNTS)},
        "layout": {name: getattr(choice.layout, name) for name in _DEGREES},
        "utilisation": rounded(choice.utilisation),
        "results": {name: rounded(value) for name, value in choice.results.items()},
    }


def render_csv(found: ServiceSearch) -> str:
    """Give a search as CSV: the best few, the best of each machine, and machines that have none with the reason."""
    results = list(found.top[0].results) if found.top else []
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["list", *_SAID, *_DEGREES, *_COUNTS, "utilisation", *results, "reason"])
    for name, choices in (("top", found.top), ("machines", found.best)):
        for choice in choices:
            said = [for_csv(getattr(choice, key)) for key in _SAID]
            numbers = [getattr(choice.layout, key) for key in _DEGREES] + [getattr(choice, key) for key in _COUNTS]
            values = [choice.results[key] for key in results]
            told = ["" if value is None else rounded(value) for value in values]
            writer.writerow([name, *said, *numbers, rounded(choice.utilisation), *told, ""])
    empty = [""] * (len(_SAID) - 1 + len(_DEGREES) + len(_COUNTS) + 1 + len(results))
    for node, why in found.refused.items():
        writer.writerow(["refused", for_csv(node), *empty, for_csv(why)])
    return stream.getvalue()
