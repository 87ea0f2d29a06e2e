"""The batches of several internal statuses as one list, newest first: RAS filters by one status at a time.

What a teacher sees as one status (`BatchClientStatus`) is up to four internal ones. Each has a list of its own at RAS,
sorted by `created_at`. A page of their merge needs no more of each list than reaches down to the page's last row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bff_clients._together import together
from bff_clients.errors import InvalidArgument
from bff_clients.models import Batch, BatchPage, BatchStatus, Pagination

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
    from typing import Any

MAX_DEPTH: Final = 1000
"""How many rows a merged page may reach down to: 40 requests at most, for four statuses and pages of 100 rows."""

_MAX_ROWS: Final = 100


class _List:
    """The rows of one internal status that have been read."""

    def __init__(self, status: BatchStatus) -> None:
        self.status = status
        self.rows: list[Batch] = []
        self.total = 0
        self.has_more = True

    def add(self, page: BatchPage) -> None:
        self.rows += page.batches
        self.total = page.pagination.total
        self.has_more = page.has_more and bool(page.batches)

    def reaches(self, cut: Batch | None) -> bool:
        """Whether no row that has not been read can be in front of the cut, or beside it."""
        if not self.has_more:
            return True
        return cut is not None and bool(self.rows) and self.rows[-1].created_at < cut.created_at


async def merged_page(
    read: Callable[[BatchStatus, int, int], Coroutine[Any, Any, BatchPage]],
    statuses: Sequence[BatchStatus],
    *,
    limit: int,
    offset: int,
) -> BatchPage | Exception:
    """Read a page of the merged lists; the failure of a request is returned.

    Rows of one `created_at` are ordered by id, so that a row is on one page whatever RAS does with it.

    Args:
        read: Reads a page of one status, given limit and offset.
        statuses: The internal statuses.
        limit: Rows of the page.
        offset: Rows to leave out before it.

    Raises:
        InvalidArgument: The page reaches too far down.
    """
    depth = offset + limit
    if depth > MAX_DEPTH:
        message = f"plus limit must be {MAX_DEPTH} at most with a status that is several at RAS, got {depth}"
        raise InvalidArgument("offset", message)
    lists = [_List(status) for status in statuses]
    merged: list[Batch] = []
    while True:
        cut = merged[depth - 1] if len(merged) >= depth else None
        due = [one for one in lists if not one.reaches(cut)]
        if not due:
            break
        pages = await together(
            (read(one.status, min(depth, _MAX_ROWS), len(one.rows)) for one in due), at_once=len(statuses)
        )
        if isinstance(pages, Exception):
            return pages
        for one, page in zip(due, pages, strict=True):
            one.add(page)
        merged = _newest_first(row for one in lists for row in one.rows)
    twice = sum(len(one.rows) for one in lists) - len(merged)
    pagination = Pagination(limit=limit, offset=offset, total=sum(one.total for one in lists) - twice)
    return BatchPage(batches=tuple(merged[offset:depth]), pagination=pagination)


async def merged_rows(lists: Sequence[AsyncIterator[Batch]]) -> AsyncIterator[Batch]:
    """All rows of several lists, newest first; a batch that moved from one to another comes once."""
    heads = [(await _next(rows), rows) for rows in lists]
    seen: set[str] = set()
    while present := [(head, rows) for head, rows in heads if head is not None]:
        newest, source = max(present, key=lambda one: one[0].created_at)
        if newest.batch_id not in seen:
            seen.add(newest.batch_id)
            yield newest
        heads = [(await _next(rows) if rows is source else head, rows) for head, rows in heads]


async def _next(rows: AsyncIterator[Batch]) -> Batch | None:
    return await anext(rows, None)


def _newest_first(rows: Iterable[Batch]) -> list[Batch]:
    """Each batch once, as it was when it was last updated: it may move to another status between two requests."""
    latest: dict[str, Batch] = {}
    for row in rows:
        known = latest.get(row.batch_id)
        if known is None or row.last_updated > known.last_updated:
            latest[row.batch_id] = row
    by_id = sorted(latest.values(), key=lambda row: row.batch_id)
    return sorted(by_id, key=lambda row: row.created_at, reverse=True)
