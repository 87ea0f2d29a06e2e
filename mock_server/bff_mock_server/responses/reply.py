"""Defines a response as bytes and its delivery, and makes one from an interaction's response."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal, NamedTuple

from bff_contracts.pact.file import Interaction, Response
from bff_mock_server._json import dumps
from bff_mock_server.matching.match import RequestDifference
from bff_mock_server.matching.request import Asked
from bff_mock_server.matching.table import CompiledInteraction, Endpoint
from bff_mock_server.responses.filling import Filling

Headers = tuple[tuple[bytes, bytes], ...]
Kind = frozenset[object]
"""The features of a response in which the contract's interactions differ."""

JSON: Final = (b"content-type", b"application/json")
PROBLEM: Final = (b"content-type", b"application/problem+json")
TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
_OF_THE_SERVER: Final = frozenset({"content-length", "content-encoding", "transfer-encoding", "date", "connection"})
_WITHOUT_LENGTH: Final = frozenset({204, 304})


class Head:
    """Status and headers of responses, with their bytes on the wire made once.

    Attributes:
        status: The HTTP status.
        headers: In lower case, without the length.
        has_length: Whether the length of the body is added to the headers.
        start: The bytes up to the length.
    """

    __slots__ = ("has_length", "headers", "start", "status")

    def __init__(self, status: int, headers: Headers = (), *, has_length: bool = True) -> None:
        self.status = status
        self.headers = headers
        self.has_length = has_length and status not in _WITHOUT_LENGTH
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.start = b"HTTP/1.1 %d %b\r\n%b" % (status, phrase(status).encode("ascii"), lines)
        if self.has_length:
            self.start += b"content-length: "

    def plus(self, *more: tuple[bytes, bytes]) -> "Head":
        """The same head with more headers."""
        return Head(self.status, (*self.headers, *more), has_length=self.has_length)

    def before(self, size: int) -> bytes:
        """The bytes before a body of `size` bytes."""
        return self.start + (b"%d\r\n\r\n" % size if self.has_length else b"\r\n")

    def wire(self, body: bytes) -> bytes:
        """The whole response as it is sent."""
        if not self.has_length:
            return self.start + b"\r\n"
        return b"%b%d\r\n\r\n%b" % (self.start, len(body), body)


class Delivery(NamedTuple):
    """How a response reaches the client, if not at once and whole.

    Attributes:
        delay: Seconds before anything happens.
        form: `whole`; `truncated` after part of the body; `dripping` a byte at a time; `reset` or `empty` instead of
            a response.
        pause: Seconds between two bytes that drip.
    """

    delay: float = 0.0
    form: Literal["whole", "truncated", "dripping", "reset", "empty"] = "whole"
    pause: float = 0.0

    @property
    def is_lost(self) -> bool:
        """Whether the client gets no response."""
        return self.form in {"reset", "empty"}


class Reply(NamedTuple):
    """A whole response.

    Attributes:
        head: Status and headers.
        body: The body.
        delivery: How it is delivered; `None` means at once and whole.
        kind: Its kind, where one request has different responses; `None` otherwise.
    """

    head: Head
    body: bytes
    delivery: Delivery | None = None
    kind: Kind | None = None

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.head.status

    @property
    def headers(self) -> Headers:
        """All headers, in lower case."""
        if not self.head.has_length:
            return self.head.headers
        return (*self.head.headers, (b"content-length", b"%d" % len(self.body)))


class AttributedReply(NamedTuple):
    """A reply and its origin.

    Attributes:
        reply: The reply.
        endpoint: Its endpoint; `None` for a refusal of the mock itself.
        entry: The interaction that answered; `None` for a refusal of the mock itself.
        also: Other interactions that the response is of, the shape of the endpoint among them.
        differences: Why the request was refused, or what a lenient mock overlooked.
        reason: Why the mock itself could not do what the request's headers ask for.
        fault: The fault that happened, as it was written; empty if none did.
        is_spoilt: Whether a fault replaced the contract's response.
        nearest: The interaction that the differences refer to.
        is_repeatable: Whether the same request, its correlation id aside, gets the same reply as long as the rows last.
    """

    reply: Reply
    endpoint: Endpoint | None = None
    entry: CompiledInteraction | None = None
    also: Sequence[CompiledInteraction] = ()
    differences: Sequence[RequestDifference] = ()
    reason: str = ""
    fault: str = ""
    is_spoilt: bool = False
    nearest: CompiledInteraction | None = None
    is_repeatable: bool = False


def phrase(status: int) -> str:
    """The name of a status; empty for one without a name."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def head_of(response: Response, *extra: tuple[bytes, bytes]) -> Head:
    """The head of the contract's response; JSON unless it has another content type."""
    headers = tuple(
        (name.encode(), line.encode())
        for name, values in response.headers.items()
        if name not in _OF_THE_SERVER
        for line in (values if name == "set-cookie" else (", ".join(values),))
    )
    has_type = any(name == b"content-type" for name, _ in headers)
    return Head(response.status, (*(headers if has_type or not response.has_body else (*headers, JSON)), *extra))


def from_example(interaction: Interaction, asked: Asked, *extra: tuple[bytes, bytes]) -> Reply:
    """The example of an interaction, filled in for the request as far as the contract allows it."""
    head = head_of(interaction.response, *extra)
    filling = Filling(interaction)
    return Reply(head, b"" if head.status in _WITHOUT_LENGTH else filling.body(filling.carried(asked)))


def plain_example(interaction: Interaction) -> Reply:
    """The example of an interaction, without values of a request."""
    content = interaction.response.content
    has_body = content is not None and interaction.response.status not in _WITHOUT_LENGTH
    return Reply(head_of(interaction.response), content.raw if content is not None and has_body else b"")


def json_reply(status: int, document: object, *headers: tuple[bytes, bytes]) -> Reply:
    """A JSON document as a response."""
    return Reply(Head(status, (JSON, *headers)), dumps(document).encode("utf-8", "backslashreplace"))


def problem(status: int, detail: str, *headers: tuple[bytes, bytes], members: Mapping[str, Any] | None = None) -> Reply:
    """An `application/problem+json` response (RFC 9457), of the mock itself, not of the contract."""
    document = {"type": "about:blank", "title": phrase(status), "status": status, "detail": detail, **(members or {})}
    return Reply(Head(status, (PROBLEM, *headers)), dumps(document).encode("utf-8", "backslashreplace"))
