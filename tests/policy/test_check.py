"""`planner check` on sample projects: what fails, why, where, and with which exit code."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tests.policy.projects import RULES, Project, command


def cost(project: Project, name: str = "alpha") -> Decimal:
    return Decimal(project.check("--no-baseline").json["scenarios"][name]["results"]["cost_total_usd"]["value"])


def parts(project: Project, *arguments: str, metric: str = "cost_total_usd") -> dict[str, Decimal]:
    """Give what each cause did, having seen that they sum to the change to the last digit."""
    change = project.check(*arguments).json["scenarios"]["alpha"]["changes"][metric]
    found = {cause: Decimal(part) for cause, part in change["parts"].items()}
    assert sum(found.values()) == Decimal(change["change"])
    assert Decimal(change["after"]) - Decimal(change["before"]) == Decimal(change["change"])
    return found


def test_a_project_that_keeps_its_rules_passes(tmp_path: Path) -> None:
    project = Project.new(tmp_path, RULES)
    outcome = project.check("--baseline", "main")
    assert (outcome.code, outcome.ids, outcome.err) == (0, [], "")


def test_a_broken_budget_fails_with_its_owner_and_the_line_that_drives_it(tmp_path: Path) -> None:
    project = Project.new(tmp_path, RULES.replace("1 M USD", "10 USD"))
    outcome = project.check("--no-baseline")
    (finding,) = outcome.json["findings"]
    assert (outcome.code, finding["id"], finding["rule"], finding["owner"]) == (
        1,
        "budget-over",
        "training",
        "@ml-platform",
    )
    assert Decimal(finding["value"]) == cost(project)
    assert finding["limit"] == "10"
    place = finding["where"]
    assert place["file"] == "scenarios/alpha.yaml"
    line = (tmp_path / place["file"]).read_text("utf-8").splitlines()[place["line"] - 1]
    assert "accelerators" in line[place["column"] - 1 :]
    rule = (tmp_path / "planner.yaml").read_text("utf-8").splitlines()[finding["rule_where"]["line"] - 1]
    assert "10 USD" in rule


def test_a_plan_that_costs_more_than_a_policy_allows_is_blamed_on_the_line_that_changed(tmp_path: Path) -> None:
    project = Project.new(tmp_path, RULES)
    project.scenario("alpha", tokens="200 B")
    outcome = project.check("--baseline", "main")
    (finding,) = outcome.json["findings"]
    assert (outcome.code, finding["id"]) == (1, "increase-over")
    line = (tmp_path / "scenarios/alpha.yaml").read_text("utf-8").splitlines()[finding["where"]["line"] - 1]
    assert "tokens" in line


def test_what_the_plan_did_is_told_apart_from_what_the_price_did(tmp_path: Path) -> None:
    project = Project.new(tmp_path)
    before = cost(project)
    project.price(147.0)
    assert list(parts(project, "--baseline", "main")) == ["catalog-price"]
    project.scenario("alpha", tokens="200 B")
    both = parts(project, "--baseline", "main")
    # Half as dear again at the old plan; the rest is the plan's, at the new price. Amounts are told in eight digits.
    digit = Decimal("0.001")
    assert both["catalog-price"] == pytest.approx(before / 2, abs=digit)
    assert both["scenario"] == pytest.approx(cost(project) - before * 3 / 2, abs=2 * digit)
    project.price(98.0)
    assert list(parts(project, "--baseline", "main")) == ["scenario"]


def test_a_changed_specification_and_a_changed_rate_are_causes_of_their_own(tmp_path: Path) -> None:
    price = "  price: 90 EUR/h\n"
    rates = "exchange_rates: {{date: 2026-05-01, source: bank, per_usd: {{EUR: {rate}}}}}\n"
    project = Project(tmp_path)
    project.write("planner.yaml", "")
    Project.new(tmp_path, rates.format(rate="0.9"))
    project.scenario("alpha", hardware=price)
    project.commit()
    project.rules(rates.format(rate="0.8"))
    assert list(parts(project, "--baseline", "main")) == ["exchange-rate"]
    project.rules(rates.format(rate="0.9") + "defaults: {restart: 3 h}\n")
    assert sorted(parts(project, "--baseline", "main")) == ["catalog-specification"]
    project.rules(rates.format(rate="0.8") + "defaults: {restart: 3 h}\n")
    assert sorted(parts(project, "--baseline", "main")) == ["catalog-specification", "exchange-rate"]


def test_a_stored_result_is_a_baseline_and_shows_what_another_planner_version_did(tmp_path: Path) -> None:
    from tests.policy.projects import digested

    project = Project.new(tmp_path)
    stored = project.check("--no-baseline")
    project.write("stored.json", stored.out)
    assert project.check("--baseline-file", "stored.json").json["scenarios"]["alpha"]["changes"] == {}
    document = stored.json
    result = document["scenarios"]["alpha"]["results"]["cost_total_usd"]
    result["value"] = str(Decimal(result["value"]) - 1000)
    project.write("stored.json", digested(document))
    assert parts(project, "--baseline-file", "stored.json") == {"planner-version": Decimal(1000)}
    project.price(147.0)
    project.scenario("alpha", tokens="200 B")
    found = parts(project, "--baseline-file", "stored.json")
    assert list(found) == ["catalog-price", "planner-version", "scenario"]
    assert found["planner-version"] == 1000


def test_a_stored_result_holds_the_prices_that_it_used(tmp_path: Path) -> None:
    """A baseline is not priced anew with today's list: the price change shows as one."""
    project = Project.new(tmp_path)
    before = cost(project)
    project.write("stored.json", project.check("--no-baseline").out)
    project.price(49.0)
    assert list(parts(project, "--baseline-file", "stored.json")) == ["catalog-price"]
    assert cost(project) == pytest.approx(before / 2, rel=Decimal("1e-8"))


