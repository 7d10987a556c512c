"""Times are times: hardware's functions given quantities with units, and whole steps in another unit of time."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.hardware.collectives import (
    Group,
    Links,
    all_reduce_time_s,
    all_to_all_time_s,
    gather_or_scatter_time_s,
    send_time_s,
)
from planner.hardware.efficiency import Efficiency
from planner.hardware.kernels import (
    attention_time_s,
    forward_and_backward_s,
    joined,
    plain_attention_time_s,
    streaming_time_s,
)
from planner.hardware.machine import Machine
from planner.hardware.products import matrix_product_time_s
from planner.planning.evaluate import evaluate
from planner.workload.cores import AttentionCore
from planner.workload.layer_operators import attention
from planner.workload.operators import MatrixProduct, Sharding, Streaming, Tokens
from tests.planning.problems import efficiency, machine, problem
from tests.training.strategies import one, strategy

REGISTRY = pint.get_application_registry()  # one for all tests: it takes a second to read
# Operations and bytes are counts here: pint's byte is eight of another count, and widths of elements are plain numbers.
PER_SECOND, SECOND = REGISTRY.Unit("1/second"), REGISTRY.Unit("second")


def with_units(record: Any) -> Any:
    """Give a record whose rates and times carry their units, by the ends of their names."""
    units = {f.name: PER_SECOND for f in fields(record) if f.name.endswith("_per_s")}
    units |= {f.name: SECOND for f in fields(record) if f.name.endswith("_s") and f.name not in units}
    return replace(record, **{name: getattr(record, name) * unit for name, unit in units.items()})


H100: Machine = with_units(machine("dgx-h100"))
USUAL: Efficiency = with_units(efficiency("dgx-h100"))
LINKS = Links.of(H100, USUAL)
GROUP = Group(one(64), one(8))
WHOLE = Sharding(one(1), one(1), one(1), one(1), one(0))
CORE = attention(AttentionCore(8, 2, 128, 128), Tokens(one(1), one(4096)), WHOLE)
PRODUCT = MatrixProduct("up", "layer", one(4096), one(8192), one(2048), one(1))
STREAM = Streaming("norms", one(1e9), one(1e6))

TIMES = {
    "gather": lambda: gather_or_scatter_time_s(one(1e9), GROUP, LINKS),
    "all-reduce": lambda: all_reduce_time_s(one(1e9), GROUP, LINKS),
    "all-to-all": lambda: all_to_all_time_s(one(1e9), GROUP, LINKS, copies=8.0),
    "send": lambda: send_time_s(one(1e9), outside=one(1), links=LINKS),
    "product": lambda: matrix_product_time_s(
        one(4096),
        one(4096),
        one(4096),
        one(1),
        peak_flops_per_s=H100.matrix_flops_per_s,
        bytes_per_element=2.0,
        machine=H100,
        efficiency=USUAL,
    ),
    "joined": lambda: joined(one(3.0) * SECOND, one(4000.0) * REGISTRY.millisecond, 2.0),
    "attention": lambda: attention_time_s(CORE, H100, USUAL),
    "plain attention": lambda: sum(plain_attention_time_s(CORE, H100, USUAL)),
    "streaming": lambda: streaming_time_s(STREAM, H100, USUAL),
    "forward and backward": lambda: sum(
        sum(forward_and_backward_s(operator, machine=H100, efficiency=USUAL, bytes_per_element=2.0))
        for operator in (PRODUCT, CORE, STREAM)
    ),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_time_has_the_dimension_of_time(name: str) -> None:
    found = TIMES[name]()
    assert found.check("[time]")
    assert np.all(found.to("s").magnitude > 0)


def test_times_in_different_units_are_joined_as_what_they_are() -> None:
    assert float(TIMES["joined"]().to("s").magnitude[0]) == pytest.approx(5.0)


@settings(max_examples=50)
@given(
    unit=st.sampled_from([1e-3, 60.0, 3600.0]),
    name=st.sampled_from(["llama-3.1-70b", "mixtral-8x7b", "t5-11b", "deepseek-v3"]),
    degrees=st.sampled_from(
        [
            {"tensor": 8.0},
            {"pipeline": 4.0, "interleave": 2.0},
            {"context": 4.0, "sharding": 2.0},
            {"sharding": 3.0, "sharding_group": 8.0},
            {"expert": 4.0, "tensor": 2.0},
        ]
    ),
)
def test_a_step_in_another_unit_of_time_is_the_same_step(unit: float, name: str, degrees: dict[str, float]) -> None:
    if name in ("llama-3.1-70b", "t5-11b"):
        degrees = {key: value for key, value in degrees.items() if key != "expert"}
    asked = problem(name, length=2048.0, global_batch=128.0)
    plan = strategy(accelerators=64, **degrees)

    def restated(record: Any) -> Any:
        """State rates per other unit, and times in it."""
        rates = {f.name: getattr(record, f.name) * unit for f in fields(record) if f.name.endswith("_per_s")}
        names = [f.name for f in fields(record) if f.name.endswith("_s") and f.name not in rates]
        return replace(record, **rates, **{key: getattr(record, key) / unit for key in names})

    other = replace(asked, machine=restated(asked.machine), efficiency=restated(asked.efficiency))
    seconds, units = evaluate(asked, plan).step, evaluate(other, plan).step
    assert units.total * unit == pytest.approx(seconds.total, rel=1e-9)
    for key, part in seconds.parts.items():
        assert units.parts[key] * unit == pytest.approx(part, rel=1e-9, abs=1e-12)
