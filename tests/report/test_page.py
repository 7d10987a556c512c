"""The page of an estimate as a file: whole, its policy strict, hostile text inert; with charts or without."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from planner import cli
from planner.report.page import charts
from tests.conftest import ROOT
from tests.policy.projects import Project

PRETRAIN = "scenarios/examples/llama-3.1-405b-pretrain.yaml"
ON_P5 = "scenarios/examples/llama-3.1-70b-on-p5.yaml"
HOSTILE = '</script><script>alert(1)</script> "><img src=x onerror=alert(1)> {{ 7*7 }} \u202e'
SMALL = """\
schema: planner/scenario/v1
name: small
title: %s
workload: {kind: training, model: llama-3.1-8b, tokens: 1 B, sequence_length: 8192, global_batch: 64 sequences}
hardware: {node: p5.48xlarge, accelerators: 8, term: on-demand}
parallelism: {sharding: zero-3}
"""

Made = Callable[..., str]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Made:
    """Make the page of a scenario, without charts, and give its text."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(charts, "is_installed", lambda: False)

    def make(*arguments: str) -> str:
        path = tmp_path / "page.html"
        code = cli.run([*arguments, "--output", f"html={path}"])
        assert (code, capsys.readouterr().err) == (0, "")
        return path.read_text("utf-8")

    return make


