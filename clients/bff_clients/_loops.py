"""What belongs to one event loop: made in the loop that runs, and closed before that loop ends."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class OtherLoopError(Exception):
    """Another event loop, which still runs, uses this client."""

    def __init__(self) -> None:
        super().__init__("another event loop that still runs uses this client; make one client for each loop")


class PerLoop(Generic[T]):
    """One value for the event loop that runs; the next loop gets a new one.

    Two loops that run at the same time, each in its thread, cannot share it: what they would share is not thread-safe.

    Args:
        make: Makes the value.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._entering = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._value: T | None = None

    def get(self) -> T:
        """The value of the loop that runs.

        Raises:
            OtherLoopError: Another loop has it, and still runs.
        """
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._enter(loop)
        return cast("T", self._value)

    def _enter(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._entering:
            if self._loop is not None and self._loop.is_running():
                raise OtherLoopError
            self._value = self._make()
            self._loop = loop


class ResourcePerLoop(Generic[T]):
    """A resource for the event loop that runs, which has to be closed in that loop.

    Args:
        lifetime: Opens the resource, yields it once and closes it. The loop ends it as it ends every asynchronous
            generator (`loop.shutdown_asyncgens`, part of `asyncio.run`), so that no connection outlives its loop.
    """

    def __init__(self, lifetime: Callable[[], AsyncGenerator[T]]) -> None:
        self._lifetime = lifetime
        self._current: _Opened[T] | None = None
        self._opened = PerLoop(self._succeed)
        self._closed = False

    async def get(self) -> T:
        """The resource of the loop that runs.

        Raises:
            OtherLoopError: Another loop has it, and still runs.
            RuntimeError: It was closed.
        """
        if self._closed:
            message = "the transport is closed"
            raise RuntimeError(message)
        opened = self._opened.get()
        if opened.value is None:
            opened.value = await anext(opened.generator)  # which does not suspend
            if opened.before is not None:
                before, opened.before = opened.before, None
                await before.generator.aclose()  # the one of a loop that ended without a word
        return opened.value

    async def aclose(self) -> None:
        """Close the resource, for good."""
        self._closed = True
        if self._current is not None:
            await self._current.generator.aclose()

    def _succeed(self) -> "_Opened[T]":
        self._current = _Opened(self._lifetime(), self._current)
        return self._current


class _Opened(Generic[T]):
    def __init__(self, generator: AsyncGenerator[T], before: "_Opened[T] | None") -> None:
        self.generator = generator
        self.before = before
        self.value: T | None = None
