"""The loop of an engine, event by event: requests come, wait, are read, decode and leave; times of every request.

Between two events (a request comes, a prompt is read, a sequence ends, the cache is full) all steps are alike but for
the growing context, so that they are taken in one stride. That, and plain Python over lists, is what makes it fast:
a general event queue pays for every step of every sequence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from heapq import heappop, heappush
from math import ceil, inf, sqrt

from planner.serving.course import UNKNOWN, Course
from planner.serving.passes import Passes

_NEVER = inf
_BITS = 24  # of a request's number, in one whole number with the step at which it ends
_NUMBER = (1 << _BITS) - 1


class Loop:
    """One replica at work.

    Requests join `queue` in the order of their arrival; `advance` runs the engine up to a time.

    Attributes
    ----------
    queue : requests that came to this replica.
    now_s : up to which the engine has run [s].
    quiet_until_s : a time before which none of the requests ends that the engine knew of when it last ran [s].
    gone : requests that have ended. preemptions : times that a sequence had to begin again.
    """

    __slots__ = ("_course", "_passes", "_resume", "_to_come", "gone", "now_s", "preemptions", "queue", "quiet_until_s")

    def __init__(self, passes: Passes, course: Course) -> None:
        self._passes = passes
        self._course = course
        self.now_s = 0.0
        self.quiet_until_s = 0.0
        self.queue: list[int] = []
        self._to_come: list[int] = []  # requests that clients send when they have an answer, the last one first
        self.gone = 0
        self.preemptions = 0
        work = self._work()
        next(work)
        self._resume = work.send

    def offer_all(self, requests: range) -> None:
        """Hand over many requests at once."""
        self.queue += requests

    def offer_in_turn(self, requests: range, clients: int) -> None:
        """Hand over the requests of clients that each send the next one when they have an answer; all begin at 0 s."""
        for request in requests[:clients]:
            self._course.arrival_s[request] = 0.0
        self.queue += requests[:clients]
        self._to_come += reversed(requests[clients:])

    def advance(self, until_s: float = _NEVER) -> None:
        """Run the engine until no pass can begin before a time, or nothing is left to do."""
        self._resume(until_s)

    def _work(self) -> Generator[None, float, None]:
        """Run up to each time that is sent.

        One function over local names that it keeps from one time to the next: as methods over attributes it takes twice
        as long, and a simulation is worth having because it is quick.
        """
        c, p = self._course, self._passes
        queue, to_come, bits, number = self.queue, self._to_come, _BITS, _NUMBER
        arrival, prompt, unread, rounds, due = c.arrival_s, c.prompt, c.unread, c.rounds, c.due
        first, last, admitted, work_s = c.first_s, c.last_s, c.admitted_s, c.work_s
        step_s, token_s, token_bytes, sequence_bytes = p.step_s, p.token_s, p.token_bytes, p.sequence_bytes
        gained, room, chunked, interference = p.gained, p.room_bytes, p.chunked, p.interference
        most_tokens, places, scored, floor_s, floor_tokens = (
            p.pass_tokens, p.sequences, p.scored, p.floor_s, p.floor_tokens,
        )  # fmt: skip
        # The cache that a step takes of each sequence: as it goes, or all of it when a request starts.
        grows, kept = (0.0, token_bytes * gained) if p.reserving else (token_bytes * gained, 0.0)
        last_floor = len(floor_s) - 1
        requeued: deque[int] = deque()
        ends: list[int] = []
        stack: list[int] = []  # in the order of admission, those that ended among them
        now = 0.0
        head = tail = 0  # the first that waits; those that the engine knows of
        partial = -1  # the request whose prompt is half read
        running = steps = gone = lost = 0
        held = used = 0.0  # tokens that sequences that decode hold; cache in use [B]
        next_end = _NEVER
        while True:
            until_s = yield
            came = len(queue)
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
                    budget = most_tokens - (running * scored if chunked else 0.0)
                    free = places - running
                    work = read = 0.0
                    known = len(stack)
                    while budget > 0 and free > 0:
                        r = partial
                        if r < 0:  # the next one is taken up if a pass and the cache have room for its prompt
                            if not requeued and head >= tail:
                                break
                            r = requeued[0] if requeued else queue[head]
                            needed = prompt[r] * token_bytes + rounds[r] * kept + sequence_bytes
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
                            now += share * work + floor_s[min(int(read / floor_tokens), last_floor)]
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
                if grown and used + m * grown > room:
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
                    fewer = ceil(2.0 * wanted / (flat + sqrt(flat * flat + 2.0 * rising * wanted)) - 1e-9)
                    if fewer < m:
                        m = fewer if fewer > 1 else 1
                        taken = m * (one + rising * (m - 1) * 0.5)
                now += taken
                steps += m
                held += running * m * gained
                used += m * grown
            self.now_s, self.gone, self.preemptions = now, gone, lost
            if head < came or requeued or partial >= 0:
                self.quiet_until_s = now
            elif running:
                self.quiet_until_s = now + (next_end - steps) * (step_s[running] + token_s[running] * held)
            else:
                self.quiet_until_s = _NEVER
