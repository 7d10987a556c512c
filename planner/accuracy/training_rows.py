"""Measured training runs: rows of `training.yaml` and of the training CSV files, as cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planner.accuracy.cases import Observation, Refused, Spread, TrainingCase
from planner.accuracy.shapes import Shapes, ShapeUnknownError
from planner.accuracy.software import Words
from planner.catalog.accelerator import Accelerator
from planner.catalog.store import Catalog

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

    def yaml_row(self, row: Row) -> TrainingCase | Refused:
        """Give one row of a list in the form of `training.yaml`."""
        observations = tuple(_observations(row))
        source = str(row["source"]["key"])
        group = _group(row)

        def refused(reason: str) -> Refused:
            text, quality = str(row.get("accelerator", "")), str(row.get("quality", ""))
            return Refused(str(row["id"]), source, text, quality, group, "training", reason, observations)

        if not observations:
            return refused("the row measures neither time, rate, memory nor power")
        accelerators = row.get("n_accelerators")
        length, precision = row.get("seq_len"), _PRECISION.get(str(row.get("precision")))
        if accelerators is None or length is None:
            return refused("the row does not say how many accelerators or which sequence length")
        if precision is None:
            return refused(f"precision '{row.get('precision')}' is not one that the planner models")
        name = self._catalog.resolve("accelerator", str(row["accelerator"]))
        if name is None:
            return refused(f"no accelerator '{row['accelerator']}' in the catalogs")
        accelerator = self._catalog.accelerator(name)
        software = self._words.software(
            framework=str(row.get("framework") or ""), source=source, version=str(row["source"].get("version", ""))
        )
        if software is None:
            return refused(f"framework '{row.get('framework')}' is not one that a profile knows")
        batch = _batch(row, length)
        if batch is None:
            return refused("the row does not say its global batch")
        try:
            shape = self._shapes.of(row["model"], length)
        except ShapeUnknownError as error:
            return refused(str(error))
        cores = accelerator.cores if accelerator.kind in _PER_DEVICE_CORES else 1
        per_node = int(row.get("accelerators_per_node") or min(8, accelerators))
        spread = _spread(row)
        return TrainingCase(
            id=str(row["id"]),
            source=source,
            accelerator_text=str(row["accelerator"]),
            quality=str(row["quality"]),
            group=group,
            model=str(row["model"].get("name", "")),
            architecture=shape,
            accelerator=accelerator,
            length=int(length),
            batch=batch,
            precision=_known(precision, accelerator),
            trained=row.get("task") != "lora",
            software=software,
            spread=spread,
            accelerators=int(accelerators),
            devices=int(accelerators) * cores,
            domain=_domain(row, accelerator, per_node, int(accelerators)) * cores,
            fabric_bytes_per_s=self._words.fabric_bytes_per_s(str(row.get("network") or ""), name, per_node) / cores,
            gradient_bytes=2.0 if "PURE" in str(row.get("precision_detail")) else 4.0,
            kind_of_rate=_kind_of_rate(row),
            observations=observations,
            near=tuple(str(row[k]) for k in ("dup_group", "split_group") if row.get(k)),
            loose=bool(row.get("assumptions")),
        )

    def csv_row(self, row: Mapping[str, str], *, file: str, line: int) -> TrainingCase | Refused:
        """Give one row of a CSV file in the form of `training_megatron_deepspeed_a100.csv`."""
        metric, value = _csv_observation(row)
        observations = (Observation(metric, value),)
        id_, source = f"{file}:{line}", row["source"].split(" ")[0]

        def refused(reason: str) -> Refused:
            return Refused(id_, source, row["accelerator"], "A", "dense", "training", reason, observations)

        name = self._catalog.resolve("accelerator", row["accelerator"])
        if name is None:
            return refused(f"no accelerator '{row['accelerator']}' in the catalogs")
        accelerator = self._catalog.accelerator(name)
        software = self._words.software(
            framework="Megatron-DeepSpeed" if "DeepSpeed" in row["source"] else "Megatron-Core",
            source=source,
            version="",
        )
        if software is None:
            return refused("the file's framework is not one that a profile knows")
        length = int(row["seq"])
        try:
            shape = self._csv_shape(row, length)
        except ShapeUnknownError as error:
            return refused(str(error))
        numbers = {k: int(row[k]) for k in ("tp", "pp", "cp", "ep", "interleave", "n_accel", "zero") if row[k]}
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
            precision=_PRECISION[row["precision"]],
            trained=True,
            software=software,
            spread=Spread(
                tensor=numbers["tp"],
                pipeline=numbers["pp"],
                context=numbers["cp"],
                expert=numbers["ep"],
                interleave=numbers["interleave"],
                micro_batch=float(row["microbatch"]),
                sharding=numbers["zero"],
                sequence_parallel=row["seq_parallel"] == "1",
                recompute=row["recompute"],
            ),
            accelerators=numbers["n_accel"],
            devices=numbers["n_accel"],
            domain=min(8, numbers["n_accel"]),
            fabric_bytes_per_s=self._words.fabric_bytes_per_s("", name, 8),
            gradient_bytes=2.0 if "DeepSpeed" in row["source"] else 4.0,
            kind_of_rate="step",
            observations=observations,
            near=(f"{source}|{row['model']}|{row['seq']}",),
        )

    def _csv_shape(self, row: Mapping[str, str], length: int) -> Any:
        if not row["hidden"] or (not row["vocab"] and not row["hidden"]):
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


def read_training_yaml(rows: list[Row], reader: TrainingRows) -> Iterator[TrainingCase | Refused]:
    """Give every row of a list of measured training runs."""
    for row in rows:
        yield reader.yaml_row(row)


def _observations(row: Row) -> Iterator[Observation]:
    """Give what a row measures; step time and tokens/s are derived from one another and count once."""
    measured = row.get("measured", {})
    derived = " ".join(str(item) for item in row.get("derived", ()))
    step, rate = measured.get("step_time_s"), measured.get("tokens_per_s_per_accelerator")
    rate = rate or row.get("derived_tokens_per_s_per_accelerator")
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


def _csv_observation(row: Mapping[str, str]) -> tuple[str, float]:
    value = float(row["measured_value"])
    if row["metric"] == "peak_allocated_memory":
        return "peak_memory_gb", value * _GIB
    return "step_time_s", value


def _group(row: Row) -> str:
    if row.get("task") == "lora":
        return "lora"
    return str(row.get("model", {}).get("arch", "dense"))


def _batch(row: Row, length: int) -> float | None:
    if row.get("global_batch_seqs"):
        return float(row["global_batch_seqs"])
    if row.get("global_batch_tokens"):
        return float(row["global_batch_tokens"]) / length
    micro, dp = row.get("micro_batch"), (row.get("parallelism") or {}).get("dp")
    if micro and dp:
        return float(micro) * float(dp) * float(row.get("grad_accum") or 1)
    return None


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


def _domain(row: Row, accelerator: Accelerator, per_node: int, accelerators: int) -> int:
    """Give how many accelerators the scale-up link joins: a TPU slice, a rack of NVL72, or the node."""
    parallel = row.get("parallelism") or {}
    if accelerator.kind == "tpu":
        return max(1, accelerators // int(parallel.get("dcn_dp") or 1))
    if accelerator.id in ("gb200", "gb300"):
        return min(72, accelerators) if accelerators < 72 else 64
    return min(per_node, accelerators)


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
        interleave=parallel.get("vpp"),
        micro_batch=float(row["micro_batch"]) if row.get("micro_batch") else None,
        sharding=sharding,
        sharding_group=group,
        sequence_parallel=parallel.get("sp"),
        recompute=row.get("recompute"),
        dual_pipe=parallel.get("schedule") == "DualPipe",
        searched=not known,
    )
