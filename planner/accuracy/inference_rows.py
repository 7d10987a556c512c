"""Rows of published inference results, in the form of `catalogs/measurements/inference.yaml`, as cases."""

from __future__ import annotations

import math

from planner.accuracy.cases import Observation, Refused
from planner.accuracy.inference_row import (
    ENCODERS,
    Row,
    RowRefusedError,
    above_zero,
    batch_of,
    compiled_of,
    degrees_of,
    group_of,
    longest_of,
    mode_of,
    number_in,
    observations_of,
)
from planner.accuracy.searched import searched_degrees
from planner.accuracy.serving_cases import Mode, ServingCase
from planner.accuracy.serving_nodes import for_efficiency, most_efficient_w, surroundings
from planner.accuracy.serving_words import ServingWords, as_run
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
            observations = tuple(observations_of(row))
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
        mode = mode_of(row, task)
        prompt, output = self._lengths(row, mode, shape, estimated)
        if not (0 <= prompt < math.inf and 0 <= output < math.inf):
            raise RowRefusedError(f"a prompt of {prompt:g} and an answer of {output:g} tokens are none")
        degrees, devices, cores = degrees_of(row, accelerator, engine, mode)
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
        batch = batch_of(row, mode)
        if mode in (Mode.STATIC, Mode.DECODE, Mode.PROMPT) and batch != batch:
            raise RowRefusedError("the row does not say its batch")
        if rule and rule.drawn and batch == batch:
            prompt *= (1.0 + (batch - 1.0) * _DRAWN) / batch  # one of them is the longest
            estimated.append("prompt")
        cap_w = number_in(row, "accelerator_power_cap_w")
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
            group=group_of(row, mode, accelerator),
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
            most=number_in(row, "max_num_seqs"),
            requests=number_in(row, "num_requests"),
            rate=number_in(row, "request_rate"),
            beams=4 if "beam width 4" in str(row.get("notes")) else 1,
            compiled=compiled_of(row, engine, mode),
            varied=_VARIED if row.get("dataset") and mode is not Mode.ENCODE else 0.0,
            kept=number_in(row, "cache_len") if row.get("cache_len") else 0.0,
            longest=longest_of(row, rule),
            tpot_limit_ms=number_in(row, "sla_tpot_ms"),
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
        if task in ENCODERS:
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
        prompt, output = number_in(row, "isl"), number_in(row, "osl")
        if mode is Mode.ENCODE:
            fixed = shape.main.tokens_per_sample
            length = float(fixed) if fixed else prompt
            known = self.words.prompt(str(row.get("dataset") or ""))
            if length != length and known is not None:
                length = float(known.prompt)
                estimated.append("prompt")
            if length != length:
                length = number_in(row, "max_isl")
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
