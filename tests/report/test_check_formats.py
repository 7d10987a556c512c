"""Outputs of `planner check` in the hands of those they are meant for: schemas, parsers, and hostile text."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema_rs
import pytest
import xmlschema
from markdown_it import MarkdownIt
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from planner.cli.schema import schemas
from planner.errors import Location
from planner.planning.estimate import Currency
from planner.policy.finding import Finding, FindingKind
from planner.report import escape
from planner.report.check_words import message
from tests.conftest import ROOT
from tests.policy.projects import Project

SCHEMAS = ROOT / "tests/report/schemas"
FORMATS = ("table", "json", "baseline", "markdown", "junit", "sarif", "github", "gitlab", "csv", "openmetrics")
HOSTILE = (
    "[/oops] [link=http://x]y",
    "\x1b[31mred\x1b]8;;http://x\x07",
    "\u202egnp.exe\u200b\u2066",
    "</script><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "a\n::error ::b %0A::set-output name=x::y",
    "::error file=a::b",
    "##[add-mask]x ##vso[task.complete]",
    "EOF\nghadelimiter",
    "@team @org/team #1 !1 `code` | cell <!-- planner-check --> ![x](http://x) https://x.example www.x.example",
    "=cmd|' /C calc'!A0",
    "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1",
    "x\ud7ff\uffff\ufffe",
    "$x$ :tada: GH-1 ~label &1 ^alert %milestone",
    '"quoted" \\ back',
)  # fmt: skip
RULES = """\
budgets: [{id: b, metric: cost_total_usd, deny: 10, combine: each, owner: "@ml/platform"}]
policies:
  - {id: p, metric: days, max: 0.001, level: warn}