class Read(HTMLParser):
    """What is in a page: tags with attributes, scripts, and visible text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.told: list[str] = []
        self.inside = ""
        self.tables: list[list[int]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append(0)
        elif tag in ("th", "td"):
            self.tables[-1][-1] += 1

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] += data
        else:
            self.told.append(data)


def assert_tables_are_whole(page: Read) -> None:
    """Every row of every table has a cell for each of its columns."""
    assert page.tables
    assert all(len(set(cells)) == 1 for cells in page.tables)


def policy_of(page: Read) -> str:
    (found,) = [
        a["content"] for tag, a in page.tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert found is not None
    return found


def test_the_policy_lets_the_page_s_own_scripts_run_and_nothing_else(made: Made) -> None:
    page = Read(made("estimate", ON_P5))
    policy = policy_of(page)
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert re.findall(r"script-src ([^;]+)", policy)[0].count("unsafe") == 0
    for script in page.scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_nothing_is_loaded_from_elsewhere(made: Made) -> None:
    page = Read(made("estimate", ON_P5))
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "img", "audio", "video")
        assert "src" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "a" and not (attributes["href"] or "").startswith("#"):
            assert (attributes["href"] or "").startswith(("https://", "http://"))
            assert attributes["rel"] == "noopener noreferrer"


def test_a_title_s_markup_is_text_in_the_page(made: Made, tmp_path: Path) -> None:
    file = tmp_path / "hostile.yaml"
    file.write_text(SMALL % json.dumps(HOSTILE, ensure_ascii=True), "utf-8")
    text = made("estimate", str(file))
    page = Read(text)
    shown = HOSTILE.replace("\u202e", "\\u202e")
    assert shown in page.told
    assert "\u202e" not in text
    assert "49" not in [piece.strip() for piece in page.told if "7*7" in piece]
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert len(page.scripts) == 1


def test_sources_lead_to_web_pages_and_nowhere_else(made: Made) -> None:
    from planner.report.escape import for_link

    assert for_link("javascript:alert(1)") == ""
    assert for_link("data:text/html,x") == ""
    assert for_link(" https://example.org") == ""
    assert 'href="https://' in made("estimate", ON_P5)


def test_without_charts_all_numbers_are_there_and_the_command_that_brings_charts(made: Made) -> None:
    page = Read(made("estimate", ON_P5))
    told = " ".join(page.told)
    assert "pip install 'accelerator-planner[report]'" in told
    captions = [piece for piece in page.told if piece in ("Memory by stage and cause", "What moves the cost")]
    assert len(captions) >= 2
    assert "matrix products" in told
    assert all("open" in attributes for tag, attributes in page.tags if tag == "details")


def test_the_full_input_makes_the_same_numbers_again(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Read(made("estimate", ON_P5, "--set", "workload.tokens=1T"))
    again = tmp_path / "again.yaml"
    again.write_text(next(piece for piece in page.told if piece.startswith('{\n  "schema"')), "utf-8")
    results = []
    for arguments in ([str(again)], [ON_P5, "--set", "workload.tokens=1T"]):
        assert cli.run(["estimate", *arguments, "--output", "json=-"]) == 0
        results.append(json.loads(capsys.readouterr().out)["results"])
    assert results[0] == results[1]


def test_every_key_number_of_the_table_is_on_the_page(made: Made) -> None:
    told = Read(made("estimate", ON_P5)).told
    for label in ("duration", "cost", "cost per million tokens", "energy", "carbon", "power from the grid"):
        assert label in told
    assert any("$" in piece for piece in told)


def test_ages_are_counted_to_the_day_of_the_project_s_prices(made: Made) -> None:
    """So that the same input makes the same bytes whatever day it is."""
    text = made("estimate", ON_P5)
    assert "their age on 2026-11-21" in text
    assert text == made("estimate", ON_P5)


@pytest.mark.parametrize(
    "file",
    sorted(str(path.relative_to(ROOT)) for path in (ROOT / "scenarios" / "examples").glob("*.yaml")),
    ids=lambda name: Path(name).stem,
)
def test_every_example_makes_a_page(made: Made, file: str) -> None:
    text = made("estimate", file)
    assert len(text.encode()) <= 2_000_000
    assert "<h1>" in text
    assert_tables_are_whole(Read(text))
    assert "None" not in re.sub(r"<pre.*?</pre>|<script.*?</script>", "", text, flags=re.DOTALL)


def test_a_search_s_page_shows_its_winner_its_front_and_who_cannot_take_part(made: Made) -> None:
    scenario = "scenarios/examples/llama-3.1-8b-on-trainium.yaml"
    page = Read(made("search", scenario, "--nodes", "trn1.32xlarge,p5.48xlarge,dgx-2"))
    assert_tables_are_whole(page)
    told = page.told
    assert "the winner" in told
    assert "The front of time, money and energy, the fastest first" in told
    assert any("no matrix products in bf16" in piece for piece in told)
    assert "What one change would do" in told


def test_a_search_of_a_service_shows_its_best_and_who_cannot_serve(made: Made) -> None:
    page = Read(made("search", "scenarios/examples/llama-3.1-70b-service.yaml", "--nodes", "p5.48xlarge,inf2.xlarge"))
    assert_tables_are_whole(page)
    assert "The best of each kind of machine" in page.told
    assert "inf2.xlarge" in page.told


def test_a_check_s_page_shows_findings_with_their_places_budgets_and_changes(made: Made, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "small.yaml").write_text(SMALL % "small", "utf-8")
    budget = "{id: little, metric: cost_total_usd, deny: 1 USD, owner: team-a, message: ask first}"
    text = f"schema: planner/project/v1\nname: demo\nscenarios: [small.yaml]\nbudgets: [{budget}]\n"
    (project / "planner.yaml").write_text(text, "utf-8")
    page = project / "check.html"
    assert cli.run(["check", str(project / "planner.yaml"), "--output", f"html={page}"]) == 1
    read = Read(page.read_text("utf-8"))
    assert_tables_are_whole(read)
    told = read.told
    assert any(piece.startswith("FAILED: 1 failing") for piece in told)
    assert any("budget-over" in piece for piece in told)
    assert any("small.yaml:" in piece for piece in told)
    assert "Share of each budget that is used" in told
    assert "team-a" in told


def test_a_check_s_chart_shows_what_each_cause_did_and_its_parts_sum_to_the_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.new(tmp_path, "baseline: {ref: main}\n", "alpha", "beta")
    project.price(60.0)
    project.scenario("alpha", tokens="500 B")
    monkeypatch.setattr(charts, "is_installed", lambda: False)
    text = project.check(form="html").out
    assert_tables_are_whole(Read(text))
    assert "Why the cost moved" in text
    table = text.partition("Changes of the cost by cause</span>")[2].partition("</table>")[0]
    rows = {
        row[0]: row[1:] for row in (re.findall('data-value="([^"]*)"', line) for line in table.split("</tr>")) if row
    }
    told = project.check().json["scenarios"]
    assert rows.keys() == {"alpha", "beta"}
    for name, cells in rows.items():
        *parts, change = (float(cell or 0) for cell in cells)
        assert sum(parts) == pytest.approx(change)
        assert change == pytest.approx(float(told[name]["changes"]["cost_total_usd"]["change"]))
    assert rows["beta"][1] == ""  # its plan is as it was: all of it is the price's


def test_a_comparison_s_tables_are_whole(made: Made) -> None:
    for arguments in ((PRETRAIN, "--variants"), ("scenarios/examples/machine-room.yaml",)):
        assert_tables_are_whole(Read(made("compare", *arguments)))


def test_svg_without_the_extra_names_the_command_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setitem(__import__("sys").modules, "altair", None)
    code = cli.run(["estimate", ON_P5, "--output", f"svg={tmp_path / 'x.svg'}"])
    told = capsys.readouterr()
    assert code == 2
    assert "run: pip install 'accelerator-planner[report]'" in told.err
    assert not (tmp_path / "x.svg").exists()
