"""What one row of published inference results says: what was measured, under which load, batch and layout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from planner.accuracy.cases import Observation, unmeasurable
from planner.accuracy.serving_cases import Degrees, Mode
from planner.accuracy.serving_words import EngineRule
from planner.catalog.accelerator import Accelerator

Row = Mapping[str, Any]

_ONE_SAMPLE, _EIGHT_SAMPLES, _INTERACTIVE = "single_stream", "multi_stream_8", "server_sla_interactive"
# Several devices hold more of a model, and work one after the other.
_SERIAL = ("llama.cpp", "llama.cpp-cpu", "transformers")
_ONE_LOOP = ("jetstream",)  # a batch is dealt out to devices by one program, whose host serves all of them
_CORES = "core"  # in `tp_unit`: degrees count cores and not accelerators
_LOGICAL_CORES = ("trainium2", "trainium3")  # whose software joins cores in pairs unless told otherwise
ENCODERS = ("encoder", "vision")
_METRICS = {
    "output_tokens_per_s": "output_tokens_per_s",
    "total_tokens_per_s": "total_tokens_per_s",
    "requests_per_s": "requests_per_s",
    "ttft_ms": "ttft_ms",
    "tpot_ms": "tpot_ms",
    "itl_ms": "itl_ms",
    "itl_p50_ms": "itl_ms",
    "e2e_latency_ms": "e2e_latency_ms",
    "accelerator_power_w": "accelerator_power_w",
    "joules_per_token": "joules_per_token",
    "peak_memory_gb": "peak_memory_gb",
    "system_power_w": "system_power_w",
}


class RowRefusedError(Exception):
    """A row that cannot be predicted; its text says why."""


def above_zero(observations: Iterable[Observation]) -> None:
    """Refuse what no run can have measured.

    Raises
    ------
    RowRefusedError : a number that is zero, negative or endless.
    """
    if reason := unmeasurable(observations):
        raise RowRefusedError(reason)


def observations_of(row: Row) -> list[Observation]:
    """Give what a row measured, in the planner's names and units."""
    metrics: Mapping[str, Any] = row["metrics"]
    found = [Observation(_METRICS[name], float(value)) for name, value in metrics.items() if name in _METRICS]
    each = metrics.get("tokens_per_s_per_accelerator")
    if each:
        found.append(Observation("output_tokens_per_s", float(each) * float(row.get("n_accelerators") or 1)))
    prompts = metrics.get("prefill_tokens_per_s")
    if prompts and "ttft_ms" not in metrics:
        found.append(Observation("ttft_ms", float(row["isl"]) / float(prompts) * 1e3))
    return found


def mode_of(row: Row, task: str) -> Mode:
    """Give the kind of load that a row ran.

    Raises
    ------
    RowRefusedError : it is none that the planner models.
    """
    if task in ENCODERS or task == "diffusion":
        return Mode.ENCODE
    said, phase = str(row.get("scenario")), row.get("phase")
    scenario = _SAME_LOADS.get(re.sub(r"[\s-]+", "_", said.casefold()), said)
    if phase == "prefill":
        return Mode.PROMPT
    if phase == "decode" or row.get("engine") == "gpt-fast":
        return Mode.DECODE
    if scenario == "fixed_batch":
        return Mode.PROMPT if row.get("osl") == 1 else Mode.STATIC
    if scenario in (_ONE_SAMPLE, "concurrency"):
        return Mode.CLOSED
    if scenario == "max_batch_saturated":
        return Mode.SATURATED
    if scenario in ("server_sla", "server_sla_interactive", "server_constant_rate"):
        return Mode.RATE
    if scenario in ("offline_max_throughput", "server_infinite_rate"):
        return Mode.OFFLINE
    raise RowRefusedError(f"a load of the kind '{said}' is not one that the planner models")


_SAME_LOADS = {  # other words for the loads of published tables
    **dict.fromkeys(("offline", "offline_throughput", "max_throughput", "throughput"), "offline_max_throughput"),
    **dict.fromkeys(("static", "static_batch", "batch"), "fixed_batch"),
    **dict.fromkeys(("closed_loop", "fixed_concurrency"), "concurrency"),
}


