"""Measured training runs: rows of `training.yaml` and of the training CSV files, as cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from planner.accuracy.cases import Observation, Refused, Software, Spread, TrainingCase, unmeasurable
from planner.accuracy.links import is_bridged, scale_up_domain, slot_bytes_per_s
from planner.accuracy.shapes import Shapes, ShapeUnknownError
from planner.accuracy.silicon import Silicon
from planner.accuracy.software import Words
from planner.catalog.accelerator import Accelerator
from planner.catalog.store import Catalog
from planner.errors import PlannerError, brief
from planner.planning.machines import peak_flops_per_s

_PRECISION = {
    "bf16": "bf16",
    "fp16": "fp16",
    "fp32": "fp32",
    "tf32": "tf32",
    "fp8": "fp8",
    "fp8_cs": "fp8",
    "fp8_mx": "mxfp8",
    "fp8_ds": "fp8",
    "nvfp4": "nvfp4",
    "int8": "int8",
    "mxfp8": "mxfp8",
    "mxfp4": "nvfp4",  # blocks of 4 bits either way, at the rate of the part's units for 4 bits
    "fp4": "nvfp4",
    "float16": "fp16",
    "float32": "fp32",
}
_PER_DEVICE_CORES = ("neuron",)  # parts whose published degrees count cores
_GIB = 2.0**30 / 1e9

Row = Mapping[str, Any]


class TrainingRows:
    """Reads rows; what a row does not say is left open, what cannot be read is refused with its reason."""

    def __init__(self, catalog: Catalog, words: Words) -> None:
        self._catalog = catalog
        self._words = words
        self._shapes = Shapes(catalog)
        self._silicon = Silicon(catalog)

    def yaml_row(self, row: Row, *, number: int = 0) -> TrainingCase | Refused:
        """Give one row of a list in the form of `training.yaml`; it is called by its number where it has no id."""
        row = _maps(row)
        try:
            observations = tuple(_observations(row))
            _above_zero(observations)
            return self._yaml_case(row, observations, number)
        except _RowError as error:
            reason = str(error)
        except PlannerError as error:
            reason = error.faults[0].message
        except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
            reason = f"the row cannot be read: {type(error).__name__} {error}"
            observations = ()
        return Refused(
            id=_id(row, number),
            source=_source(row),
            accelerator_text=str(row.get("accelerator", "")),
            quality=str(row.get("quality", "")),
            group=_group(row),
            kind="training",
            reason=reason,
            observations=observations,
        )

    def _yaml_case(self, row: Row, observations: tuple[Observation, ...], number: int) -> TrainingCase:
        if not observations:
            raise _RowError(
                "the row measures neither time, rate, memory nor power; a rate of operations alone depends on which of "
                "them its source counts"
                if any("flops" in name or name in ("mfu", "hfu") for name in row["measured"])
                else "the row measures neither time, rate, memory nor power"
            )
        accelerators, length = row.get("n_accelerators"), row.get("seq_len")
        if not accelerators or not length:
            raise _RowError("the row does not say how many accelerators or which sequence length")
        source, version = _source(row), str(row["source"].get("version", ""))
        accelerator = self._accelerator(str(row.get("accelerator", "")))
        precision, stated_precision = _precision(row)
        software = self._words.software(framework=str(row.get("framework") or ""), source=source, version=version)
        stated_software = software is not None
        software = software or Software(_usual_framework(accelerator), float("nan"))
        cores = accelerator.cores if accelerator.kind in _PER_DEVICE_CORES else 1
        per_node = int(row.get("accelerators_per_node") or min(8, accelerators))
        batch, stated_batch = _batch(row, length, float(accelerators) * cores)
        try:
            shape = self._shapes.of(row["model"], length)
        except ShapeUnknownError as error:
            raise _RowError(str(error)) from error
        precision = _known(precision, accelerator)
        peak_flops_per_s(accelerator, precision)  # refuses a format that the part does not multiply in
        spread = _spread(row)
        stated = stated_precision and stated_software and stated_batch
        return TrainingCase(
            id=_id(row, number),
            source=source,
            accelerator_text=str(row["accelerator"]),
            quality=str(row.get("quality", "")),
            group=_group(row),
            model=str(row["model"].get("name", "")),
            architecture=shape,
            accelerator=accelerator,
            length=int(length),
            batch=batch,
            precision=precision,
            trained=row.get("task") != "lora",
            software=software,
            spread=spread,
            accelerators=int(accelerators),
            devices=int(accelerators) * cores,
            domain=scale_up_domain(row, accelerator, per_node, int(accelerators)) * cores,
            fabric_bytes_per_s=self._beyond(row, accelerator, per_node, int(accelerators)) / cores,
            gradient_bytes=2.0 if "PURE" in str(row.get("precision_detail")) else 4.0,
            kind_of_rate=_kind_of_rate(row),
            observations=observations,
            near=tuple(str(row[k]) for k in ("dup_group", "split_group") if row.get(k)),
            silicon_since=self._silicon.since(accelerator),
            loose=bool(row.get("assumptions")) or not stated or spread.searched,
        )

    def _accelerator(self, text: str) -> Accelerator:
        """Give the part that a row names."""
        name = self._catalog.resolve("accelerator", text)
        if name is not None:
            return self._catalog.accelerator(name)
        raise _RowError(f"no accelerator '{brief(text, most=60)}' in the catalogs")

    def _fabric(self, row: Row, accelerator: Accelerator, per_node: int) -> float:
        """Give the network of one accelerator as the row tells it, else its system's, else a common one."""
        found = self._words.fabric_bytes_per_s(str(row.get("network") or ""), accelerator.id, per_node)
        return found if found == found else _USUAL_FABRIC_BYTES_PER_S

    def _beyond(self, row: Row, accelerator: Accelerator, per_node: int, accelerators: int) -> float:
        """Give what joins one accelerator to those beyond its scale-up link: PCIe around bridged cards of one node."""
        if accelerators <= per_node and is_bridged(accelerator, per_node):
            return slot_bytes_per_s(accelerator)
        return self._fabric(row, accelerator, per_node)

    def csv_row(self, row: Mapping[str, str], *, file: str, line: int) -> TrainingCase | Refused:
        """Give one row of a CSV file in the form of `training_megatron_deepspeed_a100.csv`."""
        observations: tuple[Observation, ...] = ()
        try:
            observations = (Observation(*_csv_observation(row)),)
            _above_zero(observations)
            return self._csv_case(row, observations, f"{file}:{line}")
        except _RowError as error:
            reason = str(error)
        except PlannerError as error:
            reason = error.faults[0].message
        except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError) as error:
            reason = f"the row cannot be read: {type(error).__name__} {error}"
        return Refused(
            id=f"{file}:{line}",
            source=_csv_source(row),
            accelerator_text=str(row.get("accelerator", "")),
            quality="A",
            group="dense",
            kind="training",
            reason=reason,
            observations=observations,
        )

    def _csv_case(self, row: Mapping[str, str], observations: tuple[Observation, ...], id_: str) -> TrainingCase:
        source = _csv_source(row)
        accelerator = self._accelerator(row["accelerator"])
        software = self._words.software(
            framework="Megatron-DeepSpeed" if "DeepSpeed" in row["source"] else "Megatron-Core",
            source=source,
            version="",
        )
        if software is None:
            raise _RowError("the file's framework is not one that a profile knows")
        length = int(row["seq"])
        try:
            shape = self._csv_shape(row, length)
        except ShapeUnknownError as error:
            raise _RowError(str(error)) from error
        precision = _known(_PRECISION[row["precision"]], accelerator)
        peak_flops_per_s(accelerator, precision)

        def degree(name: str) -> int:
            return int(float(row.get(name) or 1))

        return TrainingCase(
            id=id_,
            source=source,
            accelerator_text=row["accelerator"],
            quality="A",
            group="moe" if any(k.experts for s in shape.stacks for k in s.kinds) else "dense",
            model=row["model"],
            architecture=shape,
            accelerator=accelerator,
            length=length,
            batch=float(row["global_batch"]),
            precision=precision,
            trained=True,
            software=software,
            spread=Spread(
                tensor=degree("tp"),
                pipeline=degree("pp"),
                context=degree("cp"),
                expert=degree("ep"),
                expert_tensor=degree("etp"),
                interleave=degree("interleave"),
                micro_batch=float(row["microbatch"]),
                sharding=int(row.get("zero") or 0),
                sequence_parallel=row.get("seq_parallel") == "1",
                recompute=row.get("recompute") or None,
            ),
            accelerators=int(row["n_accel"]),
            devices=int(row["n_accel"]),
            domain=scale_up_domain({}, accelerator, 8, int(row["n_accel"])),
            fabric_bytes_per_s=self._beyond({}, accelerator, 8, int(row["n_accel"])),
            gradient_bytes=2.0 if "DeepSpeed" in row["source"] else 4.0,
            kind_of_rate="step",
            observations=observations,
            near=(f"{source}|{row['model']}|{row['seq']}",),
            silicon_since=self._silicon.since(accelerator),
            allocated=row.get("metric") == "peak_allocated_memory",
        )

    def _csv_shape(self, row: Mapping[str, str], length: int) -> Any:
        if not row.get("hidden"):
            return self._shapes.named([row["model"]])
        model = {
            "name": row["model"],
            "layers": int(row["layers"]),
            "hidden": int(row["hidden"]),
            "heads": int(row["heads"]),
            "kv_heads": int(row["kv_heads"]),
            "ffn": int(row["ffn"]),
            # Megatron pads GPT-2's vocabulary of 50,257 to a multiple of 128 per tensor rank.
            "vocab": int(row["vocab"] or 51_200),
            "mlp": "swiglu" if int(row["kv_heads"]) < int(row["heads"]) else "gelu",
            "tied_embeddings": not row["vocab"],
        }
        return self._shapes.of(model, length)


