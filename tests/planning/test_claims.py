"""Verdicts on claims: bounds, ratios, what does not fit, and what cannot be judged."""

from __future__ import annotations

import pytest

from planner.documents.reader import Tree, parse_yaml
from planner.errors import InputError
from planner.planning.claims import verdicts
from planner.planning.estimate import Estimate, Result
from planner.scenario.claim import Claim


def estimate(name: str, why_not: str = "", **results: float | None) -> Estimate:
    found = {metric: Result(metric, value, value, value) for metric, value in results.items()}
    return Estimate(name, name, "training", {}, found, why_not=why_not)


def whole(**children: Estimate) -> Estimate:
    return Estimate("whole", "whole", "composite", {}, {}, children=children)


def judge(text: str, found: Estimate) -> list[tuple[float | None, bool]]:
    tree: Tree = parse_yaml(text)
    claim = Claim.model_validate({"id": "x", "says": "x", "source": "x", "note": "x", "expect": tree.value})
    return [(verdict.value, verdict.holds) for verdict in verdicts(claim, found, tree)]


@pytest.mark.parametrize(
    ("bounds", "holds"),
    [("min: 5", True), ("max: 5", True), ("min: 5.1", False), ("max: 4.9", False), ("min: 4, max: 6", True)],
)
def test_bounds_hold_up_to_their_ends(bounds: str, holds: bool) -> None:
    assert judge(f"[{{metric: days, {bounds}}}]", estimate("a", days=5.0)) == [(5.0, holds)]


def test_what_is_unknown_keeps_no_bound() -> None:
    assert judge("[{metric: cost_total_usd, max: 1e30}]", estimate("a", cost_total_usd=None)) == [(None, False)]


def test_one_part_is_set_against_another() -> None:
    found = whole(slow=estimate("slow", days=6.0), fast=estimate("fast", days=4.0))
    assert judge("[{metric: days, of: slow, over: fast, min: 1.5, max: 1.5}]", found) == [(1.5, True)]


def test_a_part_of_a_part_is_named_by_its_path() -> None:
    found = whole(place=whole(node=estimate("node", nodes_that_fit=3.0)))
    assert judge("[{metric: nodes_that_fit, of: place/node, min: 3, max: 3}]", found) == [(3.0, True)]


def test_a_part_that_does_not_fit_is_expected_to_or_keeps_no_bound() -> None:
    found = whole(large=estimate("large", why_not="too large"), small=estimate("small", days=1.0))
    assert judge("[{infeasible: true, of: large}]", found) == [(None, True)]
    assert judge("[{infeasible: true, of: small}]", found) == [(None, False)]
    assert judge("[{metric: days, of: large, max: 9}]", found) == [(None, False)]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[{metric: days, of: smal, max: 9}]", "did you mean 'small'"),
        ("[{metric: mfu, of: small, max: 9}]", "[no-result]"),
        ("[{metric: days, max: 9}]", "name one of its parts"),
    ],
)
def test_what_is_not_there_cannot_be_judged(text: str, fault: str) -> None:
    with pytest.raises(InputError) as refused:
        judge(text, whole(small=estimate("small", days=1.0)))
    assert fault in str(refused.value)
