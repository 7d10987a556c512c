"""Tables of parts: a part stands in those that are about it."""

from __future__ import annotations

from tests.conftest import ROOT, Planner


def test_training_runs_are_no_services(planner: Planner) -> None:
    told = planner("estimate", str(ROOT / "scenarios" / "claims" / "horovod-ring.yaml"))
    assert "What the parts take" in told.stdout
    assert "What the services cost" not in told.stdout


def test_of_parts_of_several_kinds_services_alone_have_a_price_of_a_request(planner: Planner) -> None:
    told = planner("estimate", str(ROOT / "scenarios" / "claims" / "rlhf.yaml"))
    block = told.stdout.split("What the services cost")[1].split("\n\n")[0]
    assert "generation" in block
    assert "update" not in block