def _observations(row: Row) -> Iterator[Observation]:
    """Give what a row measures; step time and tokens/s are derived from one another and count once."""
    measured = row.get("measured", {})
    derived = " ".join(str(item) for item in row.get("derived", ()))
    step, rate = measured.get("step_time_s"), measured.get("tokens_per_s_per_accelerator")
    rate = rate or row.get("derived_tokens_per_s_per_accelerator")
    whole, accelerators = measured.get("tokens_per_s"), row.get("n_accelerators")
    if not (rate or step) and whole and accelerators:
        rate = float(whole) / float(accelerators)
    if step and (not rate or not derived.startswith("step_time_s")):
        yield Observation("step_time_s", float(step))
    elif rate:
        yield Observation("tokens_per_s_per_accelerator", float(rate))
    elif step:
        yield Observation("step_time_s", float(step))
    if measured.get("peak_memory_gb"):
        yield Observation("peak_memory_gb", float(measured["peak_memory_gb"]))
    if measured.get("node_power_kw"):
        yield Observation("node_power_kw", float(measured["node_power_kw"]))


def _above_zero(observations: Iterable[Observation]) -> None:
    if reason := unmeasurable(observations):
        raise _RowError(reason)


def _csv_observation(row: Mapping[str, str]) -> tuple[str, float]:
    value = float(row["measured_value"])
    if row["metric"] == "peak_allocated_memory":
        return "peak_memory_gb", value * _GIB
    return "step_time_s", value


