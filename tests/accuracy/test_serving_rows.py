"""Published serving rows and what is made of them: traps of the data, robust reading, refusals with reasons."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from planner.accuracy.cases import Refused
from planner.accuracy.closed_loop_rows import COLUMNS, ClosedLoopRows
from planner.accuracy.serving_cases import Mode, ServingCase
from planner.accuracy.serving_measured import reader_of
from planner.accuracy.serving_predictions import Predictions
from planner.accuracy.serving_problem import Bench
from planner.catalog.folders import built_in
from planner.catalog.store import Catalog
from planner.planning.books import Books

READER = reader_of(Catalog(), built_in() / "measurements")
RUN = {
    "id": "llama_h100_vllm_c64_a",
    "silicon_data_source": "db-dump; silicon_concurrency=64",
    "backend": "vllm",
    "backend_version": "0.12.0",
    "model_path": "meta-llama/Llama-3.1-8B",
    "system": "h100_sxm",
    "precision": "fp8",
    "mode": "agg",
    "isl": "1024",
    "osl": "1024",
    "tp_size": "1",
    "silicon_ttft_ms": "100.5",
    "silicon_tpot_ms": "10.25",
}


def run(**changes: str) -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "") | RUN | changes


def inference(**changes: Any) -> dict[str, Any]:
    row = {
        "id": "a",
        "source": "s",
        "quality": "A",
        "task": "llm",
        "engine": "vLLM",
        "engine_version": "0.10",
        "model": "meta-llama/Llama-3.1-8B",
        "weight_precision": "bf16",
        "accelerator": "H100-SXM5-80GB",
        "n_accelerators": 1,
        "tp": 1,
        "isl": 128,
        "osl": 128,
        "batch": 4,
        "scenario": "fixed_batch",
        "metrics": {"e2e_latency_ms": 1000.0},
    }
    return row | changes


def reason_of(answer: ServingCase | Refused) -> str:
    assert isinstance(answer, Refused), answer
    return answer.reason


def test_one_run_under_two_layouts_counts_once() -> None:
    other = run(id="b", attention_dp_size="8", batch_size="8", tp_size="1", moe_ep_size="8")
    first, second = ClosedLoopRows(READER).read([(2, run()), (3, other)], file="mine.csv")
    assert isinstance(first, ServingCase)
    assert isinstance(second, ServingCase)
    assert (first.repeated, second.repeated) == (False, True)
    assert (first.id, second.id) == ("mine.csv:2", "mine.csv:3")


def test_a_run_that_another_table_rounds_counts_once() -> None:
    exact = run(silicon_ttft_ms="307.79067178664263", silicon_tpot_ms="10.08063544978878")
    rounded = run(id="b", silicon_ttft_ms="307.79", silicon_tpot_ms="10.08")
    other = run(id="c", silicon_ttft_ms="307.80", silicon_tpot_ms="10.08")
    cases = ClosedLoopRows(READER).read(enumerate([exact, rounded, other]), file="mine.csv")
    found = [case for case in cases if isinstance(case, ServingCase)]
    assert [case.repeated for case in found] == [False, True, False]


def test_degrees_that_share_devices_are_not_multiplied() -> None:
    row = run(model_path="deepseek-ai/DeepSeek-V3", system="h200_sxm", tp_size="64", moe_tp_size="8", moe_ep_size="8")
    case = ClosedLoopRows(READER).row(row, name="mine.csv:2")
    assert isinstance(case, ServingCase)
    assert (case.degrees.tensor, case.degrees.expert, case.devices) == (8, 8, 8)


def test_concurrency_is_that_of_all_clients_and_not_of_one_rank() -> None:
    case = ClosedLoopRows(READER).row(run(batch_size="8"), name="mine.csv:2")
    assert isinstance(case, ServingCase)
    assert case.batch == 64


def test_a_deepseek_under_tensorrt_llm_may_have_speculated_and_is_no_target() -> None:
    row = run(model_path="deepseek-ai/DeepSeek-V3", backend="trtllm", system="b200_sxm", tp_size="8", moe_tp_size="8")
    case = ClosedLoopRows(READER).row(row, name="mine.csv:2")
    assert isinstance(case, ServingCase)
    assert "speculation" in case.group


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": "disagg"}, "how many workers"),
        ({"tp_size": "12"}, "not divisible"),
        ({"model_path": "nobody/no-such-model"}, "no model"),
        ({"system": "quantum_sxm"}, "no accelerator"),
        ({"isl": "many"}, "cannot be read"),
        ({"precision": "int3"}, "not a format"),
        ({"silicon_tpot_ms": "0"}, "no measurement"),
        ({"osl": "0"}, "osl is 0"),
        ({"system": "gb200", "tp_size": "72"}, "disaggregated system"),
    ],
)
def test_a_run_that_cannot_be_predicted_says_why(changes: dict[str, str], words: str) -> None:
    assert words in reason_of(ClosedLoopRows(READER).row(run(**changes), name="mine.csv:2"))


def test_an_engine_that_nobody_knows_is_predicted_with_what_engines_share() -> None:
    case = ClosedLoopRows(READER).row(run(backend="warpserve", backend_version="9"), name="mine.csv:2")
    assert isinstance(case, ServingCase)
    assert not case.engine_stated


def test_an_answer_lies_in_its_range_and_a_row_that_does_not_fit_is_refused() -> None:
    rows = [run(), run(id="large", model_path="meta-llama/Llama-3.1-70B", precision="bf16", silicon_ttft_ms="7")]
    found = ClosedLoopRows(READER).read(enumerate(rows), file="mine.csv")
    cases = [case for case in found if isinstance(case, ServingCase)]
    predictions = Predictions.of(Bench.of(cases, Books().catalog.profile("serving")), Books(), None)
    ttft, tpot = predictions.rows(0)
    assert (ttft.metric, tpot.metric, tpot.group, tpot.kind) == ("ttft_ms", "tpot_ms", "agg", "serving")
    assert tpot.low is not None
    assert tpot.predicted is not None
    assert tpot.high is not None
    assert 0 < tpot.low < tpot.predicted < tpot.high
    assert abs(tpot.error) < 1.0
    assert "GB of weights" in predictions.rows(1)[0].reason


def test_a_format_that_a_chip_has_no_units_for_is_multiplied_in_16_bits() -> None:
    case = ClosedLoopRows(READER).row(run(system="a100_sxm", precision="fp8"), name="mine.csv:2")
    assert isinstance(case, ServingCase)
    assert (float(case.formats.dense.bits), float(case.formats.dense.bytes_per_weight)) == (16.0, 1.0)


def test_pools_that_state_their_workers_are_predicted() -> None:
    pools = {f"{pool}_{name}": "1" for pool in ("prefill", "decode") for name in ("tp_size", "pp_size")}
    row = run(mode="disagg", prefill_num_workers="2", decode_num_workers="1", decode_batch_size="64", **pools)
    case = ClosedLoopRows(READER).row(row, name="mine.csv:2")
    assert isinstance(case, ServingCase)
    assert case.mode is Mode.APART
    assert case.workers is not None
    assert (case.workers.prefill, case.workers.decode) == (2, 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"spec_decode": "MTP3"}, "accepted"),
        ({"model": "stabilityai/stable-diffusion-xl-base-1.0", "task": "diffusion"}, "UNet"),
        ({"weight_precision": "ternary"}, "not a format"),
        ({"scenario": "carnival"}, "not one that the planner models"),
        ({"metrics": {}}, "measures nothing"),
        ({"batch": -4}, "batch is -4"),
        ({"isl": None}, "how long prompts"),
        ({"tp": 5, "n_accelerators": 5}, "divi"),
    ],
)
def test_an_inference_row_that_cannot_be_predicted_says_why(changes: dict[str, Any], words: str) -> None:
    assert words in reason_of(READER.read(inference(**changes)))


@pytest.mark.parametrize("row", [{}, {"id": 1}, {"metrics": 3}, {"metrics": {"ttft_ms": "x"}, "model": None}])
def test_no_row_breaks_the_reader(row: dict[str, Any]) -> None:
    assert reason_of(READER.read(row))


def test_a_row_without_a_prompt_length_takes_the_mean_of_its_data_set_and_says_so() -> None:
    row = inference(isl=None, osl=200, dataset="OpenOrca (MLPerf)", scenario="offline_max_throughput")
    case = READER.read(row)
    assert isinstance(case, ServingCase)
    assert case.prompt > 0
    assert "prompt" in case.estimated


@pytest.mark.parametrize(
    ("words", "same"),
    [("FP8", "fp8"), ("fp8 (e4m3)", "fp8"), ("W4A16", "int4"), ("AWQ int4", "int4"), ("F16", "fp16"), ("w8a8", "int8")],
)
def test_formats_have_many_spellings(words: str, same: str) -> None:
    first, second = (READER.read(inference(weight_precision=text)) for text in (words, same))
    assert isinstance(first, ServingCase)
    assert isinstance(second, ServingCase)
    assert repr(first.formats) == repr(second.formats)


@pytest.mark.parametrize(
    ("engine", "version", "generation"),
    [
        ("VLLM", "0.6.3", "vllm-0.6"),
        ("SGLang", "0.4", "sglang"),
        ("TensorRT LLM", "1.0", "trtllm"),
        ("TRT-LLM", "0.16", "trtllm-0.14"),
        ("DeepSpeed-MII", "0.2", "deepspeed"),
        ("neuronx-distributed-inference", "0.1", "neuron-vllm"),
    ],
)
def test_engines_are_known_in_any_case_and_by_their_short_names(engine: str, version: str, generation: str) -> None:
    case = READER.read(inference(engine=engine, engine_version=version))
    assert isinstance(case, ServingCase)
    assert case.engine == generation


@pytest.mark.parametrize(
    ("engine", "accelerator", "generation", "known"),
    [
        ("TensorRT-LLM v0.15.0", "H100-SXM5-80GB", "trtllm-0.14", True),
        ("TGI", "H100-SXM5-80GB", "vllm-0.6", False),
        ("llama-cpp-python", "RTX 4070", "llama.cpp", False),
        ("An engine of next year", "H100-SXM5-80GB", "trtllm-0.14", False),
        ("vLLM", "MI355X", "vllm-rocm", True),
        ("vLLM", "Trainium2", "neuron-vllm", True),
    ],
)
def test_an_engine_that_nothing_here_measured_takes_a_relative_s_place_and_says_so(
    engine: str, accelerator: str, generation: str, known: bool
) -> None:
    row = READER.read(inference(engine=engine, engine_version=None, accelerator=accelerator, scenario="concurrency"))
    assert isinstance(row, ServingCase), row
    assert row.engine == generation
    assert ("engine" not in row.estimated) == known


@pytest.mark.parametrize(
    ("model", "words"),
    [("Qwen/Qwen3-32B-FP8", "fp8"), ("Qwen/Qwen3-32B-AWQ", "int4"), ("Qwen/Qwen3-32B", "bf16")],
)
def test_a_row_without_a_format_has_the_one_in_its_checkpoint_s_name(model: str, words: str) -> None:
    unsaid = READER.read(inference(model=model, weight_precision="auto"))
    stated = READER.read(inference(model=model, weight_precision=words))
    assert isinstance(unsaid, ServingCase)
    assert isinstance(stated, ServingCase)
    assert float(unsaid.formats.dense.bytes_per_weight) == float(stated.formats.dense.bytes_per_weight)
    assert "weights" in unsaid.estimated


def test_a_run_that_states_one_of_two_times_is_scored_on_it() -> None:
    case = ClosedLoopRows(READER).row(run(silicon_ttft_ms=""), name="mine.csv:2")
    assert isinstance(case, ServingCase)
    assert [observation.metric for observation in case.observations] == ["tpot_ms"]


@pytest.mark.parametrize("measured", [0.0, -5.0])
def test_what_no_run_can_have_measured_is_refused(measured: float) -> None:
    assert "no measurement" in reason_of(READER.read(inference(metrics={"output_tokens_per_s": measured})))


def test_memory_of_an_eager_run_is_what_torch_gave_out() -> None:
    # Qwen's published peaks on an A100, as torch counts them: weights, cache and activations of prompts of two lengths.
    runs = {("Qwen/Qwen2.5-7B", 1): 14.38, ("Qwen/Qwen2.5-7B", 30720): 19.97, ("Qwen/Qwen2.5-0.5B", 1): 0.97}
    rows = [
        inference(
            id=f"{model}-{length}",
            engine="transformers",
            model=model,
            isl=length,
            osl=2048,
            batch=1,
            accelerator="A100-SXM4-80GB",
            metrics={"peak_memory_gb": peak},
        )
        for (model, length), peak in runs.items()
    ]
    cases = [case for case in map(READER.read, rows) if isinstance(case, ServingCase)]
    predictions = Predictions.of(Bench.of(cases, Books().catalog.profile("serving")), Books(), None)
    told = [predictions.rows(place)[0].predicted for place in range(len(runs))]
    assert told == pytest.approx(list(runs.values()), rel=0.04)


def test_a_rule_of_half_of_the_data_sheet_stands_beside_every_time_and_rate() -> None:
    # One sequence of a model that reads 16 GB a step, at half of 3.35 TB/s: 9.6 ms a token, whatever the host does.
    row = inference(batch=1, scenario="single_stream", metrics={"tpot_ms": 7.0, "peak_memory_gb": 20.0})
    case = READER.read(row)
    assert isinstance(case, ServingCase)
    told, memory = Predictions.of(Bench.of([case], Books().catalog.profile("serving")), Books(), None).rows(0)
    assert told.baselines == {"half": pytest.approx(8.03e9 * 2 / (3.35e12 / 2) * 1e3, rel=0.1)}
    assert memory.baselines == {}


def system(**changes: Any) -> ServingCase:
    row = inference(
        source="mlperf",
        task="encoder",
        engine="TensorRT 10",
        model="bert-large",
        weight_precision="int8",
        scenario="offline_max_throughput",
        max_isl=384,
        metrics={"system_power_w": 1000.0},
    )
    case = READER.read(row | changes)
    assert isinstance(case, ServingCase), case
    return case


def predicted(case: ServingCase) -> tuple[float, float, float]:
    bench = Bench.of([case], Catalog().profile("serving"))
    row = Predictions.of(bench, Books(), None).rows(0)[0]
    assert row.predicted is not None, row.reason
    assert row.low is not None
    assert row.high is not None
    return row.low, row.predicted, row.high


def test_systems_named_for_efficiency_draw_less_and_are_told_loosely() -> None:
    told = {"accelerator": "H200-SXM-141GB", "n_accelerators": 8}
    plain, thrifty = (system(**told, system=name) for name in ("H200x8_TRT", "H200x8_TRT_MaxQ"))
    assert thrifty.power_cap < 0.8 * 700.0
    assert "power limit" in thrifty.estimated
    (low, full, high), (lower, less, higher) = predicted(plain), predicted(thrifty)
    assert less < 0.8 * full
    assert higher / lower > high / low
    stated = system(**told, system="H200x8_TRT_MaxQ", accelerator_power_cap_w=500.0)
    assert stated.power_cap == 500.0
    assert "power limit" not in stated.estimated


def test_cards_stand_in_servers_that_grow_with_them_and_modules_are_computers() -> None:
    cards = [predicted(system(accelerator="Qualcomm-AI100-Pro", n_accelerators=n))[1] for n in (1, 4, 16)]
    assert cards[0] > 75.0
    assert all(4.0 * few > many > few for few, many in pairwise(cards))
    assert predicted(system(accelerator="Jetson-AGX-Orin"))[1] < 100.0


def test_cards_that_wait_for_one_input_at_a_time_are_at_rest() -> None:
    told = {"accelerator": "Qualcomm-AI100-Pro", "n_accelerators": 8}
    alone = system(**told, scenario="single_stream")
    assert predicted(alone)[1] < 0.6 * predicted(system(**told))[1]
