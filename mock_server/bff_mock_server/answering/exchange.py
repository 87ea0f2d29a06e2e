"""Defines the record of a request and its response, and filters for such records."""

from codecs import getincrementaldecoder
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from bff_contracts.platform import CORRELATION_HEADER
from bff_mock_server.answering.scrubbing import BODY_BYTES, Scrubber
from bff_mock_server.matching.match import RequestDifference
from bff_mock_server.matching.request import Asked
from bff_mock_server.matching.table import CompiledInteraction
from bff_mock_server.responses.reply import Head
from bff_mock_server.world.sessions import EVERY_SESSION

_UTF8: Final = getincrementaldecoder("utf-8")


_ANY: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which the response of a real provider breaks the contract; as in `bff_contracts.judge.Mismatch`."""

    where: str
    path: str
    message: str

    def __str__(self) -> str:
        return " ".join(filter(None, (self.where, self.path, self.message)))


class KeptResponse:
    """A response of the mock before a fault cut it off.

    It keeps what was sent; secrets are removed when it is read.

    Attributes:
        size: Bytes of the whole body.
    """

    __slots__ = ("_beginning", "_head", "_scrubber", "size")

    def __init__(self, head: Head, body: bytes, scrubber: Scrubber) -> None:
        self._head = head
        self._beginning = body[: scrubber.searched]
        self._scrubber = scrubber
        self.size = len(body)

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name, without secrets."""
        lines = self._head.headers
        return self._scrubber.headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in lines)

    @property
    def body(self) -> bytes:
        """The first 2,000 bytes of it, without secrets and names of persons."""
        return self._scrubber.shown(self._beginning)

    @property
    def text(self) -> str:
        """The body as text, and how much of it is left out."""
        # Half a character at the end is left out too.
        shown = _UTF8("replace").decode(self.body, final=self.size <= BODY_BYTES)
        return shown if self.size <= BODY_BYTES else f"{shown}… ({self.size} bytes)"

    def __repr__(self) -> str:
        return f"<{self._head.status}, {self.size} bytes>"


class Exchange(NamedTuple):
    """One request and its response.

    Attributes:
        number: Counts all requests since the start, also those no longer kept.
        answered: When it was answered, in seconds since 1970.
        provider: The provider that got it.
        method: In upper case.
        path: Percent-encoded, as it was sent.
        query: Decoded values by name, without keys.
        query_string: The query as it was sent, without keys.
        headers: By lower-case name, without keys.
        body: The first 2,000 bytes of it.
        status: Of the response; 0 when a fault left none.
        entry: What answered, as the contract's table has it; `None` for a refusal, and for the status of a fault.
        also: Other interactions that the response is of.
        differences: Why it was refused, or what a lenient mock overlooked.
        session: Whose world answered; `None` for the default one.
        fault: The fault that happened, as it was written; empty if none did.
        violations: How the response of a real provider breaks the contract.
        reason: Why the mock itself could not do what the request's headers ask for.
        seconds: From the end of the request to the beginning of its response, a latency that was armed included.
        nearest: The interaction that the differences are to; `None` where there are none, or no contract has the path.
        response: The response; `None` when a fault left none, and for a real service, whose rows are personal.
    """

    number: int
    answered: float
    provider: str
    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    entry: CompiledInteraction | None
    also: Sequence[CompiledInteraction]
    differences: Sequence[RequestDifference]
    session: str | None
    fault: str
    violations: Sequence[Violation]
    reason: str
    seconds: float
    nearest: CompiledInteraction | None
    response: KeptResponse | None

    @property
    def at(self) -> datetime:
        """When it was answered (UTC)."""
        return datetime.fromtimestamp(self.answered, UTC)

    @property
    def target(self) -> str:
        """Path and query as they were sent, without keys."""
        return f"{self.path}?{self.query_string}" if self.query_string else self.path

    @property
    def interaction(self) -> str | None:
        """The description of what answered; `None` where `entry` is."""
        return self.entry.interaction.description if self.entry is not None else None

    @property
    def interactions(self) -> Sequence[str]:
        """The descriptions of all that the response is of, `interaction` first."""
        return [one.interaction.description for one in (self.entry, *self.also) if one is not None]

    @property
    def is_refused(self) -> bool:
        """Whether the mock itself refused the request."""
        return self.entry is None and not self.fault

    @property
    def correlation_id(self) -> str | None:
        """What `X-Correlation-ID` said."""
        return self.headers.get(CORRELATION_HEADER)


