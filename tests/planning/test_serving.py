"""Services end to end: results against each other, sizes against a loop over single estimates, what is refused."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planner.errors import PlannerError
from planner.planning.books import Books
from planner.planning.estimate import Estimate
from planner.planning.serving import estimate_serving
from planner.planning.serving_sizing import hourly_rates
from planner.scenario.resolve import read_scenario
from planner.scenario.serving_load import Demand
from tests.conftest import ROOT, Planner

pytestmark = pytest.mark.unmeasured

EXAMPLES = ROOT / "scenarios" / "examples"
SERVICES = [
    "llama-3.1-8b-chat",
    "llama-3.1-70b-service",
    "deepseek-v3-service",
    "llama-3.1-8b-on-inferentia",
    "gemma-7b-on-tpu",
    "bert-embeddings",
    "llama-3.1-8b-on-cpu",
    "llama-3.1-8b-serving-on-trainium",
]
BOOKS = Books()
CHAT = EXAMPLES / "llama-3.1-8b-chat.yaml"


def estimated(name: str | Path, **changes: Any) -> Estimate:
    path = name if isinstance(name, Path) else EXAMPLES / f"{name}.yaml"
    told = {key.replace("__", "."): str(value) for key, value in changes.items()}
    return estimate_serving(read_scenario(path, changes=told), BOOKS)


def of(estimate: Estimate, metric: str) -> float:
    value = estimate.value(metric)
    assert value is not None, metric
    return value


@pytest.mark.parametrize("name", SERVICES)
def test_results_agree_with_each_other(name: str) -> None:
    e = estimated(name)
    assert all(r.mid is None or (math.isfinite(r.mid) and r.mid >= 0) for r in e.results.values())
    assert of(e, "cost_total_usd") == pytest.approx(of(e, "cost_per_hour_usd") * 730.0)
    requests = of(e, "requests_per_s") * 730.0 * 3600.0
    assert of(e, "cost_per_request_usd") == pytest.approx(of(e, "cost_total_usd") / requests)
    assert of(e, "facility_power_kw") >= of(e, "power_kw") == pytest.approx(of(e, "node_power_kw") * of(e, "nodes"))
    power, cost = e.breakdown("power"), e.breakdown("cost")
    assert power is not None
    assert cost is not None
    assert power.total == pytest.approx(of(e, "node_power_kw") * 1e3, rel=1e-6)
    assert cost.total == pytest.approx(of(e, "cost_total_usd"))
    assert e.memory[0].total_bytes <= e.memory_capacity_bytes
    assert of(e, "peak_memory_gb") * 1e9 == pytest.approx(sum(part.value for part in e.memory[0].parts))


@pytest.mark.parametrize("name", SERVICES[:5])
def test_money_by_direction_adds_up_and_percentiles_rise(name: str) -> None:
    e = estimated(name)
    total, out = of(e, "total_tokens_per_s"), of(e, "output_tokens_per_s")
    spent = (
        of(e, "cost_per_million_input_tokens_usd") * (total - out) + of(e, "cost_per_million_output_tokens_usd") * out
    )
    assert spent == pytest.approx(of(e, "cost_per_million_tokens_usd") * total)
    for phase in ("ttft", "tpot"):
        rising = [e.value(f"{phase}_{p}_ms") for p in ("p50", "p90", "p95", "p99")]
        if rising[0] is not None:
            assert rising == sorted(rising)  # type: ignore[type-var]


def test_the_chosen_size_is_what_trying_every_layout_finds() -> None:
    best = estimated("llama-3.1-70b-service", spare=0)
    found: list[float] = []
    for tensor in (1, 2, 4, 8):
        for pipeline in (1, 2):
            layout = f"{{tensor: {tensor}, pipeline: {pipeline}}}"
            try:
                found.append(of(estimated("llama-3.1-70b-service", spare=0, layout=layout), "nodes"))
            except PlannerError:  # what does not fit or is too slow is no candidate
                continue
    assert of(best, "nodes") == min(found)


def test_no_token_comes_faster_than_the_weights_can_be_read() -> None:
    """One request on one L40S reads 16 GB at 864 GB/s for each token, whatever an engine does."""
    e = estimated(CHAT, workload__load="{stream: true}", workload__objectives="{}")
    assert of(e, "tpot_ms") >= 2 * 7.5e9 / 864e9 * 1e3


def test_more_requests_never_need_fewer_machines_and_never_wait_less() -> None:
    found = [estimated(CHAT, workload__load__rate=f"{rate} requests/s") for rate in (1, 5, 20, 80, 320)]
    nodes = [of(e, "nodes") for e in found]
    assert nodes == sorted(nodes)
    fixed = [
        of(estimated(CHAT, workload__load__rate=f"{rate} requests/s", replicas=4), "ttft_p99_ms")
        for rate in (1, 10, 30)
    ]
    assert fixed == sorted(fixed)


def test_a_looser_objective_never_needs_more_machines() -> None:
    tight = estimated(CHAT, workload__load__rate="200 requests/s", workload__objectives="{tpot_p90: 40 ms}")
    loose = estimated(CHAT, workload__load__rate="200 requests/s", workload__objectives="{tpot_p90: 90 ms}")
    assert of(loose, "nodes") <= of(tight, "nodes")


def test_a_rate_of_next_to_nothing_takes_one_replica() -> None:
    assert of(estimated(CHAT, workload__load__rate="0.000001 requests/s"), "replicas") == 1


def test_ranges_grow_with_the_queue_and_stay_finite() -> None:
    spread = []
    for rate in (2, 12, 22, 24):
        told = {"workload__load": f"{{rate: {rate} requests/s}}", "workload__objectives": "{}"}
        e = estimated(CHAT, replicas=2, layout="{tensor: 1}", **told)
        result = e.results["tpot_ms"]
        assert result.high is not None
        assert math.isfinite(result.high)
        spread.append(result.high / (result.mid or 1.0))
        assert any("keep up with it even then" in text for text in e.warnings) is (rate > 20)
    assert spread[0] < spread[1] < spread[2]


@pytest.mark.parametrize("peak", [1.0, 1.6, 3.0, 24.0])
def test_a_day_has_the_mean_and_the_peak_that_are_stated(peak: float) -> None:
    rates = hourly_rates(Demand.model_construct(mean=10.0, growth=1.5, peak_to_mean=peak))
    assert np.mean(rates) == pytest.approx(15.0)
    assert np.max(rates) == pytest.approx(15.0 * peak)
    assert np.min(rates) >= 0.0


def test_replicas_follow_the_day() -> None:
    e = estimated("llama-3.1-70b-service")
    hours = e.breakdown("hours")
    assert hours is not None
    assert len(hours.parts) == 24
    assert max(part.value for part in hours.parts) == of(e, "replicas")


def test_the_loop_event_by_event_stands_beside_the_closed_form() -> None:
    e = estimated(CHAT, workload__load__rate="12 requests/s", simulate="{requests: 4000, seed: 5}")
    seen = e.children["simulated"]
    for metric, most in (("tpot_ms", 0.15), ("ttft_ms", 0.2), ("ttft_p90_ms", 0.25), ("tpot_p90_ms", 0.2)):
        assert abs(math.log(of(e, metric) / of(seen, metric))) < most, metric
    again = estimated(CHAT, workload__load__rate="12 requests/s", simulate="{requests: 4000, seed: 5}")
    assert again.children["simulated"].results == seen.results


def test_requests_within_objectives_are_no_more_than_all() -> None:
    loose = estimated(CHAT, replicas=2, workload__objectives="{ttft_p99: 10 s}")
    tight = estimated(CHAT, replicas=2, workload__objectives="{ttft_p50: 150 ms}")
    assert of(tight, "goodput_requests_per_s") < of(loose, "goodput_requests_per_s") <= of(loose, "requests_per_s")


def test_pools_of_their_own_keep_prompts_from_delaying_tokens() -> None:
    told = {"hardware__node": "p5.48xlarge", "workload__objectives": "{}", "workload__load": "{rate: 30 requests/s}"}
    mixed = estimated(CHAT, replicas=3, layout="{tensor: 1}", **told)
    split = estimated(CHAT, disaggregation="{prefill: 1, decode: 2}", layout="{tensor: 1}", **told)
    assert of(split, "replicas") == of(mixed, "replicas") == 3
    decode = split.breakdown("decode")
    assert decode is not None
    assert of(split, "tpot_ms") == pytest.approx(decode.total * 1e3)
    assert of(mixed, "tpot_ms") > of(mixed, "itl_ms")


@pytest.mark.parametrize("name", SERVICES)
def test_power_by_phase_sums_to_that_of_an_accelerator(name: str) -> None:
    e = estimated(name)
    phases = e.breakdown("phases")
    assert phases is not None
    assert phases.total == pytest.approx(of(e, "accelerator_power_w"), rel=1e-6)


def test_adapters_take_memory_and_time() -> None:
    plain = estimated(CHAT, replicas=2, workload__load__rate="8 requests/s")
    many = estimated(CHAT, replicas=2, workload__load__rate="8 requests/s", workload__adapters="{rank: 64, held: 32}")
    assert of(many, "peak_memory_gb") > of(plain, "peak_memory_gb")
    assert of(many, "max_batch") < of(plain, "max_batch")
    assert of(many, "itl_ms") > of(plain, "itl_ms")


def test_an_idle_service_costs_the_same_and_draws_less() -> None:
    busy = estimated(CHAT, workload__load__rate="20 requests/s", replicas=2)
    idle = estimated(CHAT, workload__load__rate="0.1 requests/s", replicas=2)
    assert of(idle, "cost_per_hour_usd") == of(busy, "cost_per_hour_usd")
    assert of(idle, "node_power_kw") < of(busy, "node_power_kw")


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"workload.load.rate": "0 requests/s"}, 2, "out of range"),
        ({"workload.load.rate": "-5 requests/s"}, 2, "out of range"),
        ({"workload.load": "{}"}, 2, "no load is stated"),
        ({"workload.load": "{clients: 3, offline: true}"}, 2, "clients and offline are stated"),
        ({"workload.requests": "{prompt: 130000, output: 2000}"}, 2, "928 more than the 131,072"),
        ({"workload.requests": "{prompt: 500}"}, 2, "'output' is missing"),
        ({"workload.requests": "{data: sharegpt}"}, 2, "did you mean 'sharegpt-vllm'"),
        ({"workload.load": "{clients: 8}"}, 2, "this load has means alone"),
        ({"workload.precision.weights": "nvfp4"}, 3, "no matrix products in nvfp4"),
        (
            {"hardware.node": "inf2.24xlarge", "engine": "neuron-vllm", "workload.precision.weights": "int4"},
            3,
            "keeps no weights in int4",
        ),
        ({"workload.objectives": "{tpot_p99: 1 ms}"}, 3, "below what is possible"),
        ({"layout": "{tensor: 3}"}, 2, "32 heads are not divisible"),
        ({"replicas": "1", "workload.load.rate": "500 requests/s"}, 3, "more than the"),
        ({"workload.model": "llama-3.1-405b", "workload.objectives": "{}"}, 3, "lacking for one request"),
        ({"workload.speculation": "{drafted: 3}"}, 2, "without the share of drafted tokens"),
        ({"disaggregation": "{prefill: 2}", "workload.objectives": "{}"}, 2, "both needed"),
        ({"hardware.nodes": "1", "workload.load.rate": "90 requests/s"}, 3, "nodes, and there are 1"),
        (
            {"workload.load": "{demand: {mean: 5 requests/s, by_hour: [" + ", ".join(["0"] * 24) + "]}}"},
            2,
            "of 0 in every",
        ),
        (
            {"workload.load": "{demand: {mean: 5 requests/s, by_hour: [" + ", ".join(["2"] * 24) + "]}}"},
            2,
            "2 in the mean",
        ),
        ({"workload.load": "{demand: {mean: 5 requests/s, by_hour: [1, 2]}}"}, 2, "2 entries stand here"),
        ({"workload.load": "{demand: {mean: 5 requests/s, peak_to_mean: 25}}"}, 2, "out of range"),
        ({"disaggregation": "{prefill: 1, decode: 1}", "workload.load": "{clients: 8}"}, 2, "means alone"),
        ({"simulate": "{requests: 200}"}, 2, "do not reach the 99th percentile"),
        ({"engine": "vlm"}, 2, "did you mean 'vllm'"),
        ({"engine": "vllm latest"}, 2, "is no release"),
        ({"engine": "trtllm 0.9", "settings": "{chunked: true}"}, 2, "reads prompts whole"),
        ({"hardware.seller": "aws-sagemakr"}, 2, "did you mean 'aws-sagemaker'"),
        ({"workload.duration": "0 d"}, 2, "out of range"),
    ],
)
def test_what_cannot_be_is_refused_with_by_how_much(
    planner: Planner, changes: dict[str, str], code: int, words: str
) -> None:
    options = [option for path, value in changes.items() for option in ("--set", f"{path}={value}")]
    done = planner("estimate", str(CHAT), *options)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert not re.search(r"\b(nan|inf)\b", done.stderr.lower())
    assert done.stdout == ""


def test_a_service_by_options_alone(planner: Planner) -> None:
    options = ("--model", "llama-3.1-8b", "--node", "g6e.xlarge", "--input", "500", "--output-tokens", "200")
    done = planner("estimate", *options, "--requests", "5 requests/s", "--output", "json=-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"]["requests_per_s"]["value"] == 5.0
    alone = planner("estimate", *options)
    assert alone.returncode == 0
    assert "one request at a time" in alone.stdout


HOSTED = """
schema: planner/scenario/v1
name: by-the-token
workload:
  kind: hosted
  provider: bedrock
  model: bedrock/us-east-1/meta.llama3-70b-instruct-v1:0
  requests: {prompt: 1000, output: 500}
  rate: 2 requests/s
