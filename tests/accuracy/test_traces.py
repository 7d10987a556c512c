"""Published traces through the engine's loop, by the command's own way in."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from planner.accuracy.formats import read_file
from planner.accuracy.row import Row
from planner.accuracy.serving_family import rows_of
from planner.catalog.folders import built_in
from planner.documents.files import ReadBudget
from planner.planning.books import Books

TRACES = sorted((built_in() / "measurements" / "traces").glob("*.yaml"))


def rows(path: Path) -> list[Row]:
    return rows_of([read_file(path, ReadBudget())], books=Books(), leave_out=None)


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_percentiles_under_overload_lie_in_their_ranges(path: Path) -> None:
    """Both machines get more than they sustain: waiting is minutes, and the model has to know how long."""
    found = {row.metric: row for row in rows(path)}
    assert set(found) == {f"{name}_p{p}_ms" for name in ("ttft", "tpot") for p in (50, 90, 99)}
    for row in found.values():
        assert row.kind == "trace"
        assert row.inside, row
    for name in ("ttft", "tpot"):
        times = [found[f"{name}_p{p}_ms"].predicted or 0.0 for p in (50, 90, 99)]
        assert times == sorted(times)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "nobody/no-such-model"}, "no model"),
        ({"accelerator": "abacus"}, "no accelerator"),
        ({"model": "meta-llama/Llama-3.1-405B"}, "no room for a cache"),
        ({"engine_kwargs": {"tensor_parallel_size": 7}}, "not divisible"),
    ],
)
def test_a_trace_that_cannot_be_replayed_says_why(change: dict[str, object], words: str, tmp_path: Path) -> None:
    document = yaml.safe_load(TRACES[0].read_text("utf-8")) | change
    copy = tmp_path / "own.yaml"
    copy.write_text(yaml.safe_dump(document), "utf-8")
    copy.with_suffix(".csv").write_text(TRACES[0].with_suffix(".csv").read_text("utf-8"), "utf-8")
    assert all(words in row.reason for row in rows(copy))


def test_a_trace_without_its_requests_is_refused(tmp_path: Path) -> None:
    alone = tmp_path / "own.yaml"
    alone.write_text(TRACES[0].read_text("utf-8"), "utf-8")
    (row,) = rows(alone)
    assert "own.csv" in row.reason


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("input_tokens", "-1034", "request 3 of the trace has a prompt or an answer below zero"),
        ("queued_s", "nan", "request 3 of the trace has no number of tokens, or no time"),
        ("first_token_s", "0.0001", "request 3 of the trace has a first token before the request was queued"),
        ("last_token_s", "0.45", "request 3 of the trace has a last token before the first"),
        ("output_tokens", "many", "lack a number"),
    ],
)
def test_requests_that_no_run_can_have_are_refused(column: str, value: str, words: str, tmp_path: Path) -> None:
    copy = tmp_path / "own.yaml"
    copy.write_text(TRACES[0].read_text("utf-8"), "utf-8")
    header, *requests = TRACES[0].with_suffix(".csv").read_text("utf-8").splitlines()
    third = requests[2].split(",")
    third[header.split(",").index(column)] = value
    requests[2] = ",".join(third)
    copy.with_suffix(".csv").write_text("\n".join([header, *requests]), "utf-8")
    assert all(words in row.reason for row in rows(copy))
