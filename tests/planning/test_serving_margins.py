"""An objective next to what an idle replica does is kept by many replicas that each buy little, and that is said."""

from __future__ import annotations

import json

import pytest

from planner.planning.books import Books
from planner.planning.estimate import Estimate
from planner.planning.serving import estimate_serving
from planner.scenario.resolve import read_scenario
from tests.conftest import ROOT, Planner

pytestmark = pytest.mark.unmeasured

CHAT = ROOT / "scenarios" / "examples" / "llama-3.1-8b-chat.yaml"
BOOKS = Books()
LENGTHS = {"workload.requests": "{prompt: 500, output: 200}", "workload.load": "{rate: 20 requests/s}"}


def asked_for(objective: str, **more: str) -> Estimate:
    changes = {**LENGTHS, "workload.objectives": f"{{{objective}}}", **more}
    return estimate_serving(read_scenario(CHAT, changes=changes), BOOKS)


def said(found: Estimate) -> list[str]:
    return [text for text in found.warnings if "in place of" in text]


def test_the_looser_objective_that_is_named_takes_half_of_the_replicas() -> None:
    idle = asked_for("ttft_p99: 10 s", **{"workload.load": "{rate: 0.01 requests/s}"}).value("ttft_p99_ms")
    assert idle is not None
    found = asked_for(f"ttft_p99: {1.02 * idle} ms")
    (note,) = said(found)
    replicas = found.value("replicas")
    assert replicas is not None
    assert replicas > 50
    looser = float(note.removeprefix("ttft_p99: ").split(" ms")[0])
    named = int(note.split("would take ")[1].split(" replicas")[0])
    assert named <= replicas / 2 + 1
    again = asked_for(f"ttft_p99: {1.005 * looser} ms")  # it is told rounded
    fewer = again.value("replicas")
    assert fewer is not None
    assert 0.7 * named < fewer <= named


def test_an_objective_that_leaves_room_needs_no_word() -> None:
    assert not said(asked_for("ttft_p99: 2 s"))
    assert not said(asked_for("ttft_p99: 150 ms", replicas="40"))


def test_a_search_says_it_of_its_best(planner: Planner) -> None:
    changes = {**LENGTHS, "workload.objectives": "{ttft_p99: 125 ms}", "workload.precision": "{weights: bf16}"}
    told = [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]
    run = planner("search", str(CHAT), "--nodes", "g6e.xlarge", *told, "--output", "json=-")
    assert run.returncode == 0, run.stderr
    best = json.loads(run.stdout)
    assert best["top"][0]["replicas"] > 4
    assert "in place of 125 ms" in best["notes"][0]