def _group(row: Row) -> str:
    if row.get("task") == "lora":
        return "lora"
    return str(row.get("model", {}).get("arch", "dense"))


def _batch(row: Row, length: float, devices: float) -> tuple[float, bool]:
    """Give the sequences of a step, and whether the row states them."""
    if row.get("global_batch_seqs"):
        return float(row["global_batch_seqs"]), True
    if row.get("global_batch_tokens"):
        return float(row["global_batch_tokens"]) / length, True
    parallel = row.get("parallelism") or {}
    micro, dp = row.get("micro_batch"), parallel.get("dp")
    model = float(parallel.get("tp") or 1) * float(parallel.get("pp") or 1) * float(parallel.get("cp") or 1)
    ranks = float(dp or max(devices / model, 1.0))
    if micro:
        return float(micro) * ranks * float(row.get("grad_accum") or 1), True
    return max(ranks, round(_USUAL_BATCH_TOKENS / length / ranks) * ranks), False


_USUAL_BATCH_TOKENS = 4e6  # of published pretraining runs, our estimate for rows that state no batch
_USUAL_FABRIC_BYTES_PER_S = 50e9  # 400 Gb/s per accelerator, our estimate for systems that no rule names
_FRAMEWORKS = {"tpu": "maxtext", "neuron": "neuron", "gaudi": "gaudi", "cdna": "rocm"}


