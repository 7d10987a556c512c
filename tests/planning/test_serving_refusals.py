"""What a service cannot be asked: each refused with its reason and by how much, never told in numbers that are none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from planner.errors import InfeasibleError, InputError, PlannerError
from planner.planning.books import Books
from planner.planning.estimate import Estimate
from planner.planning.ledger import Ledger
from planner.planning.serving import estimate_serving
from planner.planning.serving_search import search_services
from planner.planning.serving_service import service_of
from planner.scenario.resolve import read_scenario
from planner.scenario.serving_load import ServingLoad
from tests.conftest import ROOT

pytestmark = pytest.mark.unmeasured

BOOKS = Books()
CHAT = ROOT / "scenarios" / "examples" / "llama-3.1-8b-chat.yaml"


def estimated(changes: dict[str, str]) -> Estimate:
    return estimate_serving(read_scenario(CHAT, changes={"workload.objectives": "{}", **changes}), BOOKS)


@pytest.mark.parametrize("more", [{"replicas": "2"}, {"disaggregation": "{prefill: 1, decode: 1}"}])
def test_a_rate_that_is_all_that_replicas_take_is_refused_and_never_told_as_infinite(more: dict[str, str]) -> None:
    more = {"layout": "{tensor: 1}", **more}
    slow = {"workload.objectives": "{}", "workload.load": "{rate: 1 requests/s}", **more}
    resolved = read_scenario(CHAT, changes=slow)
    assert isinstance(resolved.document, ServingLoad)
    service = service_of(resolved.document, resolved.tree, BOOKS, Ledger(BOOKS.catalog))
    most = float(np.ravel(service.found.capacity)[0])
    e = estimated({"workload.load": f"{{rate: {most * 0.9985!r} requests/s}}", **more})
    assert all(math.isfinite(v) for r in e.results.values() for v in (r.low, r.mid, r.high) if v is not None)
    for share in (0.9995, 0.99999, 1.0, 1.002, 1.2):
        with pytest.raises(InfeasibleError) as refused:
            estimated({"workload.load": f"{{rate: {most * share!r} requests/s}}", **more})
        assert " 0% more" not in str(refused.value)


FLAT = ", ".join(["1"] * 24)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"workload.adapters": "{rank: 8, held: 2, used: 9}"}, "9 adapters are asked for, and 2 are held"),
        (
            {"workload.load": f"{{demand: {{mean: 1 requests/s, peak_to_mean: 3, by_hour: [{FLAT}]}}}}"},
            "the busiest hour has 1 times the mean, and peak_to_mean is 3",
        ),
        ({"layout": "{tensor: 3}"}, "tensor: 1, 2, 4, 8, 16, 32"),
        ({"workload.requests": "{prompt: 0.3, output: 5}"}, "out of range"),
        ({"workload.requests": "{prompt: 300, output: 5, prompt_variability: 1e9}"}, "out of range"),
        ({"workload.load": "{rate: 3 requests/s, variability: 1e6}"}, "out of range"),
        ({"workload.speculation": "{drafted: 1000000, acceptance: 0.5}"}, "out of range"),
    ],
)
def test_what_contradicts_itself_or_no_service_has(changes: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        estimated(changes)


def test_speculation_without_an_acceptance_is_refused_at_its_place() -> None:
    with pytest.raises(InputError, match=r"workload\.speculation:1:1: speculative decoding without") as refused:
        estimated({"workload.speculation": "{drafted: 3}"})
    assert "acceptance-missing" in str(refused.value)


def test_a_search_says_by_how_much_the_fastest_machine_misses() -> None:
    resolved = read_scenario(CHAT, changes={"workload.objectives": "{ttft: 1 ms, tpot: 1 s}"})
    with pytest.raises(PlannerError, match=r"ttft of 1 ms is below what is possible: the fastest of .* times as long"):
        search_services(resolved, BOOKS, nodes=("g6e.xlarge", "p5.48xlarge"))


def test_a_machine_that_is_too_small_is_told_to_be_that_and_not_to_lack_a_format() -> None:
    asked = {"workload.model": "llama-3.1-405b", "workload.objectives": "{}", "workload.load": "{rate: 1 requests/s}"}
    found = search_services(read_scenario(CHAT, changes=asked), BOOKS, nodes=("g4dn.xlarge", "p5.48xlarge"))
    assert found.refused["g4dn.xlarge"] == "does not fit"


@pytest.mark.parametrize(("spare", "warned"), [(0, False), (1, True), (4, False)])
def test_a_node_that_takes_more_replicas_with_it_than_stand_by_is_told(spare: int, *, warned: bool) -> None:
    e = estimated({"hardware.node": "p5.48xlarge", "layout": "{tensor: 2}", "replicas": "4", "spare": str(spare)})
    assert any("a node that fails" in warning for warning in e.warnings) is warned


@pytest.mark.parametrize(("rate", "words"), [(20, r"% more than the"), (900, r"are more than the .* times as many")])
def test_overload_is_told_in_what_reads_easily(rate: int, words: str) -> None:
    with pytest.raises(InfeasibleError, match=words):
        estimated({"replicas": "1", "workload.load": f"{{rate: {rate} requests/s}}"})
