"""Threads with time limits, which never keep the process from ending."""

import asyncio
import concurrent.futures
import contextlib
import queue
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class LoopThread:
    """An event loop in a thread of its own.

    Attributes:
        held: Whether blocking code holds the loop; it gets no more work then.
        ended: Whether the loop has ended: it was closed, or stopped by something that it ran.
    """

    def __init__(self, name: str) -> None:
        self.held = False
        self._stop = asyncio.Event()
        loops: queue.SimpleQueue[asyncio.AbstractEventLoop] = queue.SimpleQueue()

        def work() -> None:
            # Callers see what ended the loop: `sys.exit` in a task, a stop, a cancel.
            ending = contextlib.suppress(SystemExit, KeyboardInterrupt, RuntimeError, asyncio.CancelledError)
            with ending, asyncio.Runner() as runner:
                loops.put(runner.get_loop())
                runner.run(self._wait())

        self._thread = threading.Thread(target=work, name=name, daemon=True)
        self._thread.start()
        self._loop = loops.get()

    def run(self, work: Coroutine[Any, Any, _T], *, seconds: float) -> _T:
        """Run a coroutine on the loop and return its result.

        Raises:
            TimeoutError: It took longer than `seconds`, something holds the loop, or the loop has ended.
        """
        if self.held or self.ended:
            work.close()
            raise TimeoutError
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError as error:  # it ends just now
            work.close()
            self._thread.join(seconds)
            raise TimeoutError from error
        try:
            return future.result(seconds)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise
        except concurrent.futures.CancelledError as error:
            self._thread.join(seconds)
            raise TimeoutError from error

    @property
    def ended(self) -> bool:  # noqa: D102  # see the attributes
        return not self._thread.is_alive()

    def turns(self, *, seconds: float) -> bool:
        """Whether the loop runs new work within `seconds`; if it does not, it counts as held, unless it has ended."""
        try:
            self.run(asyncio.sleep(0), seconds=seconds)
        except TimeoutError:
            self.held = not self.ended
            return False
        return True

    def close(self, *, seconds: float) -> None:
        """Cancel the tasks that are left, and wait up to `seconds` for the loop to end."""
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(0 if self.held else seconds)

    async def _wait(self) -> None:
        await self._stop.wait()


class CallThread:
    """One thread that calls functions in turn."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[concurrent.futures.Future[Any], Callable[[], Any]] | None] = (
            queue.SimpleQueue()
        )
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def call(self, function: Callable[[], _T]) -> "concurrent.futures.Future[_T]":
        """Call a function in the thread."""
        future: concurrent.futures.Future[_T] = concurrent.futures.Future()
        self._calls.put((future, function))
        return future

    def close(self) -> None:
        """End the thread after the calls that it has accepted."""
        self._calls.put(None)

    def _work(self) -> None:
        while (entry := self._calls.get()) is not None:
            future, function = entry
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except StopIteration as error:  # which a future cannot hold
                    future.set_exception(RuntimeError(f"StopIteration {error}".rstrip()))
                except BaseException as error:  # noqa: BLE001  # the caller's future raises it
                    future.set_exception(error)
