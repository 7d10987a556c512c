"""A search on a Dask cluster finds what the same search finds in one process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from planner.errors import InputError
from planner.planning.search import Request, search
from planner.planning.search_cluster import on_dask
from tests.conftest import Planner
from tests.planning.searches import BOOKS, DENSE, scenario

distributed = pytest.importorskip("distributed", reason="needs the extra 'cluster'")

REQUEST = Request(nodes=("p5.48xlarge", "trn1.32xlarge"), accelerators=(16,), top=20)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """A cluster of two workers inside this process; nothing outside it is reached."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp", host="127.0.0.1"
    ) as cluster:
        yield cluster.scheduler_address


def test_the_result_is_that_of_a_search_without_the_cluster(scheduler: str) -> None:
    resolved = scenario(DENSE)
    together = search(resolved, BOOKS, REQUEST, engine=on_dask(scheduler))
    alone = search(resolved, BOOKS, REQUEST)
    assert replace(together, estimate=alone.estimate) == alone
    assert together.estimate.results == alone.estimate.results


def test_the_command_prints_the_same_on_a_cluster(process: Planner, scheduler: str, tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(DENSE, encoding="utf-8")
    asked = ("search", str(file), "--nodes", "p5.48xlarge", "--accelerators", "8", "--output", "json=-")
    on_cluster = process(*asked, "--engine", "dask", "--scheduler", scheduler)
    assert on_cluster.returncode == 0, on_cluster.stderr
    assert on_cluster.stdout == process(*asked).stdout


def test_a_scheduler_that_does_not_answer_is_an_input_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.planning.search_cluster._PATIENCE_S", 0.5)
    with pytest.raises(InputError) as raised:
        on_dask("tcp://127.0.0.1:9")
    assert raised.value.faults[0].id == "scheduler-silent"


def test_without_the_extra_the_command_to_install_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(InputError) as raised:
        on_dask("tcp://127.0.0.1:9")
    assert raised.value.faults[0].id == "extra-missing"
    assert "accelerator-planner[cluster]" in raised.value.faults[0].hint