waivers: [{of: p, ceiling: 1e9, until: 2030-01-01, by: "@nobody"}, {of: b, ceiling: 1, until: 2020-01-01, by: jane}]
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose scenarios, tags, messages and files are called after attacks."""
    project = Project.new(tmp_path_factory.mktemp("hostile"))
    for number, text in enumerate(HOSTILE):
        quoted = json.dumps(text)
        claim = f"claim: {{id: c, says: {quoted}, source: {quoted}, note: n, expect: [{{metric: days, max: 0}}]}}\n"
        project.scenario(f"s{number}", title=text, more=f"tags: {{team: {quoted}}}\n{claim}")
    project.scenario("odd,name: a %b;'$(x)`", more="")
    (project.root / "scenarios/odd,name: a %b;'$(x)`.yaml").rename(
        project.root / "scenarios/odd,name a %b;'$(x)`=1.yaml"
    )
    project.write(
        "scenarios/odd,name a %b;'$(x)`=1.yaml",
        (project.root / "scenarios/alpha.yaml").read_text("utf-8").replace("name: alpha", "name: odd"),
    )
    said = "\n".join(
        f"  - {{id: m{number}, metric: days, max: 0, scope: {{scenarios: [alpha]}}, "
        f"message: {json.dumps(text)}, owner: {json.dumps(text)}}}"
        for number, text in enumerate(HOSTILE)
    )
    project.rules(RULES.replace("\nwaivers", f"\n{said}\nwaivers"))
    return project


@pytest.fixture(scope="module")
def outputs(hostile: Project) -> dict[str, str]:
    found = {}
    folder = hostile.root
    arguments = [word for form in FORMATS[1:] for word in ("--output", f"{form}={folder / form}")]
    outcome = hostile.check("--no-baseline", *arguments, form="table")
    assert outcome.code == 1, outcome.err
    found["table"] = outcome.out
    for form in FORMATS[1:]:
        found[form] = (folder / form).read_text("utf-8")
        (folder / form).unlink()
    return found


@pytest.mark.parametrize("form", FORMATS)
def test_no_hidden_character_passes(outputs: dict[str, str], form: str) -> None:
    if form == "json":  # its own writer escapes what JSON must not hold; values are as they were written
        assert json.loads(outputs[form])["scenarios"]["s1"]["title"] == HOSTILE[1]
        return
    hidden = re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]", outputs[form])
    assert hidden == []


def test_json_holds_to_its_published_schema(outputs: dict[str, str]) -> None:
    document = json.loads(outputs["json"])
    jsonschema_rs.Draft202012Validator(schemas()["check"]).validate(document)
    assert re.fullmatch(r"[0-9]+\.[0-9]+", document["scenarios"]["alpha"]["results"]["cost_total_usd"]["value"])


def test_a_baseline_holds_to_its_published_schema_and_is_a_fraction_of_the_whole(outputs: dict[str, str]) -> None:
    jsonschema_rs.Draft202012Validator(schemas()["baseline"]).validate(json.loads(outputs["baseline"]))
    assert len(outputs["baseline"]) < len(outputs["json"]) / 4


def test_junit_holds_to_the_schema_that_jenkins_published(outputs: dict[str, str]) -> None:
    xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd")).validate(outputs["junit"])
    suites = ElementTree.fromstring(outputs["junit"])  # noqa: S314 - our own
    counts = {suite.get("name"): (suite.get("tests"), suite.get("failures")) for suite in suites}
    assert counts["budgets"] == ("1", "1")
    assert counts["claims"] == (str(len(HOSTILE)),) * 2
    assert counts["policies"] == (str(1 + len(HOSTILE)), str(len(HOSTILE)))


def test_sarif_holds_to_its_schema(outputs: dict[str, str]) -> None:
    log = json.loads(outputs["sarif"])
    # As published, two patterns have a bracket that closes nothing, which a strict reader of patterns refuses.
    text = (SCHEMAS / "sarif-2.1.0.json").read_text("utf-8").replace('[a-zA-Z]{2}]?$"', '[a-zA-Z]{2}$"')
    schema = json.loads(text)
    jsonschema_rs.Draft4Validator(schema, validate_formats=True).validate(log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    waived = [result for result in run["results"] if result.get("suppressions")]
    assert waived
    uris = {place["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"] for place in r["locations"]}
    assert "scenarios/odd%2Cname%20a%20%25b%3B%27%24%28x%29%60%3D1.yaml" in uris


def commands(line: str) -> tuple[str, dict[str, str], str] | None:
    """Read a line as the runner of GitHub Actions does: its command, properties and message, or None."""
    text = line.lstrip()
    if not text.startswith("::") or "::" not in text[2:]:
        return None
    head, _, data = text[2:].partition("::")
    name, _, said = head.partition(" ")
    properties = dict(each.split("=", 1) for each in said.split(",") if "=" in each)
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        properties = {key: value.replace(code, char) for key, value in properties.items()}
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        data = data.replace(code, char)
    return name, properties, data


def test_github_s_runner_finds_one_annotation_for_each_finding_and_no_other_command(outputs: dict[str, str]) -> None:
    findings = json.loads(outputs["json"])["findings"]
    read = [found for line in outputs["github"].splitlines() if (found := commands(line)) is not None]
    assert len(read) == len(findings)
    assert {name for name, _, _ in read} <= {"error", "warning", "notice"}
    for (_, properties, _), finding in zip(read, findings, strict=True):
        place = finding["where"]
        assert properties["file"] == place["file"]
        assert (properties["line"], properties["col"]) == (str(place["line"]), str(place["column"]))
        assert set(properties) == {"file", "line", "col", "title"}


@pytest.mark.parametrize("form", ["table", "markdown", "csv", "openmetrics", "junit"])
def test_no_output_that_is_printed_in_a_log_holds_a_command(outputs: dict[str, str], form: str) -> None:
    lines = outputs[form].splitlines()
    assert [line for line in lines if commands(line) is not None] == []
    if form == "table":
        assert [line for line in lines if re.search(r"##\w*\[", line)] == []


def test_gitlab_s_report_has_what_its_documentation_asks_for(outputs: dict[str, str]) -> None:
    """Fields, types and severities as GitLab documents them for code quality reports."""
    text = {"type": "string", "minLength": 1}
    lines = {"type": "object", "required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}}
    location = {"type": "object", "required": ["path", "lines"], "properties": {"path": text, "lines": lines}}
    severity = {"enum": ["info", "minor", "major", "critical", "blocker"]}
    issue = {"description": text, "check_name": text, "fingerprint": text, "severity": severity, "location": location}
    issues: list[dict[str, Any]] = json.loads(outputs["gitlab"])
    schema = {"type": "array", "items": {"type": "object", "required": list(issue), "properties": issue}}
    jsonschema_rs.Draft202012Validator(schema).validate(issues)
    prints = [issue["fingerprint"] for issue in issues]
    assert len(prints) == len(set(prints)) == len(json.loads(outputs["json"])["findings"])
    assert all(not issue["location"]["path"].startswith(("/", "./")) for issue in issues)


def test_no_cell_of_the_csv_is_a_formula_and_numbers_stay_numbers(outputs: dict[str, str], hostile: Project) -> None:
    rows = list(csv.DictReader(io.StringIO(outputs["csv"])))
    numbers = ("value", "low", "high", "before", "change", "limit", "line", "column")
    for row in rows:
        for key, cell in row.items():
            assert cell is not None
            if key in numbers and cell:
                float(cell)
            else:
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))
    raw = hostile.check("--no-baseline", "--csv-raw", form="csv").out
    assert len(list(csv.DictReader(io.StringIO(raw)))) == len(rows)


def test_openmetrics_is_read_by_prometheus_own_parser(outputs: dict[str, str]) -> None:
    families = {family.name: family for family in text_string_to_metric_families(outputs["openmetrics"])}
    assert families["planner_check_failed"].samples[0].value == 1
    document = json.loads(outputs["json"])
    values = {(s.labels["scenario"], s.labels["metric"]): s.value for s in families["planner_scenario_result"].samples}
    assert values["alpha", "days"] == document["scenarios"]["alpha"]["results"]["days"]["value"]


def html_of(text: str) -> str:
    return str(MarkdownIt("gfm-like", {"html": True, "linkify": False}).enable(["table"]).render(text))


def test_in_markdown_no_text_of_users_is_a_link_an_image_html_or_a_mention(outputs: dict[str, str]) -> None:
    text = outputs["markdown"]
    html = html_of(text)
    assert set(re.findall(r"<([a-z0-9]+)", html)) <= {
        "h3",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "br",
        "sub",
    }
    assert text.count("<!--") == 1
    # Only the owners of rules that fail are called, and only by names that can be called; nobody by other fields.
    assert set(re.findall(r"@[\w/-]+", text)) == {"@ml/platform", "@team", "@org/team"}
    assert not re.search(r"https?://|www\.|(?<!&)#\d|:\w+:|\bGH-\d", text)


def test_every_row_of_the_comment_has_its_cells(outputs: dict[str, str]) -> None:
    rows = [line for line in outputs["markdown"].splitlines() if line.startswith("|")]
    assert {line.count("|") - 1 for line in rows} <= {3, 4, 6}


@pytest.mark.unmeasured
def test_the_comment_keeps_to_its_size_by_leaving_out_whole_rows(hostile: Project) -> None:
    before = (hostile.root / "planner.yaml").read_text("utf-8")
    sizes = []
    for most in (2_000, 4_000, 8_000, 60_000):
        hostile.write("planner.yaml", f"{before}comment: {{most_bytes: {most}}}\n")
        text = hostile.check("--no-baseline", form="markdown").out
        sizes.append(len(text.encode("utf-8")))
        assert sizes[-1] <= most
        assert text.startswith("<!-- planner-check -->\n")
        assert text.endswith("</sub>\n")
        for line in text.splitlines():
            assert not line.startswith("|") or line.endswith("|")
    hostile.write("planner.yaml", before)
    assert sizes == sorted(sizes)
    assert sizes[0] > 1_000


def test_values_that_differ_never_print_alike() -> None:
    finding = Finding(
        FindingKind.BUDGET_OVER,
        "deny",
        subject="a",
        where=Location("a", 1, 1),
        metric="cost_total_usd",
        value=5_000_000.01,
        limit=5_000_000.0,
    )
    assert message(finding, Currency()) == "a: cost USD 5,000,000.01, allowed at most USD 5,000,000.00"


def test_text_of_users_goes_through_one_module() -> None:
    """Every format of a check takes its escape from there, by its own function."""
    wanted = {
        "check_table": "for_terminal",
        "check_markdown": "for_markdown",
        "check_junit": "for_xml",
        "check_sarif": "for_uri",
        "check_github": "for_github",
        "check_gitlab": "for_text",
        "check_csv": "for_csv",
        "check_openmetrics": "for_openmetrics",
    }
    for module, function in wanted.items():
        assert hasattr(escape, function)
        text = (ROOT / "planner/report" / f"{module}.py").read_text("utf-8")
        assert function in text


def test_the_folder_of_schemas_says_where_each_is_from() -> None:
    said = (SCHEMAS / "README.md").read_text("utf-8")
    assert [
        file.name for file in sorted(Path(SCHEMAS).iterdir()) if file.name not in said and file.name != "README.md"
    ] == []
