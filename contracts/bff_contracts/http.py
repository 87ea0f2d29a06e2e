"""HTTP helpers for several modules: ASGI's types, media types, base URLs, connection headers."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

MEDIA_TYPE_HEADERS: Final = frozenset({"accept", "content-type"})
"""Headers whose values are media types: their parameters may come in any order and case."""

HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that concern one connection and not the exchange (RFC 9110, 7.6.1), in lower case."""


def is_end_to_end(name: bytes) -> bool:
    """Whether a header concerns the exchange, and not one connection."""
    return name.lower().decode("latin-1") not in HOP_BY_HOP


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request to an ASGI application."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def respond(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
    """Send the whole response of an ASGI application."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def media_type(text: str) -> tuple[str, frozenset[str]]:
    """The kind and the parameters (`charset=utf-8`) of a media type, both in lower case and without quotes."""
    kind, *parameters = (part.strip().lower() for part in text.replace('"', "").split(";"))
    return kind, frozenset(parameters)


def header_label(name: str) -> str:
    """A lower-case header name as people write it: `X-Internal-API-Key`."""
    return "-".join(word.upper() if word in {"api", "id"} else word.capitalize() for word in name.split("-"))


def base_url_problem(url: str) -> str | None:
    """Why a URL cannot be a base URL; `None` if it can."""
    try:
        parts = urlsplit(url)
        has_credentials = bool(parts.username or parts.password)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not a number, or unclosed brackets
        has_credentials, is_usable = "@" in url, False
    if has_credentials:
        return "has credentials, which would be printed"
    if "?" in url or "#" in url:
        return "has a query or a fragment"
    return None if is_usable else "is not an http or https URL"
