"""What the official verifier talks to instead of the provider: an ASGI application in front of it.

It puts the provider's real key in the place of the contract's placeholder and nowhere else, so that the interactions
with a wrong key or without one stay what they are. It sets provider states up without ever answering what the verifier
would ask again. And it remembers what went wrong, because the verifier sees a status at most.
"""

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

import httpx

from bff_contracts.http import AsgiApp, Message, Receive, Scope, Send, is_end_to_end
from bff_contracts.platform import KEY_HEADER, STATES_PATH
from bff_contracts.verification.state_handlers import StateChangeError, States

_PATIENCE: Final = 3
_NO_STATUS: Final = 599
_NOT_TRIED: Final = "not tried: those before it took too long"

_KEY_HEADER: Final = KEY_HEADER.encode()


class NoAnswer(Exception):  # named by what it says of the provider
    """The provider gave no answer."""


class Front:
    """An ASGI application in front of a provider.

    Attributes:
        failed_states: The provider states that could not be set up or restored since `begin`.
        failures: What the provider raised since then, or at its start.
        answered: Whether it began to answer.
        late: How many times in a row an answer or a provider state did not come in time; after so many as are
            patience enough the provider is not asked any more.
    """

    def __init__(self, provider: AsgiApp, states: States, *, seconds: float) -> None:
        self._provider = provider
        self._states = states
        self._seconds = seconds
        self.late = 0
        self.begin()

    def begin(self, *, keys: Mapping[bytes, bytes] | None = None) -> None:
        """Forget what was: another interaction begins, whose placeholders are replaced by these keys."""
        self._keys = keys or {}
        self.failed_states: list[StateChangeError] = []
        self.failures: list[BaseException] = []
        self.answered = False

    @property
    def gave_up(self) -> bool:
        """Whether the provider is not asked any more."""
        return self.late >= _PATIENCE

    async def restore(self) -> None:
        """Undo the provider states that were set up."""
        await self._changed(self._states.restore())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request of the verifier, or the provider's lifespan."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["path"] == STATES_PATH:
            await self._change_state(receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def hearing() -> Message:
            nonlocal begun
            message = await receive()
            begun = begun or message["type"] == "lifespan.startup"
            return message

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = False  # what comes after its answer is no failure to start
            if message["type"] == "lifespan.startup.failed":
                self.failures.append(RuntimeError(message.get("message") or "it gave no reason"))
            await send(message)

        try:
            await self._provider(scope, hearing, noting)
        except SystemExit as error:  # would end the event loop and tell nobody
            await noting({"type": "lifespan.startup.failed", "message": f"it called sys.exit({error.code!r})"})
        except Exception as error:  # whatever keeps it from starting
            if not begun:  # it has no lifespan, or it is over
                raise
            await noting({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})

    async def _change_state(self, receive: Receive, send: Send) -> None:
        change = json.loads(await _read(receive))
        known = len(self.failed_states)
        if change.get("action") == "teardown":
            await self.restore()
        elif change["state"]:  # the verifier also announces that an interaction has no state
            if self.gave_up:
                self.failed_states.append(StateChangeError(change["state"], _NOT_TRIED))
            else:
                await self._changed(self._states.set_up(change["state"], change.get("params") or {}), change["state"])
        failed = len(self.failed_states) > known
        # 400, because the verifier asks again for two minutes after any 5xx.
        await _respond(send, 400 if failed else 200, [(b"content-type", b"application/json")], b"{}")

    async def _changed(self, work: Awaitable[None], state: str = "") -> None:
        """Change provider states; whatever goes wrong is noted, and nothing is raised."""
        try:
            await work
        except StateChangeError as error:
            self.failed_states.append(error)
            self.late = self.late + 1 if error.late else self.late
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  # anything that is raised here would be asked again
            self.failed_states.append(
                StateChangeError(state, f"provider state {state!r}: {type(error).__name__}: {error}")
            )

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.gave_up:
            self.failures.append(NoAnswer(_NOT_TRIED))
            return await _respond(send, _NO_STATUS, [], b"")
        headers = [
            (name, self._keys.get(value, value) if name == _KEY_HEADER else value) for name, value in scope["headers"]
        ]
        limit = asyncio.timeout(self._seconds)
        started, ended = time.monotonic(), False

        async def noting(message: Message) -> None:
            nonlocal ended
            self.answered = True
            await send(message)
            ended = message["type"] == "http.response.body" and not message.get("more_body")

        try:
            async with limit:
                await self._provider({**scope, "headers": headers}, receive, noting)
            if not self.answered:
                self.failures.append(NoAnswer("the provider returned without an answer"))
        except (Exception, SystemExit) as error:  # noqa: BLE001  # it is told with the outcome
            late = NoAnswer(f"the provider gave no answer within {self._seconds:g} s")
            self.failures.append(late if limit.expired() else error)
        # By the clock: a provider that holds the event loop is not seen by the limit.
        self.late = self.late + 1 if time.monotonic() - started >= self._seconds else 0
        if not self.answered:
            # A status that no contract has, so that nothing of the kit's own is ever what a contract expects.
            await _respond(send, _NO_STATUS, [], b"")
        elif not ended:
            message = "an answer that was broken off"
            raise RuntimeError(message)
        return None


class Forwarder:
    """An ASGI application that passes each request on to the provider that runs at a URL.

    The verifier itself can replace a header, but then it does so in every interaction, those with a wrong key included.
    """

    def __init__(self, url: str, *, seconds: float) -> None:
        self._base = httpx.URL(url)
        self._path = self._base.raw_path.rstrip(b"/")
        self._url = url
        # The environment's certificates, and not its proxies; no connection is kept, for those who serve one at a time.
        self._transport = httpx.AsyncHTTPTransport(
            verify=ssl.create_default_context(), trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._timeout = httpx.Timeout(seconds).as_dict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and its answer back, byte for byte."""
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        target = self._path + scope["raw_path"]
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        request = httpx.Request(
            scope["method"],
            self._base.copy_with(raw_path=target),
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
        headers = _end_to_end(response.headers.raw)
        if response.status_code in {204, 304}:  # without a body, whatever length is told
            headers = [(name, value) for name, value in headers if name.lower() != b"content-length"]
        await _respond(send, response.status_code, headers, body)
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
    except (OSError, TimeoutError, ValueError) as error:
        message = f"nobody answers at {url}: {error or 'no connection in time'}"
        raise NoAnswer(message) from error
    writer.close()


def _end_to_end(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if is_end_to_end(name) and name.lower() != b"host"]


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
