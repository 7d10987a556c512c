"""What the planner says of measured runs whose requests came at a rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.accuracy.serving_arrays import Rows
from planner.accuracy.serving_numbers import Numbers, Outcome, requests_of, system_w, watts_of
from planner.serving.batching import at_once, offline


def at_rate(rows: Rows, n: Numbers) -> Outcome:
    """A rate that is stated, or else the highest that keeps to a stated time of a token: by what batch that makes."""
    requests = requests_of(rows)
    fit = np.maximum(at_once(rows, requests, rows.side.context), 1.0)
    sizes = fit ** np.linspace(0.0, 1.0, _SIZES)[:, None]
    served = offline(rows, requests, most=sizes)
    # Means lie below the percentile that a limit is on.
    kept = np.where(np.isnan(n.tpot_limit_s), np.inf, n.tpot_limit_s * _MEAN_OF_LIMIT)
    allowed = np.where(served.tpot_s <= kept, served.output_tokens_per_s, 0.0)
    capacity = np.maximum(np.max(allowed, axis=0), served.output_tokens_per_s[0])
    wanted = np.where(np.isnan(n.rate), capacity, n.rate / n.replicas * rows.side.output)
    place = np.argmax(served.output_tokens_per_s >= np.minimum(wanted, capacity)[None, :], axis=0)
    tpot = np.take_along_axis(served.tpot_s, place[None, :], axis=0)[0]
    load = np.minimum(wanted / capacity, 1.0)
    prompt = rows.marginal_prefill_s(rows.side.length)
    e = rows.efficiency
    wait = e.queue * load / np.maximum(1.0 - load, _LEAST_FREE) * prompt
    ttft = e.request_s + rows.prompts(rows.side.length).total + e.wait_steps * tpot + wait
    rate = np.minimum(wanted, capacity) * n.replicas
    share = np.take_along_axis(served.prefill_share, place[None, :], axis=0)[0]
    chosen = replace(served, prefill_share=share, decode=rows.decode_step(fit, rows.side.context))
    return {
        "system_power_w": system_w(n, watts_of(rows, chosen)),
        "output_tokens_per_s": rate,
        "requests_per_s": rate / rows.side.output,
        "tpot_ms": tpot * 1e3,
        "itl_ms": tpot * 1e3,
        "ttft_ms": ttft * 1e3,
        "e2e_latency_ms": (ttft + (rows.side.output - 1.0) * tpot) * 1e3,
    }


_SIZES = 25  # batches between 1 and the most that fit
_MEAN_OF_LIMIT = 0.75  # mean time of a token where its 99th percentile meets a limit; our estimate
_LEAST_FREE = 0.05
