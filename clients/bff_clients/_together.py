"""Runs several requests of one call at once: the first failure ends them all and is returned."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar, cast

T = TypeVar("T")


async def together(works: Iterable[Coroutine[Any, Any, T]], *, at_once: int) -> list[T] | Exception:
    """Run all of these, a limited number at a time; the first failure cancels the rest.

    The failure is returned, so that no frame of its traceback holds the results of others.

    Not an `asyncio.TaskGroup`: before Python 3.13 it leaves the caller's task marked as cancelled after a failure, and
    an `asyncio.timeout` around the call then raises `CancelledError` when it expires.
    """
    turns, works = asyncio.Semaphore(at_once), list(works)

    async def in_turn(work: Coroutine[Any, Any, T]) -> T:
        async with turns:
            return await work

    tasks = [asyncio.create_task(in_turn(work)) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        failure = next((error for task in tasks if (error := _failure_of(task)) is not None), None)
        if failure is not None:
            await _ended(tasks)
    except asyncio.CancelledError:
        await _ended(tasks)
        raise
    finally:
        for task, work in zip(tasks, works, strict=True):
            if task.cancel():  # the caller does not wait for it: the process ends
                continue
            work.close()  # a coroutine that was cancelled while it waited has not started
    if failure is None:
        return [task.result() for task in tasks]
    failure = alone(failure)
    if isinstance(failure, Exception):
        return failure
    raise failure


def _failure_of(task: asyncio.Task[Any]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None


async def _ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel what still runs, and wait for its end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def alone(error: BaseException) -> BaseException:
    """The first error of a group, or one of it that ends the process, so that callers get no groups."""
    while isinstance(error, BaseExceptionGroup):
        errors = cast("BaseExceptionGroup[BaseException]", error).exceptions
        error = next((one for one in errors if not isinstance(one, Exception)), errors[0])
    return error
