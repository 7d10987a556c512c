"""A search as CSV: one line for each kind of machine with its best strategy, and for each unbeaten strategy."""

from __future__ import annotations

import csv
import io

from planner.planning.search_result import Candidate, SearchResult
from planner.planning.search_words import degrees_words, offload_words, recompute_words
from planner.report.escape import for_csv
from planner.report.json_report import rounded
from planner.report.search_json import RESULTS

_COLUMNS = ("list", "node", "accelerators", "inside_limits", "parallelism", "recompute", "offload", *RESULTS, "reason")


def render(found: SearchResult) -> str:
    """Give a search as CSV; the column `list` says which list a line is of: machines, front or top."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for verdict in found.machines:
        writer.writerow(_line("machines", verdict.node, verdict.best, inside=verdict.inside, reason=verdict.reason))
    for name, candidates in (("front", found.front), ("top", found.top)):
        for each in candidates:
            writer.writerow(_line(name, each.node, each, inside=True, reason=each.bound))
    return stream.getvalue()


def _line(of: str, node: str, each: Candidate | None, *, inside: bool, reason: str) -> list[object]:
    start: list[object] = [of, for_csv(node), "" if each is None else each.accelerators, str(inside).lower()]
    if each is None:
        return [*start, "", "", "", *([""] * len(RESULTS)), for_csv(reason)]
    words = [degrees_words(each), recompute_words(each.recompute), offload_words(each.offload)]
    numbers = ["" if (value := each.results[name]) is None else rounded(value) for name in RESULTS]
    return [*start, *map(for_csv, words), *numbers, for_csv(reason)]