class Recorded(NamedTuple):
    """A request and its response as they were; an `Exchange` without secrets is made of it when it is read.

    Most requests are recorded and never read: they do not wait for the search for secrets.

    Attributes:
        asked: The request, with no more of its body than is searched.
    """

    number: int
    answered: float
    seconds: float
    provider: str
    asked: Asked
    session: str | None
    status: int
    entry: CompiledInteraction | None
    also: Sequence[CompiledInteraction]
    differences: Sequence[RequestDifference]
    nearest: CompiledInteraction | None
    fault: str
    reason: str
    violations: Sequence[Violation]
    kept: KeptResponse | None

    def __repr__(self) -> str:
        return f"<request {self.number}>"

    def exchange(self, scrubber: Scrubber) -> Exchange:
        """Its record without secrets."""
        path, query, query_string, headers, body = scrubber.kept(self.asked)
        return Exchange(
            number=self.number,
            answered=self.answered,
            provider=self.provider,
            method=self.asked.method,
            path=path,
            query=query,
            query_string=query_string,
            headers=headers,
            body=body,
            status=self.status,
            entry=self.entry,
            also=self.also,
            differences=tuple(map(scrubber.difference, self.differences)),
            session=self.session,
            fault=scrubber.text(self.fault),
            violations=self.violations,
            reason=scrubber.text(self.reason),
            seconds=self.seconds,
            nearest=self.nearest,
            response=self.kept,
        )


class Repetition(NamedTuple):
    """A request that repeats an earlier one with another correlation id, and got the same response."""

    number: int
    answered: float
    seconds: float
    correlation_id: str | None
    first: Recorded

    def exchange(self, scrubber: Scrubber) -> Exchange:
        """Its record without secrets."""
        first = self.first.exchange(scrubber)
        headers = first.headers
        if self.correlation_id is not None:
            headers = {**headers, **scrubber.headers([(CORRELATION_HEADER, self.correlation_id)])}
        return first._replace(number=self.number, answered=self.answered, seconds=self.seconds, headers=headers)


class Wanted(NamedTuple):
    """A filter for exchanges; what is left out matches all.

    Attributes:
        provider: The provider's name.
        method: In any case.
        path: `*` matches any part of it.
        query: Parameters with the value that each has to have, others may be there.
        headers: By lower-case name, as `query`.
        status: Of the response.
        interaction: The description of an interaction that the response is of.
        session: Whose world answered; `None` for the default one.
        refused: Whether the mock itself refused it.
        body: Part of the request's body, as text.
    """

    provider: str | None = None
    method: str | None = None
    path: str | None = None
    query: Mapping[str, str] = _ANY
    headers: Mapping[str, str] = _ANY
    status: int | None = None
    interaction: str | None = None
    session: str | None = EVERY_SESSION
    refused: bool | None = None
    body: str | None = None

    def missing_in(self, exchange: Exchange) -> list[str]:
        """How an exchange differs from a test's filter: in provider, path and query."""
        differences: list[str] = []
        if self.provider not in {None, exchange.provider}:
            differences.append(f"which is not to {self.provider}")
        if self.path is not None and not fnmatchcase(exchange.path, self.path):
            differences.append(f"whose path is not {self.path}")
        for name, value in self.query.items():
            sent = ",".join(exchange.query.get(name, ()))
            if sent != value:
                differences.append(f"{name}={sent or '(none)'} and not {value}")
        return differences

    def covers(self, exchange: Exchange) -> bool:
        """Whether an exchange matches."""
        return (
            self.provider in {None, exchange.provider}
            and (self.method is None or self.method.upper() == exchange.method)
            and (self.path is None or fnmatchcase(exchange.path, self.path))
            and all(list(exchange.query.get(name, ())) == [value] for name, value in self.query.items())
            and all(exchange.headers.get(name.lower()) == value for name, value in self.headers.items())
            and (self.body is None or self.body in exchange.body.decode("utf-8", "replace"))
            and self.status in {None, exchange.status}
            and (self.interaction is None or self.interaction in exchange.interactions)
            and self.session in {EVERY_SESSION, exchange.session}
            and self.refused in {None, exchange.is_refused}
        )