def test_both_kinds_of_baseline_tell_the_same(tmp_path: Path) -> None:
    project = Project.new(tmp_path, RULES)
    project.write("stored.json", project.check("--no-baseline").out)
    project.price(120.0)
    project.scenario("alpha", tokens="250 B")
    git, stored = project.check("--baseline", "main").json, project.check("--baseline-file", "stored.json").json
    assert git["findings"] == stored["findings"]
    assert git["scenarios"] == stored["scenarios"]


def test_a_small_baseline_tells_the_same_of_what_it_holds(tmp_path: Path) -> None:
    project = Project.new(tmp_path, RULES)
    whole, small = project.check("--no-baseline"), project.check("--no-baseline", form="baseline")
    assert len(small.out) < len(whole.out) / 2
    project.write("whole.json", whole.out)
    project.write("small.json", small.out)
    assert project.check("--baseline-file", "small.json").json["scenarios"]["alpha"]["changes"] == {}
    project.price(120.0)
    project.scenario("alpha", tokens="250 B")
    one, other = (project.check("--baseline-file", name).json for name in ("whole.json", "small.json"))
    assert one["findings"] == other["findings"] != []
    many, few = (each["scenarios"]["alpha"]["changes"] for each in (one, other))
    assert "cost_total_usd" in few
    assert few.items() <= many.items()
    tables = [project.check("--baseline-file", name, form="table").out for name in ("whole.json", "small.json")]
    assert tables[0].replace("whole", "small") == tables[1]


def test_what_a_small_baseline_does_not_hold_is_unknown_and_not_unchanged(tmp_path: Path) -> None:
    policy = "policies: [{{id: p, metric: {metric}, max_increase: 1 %, judged_at: {at}}}]\n"
    project = Project.new(tmp_path, policy.format(metric="cost_total_usd", at="p50"))
    project.write("small.json", project.check("--no-baseline", form="baseline").out)
    for metric, at, says in (("cost_total_usd", "p90", "middle alone"), ("peak_memory_gb", "p50", "no such result")):
        project.rules(policy.format(metric=metric, at=at))
        found = project.check("--baseline-file", "small.json")
        assert (found.code, found.ids) == (1, ["change-unknown"])
        assert says in found.json["findings"][0]["detail"]
        project.write("new.json", project.check("--no-baseline", form="baseline").out)
        assert project.check("--baseline-file", "new.json").ids == []
    project.scenario("alpha", tokens="250 B")
    project.rules(policy.format(metric="cost_total_usd", at="p90"))
    project.git("stash", "--quiet", "--", "scenarios")
    project.write("new.json", project.check("--no-baseline", form="baseline").out)
    project.git("stash", "pop", "--quiet")
    assert project.check("--baseline-file", "new.json").ids == ["increase-over"]


