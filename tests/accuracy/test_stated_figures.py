"""What docs/accuracy.md and the training profile state of the fit is what the rows say."""

from __future__ import annotations

import re

import numpy as np
import pytest

from planner.accuracy.formats import built_in_files, rows_of_files
from planner.accuracy.row import Row
from planner.accuracy.score import score
from planner.planning.books import Books
from tests.conftest import ROOT

pytestmark = pytest.mark.unmeasured

TIMES = ("step_time_s", "tokens_per_s_per_accelerator")
PAGE = (ROOT / "docs" / "accuracy.md").read_text("utf-8")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    found = rows_of_files(built_in_files("planner.accuracy.training_family"), books=Books(), leave_out=None)
    return [row for row in found if row.quality in ("A", "B") and row.metric in TIMES]


def stated(name: str) -> list[float]:
    """Give the percentages in the first line of the page that begins with a name."""
    line = next(line for line in PAGE.splitlines() if line.startswith(f"| {name} |"))
    return [float(number) for number in re.findall(r"(-?\d+\.\d) %", line)]


def test_the_page_s_figures_in_fit_are_those_of_the_rows(rows: list[Row]) -> None:
    found = score([row for row in rows if ":" not in row.id])
    assert found is not None
    told = [100 * value for value in (found.macro, found.median, found.p90, found.bias)]
    assert stated("**planner, in fit**") == pytest.approx(told, abs=0.15)


def test_the_profile_s_report_agrees_with_the_rows_and_the_page() -> None:
    report = Books().catalog.profile("training").fit.errors
    for view in ("in fit", "source left out", "accelerator left out"):
        macro, median, p90 = stated(f"**planner, {view}**")[:3]
        told = [100 * report[f"{view}, {what}"] for what in ("macro", "median", "p90")]
        assert [macro, median, p90] == pytest.approx(told, abs=0.15), view


def test_predictions_beat_every_rule_of_thumb_even_where_the_rules_know_the_rows(rows: list[Row]) -> None:
    listed = [row for row in rows if ":" not in row.id]
    ours = score(listed)
    for name in ("constant", "median", "bubble"):
        theirs = score(listed, baseline=name)
        assert ours is not None
        assert theirs is not None
        assert ours.macro < 0.6 * theirs.macro, name


def test_hardly_any_row_of_known_quality_is_refused(rows: list[Row]) -> None:
    refused = [row for row in rows if row.predicted is None]
    assert len(refused) <= 0.05 * len(rows)
    assert all(row.reason for row in refused)


def test_no_parameter_lies_on_a_bound_and_ranges_widen_as_less_is_known() -> None:
    profile = Books().catalog.profile("training")
    for name, parameter in profile.parameters.items():
        assert parameter.low < parameter.value, name
        assert parameter.value < parameter.high or name == "recompute_whole", name
    for kind in ("", "-dense", "-experts", "-lora", "-other"):
        spans = [profile.ranges[f"{basis}{kind}"] for basis in ("measured", "relative", "datasheet")]
        assert np.all(np.diff([spread.low for spread in spans]) <= 0)
        assert np.all(np.diff([spread.high for spread in spans]) >= 0)
