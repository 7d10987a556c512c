"""What the planner says of measured serving runs: each metric of each case, for all cases of a mode at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from planner.accuracy.serving_arrays import Rows, Side, side_of, stacked
from planner.accuracy.serving_cases import Mode, ServingCase
from planner.accuracy.serving_numbers import Numbers, Outcome, requests_of, system_w, watts_of
from planner.accuracy.serving_rates import at_rate
from planner.catalog.profile import EngineMoves
from planner.record import record
from planner.serving.batching import Served, closed_loop, offline, static_batch
from planner.serving.disaggregation import Pools
from planner.serving.disaggregation import closed_loop as closed_loop_apart
from planner.serving.efficiency import NAMES, ServingEfficiency
from planner.serving.power import accelerator_power_w, rest_w

Array = NDArray[np.float64]

_OFFLINE_BATCH = 64.0  # images or sentences of one batch where an encoder's row leaves it to the engine


@record
class Block:
    """Cases of one mode: their places among all of them, and their arrays; `readers` read prompts for `side`."""

    mode: Mode
    places: NDArray[np.intp]
    side: Side
    numbers: Numbers
    readers: Side | None = None

    @property
    def metrics(self) -> frozenset[str]:
        """Metrics that this mode has."""
        return _METRICS[self.mode]

    def outcome(self, efficiency: ServingEfficiency) -> Outcome:
        """Give every metric that this mode has, in its own unit."""
        found = dict(self._outcome(efficiency))
        if "output_tokens_per_s" in found:
            both = (self.side.length + self.side.output) / self.side.output
            found["total_tokens_per_s"] = found["output_tokens_per_s"] * both
        return found

    def too_large(self, efficiency: ServingEfficiency) -> list[str]:
        """Say of every case why its machine cannot hold it; "" where it can."""
        side = self.side
        room = side.room_bytes * efficiency.memory_share
        cache = side.token_bytes * (side.length + side.cached) + side.sequence_bytes
        needed = side.weight_bytes + (0.0 if self.mode is Mode.ENCODE else cache)
        return [
            ""
            if fits
            else f"{held / 1e9:.3g} GB of weights and a cache for one request, and {has / 1e9:.3g} GB of room"
            for fits, held, has in zip(needed <= room, needed, room, strict=True)
        ]

    def _outcome(self, efficiency: ServingEfficiency) -> Outcome:
        rows = Rows(self.side, efficiency)
        if self.readers is not None:
            return _apart(rows, Rows(self.readers, efficiency), self.numbers)
        return _OUTCOMES[self.mode](rows, self.numbers)


def blocks_of(cases: Sequence[ServingCase], engines: Mapping[str, EngineMoves]) -> list[Block]:
    """Give cases by mode, ready to be predicted under any efficiencies."""
    modes = sorted({case.mode for case in cases}, key=lambda mode: mode.value)
    return [_block(mode, cases, engines) for mode in modes]


def picked(efficiency: ServingEfficiency, places: NDArray[np.intp]) -> ServingEfficiency:
    """Give the efficiencies of some cases; arrays end in the axis of the cases."""
    return ServingEfficiency(**{name: np.asarray(getattr(efficiency, name))[..., places] for name in NAMES})


def _block(mode: Mode, cases: Sequence[ServingCase], engines: Mapping[str, EngineMoves]) -> Block:
    places = [place for place, case in enumerate(cases) if case.mode is mode]
    mine = [cases[place] for place in places]

    def array(values: Sequence[float]) -> Array:
        return np.array([float(value) for value in values])

    numbers = Numbers(
        batch=array([case.batch for case in mine]),
        requests=array([case.requests for case in mine]),
        looks=array([case.looks for case in mine]),
        replicas=array([case.degrees.replicas for case in mine]),
        devices=array([case.devices for case in mine]),
        accelerators=array([case.devices / case.cores for case in mine]),
        around_w=array([case.around_w for case in mine]),
        lost=array([case.lost for case in mine]),
        beams=array([case.beams for case in mine]),
        rate=array([case.rate for case in mine]),
        tpot_limit_s=array([case.tpot_limit_ms / 1e3 for case in mine]),
        prefill_workers=array([case.workers.prefill if case.workers else 1 for case in mine]),
        decode_workers=array([case.workers.decode if case.workers else 1 for case in mine]),
    )
    side = stacked([side_of(case, engines[case.engine]) for case in mine])
    readers = None
    if mode is Mode.APART:
        readers = stacked([side_of(c, engines[c.engine], c.workers.layout if c.workers else None) for c in mine])
    return Block(mode, np.array(places), side, numbers, readers)


def _closed(rows: Rows, n: Numbers) -> Outcome:
    sent = np.where(np.isnan(n.requests), 10.0 * n.batch, n.requests)
    served = closed_loop(rows, requests_of(rows), clients=n.batch / n.replicas, sent=sent / n.replicas, looks=n.looks)
    return _seen(served, rows.side.output, replicas=n.replicas)


def _apart(rows: Rows, readers: Rows, n: Numbers) -> Outcome:
    layout, machine = readers.side.setting.layout, readers.side.setting.machine.machine
    pools = Pools(
        prefill=readers,
        decode=rows,
        prefill_workers=n.prefill_workers,
        decode_workers=n.decode_workers,
        transfer_bytes=readers.side.token_bytes * layout.tensor,
        transfer_bytes_per_s=machine.fabric_bandwidth_bytes_per_s
        * readers.efficiency.link_bandwidth
        * layout.accelerators,
    )
    served = closed_loop_apart(pools, requests_of(rows), clients=n.batch, sent=n.requests)
    return _seen(served, rows.side.output)


def _seen(served: Served, output: Array, *, replicas: Array | float = 1.0) -> Outcome:
    """Give what clients in a loop see, and what all replicas give together."""
    rate = served.output_tokens_per_s * replicas
    return {
        "ttft_ms": served.ttft_s * 1e3,
        "tpot_ms": served.tpot_s * 1e3,
        "itl_ms": served.decode.total * 1e3,
        "output_tokens_per_s": rate,
        "requests_per_s": rate / output,
        "e2e_latency_ms": (served.ttft_s + (output - 1.0) * served.tpot_s) * 1e3,
    }


def _offline(rows: Rows, n: Numbers) -> Outcome:
    most = np.where(np.isnan(n.batch), np.inf, n.batch / n.replicas)
    sent = np.where(np.isnan(n.requests), np.inf, n.requests / n.replicas)
    served = offline(rows, requests_of(rows), most=most, sent=sent)
    rate = served.output_tokens_per_s * n.replicas
    return {
        "system_power_w": system_w(n, watts_of(rows, served)),
        "output_tokens_per_s": rate,
        "requests_per_s": rate / rows.side.output,
        "tpot_ms": served.tpot_s * 1e3,
        "itl_ms": served.decode.total * 1e3,
    }


def _saturated(rows: Rows, n: Numbers) -> Outcome:
    served = offline(rows, requests_of(rows), most=n.batch / n.replicas)
    rate = served.output_tokens_per_s * n.replicas
    total = watts_of(rows, served) * n.accelerators
    return {
        "output_tokens_per_s": rate,
        "requests_per_s": rate / rows.side.output,
        "itl_ms": _median_itl_s(served, rows.side.output) * 1e3,
        "tpot_ms": served.tpot_s * 1e3,
        "accelerator_power_w": total,
        "joules_per_token": total / rate,
    }


def _median_itl_s(served: Served, output: Array) -> Array:
    """Median time between two tokens: that of a step without a prompt, until most steps take one up.

    Prompts come at B / o a step; at ln 2 half of the steps of a Poisson stream have one.
    """
    each_step = served.sequences / output
    share = 1.0 / (1.0 + (_HALF_OF_STEPS / each_step) ** _SUDDEN)
    median: Array = served.decode.total + share * (served.tpot_s - served.decode.total)
    return median


_HALF_OF_STEPS = float(np.log(2.0))
_SUDDEN = 4.0  # how suddenly a median changes sides; our estimate


_PRINTED_GB = 2.0**30  # drivers and torch count in binary units, and sources call them GB


def _static(rows: Rows, n: Numbers) -> Outcome:
    batch = n.batch / n.replicas
    time = static_batch(rows, requests_of(rows), batch=batch)
    whole = time.total_s + rows.efficiency.request_s * 0.0
    share = np.clip(time.ttft_s / time.total_s, 0.0, 1.0)
    watts = accelerator_power_w(
        rows.side.setting.machine, rows.efficiency, time.decode, time.prompt, prefill_share=share, lasting_s=whole
    )
    return {
        "e2e_latency_ms": whole * 1e3,
        "output_tokens_per_s": n.batch * rows.side.output / whole,
        "requests_per_s": n.batch / whole,
        "joules_per_token": watts * n.accelerators * whole / (n.batch * rows.side.output),
        "ttft_ms": time.ttft_s * 1e3,
        "tpot_ms": time.tpot_s * 1e3,
        "accelerator_power_w": watts * n.accelerators,
        "peak_memory_gb": (rows.side.working_bytes + batch * (
            rows.side.token_bytes * (rows.side.length + rows.side.output) + rows.side.sequence_bytes)) / _PRINTED_GB,
    }  # fmt: skip


def _decode(rows: Rows, n: Numbers) -> Outcome:
    step = rows.decode_step(n.batch / n.replicas, rows.side.context).total
    rate = n.batch / step
    return {
        "output_tokens_per_s": rate,
        "requests_per_s": rate / rows.side.output,
        "tpot_ms": step * 1e3,
        "itl_ms": step * 1e3,
    }


def _prompt(rows: Rows, n: Numbers) -> Outcome:
    time = rows.prompts(rows.side.length, requests=n.batch / n.replicas).total
    return {
        "ttft_ms": time * 1e3,
        "e2e_latency_ms": time * 1e3,
        "output_tokens_per_s": n.batch / time,
        "requests_per_s": n.batch / time,
    }


def _encode(rows: Rows, n: Numbers) -> Outcome:
    batch = np.where(np.isnan(n.batch), _OFFLINE_BATCH, n.batch)
    time = rows.prompts(rows.side.length, requests=batch)
    watts = accelerator_power_w(rows.side.setting.machine, rows.efficiency, time, time, prefill_share=1.0)
    return {
        "requests_per_s": n.replicas * batch / time.total,
        "e2e_latency_ms": time.total * 1e3,
        "system_power_w": system_w(n, _with_idle_ones(rows, n, watts)),
    }


def _with_idle_ones(rows: Rows, n: Numbers, watts: Array) -> Array:
    """Mean power of an accelerator where inputs keep some copies of a model busy, and the others are at rest [W]."""
    side = rows.side.setting
    busy = np.minimum(n.replicas * side.layout.accelerators / n.devices, 1.0)
    mean: Array = busy * watts + (1.0 - busy) * rest_w(side.machine, rows.efficiency)
    return mean


_OUTCOMES = {
    Mode.CLOSED: _closed,
    Mode.OFFLINE: _offline,
    Mode.STATIC: _static,
    Mode.PROMPT: _prompt,
    Mode.DECODE: _decode,
    Mode.SATURATED: _saturated,
    Mode.RATE: at_rate,
    Mode.ENCODE: _encode,
}
_RATES = frozenset({"output_tokens_per_s", "requests_per_s", "total_tokens_per_s"})
_METRICS: dict[Mode, frozenset[str]] = {
    Mode.CLOSED: _RATES | {"ttft_ms", "tpot_ms", "itl_ms", "e2e_latency_ms"},
    Mode.APART: _RATES | {"ttft_ms", "tpot_ms", "itl_ms", "e2e_latency_ms"},
    Mode.OFFLINE: _RATES | {"tpot_ms", "itl_ms", "system_power_w"},
    Mode.STATIC: _RATES
    | {"e2e_latency_ms", "ttft_ms", "tpot_ms", "accelerator_power_w", "joules_per_token", "peak_memory_gb"},
    Mode.PROMPT: _RATES | {"ttft_ms", "e2e_latency_ms"},
    Mode.DECODE: _RATES | {"tpot_ms", "itl_ms"},
    Mode.SATURATED: _RATES | {"itl_ms", "tpot_ms", "accelerator_power_w", "joules_per_token"},
    Mode.RATE: _RATES | {"tpot_ms", "itl_ms", "ttft_ms", "e2e_latency_ms", "system_power_w"},
    Mode.ENCODE: frozenset({"requests_per_s", "e2e_latency_ms", "system_power_w"}),
}
