"""Rows of runs at a fixed concurrency, in the form of `catalogs/measurements/serving_closed_loop.csv`, as cases.

Three things in such files mislead, and are told apart here: one run listed under several layouts, layouts whose
degrees were multiplied into more devices than there were, and runs that speculated without a word of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping

from planner.accuracy.cases import Observation, Refused
from planner.accuracy.inference_row import RowRefusedError, above_zero
from planner.accuracy.inference_rows import InferenceRows
from planner.accuracy.serving_cases import Degrees, Mode, ServingCase, Workers
from planner.accuracy.serving_words import as_run
from planner.catalog.accelerator import Accelerator
from planner.errors import PlannerError, visible
from planner.record import record
from planner.serving.formats import BYTES_OF, Formats
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
APART = "disaggregated"
UNKNOWN_ENGINE = "vllm"  # whose memory and limits stand in for an engine that no profile knows

_RANDOM_LENGTHS = 0.9  # these benchmarks draw lengths between 0.8 and 1 of the stated ones
_RANDOM_SPREAD = 0.2 / math.sqrt(12.0) / _RANDOM_LENGTHS  # their coefficient of variation
_DRAWN = re.compile(r"db-dump|^source_file=\d{4}-\d\d-\d\d\.csv|gap-analysis\.csv")
_NODE = 8


@record
class ClosedLoopRows:
    """Reads rows; runs that stand several times are given once."""

    rows: InferenceRows

    def read(self, table: Iterable[tuple[int, Row]], *, file: str) -> Iterator[ServingCase | Refused]:
        """Give the cases of a file's lines; of a run that stands several times all but the first are marked."""
        seen: set[tuple[str, ...]] = set()
        for line, row in table:
            run = _run(row)
            yield self.row(row, name=f"{file}:{line}", repeated=run in seen)
            seen.add(run)

    def row(self, row: Row, *, name: str, repeated: bool = False) -> ServingCase | Refused:
        """Give one row by the name that it is to have."""
        try:
            return self._case(row, name, repeated=repeated)
        except RowRefusedError as refusal:
            reason = str(refusal)
        except KeyError as error:
            reason = f"the row does not state its {error}"
        except (ValueError, TypeError, ArithmeticError, PlannerError) as error:
            reason = f"a number of the row cannot be read: {error}"
        mode = str(row.get("mode") or "")
        return Refused(name, _source(row), str(row.get("system") or ""), "A", mode, "serving", reason, _observed(row))

    def _case(self, row: Row, name: str, *, repeated: bool) -> ServingCase:
        observed = _observed(row)
        _require_numbers(row)
        above_zero(observed)
        model, shape = self.rows.shape(row["model_path"])
        accelerator = self.rows.accelerator(row["system"])
        version = row.get("backend_version") or ""
        rule = self.rows.words.rule(
            name=row["backend"],
            version=version,
            source=_source(row),
            task="llm",
            accelerator=accelerator.id,
            model=model,
        )
        engine = rule.engine if rule else None
        apart = (row.get("mode") or "agg") != "agg"
        degrees, devices = _degrees(row, accelerator, "decode_" if apart else "")
        workers = _workers(row, accelerator) if apart else None
        for one in (degrees, workers.layout) if workers else (degrees,):
            words = why_not(shape, tensor=one.tensor, data=one.data, pipeline=one.pipeline, expert=one.expert)
            if words:
                raise RowRefusedError(words)
        at_random = _DRAWN.search(row.get("silicon_data_source") or "")
        drawn, varied = (_RANDOM_LENGTHS, _RANDOM_SPREAD) if at_random else (1.0, 0.0)
        latent = any(core.latent_rank for kind in shape.main.kinds for core in kind.cores)
        hidden = engine == "trtllm" and latent
        known = engine or UNKNOWN_ENGINE
        stated = row.get("precision") or ""
        precision = self.rows.words.weights("bf16" if stated in ("", "auto") else stated)
        group = APART if apart else ("closed loop" if not hidden else SPECULATION_UNSTATED)
        return ServingCase(
            id=name,
            source=_source(row),
            accelerator_text=row["system"],
            quality="A",
            kind="serving",
            group=group,
            scenario=row.get("mode") or "agg",
            model=model,
            architecture=shape,
            accelerator=accelerator,
            engine=known,
            engine_stated=bool(version) and rule is not None and not rule.relative,
            formats=as_run(_formats(row, precision, shape, known), accelerator, precision),
            degrees=degrees,
            devices=devices,
            cores=1,
            mode=Mode.APART if apart else Mode.CLOSED,
            prompt=_length(row, "isl") * drawn,
            output=_length(row, "osl") * drawn,
            batch=_concurrency(row, degrees),
            workers=workers,
            most=_most(row, degrees, kept=rule.kept if rule else 0),
            repeated=repeated,
            varied=varied,
            observations=observed,
            requests=_concurrency(row, degrees) * (_WAVES_APART if apart else _WAVES),
            looks=rule.looks_of(_concurrency(row, degrees), ranks=degrees.data) if rule and at_random else 1.0,
            near=(f"{model}|{row['system']}|{row['backend']}|{row.get('precision')}|{row['isl']}|{row['osl']}",),
        )


_WAVES = 10.0  # requests over clients in these benchmarks
_WAVES_APART = 4.0  # the same of pools apart; our estimate, by how their first tokens grow with the clients


