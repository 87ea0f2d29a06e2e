"""Runs several requests of one call at once: the first failure ends them all and is returned."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar, cast

T = TypeVar("T")


async def together(works: Iterable[Coroutine[Any, Any, T]], *, at_once: int) -> list[T] | Exception:
    """Run all of these, a limited number at a time; the first failure cancels the rest.

    The failure is returned, so that no frame of its traceback holds the results of others.
    """
    turns, works = asyncio.Semaphore(at_once), list(works)

    async def in_turn(work: Coroutine[Any, Any, T]) -> T:
        async with turns:
            return await work

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(in_turn(work)) for work in works]
    except BaseExceptionGroup as failures:
        failure = alone(failures)
    else:
        return [task.result() for task in tasks]
    finally:
        for work in works:
            work.close()  # a coroutine that was cancelled while it waited has not started
    if isinstance(failure, Exception):
        return failure
    raise failure


def alone(error: BaseException) -> BaseException:
    """The first error of a group, or one of it that ends the process, so that callers get no groups."""
    while isinstance(error, BaseExceptionGroup):
        errors = cast("BaseExceptionGroup[BaseException]", error).exceptions
        error = next((one for one in errors if not isinstance(one, Exception)), errors[0])
    return error
