"""What must hold of every check, whatever its numbers: how its findings answer to changes of its inputs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import ROOT, plain_environment
from tests.policy.projects import RULES, TODAY, Project

pytestmark = pytest.mark.unmeasured

NAMES = ("alpha", "beta", "gamma")
FINDINGS = {"budgets": "budget-over", "policies": "policy-over"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Three scenarios of different cost, with a budget and a policy that all of them keep."""
    found = Project.new(tmp_path_factory.mktemp("meta"), RULES, *NAMES)
    for number, name in enumerate(NAMES, start=1):
        found.scenario(name, tokens=f"{number * 50} B")
    found.commit()
    return found


@pytest.fixture(autouse=True)
def restored(project: Project) -> object:
    yield
    project.git("checkout", "--quiet", "--force", "main")
    project.git("clean", "--quiet", "--force", "-d")


def findings(project: Project, *arguments: str) -> list[tuple[str, str, str]]:
    found = project.check(*(arguments or ("--no-baseline",))).json["findings"]
    return [(finding["id"], finding["rule"], finding["scenario"]) for finding in found]


@pytest.mark.parametrize("metric", ["cost_total_usd", "days", "energy_kwh", "peak_memory_gb"])
def test_moving_a_limit_across_a_value_flips_exactly_one_finding(project: Project, metric: str) -> None:
    """At the value itself the limit is kept, by one digit in the ninth place below it is not."""
    results = project.check("--no-baseline").json["scenarios"]["beta"]["results"]
    value = Decimal(str(results[metric]["value"]))
    below = value - Decimal(1).scaleb(value.adjusted() - 8)
    rule = "{{id: {id}, metric: {metric}, {bound}: {limit}, scope: {{scenarios: [beta]}}}}"
    for kind, bound in (("budgets", "combine: each, deny"), ("policies", "max")):
        seen = []
        for limit in (value, below):
            moved = rule.format(id="moved", metric=metric, bound=bound, limit=limit)
            still = rule.format(id="still", metric=metric, bound=bound, limit=0)
            project.rules(f"{kind}: [{moved}, {still}]\n")
            seen.append(findings(project))
        flipped = set(seen[0]) ^ set(seen[1])
        assert flipped == {(FINDINGS[kind], "moved", "beta")}
        assert flipped <= set(seen[1])


def test_an_unrelated_scenario_changes_no_finding(project: Project) -> None:
    rule = "{id: b, metric: cost_total_usd, deny: 1, scope: {scenarios: [alpha, beta]}}"
    project.rules(f"budgets: [{rule}]\npolicies: [{{id: p, metric: days, max: 0, scope: {{scenarios: [beta]}}}}]\n")
    before = project.check("--no-baseline").json
    project.scenario("unrelated", tokens="7 T")
    after = project.check("--no-baseline").json
    assert after["findings"] == before["findings"]
    assert after["budgets"] == before["budgets"]
    assert {name: after["scenarios"][name] for name in NAMES} == before["scenarios"]


def test_a_check_of_what_the_baseline_is_has_an_empty_difference(project: Project) -> None:
    project.write("stored.json", project.check("--no-baseline").out)
    for arguments in (("--baseline", "main"), ("--baseline", "HEAD"), ("--baseline-file", "stored.json")):
        found = project.check(*arguments).json
        assert found["gone"] == []
        for scenario in found["scenarios"].values():
            assert (scenario["changes"], scenario["is_new"]) == ({}, False)
        assert "No change against" in project.check(*arguments, form="table").out


def test_a_change_that_is_no_plan_changes_nothing(project: Project) -> None:
    for name in NAMES:
        file = project.root / f"scenarios/{name}.yaml"
        text = file.read_text("utf-8").replace("workload:", "title: another title\nnotes: a note\nworkload:")
        file.write_text(text + "\n# a comment\n", "utf-8")
    found = project.check("--baseline", "main").json
    assert all(scenario["changes"] == {} for scenario in found["scenarios"].values())


WAIVERS = (
    "{of: training, ceiling: 1e12, until: 2030-01-01, by: a}",
    "{of: training, ceiling: 0, until: 2030-01-01, by: a}",
    "{of: training, ceiling: 1e12, until: 2020-01-01, by: a}",
    "{of: nothing, ceiling: 1, until: 2030-01-01, by: a}",
    "{of: no-jumps, ceiling: 1e12, scenarios: [nobody], until: 2030-01-01, by: a}",
)