def _run(row: Row) -> tuple[str, ...]:
    """Give what tells one run from another: two runs never agree in every digit of both times.

    Some tables round both to a hundredth of a millisecond.
    """
    names = ("system", "backend", "isl", "osl")
    times = (_hundredths(row.get(f"silicon_{metric}")) for metric in _TIMES)
    return (*(str(row.get(name)) for name in names), *times)


_TIMES = ("ttft_ms", "tpot_ms")


def _hundredths(text: str | None) -> str:
    try:
        return format(float(text or "nan"), ".2f")
    except ValueError:
        return str(text)


def _source(row: Row) -> str:
    origin = str(row.get("silicon_data_source") or "").split(";")[0]
    return origin.rsplit("/", 1)[0].rsplit("/data/", 1)[-1] if origin.startswith("source_file=/") else origin


def _observed(row: Row) -> tuple[Observation, ...]:
    """Give what a row measured; of one that states neither time, the first as unknown."""
    found = [
        Observation(metric, _number(row[f"silicon_{metric}"])) for metric in _TIMES if row.get(f"silicon_{metric}")
    ]
    return tuple(found) or (Observation(_TIMES[0], math.nan),)


def _require_numbers(row: Row) -> None:
    """Refuse a time that is no number, with a unit behind it or a comma in it."""
    for metric in _TIMES:
        text = (row.get(f"silicon_{metric}") or "").strip()
        if text and math.isnan(_number(text)) and text.casefold() != "nan":
            shown = visible(text)[:20]
            raise RowRefusedError(f"{metric} of '{shown}' is no number: digits and a decimal point, without a unit")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _length(row: Row, name: str) -> float:
    """Give a mean number of tokens."""
    tokens = float(row[name])
    if not 1 <= tokens < math.inf:
        raise RowRefusedError(f"{name} is {tokens:g}")
    return tokens


def _whole(row: Row, name: str) -> int:
    text = row.get(name) or ""
    value = int(float(text)) if text else 0
    if value < 0:
        raise RowRefusedError(f"{name} is {value}")
    return value


def _concurrency(row: Row, degrees: Degrees) -> float:
    found = re.search(r"silicon_concurrency=(\d+)", row.get("silicon_data_source") or "")
    found = found or re.search(r"_c(\d+)_", row.get("id") or "")
    if found:
        return float(found[1])
    batch = _whole(row, "batch_size") or _whole(row, "decode_batch_size") * _whole(row, "decode_num_workers")
    if not batch:
        raise RowRefusedError("the row does not say how many clients there were")
    return float(batch * degrees.data)


def _most(row: Row, degrees: Degrees, *, kept: int) -> float:
    """Give the sequences that a rank's engine ran at most, told to run as many as there were clients; NaN for all."""
    return max(_concurrency(row, degrees) / degrees.data - kept, 1.0) if kept else float("nan")


def _workers(row: Row, accelerator: Accelerator) -> Workers:
    prefill, decode = _whole(row, "prefill_num_workers"), _whole(row, "decode_num_workers")
    if not (prefill and decode):
        raise RowRefusedError("disaggregated, and not said how many workers prefill and decode")
    return Workers(_degrees(row, accelerator, "prefill_")[0], prefill, decode)


def _degrees(row: Row, accelerator: Accelerator, pool: str) -> tuple[Degrees, int]:
    """Give the layout of a replica, and its devices.

    Where both expert degrees are k and the others' product is k squared, the file multiplied degrees that share
    devices: there were k. Totals of disaggregated systems on racks are no layout.
    """
    tensor, pipeline = _whole(row, f"{pool}tp_size") or 1, _whole(row, f"{pool}pp_size") or 1
    data = _whole(row, f"{pool}attention_dp_size") or 1
    split, dealt = _whole(row, f"{pool}moe_tp_size") or 1, _whole(row, f"{pool}moe_ep_size") or 1
    ranks = tensor * data
    if split == dealt > 1 and ranks == split * dealt:
        k = split
        return (Degrees(data=k, expert=k) if data > 1 else Degrees(tensor=k, expert=k)), k
    if split == 1 and tensor == data > 1 and dealt == ranks:
        return Degrees(data=tensor, expert=tensor), tensor
    if tensor > _NODE and accelerator.id == "gb200" and not pool:
        raise RowRefusedError(f"{tensor} tensor ranks are all accelerators of a disaggregated system, not a layout")
    return Degrees(tensor=tensor, data=data, pipeline=pipeline, expert=min(dealt, ranks)), ranks * pipeline


def _formats(row: Row, precision: str, shape: Architecture, engine: str) -> Formats:
    """Give the formats: attention of models whose experts alone were quantised to 4 bits stays in 16."""
    if precision not in BYTES_OF:
        raise RowRefusedError(f"weights in '{precision}' are not a format that the planner models")
    cache = "fp8" if engine.startswith("trtllm") and precision != "bf16" else None
    if precision != "nvfp4":
        return Formats.of(precision, cache=cache)
    if "gpt-oss" in row["model_path"]:
        return Formats.of("mxfp4", products="bf16", attention="bf16", dense="bf16")
    experts = any(kind.experts for kind in shape.main.kinds)
    return Formats.of("nvfp4", attention="bf16" if experts else None, cache=cache)
