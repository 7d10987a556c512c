"""Short names of results for tables and charts."""

from __future__ import annotations

_LABELS: dict[str, str] = {
    "step_time_s": "time of a step",
    "tokens_per_s": "throughput",
    "tokens_per_s_per_accelerator": "tokens/s per accelerator",
    "mfu": "model FLOPs utilisation",
    "hfu": "hardware FLOPs utilisation",
    "days": "duration",
    "goodput": "time that counts",
    "accelerator_hours": "accelerator-hours",
    "peak_memory_gb": "memory used",
    "memory_headroom_gb": "memory headroom",
    "node_power_kw": "power of a node",
    "facility_power_kw": "power from the grid",
    "facility_rated_power_kw": "rated power from the grid",
    "energy_kwh": "energy",
    "carbon_kg": "carbon",
    "cost_total_usd": "cost",
    "cost_per_hour_usd": "cost per hour",
    "cost_per_month_usd": "cost per month",
    "cost_per_million_tokens_usd": "cost per million tokens",
    "cost_per_million_input_tokens_usd": "cost per M input tokens",
    "cost_per_million_output_tokens_usd": "cost per M output tokens",
    "cost_per_request_usd": "cost per request",
    "capital_usd": "purchase",
    "nodes_that_fit": "nodes that fit",
    "peak_16bit_flops_per_s": "peak, 16 bits",
    "peak_8bit_flops_per_s": "peak, 8 bits",
    "ttft_ms": "time to first token",
    "tpot_ms": "time per output token",
    "e2e_latency_ms": "time of a request",
    "output_tokens_per_s": "output throughput",
    "total_tokens_per_s": "total throughput",
    "requests_per_s": "requests",
    "goodput_requests_per_s": "good requests",
    "joules_per_token": "energy per output token",
    "energy_per_million_tokens_kwh": "energy per M tokens",
    "carbon_per_million_tokens_kg": "carbon per M tokens",
    "checkpoint_bytes": "size of a checkpoint",
    "checkpoint_write_s": "writing a checkpoint",
    "restart_s": "restart",
    "data_rate_bytes_per_s": "rate of training data",
    "storage_read_bytes_per_s": "rate of the storage",
    "storage_load": "load of the storage",
    "state_bytes": "weights and their states",
    "model_flops": "model FLOPs of the run",
    "power_kw": "power of all nodes",
    "node_rated_power_kw": "rated power of a node",
    "electricity_per_month_usd": "electricity per month",
    "device_memory_gb": "device memory",
    "max_batch": "sequences at once",
    "max_context_tokens": "longest context",
    "host_memory_gb": "host memory",
    "local_storage_gb": "local drives",
    "accelerators": "accelerators",
    "nodes": "nodes",
    "utilisation": "utilisation",
    "replicas": "replicas",
}


def label_of(metric: str) -> str:
    """Give the short name of a result; its own name in words where it has none.

    >>> label_of("days"), label_of("system_power_w")
    ('duration', 'system power w')
    """
    return _LABELS.get(metric, metric.replace("_", " "))
