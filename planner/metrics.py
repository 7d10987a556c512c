"""The closed list of result names, each with its unit and meaning.

Estimates, search objectives, budgets, claims, accuracy tables and reports name results by this list
alone, so that a number has one name everywhere.
"""

from __future__ import annotations

from enum import Enum

from planner.errors import did_you_mean, input_error, listing
from planner.record import record


class Better(Enum):
    """Which way an improvement goes."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


@record
class Metric:
    """One result.

    Parameters
    ----------
    name : the name used in documents and JSON; it ends in its unit where it has one.
    unit : the unit of the number printed under that name.
    meaning : one sentence.
    better : which way an improvement goes.
    adds : the results of several scenarios add up to that of all of them, whenever each of them runs. What
        depends on whether they run together (power, days, machines) does not.
    """

    name: str
    unit: str
    meaning: str
    better: Better = Better.LOWER
    adds: bool = False


_UP = Better.HIGHER
_NONE = Better.NEITHER

_TRAINING = (
    Metric("step_time_s", "s", "time of one optimizer step"),
    Metric("tokens_per_s", "tokens/s", "tokens trained per second by all accelerators, while running", _UP),
    Metric("tokens_per_s_per_accelerator", "tokens/s", "tokens trained per second and accelerator", _UP),
    Metric("mfu", "1", "model FLOPs, causal attention, over the dense peak of the compute precision", _UP),
    Metric("hfu", "1", "as mfu, with the FLOPs of recomputation counted", _UP),
    Metric("model_flops", "FLOP", "model FLOPs of the whole run, causal attention, no recomputation", _NONE, adds=True),
    Metric("steps", "1", "optimizer steps of the run", _NONE),
    Metric("days", "d", "wall-clock days of the run, with failures, checkpoints and restarts"),
    Metric("goodput", "1", "share of the wall-clock time that is spent on steps that count", _UP),
    Metric("accelerator_hours", "h", "accelerators times wall-clock hours of the run", adds=True),
    Metric("peak_memory_gb", "GB", "peak device memory on the fullest accelerator, 10^9 bytes"),
    Metric("memory_headroom_gb", "GB", "device memory left on the fullest accelerator, 10^9 bytes", _UP),
    Metric("host_memory_gb", "GB", "host memory of the fullest node for offloaded states, 10^9 bytes"),
    Metric("local_storage_gb", "GB", "local drives of the fullest node for offloaded states, 10^9 bytes"),
    Metric("checkpoint_bytes", "B", "size of one full checkpoint", _NONE),
    Metric("data_rate_bytes_per_s", "B/s", "rate at which training data must be read", _NONE),
)
_RESOURCES = (
    Metric("accelerators", "1", "accelerators used"),
    Metric("nodes", "1", "nodes used"),
    Metric("node_power_kw", "kW", "mean power of one node while running"),
    Metric("power_kw", "kW", "mean power of all nodes while running, without the facility's overhead"),
    Metric("facility_power_kw", "kW", "mean power drawn from the grid while running: power_kw times PUE"),
    Metric("energy_kwh", "kWh", "energy drawn from the grid, PUE included", adds=True),
    Metric("carbon_kg", "kgCO2e", "operational carbon of the energy drawn, at the grid's location", adds=True),
    Metric("cost_total_usd", "USD", "all money of the scenario", adds=True),
    Metric("cost_per_hour_usd", "USD/h", "money per wall-clock hour"),
    Metric("cost_per_month_usd", "USD/month", "money per month of 730 hours"),
    Metric("cost_per_million_tokens_usd", "USD", "money per million tokens, input and output together"),
    Metric("capital_usd", "USD", "purchase price of the machines used, when owned"),
)
_CAPACITY = (
    Metric("nodes_that_fit", "1", "whole nodes that fit the place's limits", _UP),
    Metric("node_rated_power_kw", "kW", "largest power one node may draw"),
    Metric(
        "facility_rated_power_kw", "kW", "largest power drawn from the grid: all nodes at their rated power, times PUE"
    ),
    Metric("peak_16bit_flops_per_s", "FLOP/s", "dense peak of all accelerators together in 16 bits", _UP),
    Metric("peak_8bit_flops_per_s", "FLOP/s", "dense peak of all accelerators together in 8 bits", _UP),
    Metric("device_memory_gb", "GB", "device memory of all accelerators together, 10^9 bytes", _UP),
    Metric("electricity_per_month_usd", "USD/month", "electricity of a month of 730 hours, PUE included"),
    Metric("storage_read_bytes_per_s", "B/s", "rate at which the storage can be read", _UP),
    Metric("storage_load", "1", "rate at which training data must be read over storage_read_bytes_per_s"),
    Metric("checkpoint_write_s", "s", "time to write one checkpoint"),
    Metric("restart_s", "s", "time from a failure to the next step that counts"),
)
_SERVING = (
    Metric("ttft_ms", "ms", "time to first token, mean"),
    Metric("tpot_ms", "ms", "time per output token after the first, mean"),
    Metric("itl_ms", "ms", "time between two output tokens, median"),
    *(Metric(f"ttft_{p}_ms", "ms", f"time to first token, {p}") for p in ("p50", "p90", "p95", "p99")),
    *(Metric(f"tpot_{p}_ms", "ms", f"time per output token, {p}") for p in ("p50", "p90", "p95", "p99")),
    Metric("e2e_latency_ms", "ms", "time from a request to its last token, mean"),
    Metric("output_tokens_per_s", "tokens/s", "output tokens per second by all replicas", _UP),
    Metric("total_tokens_per_s", "tokens/s", "input and output tokens per second by all replicas", _UP),
    Metric("requests_per_s", "requests/s", "requests finished per second", _UP),
    Metric("goodput_requests_per_s", "requests/s", "requests per second that meet the objectives", _UP),
    Metric("utilisation", "1", "share of the capacity that is in use", _NONE),
    Metric("replicas", "1", "copies of the model that serve", _NONE),
    Metric("max_batch", "1", "largest number of sequences whose cache fits one replica", _UP),
    Metric("max_context_tokens", "tokens", "longest context of one sequence that fits one replica", _UP),
    Metric("joules_per_token", "J", "energy of the accelerators per output token"),
    Metric("accelerator_power_w", "W", "mean power of one accelerator"),
    Metric("system_power_w", "W", "mean power of one node"),
    Metric("cost_per_million_input_tokens_usd", "USD", "money per million input tokens"),
    Metric("cost_per_million_output_tokens_usd", "USD", "money per million output tokens"),
    Metric("cost_per_request_usd", "USD", "money per request"),
    Metric("energy_per_million_tokens_kwh", "kWh", "energy per million output tokens, PUE included"),
    Metric("carbon_per_million_tokens_kg", "kgCO2e", "operational carbon per million output tokens"),
)
_KERNELS = (
    Metric("latency_us", "us", "time of one kernel or collective"),
    Metric("parameters", "1", "parameters of the model", _NONE),
    Metric("active_parameters", "1", "parameters that one token meets", _NONE),
    Metric("state_bytes", "B", "bytes of weights, gradients and optimizer states over all accelerators"),
)

METRICS: dict[str, Metric] = {
    metric.name: metric for metric in (*_TRAINING, *_RESOURCES, *_CAPACITY, *_SERVING, *_KERNELS)
}


def metric(name: str) -> Metric:
    """Give the metric of that name.

    >>> metric("step_time_s").unit
    's'
    """
    found = METRICS.get(name)
    if found is None:
        raise input_error(
            "unknown-metric",
            f"unknown metric '{name}'",
            allowed=listing(sorted(METRICS)),
            hint=did_you_mean(name, METRICS),
        )
    return found
