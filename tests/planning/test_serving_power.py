"""What a service draws: over the hours of its day, and where not all accelerators of its machines serve."""

from __future__ import annotations

import numpy as np
import pytest

from planner.planning.books import Books
from planner.planning.estimate import Estimate
from planner.planning.serving import estimate_serving
from planner.planning.serving_sizing import hourly_rates
from planner.scenario.resolve import read_scenario
from planner.scenario.serving_load import Demand
from tests.conftest import ROOT

pytestmark = pytest.mark.unmeasured

BOOKS = Books()
CHAT = ROOT / "scenarios" / "examples" / "llama-3.1-8b-chat.yaml"


def estimated(**changes: str) -> Estimate:
    told = {key.replace("__", "."): value for key, value in changes.items()}
    return estimate_serving(read_scenario(CHAT, changes=told), BOOKS)


def of(estimate: Estimate, metric: str) -> float:
    value = estimate.value(metric)
    assert value is not None, metric
    return value


def test_a_day_draws_what_its_hours_draw_one_by_one() -> None:
    demand = Demand.model_construct(mean=8.0, peak_to_mean=2.5)
    words = f"{{demand: {{mean: {demand.mean} requests/s, peak_to_mean: {demand.peak_to_mean}}}}}"
    day = estimated(workload__load=words, replicas="2")
    rates = np.unique(np.maximum(np.round(hourly_rates(demand), 9), 1e-3), return_counts=True)
    hours = [estimated(workload__load=f"{{rate: {rate} requests/s}}", replicas="2") for rate in rates[0]]
    energy = np.average([of(each, "energy_kwh") for each in hours], weights=rates[1])
    assert of(day, "energy_kwh") == pytest.approx(energy, rel=0.02)
    watts = np.average([of(each, "accelerator_power_w") for each in hours], weights=rates[1])
    assert of(day, "joules_per_token") == pytest.approx(2.0 * watts / (demand.mean * 200.0), rel=0.03)


def test_a_day_whose_hours_are_alike_draws_what_their_rate_does() -> None:
    flat = estimated(workload__load="{demand: {mean: 6 requests/s}}", replicas="2")
    rate = estimated(workload__load="{rate: 6 requests/s}", replicas="2")
    assert of(flat, "energy_kwh") == of(rate, "energy_kwh")


def test_accelerators_that_serve_nobody_are_at_rest() -> None:
    def served(replicas: int, rate: float, spare: int = 0) -> float:
        e = estimated(
            hardware__node="p5.48xlarge",
            layout="{tensor: 1}",
            workload__load=f"{{rate: {rate} requests/s}}",
            replicas=str(replicas),
            spare=str(spare),
        )
        return of(e, "node_power_kw")

    one, every = served(1, 20.0), served(8, 160.0)
    assert one == served(1, 20.0, spare=7) < every
    # Eight that each do what the one does take eight times as much above rest.
    rest = served(1, 0.001)
    assert every - rest == pytest.approx(8.0 * (one - rest), rel=0.05)


def test_a_node_draws_what_its_accelerators_draw_and_what_is_around_them() -> None:
    e = estimated(
        hardware__node="p5.48xlarge", layout="{tensor: 1}", workload__load="{rate: 160 requests/s}", replicas="8"
    )
    power = e.breakdown("power")
    assert power is not None
    parts = {part.key: part.value for part in power.parts}
    assert parts["accelerators"] == pytest.approx(8.0 * of(e, "accelerator_power_w"), rel=0.01)
    assert power.total == pytest.approx(of(e, "system_power_w"))


def test_a_limit_that_nobody_published_makes_power_and_energy_uncertain() -> None:
    """Of H100 the limit is published, of Trainium it is estimated."""
    known = estimated(hardware__node="p5.48xlarge", layout="{tensor: 1}")
    unknown = estimated(hardware__node="trn1.32xlarge", engine="neuron-vllm", layout="{}", workload__objectives="{}")
    widths = []
    for each in (known, unknown):
        found = each.results["accelerator_power_w"]
        assert found is not None
        widths.append(found.high / found.low)
    assert widths[1] > 1.3 * widths[0]
