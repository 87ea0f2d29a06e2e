"""The batches of several internal statuses as one list, newest first: RAS filters by one status at a time.

What a teacher sees as one status (`BatchClientStatus`) is up to four internal ones. RAS has a list for each, sorted by
`created_at`. A merged page needs each list down to the page's last row, and one row beyond it, which shows that no row
of the same moment is missing.
"""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Final

from bff_clients._together import together
from bff_clients.errors import InvalidArgument
from bff_clients.models import MAX_INTEGER, Batch, BatchPage, BatchStatus, Pagination

MAX_DEPTH: Final = 1000
"""The last row that a merged page may have: at most 44 requests, for four statuses and pages of 100 rows."""

_MAX_ROWS: Final = 100
"""The most rows of a request, and the most rows of one moment that are read to complete a page."""


class _List:
    """The rows of one internal status that have been read.

    Args:
        status: The status.
        depth: The rows of the merge that are needed.
    """

    def __init__(self, status: BatchStatus, depth: int) -> None:
        self.status = status
        self.rows: list[Batch] = []
        self.total = 0
        self._has_more = True
        self._depth = depth

    def next_request(self) -> tuple[int, int]:
        """Limit and offset of what to read next."""
        if not self.rows:
            return min(self._depth + 1, _MAX_ROWS), 0
        # RAS gives rows of one moment in any order: a short first page that ends among them is read again as a whole.
        return _MAX_ROWS, 0 if len(self.rows) < _MAX_ROWS else len(self.rows)

    def add(self, page: BatchPage) -> None:
        if page.pagination.offset == 0:
            self.rows.clear()
        self.rows += page.batches
        self.total = page.pagination.total
        # A page that is not full is the last one, even if the total is larger: requesting more would not end.
        self._has_more = page.has_more and len(page.batches) >= page.pagination.limit

    def reaches(self, cut: Batch | None) -> bool:
        """Whether every row before the cut, or of the same moment as the cut, has been read.

        If one moment has more rows than a request returns, they stay in RAS's order, which reading on would not fix.
        """
        if not self._has_more or len(self.rows) >= self._depth + _MAX_ROWS:
            return True
        return cut is not None and bool(self.rows) and self.rows[-1].created_at < cut.created_at


class MergedPage:
    """A page of the merged lists.

    Rows of one `created_at` are ordered by id, so that each row is on one page in whatever order RAS returns them. Rows
    are kept in objects and never in locals, which a traceback may show.

    Args:
        statuses: The internal statuses.
        limit: Rows of the page.
        offset: Rows to leave out before it.

    Raises:
        InvalidArgument: The page reaches too far down.
    """

    def __init__(self, statuses: Sequence[BatchStatus], *, limit: int, offset: int) -> None:
        self._depth = offset + limit
        if self._depth > MAX_DEPTH:
            problem = f"plus limit must be {MAX_DEPTH} at most for a status that is several at RAS, got {self._depth}"
            raise InvalidArgument("offset", problem)
        self._limit, self._offset = limit, offset
        self._lists = [_List(status, self._depth) for status in statuses]
        self._merged: list[Batch] = []

    async def read(
        self, read: Callable[[BatchStatus, int, int], Coroutine[Any, Any, BatchPage]]
    ) -> BatchPage | Exception:
        """Read as much of each list as the page needs; the failure of a request is returned.

        Args:
            read: Reads a page of one status, given limit and offset.
        """
        while due := [one for one in self._lists if not one.reaches(self._cut())]:
            reading = (read(one.status, *one.next_request()) for one in due)
            failure = self._take(due, await together(reading, at_once=len(due)))
            if failure is not None:
                return failure
        return self._page()

    def _cut(self) -> Batch | None:
        """The last row of the page, as far as is known; `None` while there are too few."""
        return self._merged[self._depth - 1] if len(self._merged) >= self._depth else None

    def _take(self, due: Sequence[_List], pages: Sequence[BatchPage] | Exception) -> Exception | None:
        if isinstance(pages, Exception):
            return pages
        for one, page in zip(due, pages, strict=True):
            one.add(page)
        self._merged = _newest_first(row for one in self._lists for row in one.rows)
        return None

    def _page(self) -> BatchPage:
        twice = sum(len({row.batch_id for row in one.rows}) for one in self._lists) - len(self._merged)
        total = sum(one.total for one in self._lists) - twice
        total = min(max(total, len(self._merged)), MAX_INTEGER)  # independent of the backend's totals
        pagination = Pagination(limit=self._limit, offset=self._offset, total=total)
        return BatchPage(batches=tuple(self._merged[self._offset : self._depth]), pagination=pagination)


def _newest_first(rows: Iterable[Batch]) -> list[Batch]:
    """Each batch once, as it was when it was last updated: it may move to another status between two requests."""
    latest: dict[str, Batch] = {}
    for row in rows:
        known = latest.get(row.batch_id)
        if known is None or row.last_updated > known.last_updated:
            latest[row.batch_id] = row
    by_id = sorted(latest.values(), key=lambda row: row.batch_id)
    return sorted(by_id, key=lambda row: row.created_at, reverse=True)
