"""What a search for the best way to serve found: choices, and why others are none."""

from __future__ import annotations

from collections.abc import Mapping

from planner.record import record
from planner.scenario.serving_load import ServingLayout

OBJECTIVES = ("cost", "energy", "carbon")
"""What a search of a service can minimise: of an hour at a rate, of a token where the load is none."""


@record
class Choice:
    """One way to serve the load, with what it comes to.

    Parameters
    ----------
    node, accelerator, engine, weights, layout : what it is. replicas, nodes : how many, spares among the nodes.
    prefill, decode : replicas of each kind where prompts have replicas of their own; else 0.
    utilisation : in the busiest hour [1].
    results : by metric, in its unit; None where unknown.
    """

    node: str
    accelerator: str
    engine: str
    weights: str
    layout: ServingLayout
    replicas: int
    nodes: int
    utilisation: float
    results: Mapping[str, float | None]
    prefill: int = 0
    decode: int = 0

    @property
    def accelerators(self) -> int:
        """Of one replica."""
        return self.layout.tensor * self.layout.data * self.layout.pipeline


@record
class ServiceSearch:
    """What a search found.

    Parameters
    ----------
    name, title, minimise : what was asked. load : in words.
    rate : of the busiest hour; None where the load is no rate [requests/s].
    tried : rows that were sized. kept : rows that serve the load within the objectives.
    top : the best few. best : of every kind of machine, the best first.
    refused : why a kind of machine has none.
    winner : the scenario with the best choice made, as a document. notes : what to know of it.
    """

    name: str
    title: str
    minimise: str
    load: str
    rate: float | None
    tried: int
    kept: int
    top: tuple[Choice, ...]
    best: tuple[Choice, ...]
    refused: Mapping[str, str]
    winner: Mapping[str, object]
    notes: tuple[str, ...] = ()
