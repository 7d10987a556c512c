"""Two pools: neither can be outrun, Little's law holds, and more workers never hurt."""

from __future__ import annotations

import numpy as np
import pytest

from planner.serving.batching import Requests
from planner.serving.disaggregation import Pools, capacity, closed_loop
from tests.serving.replicas import replica

REQUESTS = Requests(np.asarray(4000.0), np.asarray(500.0))


def pools(prefill: float, decode: float, *, bytes_per_s: float = 50e9) -> Pools:
    engine = replica("llama-3.1-70b", "h100-sxm", tensor=4)
    each = (np.asarray(value) for value in (prefill, decode, 320e3, bytes_per_s))
    return Pools(engine, engine, *each)


@pytest.mark.parametrize("clients", [1.0, 16.0, 128.0, 2000.0])
def test_clients_are_all_somewhere(clients: float) -> None:
    two = pools(2.0, 1.0)
    served = closed_loop(two, REQUESTS, clients=clients)
    rate = float(served.output_tokens_per_s) / 500.0
    inside = rate * (float(served.ttft_s) + 499.0 * float(served.tpot_s))
    assert inside == pytest.approx(clients, rel=0.02)
    assert rate <= float(capacity(two, REQUESTS)) * 1.0001
    assert float(served.ttft_s) > float(two.transfer_s(REQUESTS))


def test_the_slower_pool_governs() -> None:
    few, many = (closed_loop(pools(n, 8.0), REQUESTS, clients=512.0) for n in (1.0, 8.0))
    assert float(many.output_tokens_per_s) > 1.5 * float(few.output_tokens_per_s)
    assert float(few.ttft_s) > float(many.ttft_s)
    assert float(few.prefill_share) > 0.9


def test_a_slower_wire_delays_the_first_token_alone() -> None:
    fast, slow = (closed_loop(pools(2.0, 2.0, bytes_per_s=b), REQUESTS, clients=8.0) for b in (100e9, 1e9))
    sent = 4000.0 * 320e3
    assert float(slow.ttft_s) - float(fast.ttft_s) == pytest.approx(sent / 1e9 - sent / 100e9, rel=0.1)
    assert float(slow.tpot_s) == pytest.approx(float(fast.tpot_s), rel=0.1)


def test_prompts_do_not_delay_those_who_decode() -> None:
    from planner.serving.batching import closed_loop as together

    engine = replica("llama-3.1-70b", "h100-sxm", tensor=4)
    apart = closed_loop(pools(1.0, 1.0), REQUESTS, clients=16.0)
    mixed = together(engine, REQUESTS, clients=16.0)
    assert float(apart.tpot_s) < float(mixed.tpot_s)
