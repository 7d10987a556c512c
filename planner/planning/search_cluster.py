"""A search on a Dask cluster: the same blocks, carried out by its workers, taken together in the same order."""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from planner.errors import input_error
from planner.planning.search_run import Engine, Plan, Tallies, Task

_TASKS_IN_FLIGHT = 8  # for each thread of the cluster: enough that none waits, few enough to be held
_PATIENCE_S = 10.0  # for the scheduler to answer


def on_dask(address: str) -> Engine:
    """Give the engine that carries blocks out on the workers of a scheduler.

    Parameters
    ----------
    address : of the scheduler, such as tcp://10.0.0.1:8786; its workers have the same release of the planner.

    Raises
    ------
    InputError : the extra is not installed, or nothing answers at the address.
    """
    client = _client(address)

    def carry_out(plan: Plan, tasks: Iterable[Task]) -> Iterator[Tallies]:
        shared = client.scatter(plan, broadcast=True)
        threads = max(1, sum(client.nthreads().values()))
        flying: deque[Any] = deque()
        try:
            for task in tasks:
                flying.append(client.submit(_price, task, shared, pure=False))
                if len(flying) >= threads * _TASKS_IN_FLIGHT:
                    yield flying.popleft().result()
            while flying:
                yield flying.popleft().result()
        finally:
            client.close()

    return carry_out


def _price(task: Task, plan: Plan) -> Tallies:
    """Price one block, on a worker."""
    return task.run(plan)


def _client(address: str) -> Any:
    try:
        cluster: Any = importlib.import_module("distributed")
    except ImportError:
        raise input_error(
            "extra-missing",
            "a search on Dask needs the extra 'cluster'",
            hint="pip install 'accelerator-planner[cluster]'",
        ) from None
    try:
        return cluster.Client(address, timeout=_PATIENCE_S, set_as_default=False)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise input_error(
            "scheduler-silent",
            f"no scheduler answers at {address}: {reason}",
            hint="start one: dask scheduler; dask worker ADDRESS",
        ) from None
