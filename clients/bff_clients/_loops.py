"""Objects that belong to one event loop: made in the running loop, and closed before it ends."""

import asyncio
import inspect
import os
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from types import AsyncGeneratorType
from typing import Final, Generic, TypeVar, cast

T = TypeVar("T")

_LOOK_AGAIN_SECONDS: Final = 0.1
"""How often to look whether a loop that should close a resource still runs."""


class OtherLoopError(Exception):
    """Another running event loop uses this client."""

    def __init__(self) -> None:
        super().__init__("another event loop that still runs uses this client; make one client for each loop")


class _Owner:
    """The loop to which a value belongs, and its process: a fork copies a loop that seems to run, and never does."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._process = os.getpid()

    @property
    def is_running(self) -> bool:
        return self.loop.is_running() and self._process == os.getpid()


class PerLoop(Generic[T]):
    """One value for the running event loop; the next loop gets a new one.

    Two loops that run at the same time, each in its thread, cannot share it, because it is not thread-safe.

    Args:
        make: Makes the value.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._entering = threading.Lock()
        self._current: tuple[_Owner, T] | None = None

    def get(self) -> T:
        """The value of the running loop.

        Raises:
            OtherLoopError: Another running loop uses it.
        """
        loop = asyncio.get_running_loop()
        current = self._current
        return current[1] if current is not None and current[0].loop is loop else self._enter()

    def _enter(self) -> T:
        with self._entering:
            if self._current is not None and self._current[0].is_running:
                raise OtherLoopError
            value = self._make()
            self._current = (_Owner(), value)
            return value


class ResourcePerLoop(Generic[T]):
    """A resource for the running event loop, which has to be closed in that loop.

    The loop closes it as it ends every asynchronous generator (`loop.shutdown_asyncgens`, part of `asyncio.run`), so
    that no connection outlives its loop.

    Args:
        open_: Opens the resource.
        close: Closes it. May be called again during or after a call, because the loop may end while `aclose` runs.
    """

    def __init__(self, open_: Callable[[], T], close: Callable[[T], Awaitable[None]]) -> None:
        self._open = open_
        self._close = close
        self._current: _Opened[T] | None = None
        self._opened = PerLoop(self._succeed)
        self._closed = False

    async def get(self) -> T:
        """The resource of the running loop.

        Raises:
            OtherLoopError: Another running loop uses it.
            RuntimeError: It was closed.
        """
        if self._closed:
            message = "the transport is closed"
            raise RuntimeError(message)
        opened = self._opened.get()
        if opened.value is None:
            opened.value = await anext(opened.generator)  # which does not suspend
            before, opened.before = opened.before, None
            if before is not None and before.owner.loop.is_closed():  # silently; one that only stopped ends its own
                await before.generator.aclose()
        return opened.value

    async def aclose(self) -> None:
        """Close the resource, for good; in the loop that opened it, whichever this is called in."""
        self._closed = True
        opened = self._current
        if opened is None:
            return
        if opened.owner.loop is asyncio.get_running_loop():
            await self._end(opened)
        elif opened.owner.is_running:
            await self._end_there(opened)
        # A loop that does not run closes it when it ends.

    async def _end_there(self, opened: "_Opened[T]") -> None:
        """Close it in its loop, unless that stops first."""
        ending = self._end(opened)
        try:
            ended = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(ending, opened.owner.loop))
            while not ended.done() and opened.owner.is_running:
                await asyncio.wait([ended], timeout=_LOOK_AGAIN_SECONDS)
            if ended.done():
                ended.result()
        except RuntimeError:
            if not opened.owner.loop.is_closed():
                raise
        finally:
            if inspect.getcoroutinestate(ending) == inspect.CORO_CREATED:
                ending.close()

    async def _end(self, opened: "_Opened[T]") -> None:
        if opened.value is not None:
            await self._close(opened.value)
        if not opened.generator.ag_running:  # otherwise the loop is closing it
            await opened.generator.aclose()

    async def _lifetime(self) -> AsyncGenerator[T]:
        resource = self._open()
        try:
            yield resource
        finally:
            await self._close(resource)

    def _succeed(self) -> "_Opened[T]":
        self._current = _Opened(cast("AsyncGeneratorType[T]", self._lifetime()), self._current)
        return self._current


class _Opened(Generic[T]):
    def __init__(self, generator: "AsyncGeneratorType[T]", before: "_Opened[T] | None") -> None:
        self.generator = generator
        self.before = before
        self.owner = _Owner()
        self.value: T | None = None
