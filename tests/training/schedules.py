"""Pipeline schedules carried out step by step: which stage runs what when, and what it holds meanwhile.

Written from the papers' descriptions, with no formula for the bubble or for what is in flight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Task = tuple[str, int, int]  # "F", "B" or "W"; micro-batch; chunk of the stage


@dataclass
class Outcome:
    """When the last task ended, and the most forward results that each stage held."""

    seconds: float
    held: list[int]


def one_forward_one_backward(stages: int, micro_batches: int) -> list[list[Task]]:
    """Give each stage's order: forward passes until the first gradient can arrive, then in turn, then the rest."""
    orders = []
    for stage in range(stages):
        before = min(micro_batches, stages - stage - 1)
        order: list[Task] = [("F", number, 0) for number in range(before)]
        for number in range(micro_batches - before):
            order += [("F", before + number, 0), ("B", number, 0)]
        order += [("B", number, 0) for number in range(micro_batches - before, micro_batches)]
        orders.append(order)
    return orders


def interleaved(stages: int, micro_batches: int, chunks: int) -> list[list[Task]]:
    """Megatron's interleaved order: groups of as many micro-batches as stages pass chunk after chunk."""
    assert micro_batches % stages == 0
    forward = [
        (group * stages + number, chunk)
        for group in range(micro_batches // stages)
        for chunk in range(chunks)
        for number in range(stages)
    ]
    backward = [
        (group * stages + number, chunks - 1 - chunk)
        for group in range(micro_batches // stages)
        for chunk in range(chunks)
        for number in range(stages)
    ]
    total = len(forward)
    orders = []
    for stage in range(stages):
        before = min(total, 2 * (stages - stage - 1) + (chunks - 1) * stages)
        order: list[Task] = [("F", *forward[n]) for n in range(before)]
        for n in range(total - before):
            order += [("F", *forward[before + n]), ("B", *backward[n])]
        order += [("B", *backward[n]) for n in range(total - before, total)]
        orders.append(order)
    return orders


def carry_out(
    orders: list[list[Task]], seconds: Callable[[int, str], float], *, chunks: int = 1, weight_apart: bool = False
) -> Outcome:
    """Run fixed orders: each task waits for its stage and for what it needs from its neighbours.

    Parameters
    ----------
    orders : of every stage.
    seconds : time of a task on a stage.
    chunks : of every stage.
    weight_apart : a forward result is held until the weight gradient is made, not the input gradient.
    """
    stages = len(orders)
    places = [0] * stages
    clocks = [0.0] * stages
    ends: dict[tuple[int, Task], float] = {}
    held = [0] * stages
    most = [0] * stages
    left = sum(len(order) for order in orders)
    while left:
        moved = False
        for stage in range(stages):
            while places[stage] < len(orders[stage]):
                task = orders[stage][places[stage]]
                needed = needs(stage, task, stages, chunks)
                if any(n not in ends for n in needed):
                    break
                start = max([clocks[stage], *(ends[n] for n in needed)])
                clocks[stage] = ends[stage, task] = start + seconds(stage, task[0])
                held[stage] += {"F": 1, "B": 0 if weight_apart else -1, "W": -1}[task[0]]
                most[stage] = max(most[stage], held[stage])
                places[stage] += 1
                left -= 1
                moved = True
        assert moved, "the order waits for itself"
    return Outcome(max(clocks), most)


def needs(stage: int, task: Task, stages: int, chunks: int) -> list[tuple[int, Task]]:
    """Give the tasks that must have ended: a neighbour's result, and the stage's own before."""
    kind, number, chunk = task
    if kind == "W":
        return [(stage, ("B", number, chunk))]
    if kind == "F":
        if stage:
            return [(stage - 1, ("F", number, chunk))]
        return [(stages - 1, ("F", number, chunk - 1))] if chunk else []
    own: list[tuple[int, Task]] = [(stage, ("F", number, chunk))]
    if stage < stages - 1:
        return [*own, (stage + 1, ("B", number, chunk))]
    return [*own, (0, ("B", number, chunk + 1))] if chunk < chunks - 1 else own


def zero_bubble_1(stages: int, micro_batches: int) -> list[list[Task]]:
    """ZB-H1: as one forward one backward, the weight gradient of stage i put off by i micro-batches."""
    orders = []
    for stage, plain in enumerate(one_forward_one_backward(stages, micro_batches)):
        order: list[Task] = []
        for task in plain:
            order.append(task)
            if task[0] == "B" and task[1] >= stage:
                order.append(("W", task[1] - stage, 0))
        order += [("W", number, 0) for number in range(max(micro_batches - stage, 0), micro_batches)]
        orders.append(order)
    return orders
