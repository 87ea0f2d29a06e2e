"""Remembers answers for requests that repeat an earlier one with another correlation id.

Load tests and polling pages ask for the same again and again. Such a request is found by its bytes, and needs neither
parsing nor matching: its response is known as long as the rows behind it are unchanged.
"""

from collections.abc import Hashable, Sequence
from typing import Final, NamedTuple
from weakref import ReferenceType, ref

from bff_contracts.pact.text_rules import Check
from bff_contracts.platform import CORRELATION_HEADER
from bff_mock_server.answering.backend import Backend
from bff_mock_server.answering.exchange import Recorded
from bff_mock_server.matching.request import Asked, Surroundings
from bff_mock_server.responses.reply import Reply
from bff_mock_server.world.rows import Rows
from bff_mock_server.world.world import World

_MOST_BYTES: Final = 16 * 1024 * 1024
"""The most bytes of remembered requests and responses; then all are dropped, and those in use soon return."""

_BYTES_BESIDE: Final = 3072
"""Approximate bytes of a response beside its body and its request: of the objects, and of what the journal keeps."""

_COPIES_OF_TARGET: Final = 4
"""As a key, as the path or query as it was sent, and as decoded values, which are shorter than their escapes."""

_COPIES_OF_HEAD: Final = 2
"""As bytes and as values of headers."""

_MOST_TARGETS: Final = 10_000
"""The most targets that were requested once and are kept."""


class Remembered(NamedTuple):
    """A response, and what it depends on.

    Attributes:
        reply: The response.
        recorded: Its first request, as it was recorded.
        rows: The rows behind it, as a weak reference.
        checks: Every rule that the contracts have for a correlation id.
    """

    reply: Reply
    recorded: Recorded
    rows: ReferenceType[Rows]
    checks: Sequence[Check]

    def holds(self, world: World, correlation_id: str | None) -> bool:
        """Whether it is the response in a world, to a request with this correlation id, or always without one."""
        if self.rows() is not world.rows or world.faults:
            return False
        return correlation_id is None or all(check.accepts(correlation_id) for check in self.checks)


class Recall:
    """The remembered responses, by the backends and the bytes of the request.

    A response is remembered at its second request: most requests with random ids never repeat.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, Remembered] = {}
        self._bytes = 0
        self._targets: set[int] = set()
        self._checks: dict[Sequence[Backend], Sequence[Check]] = {}

    def find(self, backends: Sequence[Backend], surroundings: Surroundings, target: str) -> Remembered | None:
        """What is remembered for a request."""
        return self._known.get((backends, surroundings, target))

    def remember(self, backends: Sequence[Backend], asked: Asked, recorded: Recorded, reply: Reply, rows: Rows) -> None:
        """Remember a response, unless another correlation id may change it."""
        if asked.surroundings is None or self._is_new(asked.target) or _needs_the_engine(backends, asked):
            return
        checks = self._checks_of(backends)
        before, after = asked.surroundings
        if after and not all(check.accepts(asked.headers[CORRELATION_HEADER]) for check in checks):
            return
        head, target = len(before) + len(after), len(asked.target)
        self._bytes += len(reply.body) + _COPIES_OF_HEAD * head + _COPIES_OF_TARGET * target + _BYTES_BESIDE
        if self._bytes > _MOST_BYTES:
            self.forget()
            return
        self._known[backends, asked.surroundings, asked.target] = Remembered(reply, recorded, ref(rows), checks)

    def forget(self) -> None:
        """Forget everything."""
        self._known.clear()
        self._targets.clear()
        self._checks.clear()
        self._bytes = 0

    def _is_new(self, target: str) -> bool:
        known = hash(target)
        if known in self._targets:
            return False
        if len(self._targets) >= _MOST_TARGETS:
            self._targets.clear()
        self._targets.add(known)
        return True

    def _checks_of(self, backends: Sequence[Backend]) -> Sequence[Check]:
        """The rules for a correlation id, each once."""
        if backends not in self._checks:
            found = {
                check.identity: check
                for backend in backends
                for endpoint in backend.table.endpoints
                for entry in endpoint.entries
                for name, check in entry.headers
                if name == CORRELATION_HEADER
            }
            self._checks[backends] = tuple(found.values())
        return self._checks[backends]


def _needs_the_engine(backends: Sequence[Backend], asked: Asked) -> bool:
    """Whether the engine decides about a request, of which it sees the correlation id as well."""
    return any(
        endpoint.needs_engine and endpoint.method == asked.method
        for backend in backends
        for endpoint in backend.table.at(asked.path)
    )