"""


def test_a_hosted_model_costs_its_list_price(planner: Planner, tmp_path: Path) -> None:
    file = tmp_path / "hosted.yaml"
    file.write_text(HOSTED)
    done = planner("estimate", str(file), "--output", "json=-")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    # 2.65 and 3.50 USD for a million tokens.
    assert results["cost_per_request_usd"]["value"] == pytest.approx(1000 * 2.65e-6 + 500 * 3.5e-6)
    assert results["cost_per_month_usd"]["value"] == pytest.approx(0.0044 * 2 * 730 * 3600)
    file.write_text(HOSTED.replace("llama3-70b-instruct", "llama3-71b-instruct"))
    wrong = planner("estimate", str(file))
    assert wrong.returncode == 2
    assert "did you mean" in wrong.stderr


def test_lengths_of_a_data_set_are_an_input_of_a_hosted_model_too(planner: Planner, tmp_path: Path) -> None:
    file = tmp_path / "hosted.yaml"
    file.write_text(HOSTED)
    done = planner("estimate", str(file), "--set", "workload.requests={data: sharegpt-nanoflow}", "--output", "json=-")
    assert done.returncode == 0, done.stderr
    assert "lengths of sharegpt-nanoflow" in [each["name"] for each in json.loads(done.stdout)["inputs"]]


@pytest.mark.parametrize(("model", "code"), [("dit-xl-2", 0), ("sdxl", 2), ("sd-1.5", 2)])
def test_diffusion_by_transformers_is_planned_and_by_a_unet_refused(planner: Planner, model: str, code: int) -> None:
    done = planner("estimate", "--model", model, "--node", "g6e.xlarge", "--input", "256")
    assert done.returncode == code, done.stderr
    if code:
        assert "UNet" in done.stderr