def test_a_plan_that_fits_no_more_is_a_change(tmp_path: Path) -> None:
    project = Project.new(tmp_path)
    project.write("small.json", project.check("--no-baseline", form="baseline").out)
    text = (tmp_path / "scenarios/alpha.yaml").read_text("utf-8")
    project.write("scenarios/alpha.yaml", text.replace("tensor: 8", "tensor: 1").replace("recompute: full", ""))
    for options in (("--baseline", "main"), ("--baseline-file", "small.json")):
        found = project.check(*options)
        assert (found.code, found.json["scenarios"]["alpha"]["turns"]) == (3, {"alpha": "fits no more"})
        for form in ("table", "markdown"):
            shown = project.check(*options, form=form).out
            assert "fits no more" in shown
            assert "No change" not in shown
    project.commit()
    project.scenario("alpha")
    assert project.check("--baseline", "main").json["scenarios"]["alpha"]["turns"] == {"alpha": "fits now"}


def test_a_rate_that_moves_what_people_see_is_told_even_where_no_dollar_moved(tmp_path: Path) -> None:
    rates = "currency: EUR\nexchange_rates: {{date: 2026-05-01, source: own, per_usd: {{EUR: {rate}}}}}\n"
    project = Project.new(tmp_path, rates.format(rate="0.9"))
    assert "money is shown" not in project.check("--baseline", "main", form="table").out
    project.rules(rates.format(rate="0.8"))
    for form in ("table", "markdown"):
        shown = " ".join(project.check("--baseline", "main", form=form).out.split())
        assert "money is shown at 0.8 EUR for 1 USD, and was at 0.9 EUR" in shown


def test_new_and_gone_scenarios_are_told(tmp_path: Path) -> None:
    project = Project.new(tmp_path, "", "alpha", "beta")
    (tmp_path / "scenarios/beta.yaml").unlink()
    project.scenario("gamma")
    found = project.check("--baseline", "main").json
    assert found["gone"] == ["beta"]
    assert [name for name, scenario in found["scenarios"].items() if scenario["is_new"]] == ["gamma"]
    assert [finding["id"] for finding in found["findings"]] == ["scenario-gone"]


def test_decreases_count_where_a_policy_bounds_them(tmp_path: Path) -> None:
    rules = "policies: [{id: steady, metric: tokens_per_s, max_decrease: 10 %}]\n"
    project = Project.new(tmp_path, rules)
    project.scenario("alpha", accelerators="32")
    assert project.check("--baseline", "main").ids == ["decrease-over"]


def test_exactly_the_allowed_increase_is_allowed(tmp_path: Path) -> None:
    project = Project.new(tmp_path, "policies: [{id: jump, metric: cost_per_hour_usd, max_increase: 10 %}]\n")
    project.price(107.8)
    assert project.check("--baseline", "main").ids == []
    project.price(107.81)
    assert project.check("--baseline", "main").ids == ["increase-over"]


def test_an_increase_counts_beyond_both_the_share_and_the_amount(tmp_path: Path) -> None:
    project = Project.new(tmp_path, RULES.replace("and_over: 1000 USD", "and_over: 1 M USD"))
    project.scenario("alpha", tokens="200 B")
    assert project.check("--baseline", "main").code == 0


@pytest.mark.parametrize(
    ("per", "share"),
    [("hour", 1 / 730), ("month", 1.0), ("quarter", 3.0), ("year", 12.0), ("run", None), ("token", None)],
)
def test_budgets_are_for_a_run_or_a_period_or_a_token(tmp_path: Path, per: str, share: float | None) -> None:
    """A run of many years uses its mean rate in each period; what a token costs is the whole over the tokens."""
    project = Project.new(tmp_path, f"budgets: [{{id: b, metric: cost_total_usd, per: {per}, deny: 1e12}}]\n")
    project.scenario("alpha", tokens="500 T")
    found = project.check("--no-baseline").json
    results = found["scenarios"]["alpha"]["results"]
    used = float(found["budgets"][0]["value"])
    if per == "run":
        assert used == float(results["cost_total_usd"]["value"])
    elif per == "token":
        assert used == pytest.approx(float(results["cost_total_usd"]["value"]) / 500e12, rel=1e-6)
    else:
        month = float(results["cost_total_usd"]["value"]) / results["days"]["value"] * 365 / 12
        assert used == pytest.approx(month * (share or 0), rel=1e-6)


