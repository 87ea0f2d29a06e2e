"""All batches of a list, or of several lists, read one after another: what `iter_batches_for_user` returns.

These are objects with the methods of an asynchronous generator, for two reasons. A traceback may show the locals of a
generator's frame. And when a coroutine that waits for the next row is closed instead of cancelled, Python does not end
the generator that it waits for: its request would keep its place among the requests in flight for good.
"""

from abc import abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

from bff_clients.models import Batch, BatchPage

_BUSY: Final = "asynchronous generator is already running"
"""What Python says of a generator whose next value is awaited twice at once."""


class _Reading(AsyncGenerator[Batch, None]):
    """Like a generator, it ends after a failure and cannot be read by two tasks at once."""

    _is_busy = False

    async def asend(self, value: None) -> Batch:
        """Read the next row."""
        del value
        if self._is_busy:
            raise RuntimeError(_BUSY)
        self._is_busy = True
        try:
            return await self._next()
        except BaseException:
            self.end()
            raise
        finally:
            self._is_busy = False

    async def athrow(self, *error: Any) -> NoReturn:
        """End, and raise the error."""
        self.end()
        raise error[0]

    @abstractmethod
    async def _next(self) -> Batch: ...

    @abstractmethod
    def end(self) -> None:
        """Read no more."""


class PagedRows(_Reading):
    """The rows of one list; a batch that moved from one page to the next comes once.

    Args:
        read: Reads the page at an offset.
    """

    def __init__(self, read: Callable[[int], Coroutine[Any, Any, BatchPage]]) -> None:
        self._read = read
        self._rows: deque[Batch] = deque()
        self._seen: set[str] = set()
        self._offset = 0
        self._is_over = False

    async def _next(self) -> Batch:
        if not self._rows and not self._is_over:
            self._add(await self._read(self._offset))
        if not self._rows:
            raise StopAsyncIteration
        return self._rows.popleft()

    def _add(self, page: BatchPage) -> None:
        """Take the new rows of a page; a page without one is the last, whatever its total."""
        self._offset += len(page.batches)
        new = {batch.batch_id: batch for batch in page.batches if batch.batch_id not in self._seen}
        self._rows.extend(new.values())
        self._seen.update(new)
        self._is_over = not self._rows or not page.has_more

    def end(self) -> None:
        """Read no more."""
        self._rows.clear()
        self._is_over = True


class MergedRows(_Reading):
    """All rows of several lists, newest first; a batch that moved from one to another comes once.

    It does not continue without a list that failed.
    """

    def __init__(self, lists: Sequence[PagedRows]) -> None:
        self._heads = [_Head(rows) for rows in lists]
        self._seen: set[str] = set()

    async def _next(self) -> Batch:
        while True:
            for head in self._heads:
                await head.fill()
            heads = [head for head in self._heads if head.row is not None]
            if not heads:
                raise StopAsyncIteration
            newest = max(heads, key=_Head.created_at)
            if newest.is_new(self._seen):
                return newest.take()

    def end(self) -> None:
        """Read no more."""
        self._heads = []


class _Head:
    """The first row of a list that has not been given."""

    def __init__(self, rows: PagedRows) -> None:
        self._rows = rows
        self._is_over = False
        self.row: Batch | None = None

    async def fill(self) -> None:
        """Read the next row, unless one is there."""
        if self.row is None and not self._is_over:
            try:
                self.row = await anext(self._rows)
            except StopAsyncIteration:
                self._is_over = True

    def created_at(self) -> datetime:
        return self._present.created_at

    def is_new(self, seen: set[str]) -> bool:
        """Whether this batch has not been given; one that has is dropped."""
        if self._present.batch_id in seen:
            self.row = None
            return False
        seen.add(self._present.batch_id)
        return True

    def take(self) -> Batch:
        row, self.row = self._present, None
        return row

    @property
    def _present(self) -> Batch:
        if self.row is None:
            message = "there is no row"
            raise LookupError(message)
        return self.row