def _usual_framework(accelerator: Accelerator) -> str:
    """Give what such a part is usually trained with, for rows that do not say."""
    return _FRAMEWORKS.get(accelerator.kind) or _FRAMEWORKS.get(accelerator.family, "megatron-core")


class _RowError(Exception):
    """Why a row cannot be predicted."""


def _maps(row: Row) -> Row:
    """Give a row whose parts are maps, empty where they are none."""
    parts = ("source", "model", "parallelism", "measured")
    return dict(row) | {part: row.get(part) if isinstance(row.get(part), Mapping) else {} for part in parts}


def _id(row: Row, number: int) -> str:
    return str(row.get("id") or f"row {number + 1}")


def _source(row: Row) -> str:
    return str(row["source"].get("key") or row["source"].get("title") or "unstated")


def _csv_source(row: Mapping[str, str]) -> str:
    return (row.get("source") or "unstated").split(" ")[0]


def _precision(row: Row) -> tuple[str, bool]:
    """Give the precision of the layers' products, and whether the row states one that is known."""
    text = str(row.get("precision") or "").lower()
    if text in _PRECISION:
        return _PRECISION[text], True
    found = next((name for name in _PRECISION if name in text), None)
    return (_PRECISION[found], False) if found else ("bf16", False)


def _kind_of_rate(row: Row) -> str:
    measured = row.get("measured", {})
    if measured.get("throughput_includes_eval"):
        return "evaluated"
    if measured.get("accelerator_hours") and not measured.get("step_time_s"):
        return "hours"
    return "step"


def _known(precision: str, accelerator: Accelerator) -> str:
    """Give the 16-bit format that a part has, where a row names the other one."""
    if precision in ("bf16", "fp16") and precision not in accelerator.peak:
        return "fp16" if "fp16" in accelerator.peak else "bf16"
    return precision


def _spread(row: Row) -> Spread:
    parallel = row.get("parallelism") or {}
    known = {k: v for k, v in parallel.items() if k not in ("cp", "sp")}
    fsdp = parallel.get("fsdp")
    sharding = parallel.get("zero_stage")
    group = parallel.get("zero1_shard_group")
    if fsdp is not None and fsdp is not False:
        sharding = 3
        group = int(fsdp) if isinstance(fsdp, int) and not isinstance(fsdp, bool) else None
    return Spread(
        tensor=parallel.get("tp"),
        pipeline=parallel.get("pp"),
        context=parallel.get("cp"),
        expert=parallel.get("ep"),
        expert_tensor=parallel.get("etp"),
        interleave=parallel.get("vpp"),
        micro_batch=float(row["micro_batch"]) if row.get("micro_batch") else None,
        sharding=sharding,
        sharding_group=group,
        sequence_parallel=parallel.get("sp"),
        recompute=_recompute(row.get("recompute")),
        dual_pipe=parallel.get("schedule") == "DualPipe",
        searched=not known,
    )


def _recompute(stated: object) -> str | None:
    """Give a row's word for what it recomputes; yes means all layers, no none."""
    if stated is None:
        return None
    text = str(stated).strip()
    return {"true": "full", "yes": "full", "false": "none", "no": "none"}.get(text.lower(), text)
