"""What was asked: the last requests, and how often each interaction answered. Keys are never kept."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Final
from uuid import uuid4

from bff_contracts.pact.file import Interaction
from bff_contracts.platform import KEY_HEADER, SERVICE_HEADER
from bff_mock_server.engine.backend import Outcome
from bff_mock_server.matching.match import Difference
from bff_mock_server.matching.request import SECRET_HEADERS, Asked, is_secret
from bff_mock_server.matching.table import Case, Table

SIZE: Final = 1000
"""How many requests are kept."""

BODY_BYTES: Final = 2000
"""How much of a request's body is kept."""

_MANY: Final = 512
"""So many names of secret headers are remembered; then each header is looked at."""

_LOG: Final = logging.getLogger("bff_mock_server")


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which the answer of a real provider leaves the contract; as in `bff_contracts.judge.Mismatch`."""

    where: str
    path: str
    message: str

    def __str__(self) -> str:
        return " ".join(filter(None, (self.where, self.path, self.message)))


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what became of it.

    Attributes:
        number: Counts all requests since the start, also those no longer kept.
        at: When it was answered (UTC).
        provider: Who was asked.
        method: In upper case.
        path: Percent-encoded, as it was sent.
        query: Decoded values by name.
        headers: By lower-case name, without keys.
        target: Path and query as they were sent.
        body: The first 2,000 bytes of it.
        status: Of the answer; 0 when a fault left none.
        interaction: What answered; `None` for a refusal.
        differences: Why it was refused, or what a lenient mock overlooked.
        session: Whose world answered; `None` for the default one.
        fault: What went wrong on purpose, as it was written; empty when nothing did.
        violations: How the answer of a real provider leaves the contract.
        reason: Why what was asked of the mock itself could not be done.
    """

    number: int
    at: datetime
    provider: str
    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    target: str
    body: bytes
    status: int
    interaction: str | None
    differences: Sequence[Difference]
    session: str | None
    fault: str
    violations: Sequence[Violation] = ()
    reason: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether the mock said on its own behalf that there is no answer."""
        return self.interaction is None

    @property
    def correlation_id(self) -> str | None:
        """What `X-Correlation-ID` said."""
        return self.headers.get("x-correlation-id")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which exchanges are meant; what is `None` or empty does not matter.

    Attributes:
        provider: Whose.
        method: In any case.
        path: `*` stands for any part of it.
        query: Parameters with the value that each has to have, others may be there.
        headers: By lower-case name, as `query`.
        status: Of the answer.
        interaction: The description of what answered.
        session: Whose world answered.
        refused: Whether the mock had no answer and said why.
        body: Part of the request's body, as text.
    """

    provider: str | None = None
    method: str | None = None
    path: str | None = None
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    status: int | None = None
    interaction: str | None = None
    session: str | None = None
    refused: bool | None = None
    body: str | None = None

    def covers(self, exchange: Exchange) -> bool:
        """Whether an exchange is one of those."""
        return (
            self.provider in {None, exchange.provider}
            and (self.method is None or self.method.upper() == exchange.method)
            and (self.path is None or fnmatchcase(exchange.path, self.path))
            and all(list(exchange.query.get(name, ())) == [value] for name, value in self.query.items())
            and all(exchange.headers.get(name.lower()) == value for name, value in self.headers.items())
            and (self.body is None or self.body in exchange.body.decode("utf-8", "replace"))
            and self.status in {None, exchange.status}
            and self.interaction in {None, exchange.interaction}
            and self.session in {None, exchange.session}
            and self.refused in {None, exchange.is_refused}
        )


@dataclass(frozen=True, slots=True)
class Use:
    """How often an interaction of a contract answered.

    Interactions that ask the same of a request, in other provider states, cannot be told apart by it: each of them
    counts when one of them answered.

    Attributes:
        provider: The participant's name.
        interaction: Its description.
        route: Its endpoint, in the words in which faults are armed.
        path: That of its example.
        status: Of its answer.
        times: How often.
    """

    provider: str
    interaction: str
    route: str
    path: str
    status: int
    times: int


_Row = tuple[
    int, float, str, Asked, int, Interaction | None, Sequence[Difference], str | None, str, Sequence[Violation], str
]


