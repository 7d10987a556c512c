"""What cannot be carried out says so: states without room, drives that nobody knows, runs that never end."""

from __future__ import annotations

import pytest

from planner.documents.reader import parse_yaml
from planner.errors import InfeasibleError
from planner.planning.books import Books
from planner.planning.claims import judged
from planner.planning.dispatch import estimate
from planner.planning.estimate import Estimate
from planner.scenario.resolve import close

TEXT = """\
schema: planner/scenario/v1
name: x
workload:
  kind: training
  model: %(model)s
  tokens: 1 B
  sequence_length: 2048
  global_batch: %(count)d sequences
  precision: {compute: fp16, gradients: fp16}
hardware: {node: %(node)s, accelerators: %(count)d, term: owned, facility: finland}
framework: fsdp
parallelism: {sharding: zero-3}
recompute: full
%(more)s
"""


def text(more: str = "", *, model: str = "gpt-3-13b", node: str = "dgx-a100", count: int = 8) -> str:
    return TEXT % {"more": more, "model": model, "node": node, "count": count}


def run(more: str = "", *, model: str = "gpt-3-13b", node: str = "dgx-a100", count: int = 8) -> Estimate:
    return estimate(close(parse_yaml(text(more, model=model, node=node, count=count))), Books())


def refused(more: str, **given: object) -> str:
    with pytest.raises(InfeasibleError) as error:
        run(more, **given)  # type: ignore[arg-type]
    assert error.value.exit_code == 3
    return str(error.value)


class TestOffloading:
    def test_what_is_kept_on_the_host_is_12_bytes_for_each_parameter_of_the_optimizer(self) -> None:
        found = run("offload: {optimizer: host}")
        parameters = found.value("parameters")
        assert parameters is not None
        assert found.value("host_memory_gb") == pytest.approx(12 * parameters / 1e9, rel=1e-3)
        assert found.value("local_storage_gb") == 0.0

    def test_and_on_the_drives_all_16_where_all_is_kept_there(self) -> None:
        found = run("offload: {parameters: disk, gradients: disk, optimizer: disk}")
        parameters = found.value("parameters")
        assert parameters is not None
        assert found.value("local_storage_gb") == pytest.approx(16 * parameters / 1e9, rel=1e-3)

    def test_each_of_two_nodes_keeps_half(self) -> None:
        one, two = run("offload: {optimizer: host}"), run("offload: {optimizer: host}", count=16)
        whole, half = one.value("host_memory_gb"), two.value("host_memory_gb")
        assert whole is not None
        assert half == pytest.approx(whole / 2, rel=1e-3)

    def test_it_frees_the_device_and_takes_time(self) -> None:
        here, there = run(), run("offload: {optimizer: host}")
        for metric, more in (("peak_memory_gb", here), ("step_time_s", there)):
            assert (more.value(metric) or 0.0) > ((there if more is here else here).value(metric) or 0.0)

    def test_without_any_there_is_no_such_result(self) -> None:
        assert "host_memory_gb" not in run().results

    def test_more_than_the_host_has_is_refused_with_both_numbers(self) -> None:
        # 175 B parameters of 12 bytes are 2.1 TB; a DGX A100 has 2 TiB, 2.2 TB, less for a larger model.
        told = refused("offload: {parameters: disk, gradients: disk, optimizer: host}", model="gopher-280b")
        assert "host memory" in told
        assert "of 2.2 TB" in told

    def test_drives_that_the_catalog_does_not_know_are_refused(self) -> None:
        assert "dgx-2 has no local drives" in refused("offload: {optimizer: disk}", node="dgx-2", count=16)


def test_a_run_that_fails_faster_than_it_restarts_never_ends() -> None:
    told = refused("operations: {failure_rate: 0.5 /accelerator/h, restart: 1 h}")
    assert "fails every 0.25 h" in told


def test_a_run_that_may_never_end_has_no_upper_end() -> None:
    found = run(
        "operations: {failure_rate: {low: 0.01 /accelerator/h, mid: 0.02 /accelerator/h, high: 2 /accelerator/h}}"
    )
    days = found.results["days"]
    assert days.mid is not None
    assert days.high is None
    assert found.results["goodput"].low == 0.0


CLAIM = "claim: {id: x, says: a, source: b, note: c, infeasible: true}"


def test_a_claim_that_nothing_fits_holds_where_nothing_does_and_not_where_it_does() -> None:
    large = judged(close(parse_yaml(text(CLAIM, model="mt-nlg-530b"))), Books())
    assert large.judgement is not None
    assert large.judgement.holds
    assert "does not fit" in large.why_not
    assert large.results == {}
    small = judged(close(parse_yaml(text(CLAIM))), Books())
    assert small.judgement is not None
    assert not small.judgement.holds
    assert small.results