def test_a_short_run_falls_into_a_period_whole(tmp_path: Path) -> None:
    project = Project.new(tmp_path, "budgets: [{id: b, metric: cost_total_usd, per: year, deny: 1e12}]\n")
    found = project.check("--no-baseline").json
    assert found["budgets"][0]["value"] == found["scenarios"]["alpha"]["results"]["cost_total_usd"]["value"]


def test_limits_change_with_time(tmp_path: Path) -> None:
    steps = "[{from: 2026-01-01, deny: 1e9}, {from: 2026-07-01, deny: 1}]"
    rules = f"budgets: [{{id: b, metric: cost_total_usd, limits: {steps}}}]\n"
    project = Project.new(tmp_path, rules)
    assert project.check("--no-baseline").code == 0
    text = (tmp_path / "planner.yaml").read_text("utf-8")
    project.write("planner.yaml", text.replace("on: 2026-06-01", "on: 2026-07-01"))
    assert project.check("--no-baseline").code == 1


@pytest.mark.parametrize("at", ["p50", "p90", "max"])
def test_a_budget_is_judged_where_it_says(tmp_path: Path, at: str) -> None:
    project = Project.new(tmp_path, f"budgets: [{{id: b, metric: cost_total_usd, deny: 1e12, judged_at: {at}}}]\n")
    found = project.check("--no-baseline").json
    stated = found["scenarios"]["alpha"]["results"]["cost_total_usd"]
    assert float(stated["value"]) < float(stated["high"]) < float(stated["most"])
    assert found["budgets"][0]["value"] == stated[{"p50": "value", "p90": "high", "max": "most"}[at]]


def test_scopes_by_name_tags_and_place(tmp_path: Path) -> None:
    rules = """\
budgets:
  - {id: names, metric: cost_total_usd, deny: 1, scope: {scenarios: [al*]}}
  - {id: tags, metric: cost_total_usd, deny: 1, scope: {tags: {team: blue}}}
  - {id: place, metric: cost_total_usd, deny: 1, scope: {facility: [aws-*]}}
"""
    project = Project.new(tmp_path, rules, "alpha", "beta")
    project.scenario("beta", more="tags: {team: blue}\n")
    found = project.check("--no-baseline").json
    shares = {f["rule"]: sorted(share["scenario"] for share in f["shares"]) for f in found["findings"]}
    assert shares == {"names": ["alpha"], "tags": ["beta"], "place": ["alpha", "beta"]}


@pytest.mark.parametrize(
    "scope", ["{scenarios: [nobody]}", "{tags: {team: none}}", "{facility: [moon]}", "{scenarios: [alpha, nobody]}"]
)
def test_a_rule_that_matches_nothing_is_an_error(tmp_path: Path, scope: str) -> None:
    for kind in (
        "budgets: [{id: b, metric: days, deny: 1, combine: each, scope: %s}]",
        "policies: [{id: b, metric: days, max: 1, scope: %s}]",
    ):
        outcome = Project.new(tmp_path / kind[:3], kind % scope + "\n").check("--no-baseline")
        assert (outcome.code, outcome.out) == (2, "")
        assert "planner.yaml:5:" in outcome.err
        assert "[matches-nothing]" in outcome.err


def test_a_variant_is_checked_where_a_rule_names_it(tmp_path: Path) -> None:
    project = Project.new(
        tmp_path, 'budgets: [{id: b, metric: cost_total_usd, deny: 1, scope: {scenarios: ["alpha@twice"]}}]\n'
    )
    path = project.scenario("alpha")
    path.write_text(
        path.read_text("utf-8") + "variants: {twice: {workload.tokens: 200 B}, other: {workload.tokens: 1 T}}\n",
        "utf-8",
    )
    found = project.check("--no-baseline").json
    assert sorted(found["scenarios"]) == ["alpha", "alpha@twice"]
    assert found["findings"][0]["shares"][0]["scenario"] == "alpha@twice"


def test_a_claim_that_fails_ends_the_check(tmp_path: Path) -> None:
    claim = "claim: {id: c, says: cheap, source: us, note: no, expect: [{metric: cost_total_usd, max: 1}]}\n"
    project = Project.new(tmp_path)
    project.scenario("alpha", more=claim)
    outcome = project.check("--no-baseline")
    assert (outcome.code, outcome.ids) == (1, ["claim-fails"])
    project.scenario("alpha", more=claim.replace("max: 1", "min: 1"))
    assert project.check("--no-baseline").code == 0