@pytest.mark.parametrize("waiver", WAIVERS)
@pytest.mark.parametrize("fails", [False, True])
def test_no_waiver_turns_a_pass_into_a_failure(project: Project, waiver: str, *, fails: bool) -> None:
    rules = RULES.replace("1 M USD", "1 USD") if fails else RULES
    project.rules(rules)
    without = project.check("--baseline", "main")
    project.rules(f"{rules}waivers: [{waiver}]\n")
    given = project.check("--baseline", "main")
    assert given.code <= without.code == int(fails)
    failing = [finding for finding in given.json["findings"] if finding["fails"]]
    assert len(failing) <= len([finding for finding in without.json["findings"] if finding["fails"]])


def test_a_waiver_holds_up_to_its_ceiling_and_to_its_last_day(project: Project) -> None:
    project.rules(RULES.replace("1 M USD", "1 USD"))
    value = project.check("--baseline", "main").json["budgets"][0]["value"]
    rules = RULES.replace("1 M USD", "1 USD")
    project.rules(f"{rules}waivers: [{{of: training, ceiling: {value}, until: 2026-11-28, by: jane}}]\n")
    found = project.check("--baseline", "main", today="2026-11-28")
    assert (found.code, found.ids) == (0, ["budget-over"])
    assert found.json["findings"][0]["waived_by"] == "jane"
    late = project.check("--baseline", "main", today="2026-11-29")
    assert (late.code, late.ids) == (1, ["budget-over", "waiver-expired"])
    below = Decimal(value) - Decimal("0.01")
    project.rules(f"{rules}waivers: [{{of: training, ceiling: {below}, until: 2026-11-28, by: jane}}]\n")
    over = project.check("--baseline", "main", today="2026-11-28")
    assert (over.code, over.ids) == (1, ["budget-over", "waiver-unused"])


def test_the_order_of_files_and_keys_changes_nothing(project: Project, tmp_path: Path) -> None:
    """Scenarios are named in another order and from other files, keys stand the other way round."""
    project.rules(RULES + "baseline: {ref: main}\n")
    before = project.check("--no-baseline").json
    head, *rest = (project.root / "planner.yaml").read_text("utf-8").split("budgets:")
    project.write(
        "planner.yaml", "policies:" + rest[0].split("policies:")[1] + "budgets:" + rest[0].split("policies:")[0] + head
    )
    for number, name in enumerate(reversed(NAMES)):
        file = project.root / f"scenarios/{name}.yaml"
        top, bottom = file.read_text("utf-8").split("workload:")
        workload, hardware = bottom.split("hardware:")
        file.unlink()
        project.write(f"scenarios/{number}.yaml", f"hardware:{hardware}workload:{workload}{top}")
    after = project.check("--no-baseline").json
    for document in (before, after):
        document.pop("documents")
        document.pop("digest")
        for budget in document["budgets"]:
            budget.pop("where")
    assert after == before


def test_bytes_are_equal_across_hash_seeds_locales_time_zones_and_warnings(project: Project, tmp_path: Path) -> None:
    project.rules(RULES.replace("1 M USD", "1 USD"))
    project.scenario("alpha", tokens="500 B")
    forms = ("json", "baseline", "markdown", "sarif", "csv", "openmetrics", "junit", "github", "gitlab", "table")
    words = [word for form in forms for word in ("--output", f"{form}={{out}}/{form}")]
    variants = [
        {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"},
        {"PYTHONHASHSEED": "4242", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kolkata", "PYTHONOPTIMIZE": "2"},
        {"PYTHONHASHSEED": "7", "LANG": "de_DE.UTF-8", "TZ": "America/Los_Angeles", "PYTHONWARNINGS": "error"},
    ]
    outputs = []
    for number, variant in enumerate(variants):
        folder = tmp_path / str(number)
        folder.mkdir()
        flags = ["-bb"] if "PYTHONWARNINGS" in variant else []
        arguments = [sys.executable, *flags, "-m", "planner", "check", "--today", TODAY, "--baseline", "main"]
        environment = {**plain_environment(), "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **variant}
        done = subprocess.run(
            [*arguments, *(word.format(out=folder) for word in words)],
            cwd=project.root,
            env=environment,
            capture_output=True,
        )
        assert done.returncode == 1, done.stderr
        outputs.append({form: (folder / form).read_bytes() for form in forms})
        shutil.rmtree(folder)
    assert outputs[0] == outputs[1] == outputs[2]
