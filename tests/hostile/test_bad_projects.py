"""Wrong project files through the real command: refused at their place, before anything is planned."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from planner import cli
from planner.errors import InputError
from planner.scenario.project import read_project, scenario_files
from tests.hostile.test_bad_scenarios import GOOD, changed

HEAD = "schema: planner/project/v1\n"
# Nobody rents out a DGX by the year.
UNPRICED = changed("term: owned", "term: reserved-1y")

Estimate = Callable[..., tuple[int, str, str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Estimate:
    """Run `planner estimate` in a folder with a planner.yaml; give its exit code, its stdout and its stderr."""
    monkeypatch.chdir(tmp_path)

    def run(text: str | None, scenario: str = GOOD, *options: str) -> tuple[int, str, str]:
        if text is not None:
            (tmp_path / "planner.yaml").write_text(text)
        (tmp_path / "scenario.yaml").write_text(scenario)
        code = cli.run(["estimate", "scenario.yaml", *options])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, told.out, told.err

    return run


def test_a_good_project_and_none_at_all_both_work(project: Estimate) -> None:
    assert project(None)[0] == 0
    assert project(HEAD)[0] == 0


def test_a_project_file_that_is_none(project: Estimate, tmp_path: Path) -> None:
    (tmp_path / "planner.yaml").mkdir()
    assert project(None)[0] == 2
    (tmp_path / "planner.yaml").rmdir()
    os.mkfifo(tmp_path / "planner.yaml")
    assert project(None)[0] == 2
    (tmp_path / "planner.yaml").unlink()
    (tmp_path / "planner.yaml").symlink_to("missing")
    assert project(None)[0] == 2
    (tmp_path / "planner.yaml").unlink()
    (tmp_path / "planner.yaml").symlink_to("/dev/zero")
    assert project(None)[0] == 2


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("", "1:1", "[yaml-empty]"),
        ("schema: planner/scenario/v1\n", "1:9", "did you mean 'planner/project/v1'"),
        (HEAD + "curency: EUR\n", "2:1", "did you mean 'currency'?"),
        (HEAD + "currency: EURO\n", "2:11", "did you mean 'EUR'?"),
        (HEAD + "prices: {on: yesterday}\n", "2:14", "[date]"),
        (HEAD + "prices: {on: 2026-02-30}\n", "2:14", "[date]"),
        (HEAD + "prices: {on_missing: zero}\n", "2:22", "error"),
        (HEAD + "defaults: {restart: 5 GB}\n", "2:21", "[quantity]"),
        (HEAD + "defaults: {pue: 0.5}\n", "2:17", "at least 1"),
        (HEAD + "exchange_rates: {date: 2026-01-01, source: x, per_usd: {KRW: 0}}\n", "2:62", "[out-of-range]"),
        (HEAD + "catalogs: [none]\n", "2:12", "[file-missing]"),
        (HEAD + "catalogs: [../..]\n", "2:12", "[path-outside]"),
        (HEAD + "catalogs: [/etc]\n", "2:12", "[path-outside]"),
        (HEAD + "catalogs: [link]\n", "2:12", "[path-outside]"),
        (HEAD + "discounts: [{provider: aws, share: 120 %, until: 2030-01-01}]\n", "2:36", "[out-of-range]"),
    ],
)
def test_faults_are_told_at_their_place(text: str, place: str, says: str, project: Estimate, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    code, _, said = project(text)
    assert code == 2
    assert f"planner.yaml:{place}" in said
    assert says in said


class TestDiscounts:
    TEXT = HEAD + "prices: {on: %s}\ndiscounts: [{provider: aws, share: 10 %%, until: 2026-06-30}]\n"

    def test_an_expired_one_is_refused(self, project: Estimate) -> None:
        code, _, said = project(self.TEXT % "2026-07-01")
        assert (code, "[discount-expired]" in said) == (2, True)

    def test_one_of_which_nobody_knows_whether_it_holds_is_refused(self, project: Estimate) -> None:
        code, _, said = project(HEAD + "discounts: [{provider: aws, share: 10 %, until: 2026-06-30}]\n")
        assert (code, "[discount-undated]" in said) == (2, True)


class TestMoney:
    def test_a_missing_price_is_an_error_where_the_project_says_so(self, project: Estimate) -> None:
        code, _, said = project(HEAD + "prices: {on_missing: error}\n", UNPRICED)
        assert code == 2
        assert "[unknown-price]" in said

    def test_and_otherwise_it_is_unknown_and_every_sum_with_it(self, project: Estimate) -> None:
        code, out, _ = project(HEAD, UNPRICED, "--output", "json=-")
        assert code == 0
        results = json.loads(out)["results"]
        money = {name: result["value"] for name, result in results.items() if "usd" in name}
        assert money
        assert set(money.values()) == {None}
        assert results["accelerator_hours"]["value"] > 0


def test_scenarios_whose_names_differ_in_case_alone_are_refused(tmp_path: Path) -> None:
    for name in ("a.yaml", "A.yaml"):
        (tmp_path / name).write_text(GOOD)
    if len(list(tmp_path.iterdir())) == 1:
        pytest.skip("this file system knows no case")
    (tmp_path / "planner.yaml").write_text(HEAD + "scenarios: ['*.yaml']\n")
    with pytest.raises(InputError, match="file-twins"):
        scenario_files(read_project(tmp_path / "planner.yaml"))
