"""Rows of runs at a fixed concurrency, in the form of `catalogs/measurements/serving_closed_loop.csv`, as cases.

Three things in such files mislead, and are told apart here: one run listed under several layouts, layouts whose
degrees were multiplied into more devices than there were, and runs that speculated without a word of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from planner.accuracy.cases import Observation, Refused
from planner.accuracy.inference_rows import InferenceRows, RowRefusedError
from planner.accuracy.serving_cases import Degrees, Mode, ServingCase
from planner.catalog.accelerator import Accelerator
from planner.serving.formats import Formats
from planner.serving.layout import why_not
from planner.workload.architecture import Architecture

Row = Mapping[str, str]

COLUMNS = (
    "id", "silicon_data_source", "backend", "backend_version", "model_path", "system", "precision", "mode", "isl",
    "osl", "gemm_quant_mode", "moe_quant_mode", "batch_size", "tp_size", "pp_size", "attention_dp_size",
    "moe_tp_size", "moe_ep_size", "prefill_batch_size", "prefill_num_workers", "prefill_tp_size", "prefill_pp_size",
    "prefill_attention_dp_size", "prefill_moe_tp_size", "prefill_moe_ep_size", "decode_batch_size",
    "decode_num_workers", "decode_tp_size", "decode_pp_size", "decode_attention_dp_size", "decode_moe_tp_size",
    "decode_moe_ep_size", "silicon_ttft_ms", "silicon_tpot_ms",
)  # fmt: skip
SPECULATION_UNSTATED = "closed loop, speculation unstated"

_RANDOM_LENGTHS = 0.9  # these benchmarks draw lengths between 0.8 and 1 of the stated ones
_DRAWN = re.compile(r"db-dump|^source_file=\d{4}-\d\d-\d\d\.csv|gap-analysis\.csv")
_NODE = 8


@dataclass(frozen=True, slots=True)
class ClosedLoopRows:
    """Reads rows; runs that stand several times are given once."""

    rows: InferenceRows

    def read(self, table: Iterable[Row]) -> Iterator[ServingCase | Refused]:
        """Give the cases of a file: one for each run."""
        seen: dict[tuple[str, ...], Row] = {}
        for row in table:
            run = _run(row)
            first = seen.setdefault(run, row)
            if first is not row:
                yield self._refused(row, f"the same run stands in row {first['id']} under another layout")
        for row in seen.values():
            yield self.row(row)

    def row(self, row: Row) -> ServingCase | Refused:
        """Give one row."""
        try:
            return self._case(row)
        except RowRefusedError as refusal:
            return self._refused(row, str(refusal))

    def _refused(self, row: Row, reason: str) -> Refused:
        return Refused(row["id"], _source(row), row["system"], "A", "closed loop", "serving", reason, _observed(row))

    def _case(self, row: Row) -> ServingCase:
        model, shape = self.rows.shape(row["model_path"])
        accelerator = self.rows.accelerator(row["system"])
        version = row["backend_version"]
        engine = self.rows.words.engine(name=row["backend"], version=version, source=_source(row), task="llm")
        if engine is None:
            raise RowRefusedError(f"engine '{row['backend']}' is not one that a profile knows")
        degrees, devices = _degrees(row, accelerator)
        words = why_not(
            shape, tensor=degrees.tensor, data=degrees.data, pipeline=degrees.pipeline, expert=degrees.expert
        )
        if words:
            raise RowRefusedError(words)
        drawn = _RANDOM_LENGTHS if _DRAWN.search(row["silicon_data_source"]) else 1.0
        latent = any(core.latent_rank for kind in shape.main.kinds for core in kind.cores)
        hidden = engine == "trtllm" and latent
        return ServingCase(
            id=row["id"],
            source=_source(row),
            accelerator_text=row["system"],
            quality="A",
            kind="serving",
            group=SPECULATION_UNSTATED if hidden else "closed loop",
            model=model,
            architecture=shape,
            accelerator=accelerator,
            engine=engine,
            engine_stated=bool(version),
            formats=_formats(row, shape, engine),
            degrees=degrees,
            devices=devices,
            cores=1,
            mode=Mode.CLOSED,
            prompt=float(row["isl"]) * drawn,
            output=float(row["osl"]) * drawn,
            batch=_concurrency(row, degrees),
            observations=_observed(row),
            requests=_concurrency(row, degrees) * _WAVES,
            near=(f"{model}|{row['system']}|{row['backend']}|{row['precision']}|{row['isl']}|{row['osl']}",),
        )


_WAVES = 10.0  # requests over clients in these benchmarks


def _run(row: Row) -> tuple[str, ...]:
    """Give what tells one run from another: two runs never agree in every digit of both times."""
    return (row["system"], row["backend"], row["isl"], row["osl"], row["silicon_ttft_ms"], row["silicon_tpot_ms"])


def _source(row: Row) -> str:
    origin = row["silicon_data_source"].split(";")[0]
    return origin.rsplit("/", 1)[0].rsplit("/data/", 1)[-1] if origin.startswith("source_file=/") else origin


def _observed(row: Row) -> tuple[Observation, ...]:
    return (
        Observation("ttft_ms", float(row["silicon_ttft_ms"])),
        Observation("tpot_ms", float(row["silicon_tpot_ms"])),
    )


def _whole(row: Row, name: str) -> int:
    return int(row[name]) if row[name] else 0


def _concurrency(row: Row, degrees: Degrees) -> float:
    found = re.search(r"silicon_concurrency=(\d+)", row["silicon_data_source"]) or re.search(r"_c(\d+)_", row["id"])
    if found:
        return float(found[1])
    if not row["batch_size"]:
        raise RowRefusedError("the row does not say how many clients there were")
    return float(row["batch_size"]) * degrees.data


def _degrees(row: Row, accelerator: Accelerator) -> tuple[Degrees, int]:
    """Give the layout, and the devices that it has.

    Where both expert degrees are k and the others' product is k squared, the file multiplied degrees that share
    devices: there were k. Totals of disaggregated systems on racks are no layout.
    """
    if row["mode"] != "agg":
        raise RowRefusedError("disaggregated, and not said how many workers prefill and decode")
    tensor, pipeline = _whole(row, "tp_size") or 1, _whole(row, "pp_size") or 1
    data = _whole(row, "attention_dp_size") or 1
    split, dealt = _whole(row, "moe_tp_size") or 1, _whole(row, "moe_ep_size") or 1
    ranks = tensor * data
    if split == dealt > 1 and ranks == split * dealt:
        k = split
        return (Degrees(data=k, expert=k) if data > 1 else Degrees(tensor=k, expert=k)), k
    if split == 1 and tensor == data > 1 and dealt == ranks:
        return Degrees(data=tensor, expert=tensor), tensor
    if tensor > _NODE and accelerator.id == "gb200":
        raise RowRefusedError(f"{tensor} tensor ranks are all accelerators of a disaggregated system, not a layout")
    return Degrees(tensor=tensor, data=data, pipeline=pipeline, expert=min(dealt, ranks)), ranks * pipeline


def _formats(row: Row, shape: Architecture, engine: str) -> Formats:
    """Give the formats: attention of models whose experts alone were quantised to 4 bits stays in 16."""
    precision = row["precision"] or "bf16"
    cache = "fp8" if engine.startswith("trtllm") and precision != "bf16" else None
    if precision != "fp4":
        return Formats.of(precision, cache=cache)
    if "gpt-oss" in row["model_path"]:
        return Formats.of("mxfp4", products="bf16", attention="bf16", dense="bf16")
    experts = any(kind.experts for kind in shape.main.kinds)
    return Formats.of("nvfp4", attention="bf16" if experts else None, cache=cache)