def group_of(row: Row, mode: Mode, accelerator: Accelerator) -> str:
    """Give the family of rows that a row is scored with: its maker where that is a family of its own, else its mode."""
    if mode is Mode.ENCODE:
        return "encoder"
    if accelerator.family in ("neuron", "gaudi", "tpu", "cdna"):
        return accelerator.family
    if str(row.get("source")).startswith("mlperf"):
        return "mlperf interactive" if row.get("scenario") == _INTERACTIVE else "mlperf"
    if mode is Mode.OFFLINE:
        return "offline"
    if mode is Mode.SATURATED:
        return "saturated"
    if row.get("scenario") == "single_stream" or row.get("batch") == 1:
        return "single stream"
    return "static batch" if mode in (Mode.STATIC, Mode.PROMPT, Mode.DECODE) else mode.value


def degrees_of(row: Row, accelerator: Accelerator, engine: str, mode: Mode) -> tuple[Degrees, int, int]:
    """Give layout, devices that it counts, and cores of one accelerator that are devices."""
    accelerators = int(row.get("n_accelerators") or 1)
    unit = str(row.get("tp_unit") or "")
    cores = accelerator.cores if _CORES in unit.lower() or accelerator.kind in ("neuron",) else 1
    if "LNC=2" in unit or (accelerator.id in _LOGICAL_CORES and cores > 1):
        cores = accelerator.cores // 2  # two physical cores are one logical one
    devices = accelerators * cores
    if mode is Mode.ENCODE:
        alone = row.get("scenario") in (_ONE_SAMPLE, _EIGHT_SAMPLES)
        ranks = int(row.get("tp") or 1) * int(row.get("pp") or 1)
        copies = 1 if alone else int(row.get("n_models") or max(1, devices // ranks))
        shared = Degrees(tensor=int(row.get("tp") or 1), pipeline=int(row.get("pp") or 1), replicas=copies)
        return shared, devices, cores
    tensor, expert, data = (int(row.get(k) or 0) for k in ("tp", "ep", "dp"))
    pipeline = int(row.get("pp") or 1)
    if engine in _SERIAL and devices > 1:
        return Degrees(pipeline=devices), devices, cores
    if str(row.get("source")).startswith("mlperf"):
        return Degrees(searched=True), devices, cores
    if row.get("attention_dp"):
        attention = int(row["attention_dp"])
        return Degrees(tensor=1, data=attention, expert=max(expert, 1)), devices, cores
    if str(row.get("source")) == "mlenergy_v3" and expert > 1:
        ranks = devices // max(data, 1)
        return Degrees(tensor=ranks, data=max(data, 1), expert=expert), devices, cores
    if engine in _ONE_LOOP and data > 1:
        return Degrees(tensor=max(tensor, 1), data=data, expert=max(expert, 1)), devices, cores
    if not tensor or (expert > 1 and tensor < expert):
        tensor = max(1, devices // (pipeline * max(data, 1)))
    replicas = max(1, devices // (tensor * pipeline))
    if accelerator.kind == "neuron":
        replicas = max(data, 1)  # the rest of the instance is idle
    return Degrees(tensor=tensor, pipeline=pipeline, expert=max(expert, 1), replicas=replicas), devices, cores


def compiled_of(row: Row, engine: str, mode: Mode) -> float:
    """Give the sequences that every step computes: engines on Neuron compile one graph for their largest batch."""
    fixed = engine == "neuron-vllm" and mode in (Mode.CLOSED, Mode.RATE, Mode.OFFLINE)
    return number_in(row, "batch") if fixed and row.get("batch") else 0.0


def longest_of(row: Row, rule: EngineRule | None) -> float:
    """Give the tokens of prompt and answer that graphs were compiled for: as told, or as the engine's rows have it."""
    told = number_in(row, "max_seq_len")
    return float(rule.longest) if told != told and rule and rule.longest else told


def batch_of(row: Row, mode: Mode) -> float:
    """Give the sequences or clients of a row's load; NaN where it says none [1]."""
    if mode is Mode.ENCODE and row.get("scenario") in (_ONE_SAMPLE, _EIGHT_SAMPLES):
        return 1.0 if row["scenario"] == _ONE_SAMPLE else 8.0
    if mode is Mode.CLOSED:
        clients = number_in(row, "concurrency")
        if clients != clients and row.get("scenario") == _ONE_SAMPLE:
            return 1.0
        return clients if clients == clients else number_in(row, "batch")
    return number_in(row, "batch")


def number_in(row: Row, key: str) -> float:
    """Give a number of a row; NaN where it says none.

    Raises
    ------
    RowRefusedError : it is below zero, or zero where nothing is.
    """
    value = row.get(key)
    if value is None:
        return float("nan")
    number = float(value)
    if number < 0 or (number == 0 and key not in ("isl", "osl")):
        raise RowRefusedError(f"{key} is {number:g}")
    return number
