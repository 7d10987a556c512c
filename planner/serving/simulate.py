"""The loop of an engine, event by event: requests come, wait, are read, decode and leave; times of every request.

Between two events (a request comes, a prompt is read, a sequence ends, the cache is full) all steps are alike but for
the growing context, so that they are taken in one stride. That, and plain Python over lists, is what makes it fast:
a general event queue pays for every step of every sequence.
"""

from __future__ import annotations

import math
from collections import deque
from heapq import heappop, heappush

from planner.serving.course import UNKNOWN, Course
from planner.serving.passes import Passes

_NEVER = math.inf
_BITS = 24  # of a request's number, in one whole number with the step at which it ends
_NUMBER = (1 << _BITS) - 1


class Loop:
    """One replica at work.

    Requests are handed over with `offer` in the order of their arrival; `advance` runs the engine up to a time.

    Attributes
    ----------
    now_s : up to which the engine has run [s].
    gone : requests that have ended. preemptions : times that a sequence had to begin again.
    """

    __slots__ = (
        "_course", "_ends", "_head", "_held", "_names", "_p", "_partial", "_queue", "_requeued", "_running", "_stack",
        "_steps", "_tail", "_to_come", "_used", "gone", "now_s", "preemptions",
    )  # fmt: skip

    def __init__(self, passes: Passes, course: Course) -> None:
        self._p = passes
        self._course = course
        self.now_s = 0.0
        self._queue: list[int] = []  # requests that came to this replica
        self._head = self._tail = 0  # the first that waits; those that the engine knows of
        self._to_come: list[int] = []  # requests that clients send when they have an answer, the last one first
        self._requeued: deque[int] = deque()
        self._partial = -1  # the request whose prompt is half read
        self._running = 0
        self._steps = 0
        self._held = 0.0  # tokens that sequences that decode hold
        self._used = 0.0  # cache in use [B]
        self._ends: list[int] = []
        self._stack: list[int] = []  # in the order of admission, those that ended among them
        self.gone = 0
        self.preemptions = 0
        c, p = course, passes
        self._names = (
            p, self._queue, self._requeued, self._stack, self._ends, c.arrival_s, c.prompt, c.unread, c.rounds,
            c.due, c.first_s, c.last_s, c.admitted_s, c.work_s, p.step_s, p.token_s, p.token_bytes, p.sequence_bytes,
            p.gained, p.room_bytes, p.chunked, p.interference, self._to_come,
        )  # fmt: skip

    @property
    def quiet_until_s(self) -> float:
        """A time before which none of the requests ends that the engine knows of [s]."""
        if self._head < len(self._queue) or self._requeued or self._partial >= 0:
            return self.now_s
        if not self._running:
            return _NEVER
        p, n = self._p, self._running
        return self.now_s + ((self._ends[0] >> _BITS) - self._steps) * (p.step_s[n] + p.token_s[n] * self._held)

    def offer(self, request: int) -> float:
        """Hand over a request, arrivals never fall; gives a time before which it cannot end [s]."""
        self._queue.append(request)
        return self._course.arrival_s[request] + self._course.rounds[request] * self._p.step_s[1]

    def offer_all(self, requests: range) -> None:
        """Hand over many requests at once."""
        self._queue += requests

    def offer_in_turn(self, requests: range, clients: int) -> None:
        """Hand over the requests of clients that each send the next one when they have an answer; all begin at 0 s."""
        for request in requests[:clients]:
            self._course.arrival_s[request] = 0.0
        self._queue += requests[:clients]
        self._to_come += reversed(requests[clients:])

    def advance(self, until_s: float = _NEVER) -> None:
        """Run the engine until no pass can begin before a time, or nothing is left to do.

        One function over local names: as methods over attributes it takes twice as long, and a simulation is worth
        having because it is quick.
        """
        (
            p, queue, requeued, stack, ends, arrival, prompt, unread, rounds, due, first, last, admitted,
            work_s, step_s, token_s, token_bytes, sequence_bytes, gained, room, chunked, interference, to_come,
        ) = self._names  # fmt: skip
        now, head, tail, partial = self.now_s, self._head, self._tail, self._partial
        running, steps, held, used = self._running, self._steps, self._held, self._used
        grows = token_bytes * gained
        came, bits, number, gone, lost = len(queue), _BITS, _NUMBER, self.gone, self.preemptions
        next_end: float = ends[0] >> bits if ends else _NEVER
        while now <= until_s:
            while next_end <= steps:  # those whose last token is out
                r = heappop(ends) & number
                next_end = ends[0] >> bits if ends else _NEVER
                if due[r] != steps:
                    continue  # it lost its place in the meantime
                due[r] = -1
                last[r] = now
                running -= 1
                gone += 1
                tokens = prompt[r] + rounds[r] * gained
                held -= tokens
                used -= tokens * token_bytes + sequence_bytes
                if to_come:  # its client sends the next request
                    r = to_come.pop()
                    arrival[r] = now
                    queue.append(r)
                    came += 1
            while tail < came and arrival[queue[tail]] <= now:
                tail += 1
            if head < tail or requeued or partial >= 0:
                if now >= until_s:
                    break
                budget = p.pass_tokens - (running * p.scored if chunked else 0.0)
                free = p.sequences - running
                work = read = 0.0
                known = len(stack)
                while budget > 0 and free > 0:
                    r = partial
                    if r < 0:  # the next one is taken up if it is not too long and the cache has room for its prompt
                        if not requeued and head >= tail:
                            break
                        r = requeued[0] if requeued else queue[head]
                        needed = prompt[r] * token_bytes + sequence_bytes
                        # With room for one step of all: what has just lost its place would else come back at once.
                        if used + needed + (running + 1) * grows > room or (
                            read and not chunked and unread[r] > budget
                        ):
                            break
                        if requeued:
                            requeued.popleft()
                        else:
                            head += 1
                        if admitted[r] == UNKNOWN:
                            admitted[r] = now
                        used += needed
                    left = unread[r]
                    if chunked and left > budget:
                        work += budget * work_s[r]
                        read += budget
                        unread[r] = left - budget
                        partial = r
                        break
                    work += left * work_s[r]
                    read += left
                    budget -= left
                    partial = -1
                    free -= 1
                    stack.append(r)
                if read:
                    if running and chunked:
                        now += step_s[running] + token_s[running] * held + interference * work
                        steps += 1
                        held += running * gained
                        used += running * grows
                    else:
                        share = interference if running else 1.0
                        now += share * work + p.floor_s[min(int(read / p.floor_tokens), len(p.floor_s) - 1)]
                    for r in stack[known:]:
                        if first[r] == UNKNOWN:
                            first[r] = now
                        end = steps + rounds[r]
                        running += 1
                        held += prompt[r]
                        due[r] = end
                        heappush(ends, end << bits | r)
                        if end < next_end:
                            next_end = end
                    continue
                following = until_s  # nobody can be taken up before a sequence ends
            else:
                following = arrival[queue[tail]] if tail < came else _NEVER
            if not running:
                if following >= until_s:
                    break
                now = following
                continue
            if now >= until_s:
                break
            # Steps until a sequence ends, the cache is full or a request comes.
            while lost and due[ends[0] & number] != next_end:
                heappop(ends)
                next_end = ends[0] >> bits
            m = int(next_end) - steps
            grown = running * grows
            if used + m * grown > room:
                m = int((room - used) / grown)
                if m <= 0:  # the cache of the one that came last is taken; all its tokens are to be read again
                    r = stack.pop()
                    while due[r] < 0:
                        r = stack.pop()
                    behind = due[r] - steps
                    tokens = prompt[r] + (rounds[r] - behind) * gained
                    due[r] = -1
                    running -= 1
                    held -= tokens
                    used -= tokens * token_bytes + sequence_bytes
                    prompt[r] = unread[r] = tokens
                    rounds[r] = behind
                    requeued.appendleft(r)
                    lost += 1
                    continue
            rising = token_s[running]
            one = step_s[running] + rising * held
            rising *= running * gained
            taken = m * (one + rising * (m - 1) * 0.5)
            limit = following if following < until_s else until_s
            if now + taken > limit:
                # Fewest steps that reach the time: m one + rising m (m - 1) / 2 >= left.
                wanted, flat = limit - now, one - 0.5 * rising
                fewer = math.ceil(2.0 * wanted / (flat + math.sqrt(flat * flat + 2.0 * rising * wanted)) - 1e-9)
                if fewer < m:
                    m = fewer if fewer > 1 else 1
                    taken = m * (one + rising * (m - 1) * 0.5)
            now += taken
            steps += m
            held += running * m * gained
            used += m * grown
        self.now_s, self._head, self._tail, self._partial = now, head, tail, partial
        self._running, self._steps, self._held, self._used = running, steps, held, used
        self.gone, self.preemptions = gone, lost
