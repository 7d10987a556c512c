"""What every request of a simulation asks for, and what becomes of it: plain lists, which loops fill in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from planner.record import record
from planner.serving.passes import Lengths, Passes

Array = NDArray[np.float64]

UNKNOWN = -1.0


@record
class Seen:
    """What became of every request, in the order in which they came.

    Parameters
    ----------
    ttft_s : from its arrival to its first token [s].
    tpot_s : from one token to the next after the first; NaN where it has only one [s].
    latency_s : from its arrival to its last token [s].
    admitted_s : from its arrival until the engine takes it up [s].
    preemptions : times that a sequence lost its place in the cache, of all requests.
    end_s : when the last token of all was out [s].
    """

    ttft_s: Array
    tpot_s: Array
    latency_s: Array
    admitted_s: Array
    preemptions: int
    end_s: float


class Course:
    """Requests by number; several replicas share one.

    Attributes
    ----------
    arrival_s, admitted_s, first_s, last_s : times; `UNKNOWN` before they are known [s].
    prompt : tokens to be held once it is read; grows for a sequence that has to begin again [tokens].
    unread : tokens still to be read. work_s : of one of them [s].
    under_way_s : time that its prompt is on its way through stages after it has left the first [s].
    rounds : steps from its first token to its last. due : the step after which it ends; -1 while it does not decode.
    """

    __slots__ = (
        "admitted_s", "arrival_s", "due", "first_s", "last_s", "later", "prompt", "rounds", "under_way_s", "unread",
        "work_s",
    )  # fmt: skip

    def __init__(self, passes: Passes, lengths: Lengths, work_s: Array, arrival_s: Array | None) -> None:
        count = len(lengths)
        fresh = np.maximum(lengths.prompt - lengths.cached, 1.0)
        self.arrival_s: list[float] = [UNKNOWN] * count if arrival_s is None else arrival_s.tolist()
        self.prompt: list[float] = lengths.prompt.tolist()
        self.unread: list[float] = fresh.tolist()
        self.work_s: list[float] = (work_s / fresh).tolist()
        self.rounds: list[int] = np.ceil((lengths.output - 1.0) / passes.gained).astype(int).tolist()
        passed = np.minimum(fresh / passes.floor_tokens, len(passes.lag_s) - 1.0)
        self.under_way_s: Array = np.interp(passed, np.arange(len(passes.lag_s)), passes.lag_s)
        self.later: Array = lengths.output - 1.0
        self.admitted_s = [UNKNOWN] * count
        self.first_s = [UNKNOWN] * count
        self.last_s = [UNKNOWN] * count
        self.due = [-1] * count

    def soonest_ends_s(self, passes: Passes) -> list[float]:
        """Give times before which requests cannot end: each decodes alone from its arrival on [s]."""
        ends: list[float] = (np.array(self.arrival_s) + passes.step_s[1] * np.array(self.rounds)).tolist()
        return ends

    def seen(self, passes: Passes, *, preemptions: int, end_s: float) -> Seen:
        """Give what became of the requests once all have ended."""
        arrival = np.array(self.arrival_s)
        late = passes.request_s + passes.late_steps * passes.step_s[1] + self.under_way_s
        first, last = np.array(self.first_s), np.array(self.last_s)
        return Seen(
            first - arrival + late,
            np.where(self.later > 0, (last - first) / np.maximum(self.later, 1.0), np.nan),
            last - arrival + late,
            np.array(self.admitted_s) - arrival,
            preemptions,
            end_s,
        )
