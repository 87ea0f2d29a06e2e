"""HTTP over ASGI: reads requests and delivers replies, however a reply is to arrive."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol, cast
from urllib.parse import unquote_plus

from bff_contracts.http import Receive, Scope, Send
from bff_mock_server.engine.mock_headers import HEADERS, SEPARATOR
from bff_mock_server.matching.request import Asked, RepeatedHeaders
from bff_mock_server.responses.reply import Delivery, Reply, problem

MAX_HEAD_BYTES: Final = 16 * 1024
"""RAS and CMS answer 431 to a request line and headers larger than about this (some 440 batch ids)."""

MAX_STATE_BYTES: Final = 16 * 1024 * 1024
"""More than any scenario needs; a body without an end must not fill the memory."""

MAX_BODY_BYTES: Final = 1024 * 1024
"""More than any request of a contract is likely to have."""

MAX_NAMES: Final = 100
"""More than any request of a contract has; what is compared and kept of a request stays small."""

CONNECTION: Final = "bff_mock_server.connection"
"""The ASGI extension under which the server hands over the connection, for what ASGI has no words for."""


class Connection(Protocol):
    """A connection that can end other than well."""

    def reset(self) -> None:
        """Reset it: the client sees an error at once."""
        ...

    def close(self) -> None:
        """Close it after what has been written."""
        ...


class ClientGoneError(Exception):
    """There is nobody left to answer."""


def too_large(detail: str) -> Reply:
    """A 413 that ends the connection: what is left of the body is not read."""
    return problem(413, detail, (b"connection", b"close"))


async def deliver(reply: Reply, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer the way it is to arrive.

    Raises:
        RuntimeError: The connection is to end in a way that this server offers no means for.
    """
    head, body, delivery, _ = reply
    start = {"type": "http.response.start", "status": head.status, "headers": reply.headers}
    if delivery is None:
        await send(start)
        await send({"type": "http.response.body", "body": body})
        return
    connection: Connection | None = scope.get("extensions", {}).get(CONNECTION)
    if connection is None and delivery.form != "whole":
        message = f"the fault {delivery.form!r} needs the connection, which this server does not hand over"
        raise RuntimeError(message)
    leaving = asyncio.ensure_future(disconnected(receive))
    try:
        if not await _pause(delivery.delay, leaving):
            return
        if connection is None or delivery.form == "whole":
            await send(start)
            await send({"type": "http.response.body", "body": body})
        else:
            await _spoil(reply, delivery, connection, send, leaving)
    finally:
        leaving.cancel()


async def _spoil(
    reply: Reply, delivery: Delivery, connection: Connection, send: Send, leaving: asyncio.Future[None]
) -> None:
    start = {"type": "http.response.start", "status": reply.status, "headers": reply.headers}
    body = reply.body
    match delivery.form:
        case "reset":
            connection.reset()
        case "truncated" if body:
            await send(start)
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            connection.close()
        case "truncated" | "dripping":
            await send(start)
            for at in range(len(body)):
                if not await _pause(delivery.pause, leaving):
                    return
                await send({"type": "http.response.body", "body": body[at : at + 1], "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            return
        case _:
            connection.close()
    # The server has to learn that nobody is there before it looks for the rest of the answer.
    await asyncio.wait({leaving})


async def disconnected(receive: Receive) -> None:
    """Return when the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pause(seconds: float, leaving: asyncio.Future[None]) -> bool:
    """Wait, as long as the client does; whether it is still there."""
    done, _ = await asyncio.wait({leaving}, timeout=seconds)
    return not done


def asked(scope: Scope, body: bytes = b"") -> Asked:
    """What a request asks for."""
    raw = scope.get("raw_path") or cast("str", scope["path"]).encode()
    query_string: str = scope["query_string"].decode("latin-1")
    headers = header_map(scope["headers"])
    return Asked(scope["method"], raw.decode("latin-1"), query_of(query_string), headers, query_string, body)


_names: dict[bytes, str] = {}
_KNOWN_NAMES: Final = 512


def header_map(pairs: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; those sent several times count as one list."""
    headers = {_names.get(name) or _name(name): value.decode("latin-1") for name, value in pairs}
    if len(headers) == len(pairs):
        return headers
    repeated: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = _name(raw_name), raw_value.decode("latin-1")
        if name in repeated:
            value = f"{repeated[name]}{SEPARATOR if name in HEADERS else ', '}{value}"
        repeated[name] = value
    return RepeatedHeaders(repeated, [(_name(name), value.decode("latin-1")) for name, value in pairs])


def _name(raw: bytes) -> str:
    name = raw.lower().decode("latin-1")
    if len(_names) < _KNOWN_NAMES:
        # Clients send the same few names again and again.
        _names[raw] = name
    return name


def query_of(text: str) -> dict[str, Sequence[str]]:
    """The decoded values of each parameter of a query, in the order sent.

    As `urllib.parse.parse_qsl` reads it, at a fraction of its cost for a query without escapes.
    """
    values: dict[str, Sequence[str]] = {}
    if not text:
        return values
    repeated: dict[str, list[str]] = {}
    is_escaped = "%" in text or "+" in text
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if is_escaped:
            name, value = unquote_plus(name), unquote_plus(value)
        if name in values:
            repeated.setdefault(name, [*values[name]]).append(value)
        elif pair:
            values[name] = (value,)
    return {**values, **{name: tuple(several) for name, several in repeated.items()}} if repeated else values


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """The whole request body; `None` when it is too large.

    Raises:
        ClientGoneError: The client went away before its end.
    """
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
