"""Rows of published inference results, in the form of `catalogs/measurements/inference.yaml`, as cases."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from planner.accuracy.cases import Observation, Refused, unmeasurable
from planner.accuracy.searched import searched_degrees
from planner.accuracy.serving_cases import Degrees, Mode, ServingCase
from planner.accuracy.serving_nodes import for_efficiency, most_efficient_w, surroundings
from planner.accuracy.serving_words import EngineRule, ServingWords, as_run
from planner.catalog.accelerator import Accelerator
from planner.catalog.checkpoints import format_of, without_format
from planner.catalog.power import NodePowerRule
from planner.catalog.store import Catalog
from planner.errors import PlannerError
from planner.record import record
from planner.serving.formats import BYTES_OF, Formats
from planner.serving.layout import why_not
from planner.workload.architecture import Architecture
from planner.workload.build import architecture
from planner.workload.convolutional import convolutional

Row = Mapping[str, Any]

_ONE_SAMPLE, _EIGHT_SAMPLES, _INTERACTIVE = "single_stream", "multi_stream_8", "server_sla_interactive"
_SERIAL = (
    "llama.cpp",
    "llama.cpp-cpu",
    "transformers",
)  # several devices hold more of a model, and work one after the other
_ONE_LOOP = ("jetstream",)  # a batch is dealt out to devices by one program, whose host serves all of them
_CORES = "core"  # in `tp_unit`: degrees count cores and not accelerators
_ENCODERS = ("encoder", "vision")
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


@record
class InferenceRows:
    """Reads rows; what cannot be read is refused with its reason."""

    catalog: Catalog
    words: ServingWords
    _shapes: dict[str, Architecture]
    _names: dict[tuple[str, str], str | None]

    @staticmethod
    def of(catalog: Catalog, words: ServingWords) -> InferenceRows:
        """Give a reader over catalogs and rules."""
        return InferenceRows(catalog, words, {}, {})

    def read(self, row: Row) -> ServingCase | Refused:
        """Give one row of a list in the form of `inference.yaml`."""
        observations: tuple[Observation, ...] = ()
        try:
            observations = tuple(_observations(row))
            if not observations:
                raise RowRefusedError("the row measures nothing that the planner predicts")
            above_zero(observations)
            return self._case(row, observations)
        except RowRefusedError as refusal:
            reason = str(refusal)
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, PlannerError) as error:
            missing = isinstance(error, KeyError)
            reason = f"the row does not state its {error}" if missing else f"a value of the row cannot be read: {error}"
        return Refused(
            id=str(row.get("id") or ""),
            source=str(row.get("source") or ""),
            accelerator_text=str(row.get("accelerator") or ""),
            quality=str(row.get("quality") or ""),
            group=str(row.get("scenario") or ""),
            kind="inference",
            reason=reason,
            observations=observations,
        )

    def shape(self, name: str) -> tuple[str, Architecture]:
        """Give a model's id and architecture by any of its names.

        Raises
        ------
        RowRefusedError : the catalogs do not know it, or its shape has no form here.
        """
        # A row states its number formats by themselves, so that those in a checkpoint's name say no more.
        found = self._resolved("model", name) or self._resolved("model", without_format(name))
        if found is None:
            raise RowRefusedError(f"no model '{name}' in the catalogs")
        if found not in self._shapes:
            entry = self.catalog.model(found)
            if entry.convolutions:
                self._shapes[found] = convolutional(entry.convolutions, found)
            elif entry.architecture:
                self._shapes[found] = architecture(entry.architecture, found)
            else:
                raise RowRefusedError(f"{found} is {entry.unsupported or 'a model of unpublished shape'}")
        return found, self._shapes[found]

    def accelerator(self, name: str) -> Accelerator:
        """Give an accelerator by any of its names.

        Raises
        ------
        RowRefusedError : the catalogs do not know it.
        """
        found = self._resolved("accelerator", name)
        if found is None:
            raise RowRefusedError(f"no accelerator '{name}' in the catalogs")
        return self.catalog.accelerator(found)

    def _resolved(self, kind: str, name: str) -> str | None:
        if (kind, name) not in self._names:
            self._names[kind, name] = self.catalog.resolve(kind, name)
        return self._names[kind, name]

    def _case(self, row: Row, observations: tuple[Observation, ...]) -> ServingCase:
        if row.get("spec_decode"):
            raise RowRefusedError("speculative decoding without the share of tokens that was accepted")
        source, task = str(row.get("source") or ""), str(row.get("task") or "llm")
        model, shape = self.shape(str(row["model"]))
        accelerator = self.accelerator(str(row["accelerator"]))
        version = str(row.get("engine_version") or "")
        name = str(row.get("engine") or "")
        rule = self.words.rule(name=name, version=version, source=source, task=task, accelerator=accelerator.id)
        engine = rule.engine if rule else None
        estimated: list[str] = []
        if engine is None:
            engine = self._usual_engine(accelerator, task)
        if rule is None or rule.relative:
            estimated.append("engine")
        formats = as_run(
            self._formats(row, accelerator, estimated),
            accelerator,
            self.words.weights(_weights(row)),
        )
        mode = _mode(row, task)
        prompt, output = self._lengths(row, mode, shape, estimated)
        if not (0 <= prompt < math.inf and 0 <= output < math.inf):
            raise RowRefusedError(f"a prompt of {prompt:g} and an answer of {output:g} tokens are none")
        degrees, devices, cores = _degrees(row, accelerator, engine, mode)
        if degrees.searched:
            degrees = searched_degrees(shape, formats, accelerator, devices=devices, cores=cores)
        words = why_not(
            shape,
            tensor=degrees.tensor,
            data=degrees.data,
            pipeline=degrees.pipeline,
            expert=degrees.expert,
            pads=accelerator.kind == "neuron",
        )
        if words:
            raise RowRefusedError(words)
        batch = _batch(row, mode)
        if mode in (Mode.STATIC, Mode.DECODE, Mode.PROMPT) and batch != batch:
            raise RowRefusedError("the row does not say its batch")
        if rule and rule.drawn and batch == batch:
            prompt *= (1.0 + (batch - 1.0) * _DRAWN) / batch  # one of them is the longest
            estimated.append("prompt")
        cap_w = _number(row, "accelerator_power_cap_w")
        if cap_w != cap_w and for_efficiency(row):
            cap_w = most_efficient_w(accelerator)
            estimated.append("power limit")
        count = round(devices / cores)
        around = surroundings(accelerator, count, self.catalog.sheet("node-power", NodePowerRule))
        return ServingCase(
            id=str(row.get("id") or ""),
            source=source,
            accelerator_text=str(row["accelerator"]),
            quality=str(row.get("quality") or ""),
            kind="inference",
            group=_group(row, mode, accelerator),
            scenario=str(row.get("scenario") or ""),
            model=model,
            architecture=shape,
            accelerator=accelerator,
            engine=engine,
            engine_stated=bool(version) or engine not in _GENERATIONS,
            formats=formats,
            degrees=degrees,
            devices=devices,
            cores=cores,
            mode=mode,
            prompt=prompt,
            output=output,
            batch=batch,
            observations=observations,
            most=_number(row, "max_num_seqs"),
            requests=_number(row, "num_requests"),
            rate=_number(row, "request_rate"),
            beams=4 if "beam width 4" in str(row.get("notes")) else 1,
            compiled=_compiled(row, engine, mode),
            varied=_VARIED if row.get("dataset") and mode is not Mode.ENCODE else 0.0,
            kept=_number(row, "cache_len") if row.get("cache_len") else 0.0,
            longest=_longest(row, rule),
            tpot_limit_ms=_number(row, "sla_tpot_ms"),
            power_cap=cap_w,
            around_w=around.host_w,
            lost=around.lost,
            estimated=tuple(estimated),
            near=(f"{source}|{model}|{row['accelerator']}",),
        )

    def _formats(self, row: Row, accelerator: Accelerator, estimated: list[str]) -> Formats:
        if not _states_weights(row):
            estimated.append("weights")
        products = row.get("activation_precision")
        weights = self.words.weights(_weights(row))
        if weights == "int8" and accelerator.kind in ("neuron", "tpu"):
            products = "bf16"  # weights alone are kept in 8 bits
        if weights == "fp32" and accelerator.kind == "neuron":
            weights = "bf16"  # the compiler casts products to 16 bits
        cache = self._cache(row) or ("fp8" if weights in ("fp8", "nvfp4") and _is_quantised_cache(row) else None)
        formats = self.words.formats(weights, products=str(products).casefold() if products else None, cache=cache)
        if formats is None:
            raise RowRefusedError(f"weights in '{weights}' are not a format that the planner models")
        return formats

    def _usual_engine(self, accelerator: Accelerator, task: str) -> str:
        """Give what such chips are usually served with, for rows that do not say."""
        defaults = self.catalog.defaults()
        if task in _ENCODERS:
            return defaults.encoder_engine_of.get(accelerator.family, _ENCODERS_ELSEWHERE)
        return _ENGINES_OF_MAKERS.get(accelerator.family) or defaults.engine_of.get(accelerator.family, _ELSEWHERE)

    def _cache(self, row: Row) -> str | None:
        stated = str(row.get("kv_precision") or "auto").casefold()
        if stated == "auto":
            return None
        name = next((known for known in ("fp8", "int8", "bf16", "fp16", "fp32") if stated.startswith(known)), stated)
        name = self.words.weights(name)
        if name not in BYTES_OF:
            raise RowRefusedError(f"keys and values in '{stated}' are not a format that the planner models")
        return name

    def _lengths(self, row: Row, mode: Mode, shape: Architecture, estimated: list[str]) -> tuple[float, float]:
        prompt, output = _number(row, "isl"), _number(row, "osl")
        if mode is Mode.ENCODE:
            fixed = shape.main.tokens_per_sample
            length = float(fixed) if fixed else prompt
            known = self.words.prompt(str(row.get("dataset") or ""))
            if length != length and known is not None:
                length = float(known.prompt)
                estimated.append("prompt")
            if length != length:
                length = _number(row, "max_isl")
            if length != length:
                raise RowRefusedError("the row does not say how long its inputs are")
            return length, 0.0
        known = self.words.prompt(str(row.get("dataset") or _DATASETS.get(str(row.get("source")), "")))
        if prompt != prompt and known is not None:
            prompt = float(known.prompt)
            estimated.append("prompt")
        if output != output and known is not None and known.output is not None:
            output = float(known.output)
            estimated.append("output")
        if output != output and row.get("engine") == "gpt-fast":
            output = 200.0
            estimated.append("output")
        if output != output and mode is Mode.DECODE:
            output = 128.0
            estimated.append("output")
        if prompt != prompt and mode is Mode.DECODE:
            prompt = 0.0
            estimated.append("prompt")
        if prompt != prompt or output != output:
            raise RowRefusedError("the row does not say how long prompts and outputs are, nor its data set")
        return prompt, output


_UNSAID = ("none", "", "auto", "default", "native")  # words for weights as the checkpoint has them
_DRAWN = 0.5  # mean over the longest of lengths that are drawn evenly up to it
_VARIED = 0.7  # coefficient of variation of the outputs that a data set's prompts draw; our estimate
_ENGINES_OF_MAKERS = {"tpu": "jetstream", "cdna": "vllm-rocm"}
_LOGICAL_CORES = ("trainium2", "trainium3")  # whose software joins cores in pairs unless told otherwise
_ELSEWHERE, _ENCODERS_ELSEWHERE = "trtllm-0.14", "torch"
_GENERATIONS = (
    "vllm",
    "vllm-0.11",
    "vllm-0.6",
    "vllm-rocm",
    "trtllm",
    "trtllm-0.14",
    "trtllm-0.8",
    "trtllm-0.5",
    "sglang",
)
_DATASETS = {"optimum_neuron_vllm": "ShareGPT"}


def _states_weights(row: Row) -> bool:
    """Tell whether a row says what format its weights are in, other than that of the checkpoint."""
    return str(row.get("weight_precision")).casefold() not in _UNSAID


def _weights(row: Row) -> str:
    """Give a row's words for its weights; where it has none, what its checkpoint's name tells, or else the usual."""
    if _states_weights(row):
        return str(row["weight_precision"])
    engine = str(row.get("engine") or "").casefold()
    usual = next((weights for name, weights in _USUAL_WEIGHTS.items() if name in engine), "bf16")
    return format_of(str(row["model"])) or usual


# What is loaded by engines of files that others have quantised, where nobody asks for more.
_USUAL_WEIGHTS = {"llama.cpp": "q4_0", "ollama": "q4_k_m", "lm studio": "q4_k_m"}


def _is_quantised_cache(row: Row) -> bool:
    """Tell whether an engine quantises keys and values along with weights of 8 or 4 bits, as its recipes have it."""
    return any(name in str(row.get("engine")) for name in ("TensorRT", "optimum-habana"))


def _observations(row: Row) -> list[Observation]:
    metrics: Mapping[str, Any] = row["metrics"]
    found = [Observation(_METRICS[name], float(value)) for name, value in metrics.items() if name in _METRICS]
    each = metrics.get("tokens_per_s_per_accelerator")
    if each:
        found.append(Observation("output_tokens_per_s", float(each) * float(row.get("n_accelerators") or 1)))
    prompts = metrics.get("prefill_tokens_per_s")
    if prompts and "ttft_ms" not in metrics:
        found.append(Observation("ttft_ms", float(row["isl"]) / float(prompts) * 1e3))
    return found


def _mode(row: Row, task: str) -> Mode:
    if task in _ENCODERS or task == "diffusion":
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


def _group(row: Row, mode: Mode, accelerator: Accelerator) -> str:
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


def _degrees(row: Row, accelerator: Accelerator, engine: str, mode: Mode) -> tuple[Degrees, int, int]:
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


def _compiled(row: Row, engine: str, mode: Mode) -> float:
    """Give the sequences that every step computes: engines on Neuron compile one graph for their largest batch."""
    fixed = engine == "neuron-vllm" and mode in (Mode.CLOSED, Mode.RATE, Mode.OFFLINE)
    return _number(row, "batch") if fixed and row.get("batch") else 0.0


def _longest(row: Row, rule: EngineRule | None) -> float:
    """Give the tokens of prompt and answer that graphs were compiled for: as told, or as the engine's rows have it."""
    told = _number(row, "max_seq_len")
    return float(rule.longest) if told != told and rule and rule.longest else told


def _batch(row: Row, mode: Mode) -> float:
    if mode is Mode.ENCODE and row.get("scenario") in (_ONE_SAMPLE, _EIGHT_SAMPLES):
        return 1.0 if row["scenario"] == _ONE_SAMPLE else 8.0
    if mode is Mode.CLOSED:
        clients = _number(row, "concurrency")
        if clients != clients and row.get("scenario") == _ONE_SAMPLE:
            return 1.0
        return clients if clients == clients else _number(row, "batch")
    return _number(row, "batch")


def _number(row: Row, key: str) -> float:
    value = row.get(key)
    if value is None:
        return float("nan")
    number = float(value)
    if number < 0 or (number == 0 and key not in ("isl", "osl")):
        raise RowRefusedError(f"{key} is {number:g}")
    return number
