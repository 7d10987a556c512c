"""What engines compute beside what is asked of them, where their graphs are compiled for fixed shapes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.serving.work import Counts

Array = NDArray[np.float64]


@record
class Graphs:
    """Shapes of an engine whose graphs are compiled beforehand, as on AWS' chips.

    Parameters
    ----------
    tokens : prompt and answer that graphs are compiled for: every step reads a cache of that length, however much of
        it is filled [tokens].
    padded : 1 where prompts are padded to that length too, 0 where there are graphs for their own.
    repeated : 1 where a step reads keys and values once for each query head, 0 where query heads that share them do.
    every_expert : 1 where a prompt's tokens go through all experts and the router only weighs what they give.
    """

    tokens: Array
    padded: Array
    repeated: Array
    every_expert: Array

    def prompt(self, tokens: Array | float) -> Array:
        """Give the tokens that a pass over a prompt computes [tokens].

        >>> one, none = np.asarray(1.0), np.asarray(0.0)
        >>> float(Graphs(np.asarray(4096.0), one, none, none).prompt(220.0))
        4096.0
        """
        padded: Array = np.maximum(np.asarray(tokens, dtype=float), self.tokens * self.padded)
        return padded

    def context(self, tokens: Array | float) -> Array:
        """Give the tokens of a sequence that a step reads, and that the cache has room for [tokens]."""
        read: Array = np.maximum(np.asarray(tokens, dtype=float), self.tokens)
        return read

    def prompt_counts(self, counts: Counts) -> Counts:
        """Give the counts of a pass over prompts."""
        return with_every_expert(counts, self.every_expert)


def with_every_expert(counts: Counts, every: Array) -> Counts:
    """Give counts with the operations of all experts for every token, where `every` is 1."""
    more = np.where(every > 0, counts.expert_count / counts.top_k, 1.0)
    experts = replace(counts.experts, flops=counts.experts.flops * more)
    return replace(counts, top_k=counts.top_k * more, experts=experts)
