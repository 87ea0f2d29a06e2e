"""Records the latest requests and their responses, without keys."""

import logging
import time
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from heapq import merge
from operator import attrgetter
from typing import Final
from uuid import uuid4

from bff_mock_server.answering.exchange import Exchange, KeptResponse, Recorded, Repetition, Violation, Wanted
from bff_mock_server.answering.scrubbing import Scrubber
from bff_mock_server.matching.request import Asked
from bff_mock_server.matching.table import CompiledInteraction
from bff_mock_server.responses.reply import AttributedReply
from bff_mock_server.world.sessions import EVERY_SESSION

SIZE: Final = 1000
"""How many requests of a session are kept."""

_MOST_KEPT: Final = 5 * SIZE
"""How many requests are kept of all sessions together."""

_MOST_SESSIONS: Final = 1000
"""Sessions whose uses are counted; after that those of the oldest are forgotten."""

_LOG: Final = logging.getLogger("bff_mock_server")


_Uses = dict[CompiledInteraction, int]
_number: Final = attrgetter("number")


class Journal:
    """Records requests in little time and memory, and says afterwards what they were.

    Args:
        size: How many requests of a session are kept.
        log_requests: Log a line per request.
        keys: Keys that are cut out wherever they are.

    Attributes:
        start: Tells this journal from the one of another run.
        count: All requests since the start.
        violations: How often the response of a real provider left the contract.
    """

    def __init__(self, size: int = SIZE, *, log_requests: bool = False, keys: Collection[str] = ()) -> None:
        self._log_requests = log_requests
        self._scrubber = Scrubber(keys)
        self._size = size
        self._kept: dict[str | None, deque[Recorded | Repetition]] = {}
        self._kept_in_all = 0
        self._uses: dict[str | None, _Uses] = {}
        self.start = uuid4().hex
        self.count = 0
        self.violations = 0

    def record(
        self,
        provider: str,
        asked: Asked,
        attributed: AttributedReply,
        *,
        session: str | None = None,
        violations: Sequence[Violation] = (),
        is_real: bool = False,
    ) -> Recorded:
        """Write a request and its response down, without most of long bodies; secrets are removed when it is read."""
        reply, _, entry, also, differences, reason, fault, is_spoilt, nearest, _ = attributed
        head, reply_body, delivery, _ = reply
        status = head.status
        seconds = time.perf_counter() - asked.began
        if delivery is not None:
            seconds += delivery.delay
            status = 0 if delivery.is_lost else status
        if is_real or entry is None:  # the key of a real service is not stored, nor that of a request on its way there
            path, query, query_string, headers, body = self._scrubber.kept(asked)
            asked = Asked(asked.method, path, query, headers, query_string, body)
        elif len(asked.body) > self._scrubber.searched:
            asked = replace(asked, body=asked.body[: self._scrubber.searched])
        if violations:
            violations = self._without_keys(violations)
        self.count += 1
        recorded = Recorded(
            self.count, time.time(), seconds, provider, asked, session, status, entry, also, differences, nearest,
            fault, reason, violations,
            KeptResponse(head, reply_body, self._scrubber) if status and not is_real else None,
        )  # fmt: skip
        self._keep(recorded, session)
        for violation in violations:
            path = recorded.exchange(self._scrubber).path
            _LOG.warning("%s %s breaks the contract: %s", asked.method, path, violation)
        if self._log_requests:
            _log(recorded.exchange(self._scrubber))
        if entry is not None and not is_spoilt and not differences:
            self._count_uses((entry, *also), session)
        return recorded

    def repeat(self, first: Recorded, correlation_id: str | None, seconds: float) -> None:
        """Write down that a request was made again, with another correlation id if any, and answered as before."""
        self.count += 1
        self._keep(Repetition(self.count, time.time(), seconds, correlation_id, first), first.session)
        if self._log_requests:
            _log(first.exchange(self._scrubber))
        if first.entry is not None:
            self._count_uses((first.entry, *first.also), first.session)

    def exchanges(self, wanted: Wanted | None = None, *, after: int = 0) -> list[Exchange]:
        """The exchanges that are kept, the latest last; those numbered above `after`, and `wanted` if that is given."""
        of_sessions = [tuple(kept) for kept in tuple(self._kept.values())]
        found = (one.exchange(self._scrubber) for one in merge(*of_sessions, key=_number) if one.number > after)
        return [exchange for exchange in found if wanted is None or wanted.covers(exchange)]

    def uses(self, session: str | None = EVERY_SESSION) -> Mapping[CompiledInteraction, int]:
        """How often each interaction has answered.

        Args:
            session: In which session; `None` for the default world, `EVERY_SESSION` for all of them together.
        """
        counted = self._uses.values() if session == EVERY_SESSION else [self._uses.get(session, {})]
        total: Counter[CompiledInteraction] = Counter()
        for uses in counted:
            total.update(uses)
        return total

    def clear(self, session: str | None = EVERY_SESSION) -> None:
        """Clear requests and uses, of one session (`None` for the default world) or of all; numbering continues."""
        if session == EVERY_SESSION:
            self._kept.clear()
            self._kept_in_all = 0
            self.forget_uses()
            return
        self._kept_in_all -= len(self._kept.pop(session, ()))
        self._uses.pop(session, None)

    def forget_uses(self) -> None:
        """Forget which interactions were used: there are others now."""
        self._uses.clear()

    def _without_keys(self, violations: Sequence[Violation]) -> Sequence[Violation]:
        self.violations += len(violations)
        text = self._scrubber.text
        return tuple([replace(one, path=text(one.path), message=text(one.message)) for one in violations])

    def _keep(self, exchange: Recorded | Repetition, session: str | None) -> None:
        """Keep an exchange; a session that asks much pushes out its own requests, and none of others' few."""
        own = self._kept.get(session)
        if own is None:
            own = self._kept[session] = deque()
        own.append(exchange)
        if len(own) > self._size:
            own.popleft()
            return
        self._kept_in_all += 1
        if self._kept_in_all > _MOST_KEPT:
            fullest = session if len(own) > _MOST_KEPT // len(self._kept) else max(self._kept, key=self._count)
            self._kept[fullest].popleft()
            self._kept_in_all -= 1
            if not self._kept[fullest]:
                del self._kept[fullest]

    def _count(self, session: str | None) -> int:
        return len(self._kept[session])

    def _count_uses(self, entries: Iterable[CompiledInteraction], session: str | None) -> None:
        uses = self._uses.get(session)
        if uses is None:
            uses = self._begin_counting(session)
        for entry in entries:
            uses[entry] = uses.get(entry, 0) + 1

    def _begin_counting(self, session: str | None) -> _Uses:
        if len(self._uses) > _MOST_SESSIONS:
            self._uses.pop(next(name for name in self._uses if name is not None))
        return self._uses.setdefault(session, {})


def _log(exchange: Exchange) -> None:
    shown = f" ({exchange.fault})" if exchange.fault else ""
    _LOG.info("%s %s %s -> %d%s", exchange.provider, exchange.method, exchange.target, exchange.status, shown)