class Journal:
    """Writes requests down in little time and memory, and says afterwards what they were.

    Attributes:
        start: Tells this journal from the one of another run.
        count: All requests since the start.
        violations: How often the answer of a real provider left the contract.
    """

    def __init__(self, size: int = SIZE, *, log_requests: bool = False) -> None:
        self._log_requests = log_requests
        self._rows: deque[_Row] = deque(maxlen=size)
        self._uses: dict[tuple[Case | int, int], int] = {}
        self.start = uuid4().hex
        self.count = 0
        self.violations = 0

    def record(
        self,
        provider: str,
        asked: Asked,
        outcome: Outcome,
        *,
        status: int | None = None,
        session: str | None = None,
        fault: str = "",
        violations: Sequence[Violation] = (),
        reason: str = "",
    ) -> None:
        """Write a request down; its keys, and most of a long body, are taken out of `asked`."""
        headers = asked.headers
        for name in SECRET_HEADERS if len(SECRET_HEADERS) < _MANY else [one for one in headers if is_secret(one)]:
            headers.pop(name, None)
        if any(map(is_secret, asked.query)):
            _hide_parameters(asked)
        if asked.body:
            asked.body = asked.body[:BODY_BYTES]
        reply, _, interaction, case, differences = outcome
        if status is None:
            status = reply.head.status
        self.count += 1
        self.violations += len(violations)
        self._rows.append(
            (
                self.count,
                time.time(),
                provider,
                asked,
                status,
                interaction,
                differences,
                session,
                fault,
                violations,
                reason,
            )
        )
        if self._log_requests:
            _LOG.info("%s %s %s -> %d%s", provider, asked.method, asked.target, status, f" ({fault})" if fault else "")
        if interaction is not None:
            use = (case or id(interaction), status)
            self._uses[use] = self._uses.get(use, 0) + 1

    def exchanges(self, wanted: Wanted | None = None, *, after: int = 0) -> list[Exchange]:
        """The exchanges that are kept, the latest last; those numbered above `after`, and `wanted` if that is given."""
        found = (_exchange(row) for row in tuple(self._rows) if row[0] > after)
        return [exchange for exchange in found if wanted is None or wanted.covers(exchange)]

    def coverage(self, tables: Iterable[Table]) -> list[Use]:
        """How often each interaction was used, in the order of the contracts."""
        return [use for table in tables for use in self._of_table(table)]

    def clear(self) -> None:
        """Forget everything but the counts."""
        self._rows.clear()
        self.forget_uses()

    def forget_uses(self) -> None:
        """Forget which interactions were used: there are others now."""
        self._uses.clear()

    def _of_table(self, table: Table) -> Iterator[Use]:
        for endpoint in table.endpoints:
            answers: list[tuple[tuple[Case | int, ...], Interaction]] = [
                ((case,), interaction) for case in endpoint.cases for interaction in case.interactions
            ]
            answers += [(_alike(endpoint.refusals, refusal), refusal) for refusal in endpoint.refusals]
            for keys, interaction in answers:
                status = interaction.response.status
                yield Use(
                    provider=table.provider,
                    interaction=interaction.description,
                    route=f"{table.provider} {endpoint.route}",
                    path=interaction.request.path,
                    status=status,
                    times=sum(self._uses.get((key, status), 0) for key in keys),
                )


def _alike(refusals: Iterable[Interaction], refusal: Interaction) -> tuple[int, ...]:
    """The refusals for the same reason, which count together: one of them answers for all."""
    return tuple(id(other) for other in refusals if _reason(other) == _reason(refusal))


def _reason(refusal: Interaction) -> str:
    request = refusal.request
    if not {KEY_HEADER, SERVICE_HEADER} <= request.headers.keys():
        return "missing"
    return "service" if KEY_HEADER in request.header_rules else "key"


def _hide_parameters(asked: Asked) -> None:
    asked.query = {name: ("…",) if is_secret(name) else values for name, values in asked.query.items()}
    asked.query_string = "&".join(f"{name}={value}" for name, values in asked.query.items() for value in values)


def _exchange(row: _Row) -> Exchange:
    number, at, provider, asked, status, interaction, differences, session, fault, violations, reason = row
    return Exchange(
        number=number,
        at=datetime.fromtimestamp(at, UTC),
        provider=provider,
        method=asked.method,
        path=asked.path,
        query=asked.query,
        headers=asked.headers,
        target=asked.target,
        body=asked.body,
        status=status,
        interaction=interaction.description if interaction is not None else None,
        differences=differences,
        session=session,
        fault=fault,
        violations=violations,
        reason=reason,
    )