def test_a_plan_that_cannot_be_carried_out_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    project = Project.new(tmp_path, RULES, "alpha", "beta")
    text = (tmp_path / "scenarios/beta.yaml").read_text("utf-8")
    project.write("scenarios/beta.yaml", text.replace("llama-3.1-8b", "llama-3.1-405b"))
    outcome = project.check("--no-baseline")
    assert (outcome.code, outcome.ids) == (3, ["scenario-infeasible"])
    project.rules(RULES.replace("1 M USD", "1 USD"))
    assert project.check("--no-baseline").code == 1


def test_every_way_back_that_is_offered_was_tried_and_works(tmp_path: Path) -> None:
    project = Project.new(tmp_path)
    project.rules(RULES.replace("1 M USD", f"{cost(project) * 9 / 10} USD"))
    ways = project.check("--no-baseline").json["findings"][0]["ways_back"]
    assert ways
    assert {way["path"] for way in ways} >= {"workload.tokens"}
    for way in ways:
        done = command(
            "estimate", "scenarios/alpha.yaml", "--set", f"{way['path']}={way['value']}", "-o", "json=-", cwd=tmp_path
        )
        assert done.json["results"]["cost_total_usd"]["value"] == float(way["result"])
        assert way["keeps"]


def test_faults_of_all_rules_and_files_are_told_at_once(tmp_path: Path) -> None:
    project = Project.new(tmp_path, "", "alpha", "beta")
    for name in ("alpha", "beta"):
        project.scenario(name, tokens="many")
    outcome = project.check("--no-baseline")
    assert outcome.code == 2
    assert "scenarios/alpha.yaml:6:11" in outcome.err
    assert "scenarios/beta.yaml:6:11" in outcome.err


def test_two_scenarios_of_one_name_are_refused(tmp_path: Path) -> None:
    project = Project.new(tmp_path)
    project.write("scenarios/other.yaml", (tmp_path / "scenarios/alpha.yaml").read_text("utf-8"))
    outcome = project.check("--no-baseline")
    assert outcome.code == 2
    assert "[scenario-twice]" in outcome.err


def test_money_is_shown_in_the_project_s_currency(tmp_path: Path) -> None:
    project = Project.new(tmp_path, "currency: EUR\n" + RULES.replace("1 M USD", "10 EUR"))
    assert "EUR" in project.check("--no-baseline", form="table").out


def test_old_prices_are_told(tmp_path: Path) -> None:
    project = Project.new(tmp_path)
    text = (tmp_path / "planner.yaml").read_text("utf-8")
    project.write("planner.yaml", text.replace("{on: 2026-06-01}", "{on: 2026-06-01, oldest: 3 months}"))
    outcome = project.check("--no-baseline")
    assert (outcome.code, outcome.ids) == (0, ["price-old"])
    project.write("planner.yaml", text.replace("{on: 2026-06-01}", "{on: 2026-06-01, oldest: 12 months}"))
    assert project.check("--no-baseline").ids == []


def test_a_policy_of_changes_needs_a_baseline(tmp_path: Path) -> None:
    outcome = Project.new(tmp_path, RULES).check()
    assert outcome.code == 2
    assert "[baseline-choice]" in outcome.err


def test_the_baseline_of_the_project_is_taken_where_none_is_named(tmp_path: Path) -> None:
    project = Project.new(tmp_path, RULES + "baseline: {ref: main}\n")
    assert project.check().json["baseline"]["commit"] == project.git("rev-parse", "main")


def test_rows_that_print_alike_are_left_out_and_counted(tmp_path: Path) -> None:
    """Nobody reads "$93 -> $93"; but what is left out is told, so that silence means no change."""
    project = Project.new(tmp_path)
    project.scenario("alpha", tokens="100.0001 B")
    for form in ("table", "markdown"):
        text = project.check("--baseline", "main", form=form).out
        assert "1 scenario changed by less than is shown" in text
        assert "No change" not in text
    project.scenario("alpha", tokens="101 B")
    assert "changed by less" not in project.check("--baseline", "main", form="table").out
