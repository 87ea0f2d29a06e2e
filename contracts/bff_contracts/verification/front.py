"""What the official verifier talks to instead of the provider: an ASGI application in front of it.

It puts the provider's real key in the place of the contract's placeholder and nowhere else, so that the interactions
with a wrong key or without one stay what they are. It sets provider states up without ever answering what the verifier
would ask again. And it remembers what went wrong, because the verifier sees a status at most.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from bff_contracts.verification.states import StateError, States

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

STATES_PATH: Final = "/_pact/provider_states"
KEY_HEADER: Final = b"x-internal-api-key"

_HOP_BY_HOP: Final = frozenset(
    {b"connection", b"host", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
"""Headers that concern one connection and not the exchange (RFC 9110, 7.6.1)."""


class NoAnswer(Exception):  # named by what it says of the provider
    """The provider gave no answer."""


class Front:
    """An ASGI application in front of a provider.

    Attributes:
        failed_states: The provider states that could not be set up since `begin`.
        failures: What the provider raised instead of answering since then, or at its start.
        silent: Whether it gave no answer in time.
        answered: Whether it began to answer.
    """

    def __init__(self, provider: Asgi, states: States, *, keys: Mapping[bytes, bytes], seconds: float) -> None:
        self._provider = provider
        self._states = states
        self._keys = keys
        self._seconds = seconds
        self.begin()

    def begin(self) -> None:
        """Forget what was: another interaction begins."""
        self.failed_states: list[StateError] = []
        self.failures: list[BaseException] = []
        self.silent = False
        self.answered = False

    async def restore(self) -> None:
        """Undo the provider states that were set up."""
        try:
            await self._states.restore()
        except StateError as error:
            self.failed_states.append(error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request of the verifier, or the provider's lifespan."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["path"] == STATES_PATH:
            await self._change_state(receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "lifespan.startup.failed":
                self.failures.append(RuntimeError(message.get("message") or "it gave no reason"))
            await send(message)

        try:
            await self._provider(scope, receive, noting)
        except SystemExit as error:  # would end the event loop and tell nobody
            await noting({"type": "lifespan.startup.failed", "message": f"it called sys.exit({error.code!r})"})

    async def _change_state(self, receive: Receive, send: Send) -> None:
        change = json.loads(await _read(receive))
        known = len(self.failed_states)
        if change.get("action") == "teardown":
            await self.restore()
        elif change["state"]:  # the verifier also announces that an interaction has no state
            try:
                await self._states.set_up(change["state"], change.get("params") or {})
            except StateError as error:
                self.failed_states.append(error)
        failed = len(self.failed_states) > known
        # 400, because the verifier asks again for two minutes after any 5xx.
        await _respond(send, 400 if failed else 200, [(b"content-type", b"application/json")], b"{}")

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (name, self._keys.get(value, value) if name == KEY_HEADER else value) for name, value in scope["headers"]
        ]
        limit = asyncio.timeout(self._seconds)

        async def noting(message: MutableMapping[str, Any]) -> None:
            self.answered = True
            await send(message)

        try:
            async with limit:
                await self._provider({**scope, "headers": headers}, receive, noting)
        except (Exception, SystemExit) as error:
            self.silent = limit.expired()
            late = NoAnswer(f"the provider gave no answer within {self._seconds:g} s")
            self.failures.append(late if self.silent else error)
            message = "no answer of the provider's own"
            raise RuntimeError(message) from error


class Forwarder:
    """An ASGI application that passes each request on to the provider that runs at a URL.

    The verifier itself can replace a header, but then it does so in every interaction, those with a wrong key included.
    """

    def __init__(self, url: str, *, seconds: float) -> None:
        self._base = urlsplit(url)
        self._url = url
        self._transport = httpx.AsyncHTTPTransport(trust_env=False)
        self._timeout = httpx.Timeout(seconds).as_dict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and its answer back, byte for byte."""
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        target = self._base.path.rstrip("/").encode() + scope["raw_path"]
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        request = httpx.Request(
            scope["method"],
            httpx.URL(scheme=self._base.scheme, netloc=self._base.netloc.encode(), raw_path=target),
            headers=_end_to_end(scope["headers"]),
            content=await _read(receive),
            extensions={"timeout": self._timeout},
        )
        try:
            response = await self._transport.handle_async_request(request)
            body = b"".join([chunk async for chunk in response.aiter_raw()])
        except httpx.HTTPError as error:
            message = f"{self._url} gave no answer: {type(error).__name__} {error}"
            raise NoAnswer(message) from error
        await _respond(send, response.status_code, _end_to_end(response.headers.raw), body)
        return None

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._transport.aclose()
        await send({"type": "lifespan.shutdown.complete"})


async def reach(url: str, *, seconds: float) -> None:
    """See that somebody listens at a URL.

    Raises:
        NoAnswer: Nobody does.
    """
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(parts.hostname, port), seconds)
    except (OSError, TimeoutError) as error:
        message = f"nobody answers at {url}: {error or 'no connection in time'}"
        raise NoAnswer(message) from error
    writer.close()


def _end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP]


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


async def _respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
