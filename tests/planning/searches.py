"""Training scenarios for tests of searches, small enough to try every strategy one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from planner.documents.reader import parse_yaml
from planner.errors import InfeasibleError, InputError
from planner.planning.books import Books
from planner.planning.estimate import Estimate
from planner.planning.search import Request, search
from planner.planning.search_result import SearchResult
from planner.planning.training import estimate_training
from planner.scenario.resolve import Resolved, close

BOOKS = Books()

DENSE = """
schema: planner/scenario/v1
name: dense
workload: {kind: training, model: llama-3.1-8b, tokens: 100 B, sequence_length: 4096, global_batch: 32 sequences}
hardware: {node: p5.48xlarge, accelerators: 8}
framework: megatron-core
"""
EXPERTS = """
schema: planner/scenario/v1
name: experts
workload: {kind: training, model: mixtral-8x7b, tokens: 100 B, sequence_length: 4096, global_batch: 64 sequences}
hardware: {node: p5.48xlarge, accelerators: 16}
framework: megatron-core
"""
LARGE = """
schema: planner/scenario/v1
name: large
workload: {kind: training, model: gpt-3-175b, tokens: 300 B, sequence_length: 2048, global_batch: 96 sequences}
hardware: {node: p4de.24xlarge, accelerators: 96}
framework: megatron-core
"""


def scenario(text: str, **changes: str) -> Resolved:
    """Give a scenario, values changed by dotted path (`__` for a dot)."""
    return close(
        parse_yaml(text, name="scenario"), changes={path.replace("__", "."): value for path, value in changes.items()}
    )


def searched(text: str, request: Request, **changes: str) -> SearchResult:
    return search(scenario(text, **changes), BOOKS, request)


def one_by_one(
    text: str, degrees: dict[str, list[str]], recompute: list[str], offload: list[str], accelerators: list[int]
) -> Iterator[tuple[dict[str, str], Estimate | None]]:
    """Give the estimate of every combination, None where it cannot be carried out or does not fit."""
    names = list(degrees)
    for count, again, away, *chosen in itertools.product(accelerators, recompute, offload, *degrees.values()):
        said = dict(zip(names, chosen, strict=True))
        changes = {
            "hardware__accelerators": str(count),
            "recompute": again,
            "offload": away,
            "parallelism": "{" + ", ".join(f"{name}: {value}" for name, value in said.items()) + "}",
        }
        try:
            yield changes, estimate_training(scenario(text, **changes), BOOKS)
        except (InfeasibleError, InputError):
            yield changes, None
