"""Sets provider states up: by functions of the provider team, or by a route of the provider."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from typing import Any, Final, Protocol

import httpx
from pydantic import ValidationError

from bff_contracts.states import validate_params
from bff_contracts.terminal import described
from bff_contracts.threads import CallThread
from bff_contracts.verification.bounds import NoResponseError, read
from bff_contracts.verification.held import BLOCKING, LoopWatch
from bff_contracts.verification.no_proxy import direct_transport

Handler = Callable[[Any], Any]
"""Sets a provider state up from its params: a function, a generator that restores after its `yield`, or a context
manager; each plain or async."""

_THREAD: Final = "provider states"
_ENDED: Final = object()
_LONGEST_REASON: Final = 300


class StateChangeError(Exception):
    """A provider state could not be set up or restored.

    Attributes:
        state: Its name.
        late: Whether it took too long.
    """

    def __init__(self, state: str, message: str, *, late: bool = False) -> None:
        super().__init__(message)
        self.state = state
        self.late = late


class States(Protocol):
    """Sets provider states up before an interaction, and undoes them after it."""

    async def set_up(self, name: str, params: Mapping[str, Any]) -> None:
        """Set a state up.

        Raises:
            StateChangeError: It could not be; the message says why.
        """
        ...

    async def restore(self) -> None:
        """Undo the states that were set up, the last one first.

        Raises:
            StateChangeError: Something could not be undone.
        """
        ...

    async def close(self) -> None:
        """Release threads and connections."""
        ...


class HandledStates:
    """States that functions of the provider team set up.

    Plain functions and generators run in one thread of their own, async ones on the provider's event loop.
    """

    def __init__(self, provider: str, handlers: Mapping[str, Handler], *, seconds: float) -> None:
        self._provider = provider
        self._handlers = handlers
        self._seconds = seconds
        self._thread = CallThread(_THREAD)
        self._begun: list[tuple[str, Any]] = []

    async def set_up(self, name: str, params: Mapping[str, Any]) -> None:  # noqa: D102  # as the protocol says
        handler = self._handlers.get(name)
        if handler is None:
            message = f"no handler for provider state {name!r}: add one to states, or give states_url (--states-url)"
            raise StateChangeError(name, message)
        begun = await self._call(name, partial(handler, self._typed(name, params)))
        if inspect.isawaitable(begun):
            begun = await self._within(name, begun)
        if isinstance(begun, AbstractContextManager):
            begun = _entered(begun)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(begun, AbstractAsyncContextManager):
            begun = _entered_async(begun)  # pyright: ignore[reportUnknownArgumentType]
        if inspect.isgenerator(begun) or inspect.isasyncgen(begun):
            self._begun.append((name, begun))
            await self._advance(name, begun)
        elif begun is not None:
            message = f"provider state {name!r}: its handler returned {begun!r:.80} and is no generator"
            raise StateChangeError(name, message)

    async def restore(self) -> None:  # noqa: D102  # as the protocol says
        failures: list[StateChangeError] = []
        while self._begun:
            name, generator = self._begun.pop()
            try:
                if await self._advance(name, generator) is not _ENDED:
                    failures.append(
                        StateChangeError(name, f"provider state {name!r}: its handler yields more than once")
                    )
            except StateChangeError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    async def close(self) -> None:  # noqa: D102  # as the protocol says
        self._thread.close()

    def _typed(self, name: str, params: Mapping[str, Any]) -> Any:
        try:
            return validate_params(self._provider, name, params)
        except LookupError:  # a state of another consumer's pact, which is not in the catalogue
            return params
        except ValidationError as error:
            message = f"provider state {name!r}: {error}"
            raise StateChangeError(name, message) from error

    async def _advance(self, name: str, generator: Any) -> Any:
        """Run to the `yield`, or from there to the end, which is `_ENDED`."""
        try:
            if inspect.isasyncgen(generator):
                return await self._within(name, anext(generator, _ENDED))
            return await self._call(name, partial(next, generator, _ENDED))
        except StateChangeError:
            self._begun = [each for each in self._begun if each[1] is not generator]
            raise

    async def _call(self, name: str, function: Callable[[], Any]) -> Any:
        try:
            return await self._within(name, asyncio.wrap_future(self._thread.call(function)))
        except StateChangeError as error:
            if error.late:  # the thread that hangs is abandoned
                self._thread.close()
                self._thread = CallThread(_THREAD)
            raise

    async def _within(self, name: str, work: Awaitable[Any]) -> Any:
        limit, watch, started = asyncio.timeout(self._seconds), LoopWatch(self._seconds), time.monotonic()
        try:
            with watch:
                async with limit:
                    # A separate task, so that a handler that cancels its task does not cancel the kit's.
                    result = await asyncio.ensure_future(work)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            message = f"provider state {name!r}: its handler was cancelled"
            raise StateChangeError(name, message) from error
        except BaseException as error:  # `pytest.fail` and `sys.exit` too: without its state nothing passes
            if limit.expired():
                message = self._late(name, watch)
            else:
                message = f"provider state {name!r}: its handler raised {described(error)}"
            raise StateChangeError(name, message, late=limit.expired()) from error
        if time.monotonic() - started >= self._seconds:  # a handler that holds the loop is not seen by the limit
            raise StateChangeError(name, self._late(name, watch), late=True)
        return result

    def _late(self, name: str, watch: LoopWatch) -> str:
        beginning = f"provider state {name!r}: its handler"
        if watch.held:
            return f"{beginning} held the event loop for {watch.longest:.1f} s: {BLOCKING}"
        return f"{beginning} took longer than {self._seconds:g} s"


def _entered(manager: AbstractContextManager[Any]) -> Iterator[None]:
    with manager:
        yield


async def _entered_async(manager: AbstractAsyncContextManager[Any]) -> AsyncIterator[None]:
    async with manager:
        yield


class RemoteStates:
    """States that the provider sets up itself on a request to a URL, in the format of Pact's own tools.

    The request is `POST`, its body `{"state": …, "params": {…}, "action": "setup"}`, or `"teardown"` to restore.
    """

    def __init__(self, url: str, *, seconds: float) -> None:
        self._url = url
        self._client = httpx.AsyncClient(
            transport=direct_transport(),
            timeout=seconds,
            trust_env=False,
            headers={"accept-encoding": "identity"},  # the decompressed size of a response is not known before
        )
        self._seconds = seconds
        self._begun: list[tuple[str, Mapping[str, Any]]] = []

    async def set_up(self, name: str, params: Mapping[str, Any]) -> None:  # noqa: D102  # as the protocol says
        await self._ask(name, params, "setup")
        self._begun.append((name, params))

    async def restore(self) -> None:  # noqa: D102  # as the protocol says
        failures: list[StateChangeError] = []
        while self._begun:
            try:
                await self._ask(*self._begun.pop(), "teardown")
            except StateChangeError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    async def close(self) -> None:  # noqa: D102  # as the protocol says
        await self._client.aclose()

    async def _ask(self, name: str, params: Mapping[str, Any], action: str) -> None:
        asked = f"provider state {name!r}: POST {self._url} ({action})"
        document = {"state": name, "params": params, "action": action}
        try:
            # The client's own limit is for each part of a response, and there may be many.
            async with (
                asyncio.timeout(self._seconds),
                self._client.stream("POST", self._url, json=document) as response,
            ):
                text = (await read(response.aiter_raw())).decode(errors="replace")
        except (httpx.HTTPError, NoResponseError) as error:
            message = f"{asked} failed: {described(error)}"
            raise StateChangeError(name, message, late=isinstance(error, httpx.TimeoutException)) from error
        except TimeoutError as error:
            message = f"{asked} did not complete its response within {self._seconds:g} s"
            raise StateChangeError(name, message, late=True) from error
        if not response.is_success:
            message = f"{asked} answered {response.status_code}{_reason(response, text)}"
            raise StateChangeError(name, message)


def _reason(response: httpx.Response, text: str) -> str:
    """The text of a response in one line; empty for an HTML page, which adds nothing to the status."""
    text = " ".join(text.split())
    return f": {text[:_LONGEST_REASON]}" if text and "html" not in response.headers.get("content-type", "") else ""
