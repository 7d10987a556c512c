"""The loop of an engine, event by event: requests come, wait, are read, decode and leave; times of every request.

Between two events (a request comes, a prompt is read, a sequence ends, the cache is full) all steps are alike but for
the growing context, so that they are taken in one stride. That, and plain Python over lists, is what makes it fast:
a general event queue pays for every step of every sequence.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

from planner.serving.passes import Lengths, Passes

Array = NDArray[np.float64]

_NEVER = math.inf


@dataclass(frozen=True, slots=True)
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


class Loop:
    """One replica at work.

    Requests are handed over with `offer` in the order of their arrival; `advance` runs the engine up to a time.
    """

    __slots__ = (
        "_admitted", "_arrival", "_asked", "_bytes", "_due", "_ends", "_first", "_gone", "_head", "_held", "_last",
        "_output", "_p", "_partial", "_preemptions", "_prompt", "_rate", "_requeued", "_running", "_stack", "_steps",
        "_tail", "_unread", "now",
    )  # fmt: skip

    def __init__(self, passes: Passes) -> None:
        self._p = passes
        self.now = 0.0
        self._arrival: list[float] = []
        self._prompt: list[float] = []
        self._output: list[float] = []
        self._asked: list[float] = []  # tokens of its answer; `_output` falls when a sequence has to begin again
        self._unread: list[float] = []  # tokens of its prompt that are still to be read
        self._rate: list[float] = []  # work of one of them
        self._admitted: list[float] = []
        self._first: list[float] = []
        self._last: list[float] = []
        self._due: list[int] = []  # step at which its last token is out; -1 while it does not decode
        self._head = self._tail = 0  # requests that wait; those that came
        self._requeued: deque[int] = deque()
        self._partial = -1  # the request whose prompt is half read
        self._running = 0
        self._steps = 0
        self._held = 0.0  # tokens that sequences that decode hold
        self._bytes = 0.0  # cache in use
        self._ends: list[tuple[int, int]] = []
        self._stack: list[int] = []  # in the order of admission, those that ended among them
        self._preemptions = 0
        self._gone = 0

    @property
    def waiting_and_running(self) -> int:
        """Requests that came and have not ended."""
        return len(self._arrival) - self._gone

    def offer(self, arrival_s: float, prompt: float, cached: float, output: float, work_s: float) -> None:
        """Hand over a request; arrivals never fall."""
        unread = max(prompt - cached, 1.0)
        self._arrival.append(arrival_s)
        self._prompt.append(prompt)
        self._output.append(output)
        self._asked.append(output)
        self._unread.append(unread)
        self._rate.append(work_s / unread)
        self._admitted.append(-1.0)
        self._first.append(-1.0)
        self._last.append(-1.0)
        self._due.append(-1)

    def offer_all(self, arrival_s: Array, lengths: Lengths, work_s: Array) -> None:
        """Hand over many requests at once."""
        unread = np.maximum(lengths.prompt - lengths.cached, 1.0)
        self._arrival += arrival_s.tolist()
        self._prompt += lengths.prompt.tolist()
        self._output += lengths.output.tolist()
        self._asked += lengths.output.tolist()
        self._unread += unread.tolist()
        self._rate += (work_s / unread).tolist()
        none = [-1.0] * len(lengths)
        self._admitted += none
        self._first += none
        self._last += none
        self._due += [-1] * len(lengths)

    def advance(self, until_s: float = _NEVER) -> None:
        """Run the engine until no pass can begin before a time, or nothing is left to do."""
        arrival = self._arrival
        while True:
            tail, came = self._tail, len(arrival)
            now = self.now
            while tail < came and arrival[tail] <= now:
                tail += 1
            self._tail = tail
            following = arrival[tail] if tail < came else _NEVER
            if self._head < tail or self._requeued or self._partial >= 0:
                if now >= until_s:
                    return
                if self._read():
                    continue
                following = until_s  # nobody can be taken up before a sequence ends
            if self._running:
                if now >= until_s:
                    return
                self._decode(min(following, until_s))
            elif following >= until_s:
                return
            elif following > now:
                self.now = following

    def _decode(self, until_s: float) -> None:
        """Take steps until a sequence ends, the cache is full or a request comes."""
        p, n, ends, due = self._p, self._running, self._ends, self._due
        while due[ends[0][1]] != ends[0][0]:
            heappop(ends)
        m = ends[0][0] - self._steps
        grown = n * p.token_bytes * p.gained
        if self._bytes + m * grown > p.room_bytes:
            m = int((p.room_bytes - self._bytes) / grown)
            if m <= 0:
                self._preempt()
                return
        token = p.token_s[n]
        first = p.step_s[n] + token * self._held
        more = token * n * p.gained
        taken = m * (first + more * (m - 1) * 0.5)
        if self.now + taken > until_s:
            # Fewest steps that reach the time: m first + more m (m - 1) / 2 >= left.
            left, flat = until_s - self.now, first - 0.5 * more
            found = 2.0 * left / (flat + math.sqrt(flat * flat + 2.0 * more * left))
            fewer = max(1, math.ceil(found - 1e-9))
            if fewer < m:
                m = fewer
                taken = m * (first + more * (m - 1) * 0.5)
        self.now += taken
        self._steps += m
        self._held += n * m * p.gained
        self._bytes += m * grown
        if ends[0][0] <= self._steps:
            self._finish()

    def _finish(self) -> None:
        """Let those go whose last token is out."""
        p, ends, due, steps = self._p, self._ends, self._due, self._steps
        while ends and ends[0][0] <= steps:
            step, r = heappop(ends)
            if due[r] != step:
                continue  # it lost its place in the meantime
            due[r] = -1
            self._last[r] = self.now
            self._running -= 1
            self._gone += 1
            tokens = self._prompt[r] + self._rounds(self._output[r]) * p.gained
            self._held -= tokens
            self._bytes -= tokens * p.token_bytes + p.sequence_bytes

    def _rounds(self, output: float) -> int:
        return math.ceil((output - 1.0) / self._p.gained)

    def _read(self) -> bool:
        """Run one pass over waiting prompts; whether there was any that may run."""
        work, read = 0.0, 0.0
        ready: list[int] = []
        p = self._p
        budget = p.pass_tokens - (self._running * p.scored if p.chunked else 0.0)
        free = p.sequences - self._running
        while budget > 0 and free > 0:
            r = self._partial
            if r < 0:
                r = self._admit(budget if not p.chunked and ready else _NEVER)
                if r < 0:
                    break
            left = self._unread[r]
            take = min(left, budget) if p.chunked else left
            work += take * self._rate[r]
            read += take
            budget -= take
            if take < left:
                self._unread[r] = left - take
                self._partial = r
                break
            self._partial = -1
            free -= 1
            ready.append(r)
        if not read:
            return False
        self._pass(work, read, ready)
        return True

    def _admit(self, longest: float) -> int:
        """Take up the next request if it is not too long and the cache has room for its prompt; -1 if not."""
        p = self._p
        r = self._requeued[0] if self._requeued else (self._head if self._head < self._tail else -1)
        if r < 0 or self._unread[r] > longest:
            return -1
        needed = self._prompt[r] * p.token_bytes + p.sequence_bytes
        if self._bytes + needed > p.room_bytes:
            return -1
        if self._requeued:
            self._requeued.popleft()
        else:
            self._head += 1
        if self._admitted[r] < 0:
            self._admitted[r] = self.now
        self._bytes += needed
        return r

    def _pass(self, work: float, read: float, ready: list[int]) -> None:
        p, n = self._p, self._running
        if n and p.chunked:
            self.now += p.step_s[n] + p.token_s[n] * self._held + p.interference * work
            self._steps += 1
            self._held += n * p.gained
            self._bytes += n * p.gained * p.token_bytes
        else:
            share = p.interference if n else 1.0
            self.now += share * work + p.floor_s[min(int(read / p.floor_tokens), len(p.floor_s) - 1)]
        steps = self._steps
        for r in ready:
            if self._first[r] < 0:
                self._first[r] = self.now
            rounds = self._rounds(self._output[r])
            self._running += 1
            self._held += self._prompt[r]
            self._due[r] = steps + rounds
            heappush(self._ends, (steps + rounds, r))
            self._stack.append(r)
        if self._ends and self._ends[0][0] <= steps:
            self._finish()

    def _preempt(self) -> None:
        """Take the cache of the sequence that was admitted last; it comes again, with all its tokens to be read."""
        p, stack, due = self._p, self._stack, self._due
        r = stack.pop()
        while due[r] < 0:
            r = stack.pop()
        left = due[r] - self._steps
        done = (self._rounds(self._output[r]) - left) * p.gained
        tokens = self._prompt[r] + done
        due[r] = -1
        self._running -= 1
        self._held -= tokens
        self._bytes -= tokens * p.token_bytes + p.sequence_bytes
        self._prompt[r] = self._unread[r] = tokens
        self._output[r] = left * p.gained + 1.0
        self._requeued.appendleft(r)
        self._preemptions += 1

    def served(self) -> Seen:
        """Give what became of the requests that have ended; all of them after `advance()`."""
        p = self._p
        arrival = np.array(self._arrival)
        late = p.request_s + p.late_steps * p.step_s[1]
        first, last = np.array(self._first), np.array(self._last)
        later = np.array(self._asked) - 1.0
        return Seen(
            first - arrival + late,
            np.where(later > 0, (last - first) / np.maximum(later, 1.0), np.nan),
            last - arrival + late,
            np.array(self._admitted) - arrival,
            self._preemptions,
            self.now,
        )
